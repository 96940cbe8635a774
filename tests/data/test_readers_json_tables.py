"""COCO-FreeView, COCO-Search18, own tables, AVAtt, Le Meur, pysaliency: small files of each."""

import json
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from spgen_lit.data.readers.base import FileReader, Problems
from spgen_lit.data.readers.coco import CocoFreeView, CocoJson, CocoSearch18
from spgen_lit.data.readers.folder import LeMeurPaintings
from spgen_lit.data.readers.pysaliency import Pysaliency
from spgen_lit.data.readers.table import Table
from spgen_lit.data.records import GazeSet


def picture(path, size, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value,) * 3).save(path)
    return path


def freeview(root, **changes):
    trial = {
        "name": "000000001.jpg",
        "subject": 2,
        "task": "none",
        "condition": "freeview",
        "X": [840.0, 420.0],
        "Y": [525.0, 0.0],
        "T": [250, 100],
        "length": 2,
        "split": "valid",
    }
    (root / "COCOFreeView_fixations_trainval.json").write_text(json.dumps([trial | changes]))


def test_coco_freeview_on_images_of_the_screens_aspect(tmp_path):
    picture(tmp_path / "images" / "000000001.jpg", (512, 320))
    freeview(tmp_path)
    gaze = CocoFreeView(tmp_path).read()
    (path,) = gaze.scanpaths
    assert path.observer == "02"
    np.testing.assert_allclose(path.xy, [[0.5, 0.5], [0.25, 0]])
    np.testing.assert_allclose(path.durations, [0.25, 0.1])
    assert gaze.splits == {"val": ("000000001.jpg",)}
    small = CocoFreeView(tmp_path, screen=(512, 320))
    freeview(tmp_path, X=[256, 128], Y=[160, 0])
    np.testing.assert_allclose(small.read().scanpaths[0].xy, [[0.5, 0.5], [0.25, 0]])


def test_coco_freeview_on_the_original_photograph_takes_off_the_bars(tmp_path):
    picture(tmp_path / "000000001.jpg", (600, 600))  # fitted to 1050x1050 at x = 315
    freeview(tmp_path, X=[315, 840, 0], Y=[0, 525, 0], T=[1, 1, 1], length=3)
    (path,) = CocoFreeView(tmp_path).read().scanpaths
    np.testing.assert_allclose(path.xy, [[0, 0], [0.5, 0.5], [-0.3, 0]], atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"T": [1]}, r"subject 2\): fields must be equally long.*'T': 1"),
        ({"X": None}, "lists of numbers|equally long"),
        ({"X": ["a", 1]}, "lists of numbers"),
        ({"length": 5}, "'length': 5"),
        ({"name": "other.jpg"}, "image missing: no file other.jpg"),
        ({"split": "dev"}, "split must be one of"),
        ({"name": ""}, "needs an object with the field name"),
    ],
)
def test_bad_trials_are_named(tmp_path, changes, said):
    picture(tmp_path / "000000001.jpg", (512, 320))
    freeview(tmp_path, **changes)
    with pytest.raises(ValueError, match=said) as caught:
        CocoFreeView(tmp_path).read()
    assert "trial 0" in str(caught.value)
    gaze, problems = CocoFreeView(tmp_path).survey()
    assert len(problems) == 1
    assert gaze.scanpaths == []


def test_coco_search18_keeps_targets_apart(tmp_path):
    for target in ("bottle", "car"):
        picture(tmp_path / "images" / target / "000000001.jpg", (1680, 1050))
    base = {"name": "000000001.jpg", "X": [1.0], "Y": [2.0], "T": [3], "split": "train"}
    trials = [
        base | {"subject": 1, "task": "bottle", "condition": "present", "correct": 1},
        base | {"subject": 1, "task": "car", "condition": "absent", "correct": 1},
        base | {"subject": 2, "task": "car", "condition": "present", "correct": 0},
    ]
    (tmp_path / "a.json").write_text(json.dumps(trials))
    gaze = CocoSearch18(tmp_path).read()
    assert [p.image for p in gaze.scanpaths] == ["bottle/000000001.jpg", "car/000000001.jpg"]
    assert gaze.stimuli["car/000000001.jpg"].path.parent.name == "car"
    assert len(CocoSearch18(tmp_path, correct=False).read().scanpaths) == 3
    assert len(CocoSearch18(tmp_path, condition="absent").read().scanpaths) == 1
    with pytest.raises(FileNotFoundError, match=r"sites\.google\.com/view/cocosearch"):
        CocoSearch18(tmp_path / "images").read()


