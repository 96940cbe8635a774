"""OSIE's layout: a small file written by the test, its faults, and the real set."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image
from scipy.ndimage import gaussian_filter

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.images import read_image
from spgen_lit.data.readers.osie import Osie
from spgen_lit.metrics.scanmatch import scanmatch

TRIALS = {
    "1001.jpg": [([10.5, 40], [15, 30], [250, 100]), ([70], [-3], [333])],
    "1009.jpg": [([20, 1, 2], [0, 60, 5], [100, 200, 300]), ([], [], [])],
}


def write(root: Path, trials=TRIALS, variable="fixations", sizes=(80, 60)) -> Path:
    (root / "data" / "stimuli").mkdir(parents=True)
    (root / "data" / "eye").mkdir()
    cell = np.empty((len(trials), 1), object)
    for row, (name, subjects) in enumerate(trials.items()):
        Image.new("RGB", sizes, (90, 120, 60)).save(root / "data" / "stimuli" / name)
        people = np.empty((len(subjects), 1), object)
        for number, (x, y, duration) in enumerate(subjects):
            people[number, 0] = {
                "fix_x": np.array([x], float),
                "fix_y": np.array([y], float),
                "fix_duration": np.array([duration], np.uint16),
            }
        cell[row, 0] = {"img": name, "subjects": people}
    scipy.io.savemat(root / "data" / "eye" / "fixations.mat", {variable: cell})
    return root


def test_px_and_ms_become_shares_and_seconds(tmp_path):
    gaze = Osie(write(tmp_path)).read()
    assert (gaze.name, gaze.gaze) == ("osie", "eye")
    assert [(p.image, p.observer, len(p)) for p in gaze.scanpaths] == [
        ("1001.jpg", "01", 2),
        ("1001.jpg", "02", 1),
        ("1009.jpg", "01", 3),
        ("1009.jpg", "02", 0),
    ]
    first, off = gaze.scanpaths[:2]
    np.testing.assert_allclose(first.pixels, [[10.5, 15], [40, 30]])
    np.testing.assert_allclose(first.xy, [[10.5 / 80, 0.25], [0.5, 0.5]])
    np.testing.assert_allclose(first.durations, [0.25, 0.1])
    np.testing.assert_allclose(off.pixels, [[70, -3]])  # off the image: kept


def test_standard_test_images_that_are_present_form_the_test_split(tmp_path):
    assert Osie(write(tmp_path)).read().splits == {"test": ("1009.jpg",)}
    test = CATALOGUE["osie"].test
    assert len(test) == len(set(test)) == 70
    one = {"1002.jpg": TRIALS["1001.jpg"]}
    assert Osie(write(tmp_path / "none", one)).read().splits == {"test": ()}


def test_a_set_of_one_image_and_one_observer_is_read(tmp_path):
    gaze = Osie(write(tmp_path, {"1001.jpg": [([70], [3], [333])]})).read()
    np.testing.assert_allclose(gaze.scanpaths[0].pixels, [[70, 3]])


def test_size_is_the_displayed_one(tmp_path):
    write(tmp_path)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (60, 80)).save(tmp_path / "data/stimuli/1001.jpg", exif=turned)
    assert Osie(tmp_path).read().stimuli["1001.jpg"].size == (80, 60)


def test_missing_folder_says_what_was_looked_for_and_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"stimuli.*spgen data fetch osie"):
        Osie(tmp_path / "nowhere").read()
    write(tmp_path)
    (tmp_path / "data/eye/fixations.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"looked for .*fixations\.mat"):
        Osie(tmp_path).read()


def test_missing_images_are_named(tmp_path):
    write(tmp_path)
    (tmp_path / "data/stimuli/1009.jpg").unlink()
    with pytest.raises(ValueError, match=r"image missing: no file 1009\.jpg in .*stimuli"):
        Osie(tmp_path).read()
    gaze, problems = Osie(tmp_path).survey()
    assert [problem.what[:13] for problem in problems] == ["image missing"]
    assert list(gaze.stimuli) == ["1001.jpg"]
    assert {p.image for p in gaze.scanpaths} == {"1001.jpg"}


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (([1, 2], [1], [100, 100]), r"1001\.jpg, observer 02: fields must be equally long"),
        (([1, np.nan], [1, 2], [100, 100]), r"1001\.jpg, observer 02.*fixation 1 is not finite"),
    ],
)
def test_bad_trials_are_named(tmp_path, trial, said):
    write(tmp_path, {"1001.jpg": [([1], [1], [9]), trial, ([2], [2], [9])]})
    with pytest.raises(ValueError, match=said):
        Osie(tmp_path).read()
    gaze, problems = Osie(tmp_path).survey()
    assert [p.observer for p in gaze.scanpaths] == ["01", "03"]
    assert len(problems) == 1
    assert "observer 02" in problems[0].where


def test_a_survey_lists_every_fault(tmp_path):
    write(tmp_path, TRIALS | {"1003.jpg": [([1], [1, 2], [9])]})
    (tmp_path / "data/stimuli/1001.jpg").unlink()
    (tmp_path / "data/stimuli/1009.jpg").write_bytes(b"")
    gaze, problems = Osie(tmp_path).survey()
    assert list(gaze.stimuli) == ["1003.jpg"]
    assert gaze.scanpaths == []
    said = " / ".join(map(str, problems))
    assert len(problems) == 3
    assert all(name in said for name in ("1001.jpg", "1009.jpg", "1003.jpg, observer 01"))


def test_files_of_another_kind_are_refused(tmp_path):
    write(tmp_path, variable="gaze")
    with pytest.raises(ValueError, match=r"needs the variable fixations, found \['gaze'\]"):
        Osie(tmp_path).read()
    (tmp_path / "data/eye/fixations.mat").write_bytes(b"not MATLAB, whatever the name says")
    with pytest.raises(ValueError, match=r"fixations\.mat: not a readable MATLAB file"):
        Osie(tmp_path).read()


def test_real_set_has_its_known_counts(data_dir):
    gaze = Osie(data_dir / "osie").read()
    assert len(gaze.scanpaths) == 15 * len(gaze.stimuli)
    assert len(gaze.stimuli) in (630, 700)
    if len(gaze.stimuli) == 630:
        assert len(gaze.scanpaths) == 9450
        assert gaze.splits == {"test": ()}
    else:
        assert len(gaze.splits["test"]) == 70
    assert {s.size for s in gaze.stimuli.values()} == {(800, 600)}
    lengths = [len(path) for path in gaze.scanpaths]
    assert 9.3 < np.mean(lengths) < 9.5
    assert max(lengths) == 22


def test_people_agree_on_real_images_as_published(data_dir):
    images = list(Osie(data_dir / "osie").read().by_image().values())[:40]
    people, others = [], []
    for paths, strangers in zip(images, images[1:] + images[:1], strict=True):
        rows = [path.array((320, 240)) for path in paths if len(path) > 2]
        people += itertools.pairwise(rows)
        others += zip(rows, (p.array((320, 240)) for p in strangers if len(p) > 2), strict=False)
    own, chance = (
        scanmatch([a for a, _ in pairs], [b for _, b in pairs], screen=(320, 240)).mean()
        for pairs in (people, others)
    )
    assert 0.35 < own < 0.43
    assert 0.15 < chance < 0.23


def test_real_gaze_lies_on_what_the_photographs_show(data_dir):
    gaze = Osie(data_dir / "osie").read()
    scores = {"upright": [], "upside down": [], "mirrored": []}
    for image, paths in itertools.islice(gaze.by_image().items(), 60):
        grey = read_image(gaze.stimuli[image].path, (200, 150)).astype(np.float32).mean(-1)
        contrast = gaussian_filter((grey - gaussian_filter(grey, 4)) ** 2, 4) ** 0.5
        contrast = (contrast - contrast.mean()) / contrast.std()
        xy = np.concatenate([path.on_image().xy for path in paths])
        x, y = np.minimum((xy * (200, 150)).astype(int), (199, 149)).T
        scores["upright"].append(contrast[y, x].mean())
        scores["upside down"].append(contrast[149 - y, x].mean())
        scores["mirrored"].append(contrast[y, 199 - x].mean())
    upright, flipped, mirrored = (np.mean(values) for values in scores.values())
    assert upright > flipped + 0.1
    assert upright > mirrored + 0.1
