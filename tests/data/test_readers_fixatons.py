"""FixaTons' layout and folders of images: synthetic faults and the real MIT1003 part."""

import cv2
import numpy as np
import pytest
from PIL import Image

from spgen_lit.data.images import read_image
from spgen_lit.data.readers.folder import Folder
from spgen_lit.data.readers.mit1003 import FixaTons, Mit1003FixaTons
from spgen_lit.data.readers.osie import Osie


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
    gaze = FixaTons(small).read()
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
        ("1 2 3\n", "line 1: needs numbers x y t_start t_end .*, found '1 2 3'"),
        ("1 2 0 1\nx y 1 2\n", "line 2: needs numbers x y t_start t_end .*, found 'x y 1 2'"),
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
    with pytest.raises(ValueError, match=r"SCANPATHS.b: image missing: no file b in"):
        FixaTons(small).read()


def test_missing_folders_say_what_was_looked_for_and_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"STIMULI.*FixaTons"):
        Mit1003FixaTons(tmp_path).read()
    with pytest.raises(FileNotFoundError, match="image not found"):
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
    (tmp_path / "z.png").write_text("no")
    with pytest.raises(ValueError, match=r"z\.png: the contents are not an image"):
        Folder(tmp_path).read()
    _, problems = Folder(tmp_path).survey()
    assert len(problems) == 1


def test_real_paintings(data_dir):
    assert len(Folder(data_dir / "paintings").read().stimuli) == 219


def test_real_mit1003_counts_and_orientation(data_dir):
    gaze = Mit1003FixaTons(data_dir / "mit1003").read()
    assert len(gaze.stimuli) == 797
    assert len(gaze.scanpaths) == 797 * 15
    assert {p.observer for p in gaze.scanpaths} >= {"CNG", "ajs", "zb"}
    xy = np.concatenate([p.xy for p in gaze.scanpaths])
    off = ((xy < 0) | (xy > 1)).any(axis=1).mean()
    assert 0 < off < 0.01
    for path in gaze.scanpaths[::150]:
        height, width = read_image(gaze.stimuli[path.image].path).shape[:2]
        assert path.size == (width, height)


def test_mit1003_without_the_fixation_that_began_before_the_image(tmp_path):
    (tmp_path / "STIMULI").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "STIMULI" / "p.jpeg")
    (tmp_path / "SCANPATHS" / "p").mkdir(parents=True)
    (tmp_path / "SCANPATHS" / "p" / "abe").write_text("20 15 0 .2\n4 3 .25 .5\n36 27 .6 1\n")
    (tmp_path / "SCANPATHS" / "p" / "eve").write_text("20 15 0 .2\n")
    kept = Mit1003FixaTons(tmp_path).read()
    left = Mit1003FixaTons(tmp_path, first=False).read()
    assert [len(path) for path in kept.scanpaths] == [3, 1]
    (path,) = left.scanpaths
    assert np.allclose(path.pixels, [[4, 3], [36, 27]])
    assert np.allclose(path.durations, [0.25, 0.4])
    assert (kept.notes, left.notes) == (("first fixation kept",), ("first fixation left out",))


def test_fixations_lie_on_the_marks_of_the_picture(tmp_path):
    """Marks drawn at px (x, y) of an upright picture are found under the read fixations."""
    marks = {(12, 50): (255, 0, 0), (170, 20): (0, 255, 0), (90, 100): (0, 0, 255)}
    picture = np.full((120, 200, 3), 128, np.uint8)
    for (x, y), colour in marks.items():
        picture[y - 4 : y + 5, x - 4 : x + 5] = colour
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side, shown upright
    (tmp_path / "STIMULI").mkdir()
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(picture)))
    lying.save(tmp_path / "STIMULI" / "p.jpg", quality=98, subsampling=0, exif=exif.tobytes())
    (tmp_path / "SCANPATHS" / "p").mkdir(parents=True)
    rows = "".join(f"{x} {y} {n} {n + 0.5}\n" for n, (x, y) in enumerate(marks))
    (tmp_path / "SCANPATHS" / "p" / "abe").write_text(rows)
    gaze = FixaTons(tmp_path).read()
    (path,) = gaze.scanpaths
    shown = read_image(gaze.stimuli["p.jpg"].path).astype(int)
    assert path.size == (200, 120)
    for (x, y), colour in zip(path.pixels, marks.values(), strict=True):
        assert np.abs(shown[round(y), round(x)] - colour).max() < 30


def spectral_residual(rgb):
    """Saliency ``(64, 64)`` of an image (Hou & Zhang 2007), mean 0 and deviation 1."""
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (64, 64)).astype(np.float32)
    spectrum = np.fft.fft2(grey)
    log = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = log - cv2.blur(log, (3, 3))
    map_ = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    map_ = cv2.GaussianBlur(map_, (0, 0), 3)
    return (map_ - map_.mean()) / map_.std()


def nss(map_, xy):
    inside = xy[((xy >= 0) & (xy < 1)).all(axis=1)]
    column, row = (inside * 64).astype(int).T
    return map_[row, column].mean()


@pytest.mark.parametrize("reader", [Mit1003FixaTons, Osie])
def test_real_sets_are_the_right_way_up(data_dir, reader):
    """Gaze agrees with other people's, and with the picture, better than when mirrored."""
    gaze = reader(data_dir / {Osie: "osie"}.get(reader, "mit1003")).read()
    scores = {"picture": [], "people": []}
    for image, paths in list(gaze.by_image().items())[::3]:
        one = np.concatenate([path.xy for path in paths[::2]])
        other = np.concatenate([path.xy for path in paths[1::2]])
        density, *_ = np.histogram2d(one[:, 1], one[:, 0], 64, [[0, 1], [0, 1]])
        density = cv2.GaussianBlur(density, (0, 0), 3)
        density = (density - density.mean()) / density.std()
        rgb = read_image(gaze.stimuli[image].path, size=(64, 64))
        turned = (other, other * (-1, 1) + (1, 0), other * (1, -1) + (0, 1), other[:, ::-1])
        for name, map_ in (("picture", spectral_residual(rgb)), ("people", density)):
            scores[name].append([nss(map_, xy) for xy in turned])
    for name, margin in (("people", 0.8), ("picture", 0.2)):
        right, *wrong = np.mean(scores[name], axis=0)
        assert right > max(wrong) + margin, (name, right, wrong)