ROWS = [
    {"picture": "a", "who": "p1", "n": 2, "px": 50.0, "py": 10.0, "ms": 200},
    {"picture": "a", "who": "p1", "n": 1, "px": 0.0, "py": 20.0, "ms": 100},
    {"picture": "b.png", "who": "p2", "n": 1, "px": 25.0, "py": 5.0, "ms": 300},
]
NAMED = {"image": "picture", "observer": "who", "order": "n", "x": "px", "y": "py"}
TIMED = {"duration": "ms", "time": "ms"}


@pytest.fixture
def images(tmp_path):
    picture(tmp_path / "images" / "a.png", (100, 40))
    picture(tmp_path / "images" / "b.png", (50, 20))
    return tmp_path


def write(path, rows):
    columns = list(rows[0])
    if path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix == ".parquet":
        pandas = pytest.importorskip("pandas")
        pandas.DataFrame(rows).to_parquet(path)
    else:
        mark = {".csv": ",", ".tsv": "\t", ".txt": ";"}[path.suffix]
        lines = [mark.join(columns)] + [mark.join(str(row[c]) for c in columns) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "txt", "json", "parquet"])
def test_tables_of_every_kind_say_the_same(images, kind):
    table = write(images / f"mine.{kind}", ROWS)
    gaze = Table(table, "px", size="image", images="images", **NAMED, **TIMED).read()
    assert [(p.image, p.observer) for p in gaze.scanpaths] == [("a", "p1"), ("b.png", "p2")]
    np.testing.assert_allclose(gaze.scanpaths[0].xy, [[0, 0.5], [0.5, 0.25]])
    np.testing.assert_allclose(gaze.scanpaths[0].durations, [0.1, 0.2])
    assert gaze.scanpaths[1].size == (50, 20)


def test_table_frames_and_units(images):
    table = write(images / "mine.csv", ROWS)
    fixed = Table(table, "px", size=(200, 80), images="images", **NAMED).read().scanpaths[0]
    np.testing.assert_allclose(fixed.xy, [[0, 0.25], [0.25, 0.125]])
    assert fixed.durations is None
    relative = [row | {"px": row["px"] / 100, "py": row["py"] / 100} for row in ROWS]
    table = write(images / "relative.csv", relative)
    path = Table(images, "relative", file="relative.csv", images="images", **NAMED).read()
    np.testing.assert_allclose(path.scanpaths[0].xy, [[0, 0.2], [0.5, 0.1]])


def test_undeclared_units_are_refused(images):
    write(images / "mine.csv", ROWS)
    with pytest.raises(ValueError, match="px need the size"):
        Table(images / "mine.csv", "px").read()
    with pytest.raises(ValueError, match="units must be px or relative"):
        Table(images / "mine.csv", "pixels").read()
    with pytest.raises(ValueError, match="time must be ms or s"):
        Table(images / "mine.csv", "relative", duration="ms").read()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"px": "x"}, r"row 3 .*observer p1\): column px needs a number, found 'x'"),
        ({"ms": ""}, "1 of 2 fixations have a duration"),
        ({"ms": -5}, "at least 0 s"),
        ({"picture": "zz"}, "image zz, observer p1.*image missing"),
    ],
)
def test_bad_rows_are_named(images, change, said):
    table = write(images / "mine.csv", [ROWS[0], ROWS[1] | change, ROWS[2]])
    reader = Table(table, "px", size="image", images="images", **(NAMED | {"order": None}), **TIMED)
    with pytest.raises(ValueError, match=said):
        reader.read()
    assert len(reader.survey()[1]) == 1


def test_missing_columns_are_named_with_those_there(images):
    table = write(images / "mine.csv", ROWS)
    with pytest.raises(ValueError, match=r"no column image, observer, x, y; it has picture, who"):
        Table(table, "px", size="image").read()
    with pytest.raises(FileNotFoundError, match="set `file`"):
        Table(images, "relative").read()


