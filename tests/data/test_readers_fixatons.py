"""FixaTons' layout and folders of images: synthetic faults and the real MIT1003 part."""

import numpy as np
import pytest
from PIL import Image

from spgen_lit.data.images import read_image
from spgen_lit.data.readers.fixatons import FixaTons
from spgen_lit.data.readers.folder import Folder
from spgen_lit.data.readers.mit1003 import Mit1003FixaTons


@pytest.fixture
def small(tmp_path):
    (tmp_path / "STIMULI").mkdir()
    for name, size in (("b.jpeg", (40, 30)), ("a.jpeg", (20, 60))):
        Image.new("RGB", size).save(tmp_path / "STIMULI" / name)
    for image, observer, rows in [
        ("a", "zoe", "10 15 0.0 0.25\n30 -6 0.3 0.5\n"),
        ("a", "abe", "5 6 0.1 0.2 \n"),
        ("b", "abe", ""),
    ]:
        file = tmp_path / "SCANPATHS" / image / observer
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rows)
    return tmp_path


def test_rows_become_relative_places_and_durations(small):
    gaze = FixaTons(small, name="small").read()
    assert list(gaze.stimuli) == ["a.jpeg", "b.jpeg"]
    assert gaze.gaze == "eye"
    assert [(p.image, p.observer) for p in gaze.scanpaths] == [
        ("a.jpeg", "abe"),
        ("a.jpeg", "zoe"),
        ("b.jpeg", "abe"),
    ]
    path = gaze.scanpaths[1]
    assert path.size == (20, 60)
    np.testing.assert_allclose(path.xy, [[0.5, 0.25], [1.5, -0.1]])  # off the image: kept
    np.testing.assert_allclose(path.durations, [0.25, 0.2])
    assert len(gaze.scanpaths[2]) == 0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1 2 3\n", r"line 1: 3 values.*x y t_start t_end"),
        ("1 2 0 1\nx y 1 2\n", "line 2: not a row of numbers"),
        ("1 2 2.0 1.0\n", "line 1: t_end 1.0 lies before t_start"),
        ("nan 2 0 1\n", "fixation 0 is not finite"),
    ],
)
def test_bad_rows_are_named_by_file_and_line(small, rows, said):
    (small / "SCANPATHS" / "b" / "abe").write_text(rows)
    with pytest.raises(ValueError, match=said) as caught:
        FixaTons(small).read()
    assert "abe" in str(caught.value)
    gaze, problems = FixaTons(small).survey()
    assert len(gaze.scanpaths) == 2
    assert [problem.where for problem in problems] == [str(small / "SCANPATHS" / "b" / "abe")]


def test_a_missing_image_is_named(small):
    (small / "STIMULI" / "b.jpeg").unlink()
    with pytest.raises(ValueError, match=r"SCANPATHS.b: image missing: no file b\.\*"):
        FixaTons(small).read()


def test_missing_folders_say_what_was_looked_for_and_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"STIMULI.*FixaTons"):
        Mit1003FixaTons(tmp_path).read()
    with pytest.raises(FileNotFoundError, match="no image"):
        Folder(tmp_path).read()
    with pytest.raises(FileNotFoundError, match="looked for"):
        Folder(tmp_path / "none").read()


def test_folder_gives_images_of_any_size_without_gaze(tmp_path):
    for name, size in (("x.png", (7, 9)), ("deep/er/x.png", (3, 2))):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(tmp_path / name)
    gaze = Folder(tmp_path).read()
    assert {i: s.size for i, s in gaze.stimuli.items()} == {
        "deep/er/x.png": (3, 2),
        "x.png": (7, 9),
    }
    assert gaze.scanpaths == []
    assert gaze.gaze == "none"
    assert gaze.name == tmp_path.name
    assert list(Folder(tmp_path, recursive=False).read().stimuli) == ["x.png"]
    (tmp_path / "z.png").write_text("no")
    with pytest.raises(ValueError, match=r"z\.png: the contents are not an image"):
        Folder(tmp_path).read()
    _, problems = Folder(tmp_path).survey()
    assert len(problems) == 1


def test_real_paintings(data_dir):
    assert len(Folder(data_dir / "paintings").read().stimuli) == 219


def test_real_mit1003_counts_and_orientation(data_dir):
    gaze = Mit1003FixaTons(data_dir / "mit1003").read()
    assert len(gaze.stimuli) == 251
    assert len(gaze.scanpaths) == 251 * 15
    assert {p.observer for p in gaze.scanpaths} >= {"CNG", "ajs", "zb"}
    xy = np.concatenate([p.xy for p in gaze.scanpaths])
    off = ((xy < 0) | (xy > 1)).any(axis=1).mean()
    assert 0 < off < 0.01
    for path in gaze.scanpaths[::150]:
        height, width = read_image(gaze.stimuli[path.image].path).shape[:2]
        assert path.size == (width, height)
