"""AVAtt and DAEMONS: small files in their published formats."""

import io

import numpy as np
import pytest
from PIL import Image
from tests.data.exporters import rows

from spgen_lit.data.readers.avatt import Avatt
from spgen_lit.data.readers.daemons import Daemons

pyarrow = pytest.importorskip("pyarrow")


def painting(name, box, movement, duplicate=None, whole=False):
    """A row of AVAtt: three observers on a canvas of 1600x900."""
    canvas = np.full((900, 1600, 3), 128, np.uint8)
    x0, y0, x1, y1 = box
    canvas[y0:y1, x0:x1] = (200, 30, 30)
    picture = io.BytesIO()
    shown = Image.fromarray(canvas)
    (shown.crop(box) if whole else shown).save(picture, "PNG")
    rng = np.random.default_rng(len(name))
    paths = [
        {"observer": f"o{n}", "x": rng.uniform(x0, x1, 5 + n), "y": rng.uniform(y0, y1, 5 + n)}
        for n in range(3)
    ]
    paths[0]["x"][2] = x0 - 10
    return {
        "image_id": name,
        "title": name,
        "artist": "A. Painter",
        "year": 1888,
        "movement": movement,
        "movement_group": "modern",
        "genre": "landscape",
        "medium": "oil",
        "exposure_s": 5.5 + len(movement),
        "n_observers": 3,
        **dict(zip(("painting_x0", "painting_y0", "painting_x1", "painting_y1"), box, strict=True)),
        "duplicate_of": duplicate,
        "image": {"bytes": picture.getvalue(), "path": f"{name}.png"},
        "fixation_map": {"bytes": b"", "path": "f.png"},
        "scanpaths": [{k: v if k == "observer" else list(v) for k, v in p.items()} for p in paths],
    }


def parquet(folder, content):
    import pyarrow.parquet

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "train-00000-of-00001.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(content), file)
    return file


ROWS = [
    painting("a/1", (400, 50, 1200, 850), "Cubism"),
    painting("b", (100, 100, 1500, 800), "Realism", whole=True),
    painting("b-again", (100, 100, 1500, 800), "Realism", duplicate="b"),
]


def test_avatt_is_cut_to_the_painting_and_carries_its_movement(tmp_path):
    parquet(tmp_path / "data", ROWS)
    gaze = Avatt(tmp_path, duplicates=False).read()
    assert list(gaze.stimuli) == ["a/1", "b"]
    assert [s.size for s in gaze.stimuli.values()] == [(800, 800), (1400, 700)]
    assert Image.open(gaze.stimuli["a/1"].path).getpixel((0, 0)) == (200, 30, 30)
    assert gaze.stimuli["a/1"].attributes["movement"] == "Cubism"
    assert gaze.stimuli["b"].attributes["artist"] == "A. Painter"
    path = gaze.by_image()["a/1"][0]
    written = ROWS[0]["scanpaths"][0]
    np.testing.assert_allclose(path.pixels[:, 0] + 400, written["x"])
    np.testing.assert_allclose(path.pixels[:, 1] + 50, written["y"])
    assert path.xy[2, 0] < 0
    assert (path.viewing.seconds, path.viewing.task) == (11.5, "free")
    assert len(Avatt(tmp_path).read().stimuli) == 3


def test_a_datasets_folder_says_the_same(tmp_path):
    folder = tmp_path / "train"
    folder.mkdir()
    table = pyarrow.Table.from_pylist(ROWS)
    sink = pyarrow.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb")
    with sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert len(Avatt(tmp_path).read().scanpaths) == 9


def test_a_painting_off_the_canvas_is_named(tmp_path):
    file = parquet(tmp_path, [ROWS[0] | {"painting_x1": 1700}])
    with pytest.raises(ValueError, match=r"painting a/1: .*leaves the canvas"):
        Avatt(tmp_path).read()
    file.write_bytes(b"no parquet")
    with pytest.raises(ValueError, match="not a readable parquet file"):
        Avatt(tmp_path).read()
    file.unlink()
    with pytest.raises(FileNotFoundError, match="huggingface-cli download Amine-CV/AVAtt"):
        Avatt(tmp_path).read()


def test_daemons_is_turned_upright_from_degrees(tmp_path):
    for number in range(3):
        path = tmp_path / "flickr_corpus" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (1920, 1080)).save(path)
    header = ("Start", "End", "x", "y", "fixdur", "blinkFix", "forced_fix", "Img", "VP", "trial")
    trial = [
        ("NA", "NA", 16, 9, 180, "FALSE", 1),
        (200, 240, 8, 13.5, 250, "FALSE", 0),
        (500, 540, 24, 4.5, 300, "FALSE", 0),
        (860, "NA", "NA", "NA", "NA", "NA", 0),
    ]
    for split, image in (("train", "0.jpg"), ("val", "1.jpg")):
        content = [(*row, image, 7, 3) for row in trial]
        rows(tmp_path / "eye_movement" / f"SAC_{split}.csv", header, content, ",")
    gaze = Daemons(tmp_path).read()
    assert gaze.splits == {"train": ("0.jpg",), "val": ("1.jpg",)}
    path = gaze.scanpaths[0]
    np.testing.assert_allclose(path.xy, [[0.25, 0.25], [0.75, 0.75]])
    np.testing.assert_allclose(path.durations, [0.25, 0.3])
    assert (path.viewing.px_per_degree, path.viewing.first_fixation) == (60, "free")
    kept = Daemons(tmp_path, first=True).read().scanpaths[0]
    assert (len(kept), kept.viewing.first_fixation) == (3, "given")
    Image.new("L", (1080, 1920)).save(tmp_path / "flickr_corpus" / "0.jpg")
    with pytest.raises(ValueError, match="remove its EXIF orientation"):
        Daemons(tmp_path).read()