def test_lemeur_has_maps_and_no_scanpaths(tmp_path):
    picture(tmp_path / "stimuli" / "Fauvism_01.png", (30, 20))
    marks = np.zeros((20, 30), np.uint8)
    marks[5, 7] = marks[12, 29] = 255
    (tmp_path / "fixation_maps").mkdir()
    Image.fromarray(marks).save(tmp_path / "fixation_maps" / "Fauvism_01_fix.png")
    reader = LeMeurPaintings(tmp_path)
    gaze = reader.read()
    assert gaze.scanpaths == []
    assert gaze.gaze == "none"
    assert "no scanpaths" in gaze.notes[0]
    assert np.argwhere(reader.fixation_map("Fauvism_01.png")).tolist() == [[5, 7], [12, 29]]
    picture(tmp_path / "stimuli" / "Fauvism_02.png", (30, 20))
    with pytest.raises(ValueError, match="needs one fixation map named Fauvism_02"):
        reader.read()


def stimuli_file(root, version="2.1"):
    picture(root / "Stimuli" / "a.png", (100, 50))
    picture(root / "Stimuli" / "b.png", (10, 20))
    with h5py.File(root / "stimuli.hdf5", "w") as file:
        file.attrs["type"] = np.bytes_("FileStimuli")
        file.attrs["version"] = np.bytes_(version)
        names = ["Stimuli/a.png", "Stimuli/b.png"]
        file.create_dataset("filenames", data=names, dtype=h5py.string_dtype())


XS = np.array([[50.0, 0, np.nan], [5, 5, 10]])
YS = np.array([[25.0, 50, np.nan], [0, 10, 20]])
SECONDS = np.array([[0.1, 0.2, np.nan], [0.3, 0.4, 0.5]])


@pytest.mark.parametrize("kind", ["ScanpathFixations", "Scanpaths", "1.0", "1.2", "1.3"])
def test_pysaliency_files_of_every_age(tmp_path, kind):
    stimuli_file(tmp_path)
    with h5py.File(tmp_path / "fixations.hdf5", "w") as file:
        trains = kind[0] == "1"
        file.attrs["type"] = np.bytes_("FixationTrains" if trains else kind)
        file.attrs["version"] = np.bytes_(kind if trains else "1.0")
        group = file.create_group("scanpaths") if kind == "ScanpathFixations" else file
        prefix = "train_" if trains else ""
        for name, values in (("xs", XS), ("ys", YS), ("ts", np.cumsum(SECONDS, 1))):
            group[prefix + name] = values
        group["train_ns" if trains else "n"] = [0, 1]
        if trains:
            group["train_subjects"] = [3, 11]
            if kind > "1.1":
                group["scanpath_fixation_attributes/durations"] = SECONDS
            if kind > "1.2":
                group["train_lengths"] = [2, 3]
        else:
            group["lengths" if kind == "Scanpaths" else "length"] = [2, 3]
            group["scanpath_attributes/subject"] = [3, 11]
            group["fixation_attributes/durations"] = SECONDS
    gaze = Pysaliency(tmp_path).read()
    assert [(p.image, p.observer) for p in gaze.scanpaths] == [("a.png", "03"), ("b.png", "11")]
    np.testing.assert_allclose(gaze.scanpaths[0].xy, [[0.5, 0.5], [0, 1]])
    if kind == "1.0":
        assert gaze.scanpaths[1].durations is None
    else:
        np.testing.assert_allclose(gaze.scanpaths[1].durations, [0.3, 0.4, 0.5])


def test_pysaliency_files_of_another_kind_are_refused(tmp_path):
    stimuli_file(tmp_path)
    with h5py.File(tmp_path / "fixations.hdf5", "w") as file:
        file.attrs["type"], file.attrs["version"] = np.bytes_("Fixations"), np.bytes_("1.2")
    with pytest.raises(ValueError, match=r"holds Fixations 1\.2; ScanpathFixations"):
        Pysaliency(tmp_path).read()
    (tmp_path / "fixations.hdf5").write_text("no")
    with pytest.raises(ValueError, match="not a readable pysaliency file"):
        Pysaliency(tmp_path).read()
    (tmp_path / "Stimuli" / "b.png").unlink()
    with pytest.raises(ValueError, match="image missing: no file"):
        Pysaliency(tmp_path).read()
    with pytest.raises(FileNotFoundError, match="pysaliency's stimuli not found"):
        Pysaliency(tmp_path / "x").read()


@pytest.mark.parametrize(
    "content",
    [
        '[{"image":"a","observer":1,"x":0.1,"y":0.1},{"image":"a","x":0.2,"y":0.2}]',
        '[{"image":null,"observer":[],"x":{},"y":1e999}]',
        '[1, "a"]',
    ],
)
def test_rows_of_another_form_are_the_documented_error(tmp_path: Path, content: str) -> None:
    file = tmp_path / "fix.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"fix\.json") as caught:
        Table(file, "relative").read()
    assert "\n" not in str(caught.value)
    with suppress(ValueError):
        Table(file, "relative").survey()


def test_a_row_with_more_cells_than_the_header_is_the_documented_error(tmp_path: Path) -> None:
    table = tmp_path / "fix.csv"
    for rows in ("i,1,2\ni,1,2,3\n", "i,1,2,3\ni,1,2,3\n"):
        table.write_text("image,x,y\n" + rows)
        with pytest.raises(ValueError, match=r"fix\.csv: not readable as a table") as caught:
            Table(table, "relative", observer="none").read()
        assert "\n" not in str(caught.value)


def test_what_a_library_raises_for_bad_content_is_the_documented_error(tmp_path: Path) -> None:
    class Odd(FileReader):
        def _read(self, root: Path, problems: Problems) -> GazeSet:
            raise self.error

    for error in (
        KeyError("x"),
        OSError("bad object header"),
        UnicodeEncodeError("a", "b", 0, 1, "c"),
    ):
        Odd.error = error
        with pytest.raises(ValueError, match="odd: not as Odd files are written"):
            Odd(tmp_path / "odd").read()
    Odd.error = PermissionError(13, "denied")
    with pytest.raises(PermissionError):
        Odd(tmp_path / "odd").survey()


@pytest.mark.parametrize(
    "change",
    [
        {"splits": {"train": [["i"]]}},
        {"splits": [1]},
        {"images": [{"id": "i", "file": "i.jpg", "width": [64], "height": 48}]},
        {"images": [{"id": "i", "file": "i.jpg", "width": 10**400, "height": 48}]},
        {"images": [{"id": "i", "file": "9" * 5000, "width": 64, "height": 48}]},
        {"name": {}},
    ],
)
def test_a_set_file_of_another_form_is_the_documented_error(tmp_path: Path, change: dict) -> None:
    image = {"id": "i", "file": "i.jpg", "width": 64, "height": 48}
    Image.new("RGB", (64, 48)).save(tmp_path / "i.jpg")
    (tmp_path / "set.json").write_text(json.dumps({"name": "x", "images": [image], **change}))
    (tmp_path / "scanpaths.json").write_text("[]")
    with pytest.raises(ValueError, match=r"set\.json: .*(as set|must be|too large|Exceeds|ids)"):
        CocoJson(tmp_path).read()


def test_an_image_in_two_splits_is_named_and_counts_as_tested_on(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "i.jpg")
    given = {"name": "i.jpg", "X": [1, 2], "Y": [3, 4], "width": 64, "height": 48}
    trials = [given | {"subject": n, "split": s} for n, s in enumerate(["train", "test"])]
    (tmp_path / "scanpaths.json").write_text(json.dumps(trials))
    with pytest.raises(
        ValueError, match=r"trial 1 .*image i\.jpg is in both splits train and test"
    ):
        CocoJson(tmp_path).read()
    gaze, problems = CocoJson(tmp_path).survey()
    assert gaze.splits == {"test": ("i.jpg",)}
    assert len(gaze.scanpaths) == 2
    assert len(problems) == 1


def test_a_path_of_no_fixation_was_shown_as_the_others(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    rows = ["image,observer,x,y", "a.png,1,100,200", "a.png,1,120,20", "a.png,2,,"]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    gaze = Table(tmp_path / "t.csv", "px", size=(640, 480), px_per_degree=30.0).read()
    assert [path.viewing.px_per_degree for path in gaze.scanpaths] == [3.0, 3.0]
