"""MIT1003's original samples: detection on made gaze, MATLAB files of that very form."""

import numpy as np
import pytest
import scipy.io
from PIL import Image

from spgen_lit.data.readers.mit1003 import Mit1003Mat, detect_fixations


def gaze(places, samples=60, flight=8, noise=0.4, seed=0):
    """Samples that rest at each place and fly to the next in a smooth rise of speed."""
    rows = []
    for number, place in enumerate(places):
        rows += [place] * samples
        if number + 1 < len(places):
            share = (1 - np.cos(np.linspace(0, np.pi, flight + 2)[1:-1])) / 2
            rows += list(np.outer(1 - share, place) + np.outer(share, places[number + 1]))
    rows = np.array(rows, float)
    return rows + np.random.default_rng(seed).normal(0, noise, rows.shape)


PLACES = np.array([[400, 300], [700, 200], [120, 500], [300, 310]], float)


def test_fixations_are_found_where_gaze_rested():
    places, starts, ends = detect_fixations(gaze(PLACES))
    assert len(places) == 4
    np.testing.assert_allclose(places, PLACES, atol=1.0)
    assert (ends > starts).all()
    assert (starts[1:] >= ends[:-1]).all()
    assert ends[-1] == pytest.approx(len(gaze(PLACES)) / 240)
    np.testing.assert_allclose(ends - starts, 60 / 240, atol=0.05)


def test_still_gaze_is_one_fixation_and_none_is_none():
    places, starts, ends = detect_fixations(gaze(PLACES[:1], 200))
    np.testing.assert_allclose(places, PLACES[:1], atol=0.5)
    np.testing.assert_allclose([starts, ends], [[0], [200 / 240]])
    assert len(detect_fixations(np.empty((0, 2)))[0]) == 0
    assert len(detect_fixations(np.zeros((1, 2)))[0]) == 1


def test_thresholds_do_what_they_say():
    steps = gaze(PLACES[[0, 0]] + np.array([[0, 0], [12, 0]]), noise=0)
    assert len(detect_fixations(steps, velocity=1)[0]) == 2
    assert len(detect_fixations(steps, velocity=60)[0]) == 1
    brief = np.concatenate([gaze(PLACES[:2])[:-52], gaze(PLACES[[1, 2]])[60:]])  # 8 samples' rest
    assert len(detect_fixations(brief, duration=0.001)[0]) >= 2
    assert len(detect_fixations(brief, duration=0.15)[0]) == 2


def test_lost_samples_do_not_move_the_median():
    samples = gaze(PLACES)
    samples[20:30] = np.nan
    places, *_ = detect_fixations(samples)
    np.testing.assert_allclose(places[0], PLACES[0], atol=1.0)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "ALLSTIMULI").mkdir()
    name = "i" + "x" * 70
    for stem in (name, "b2"):
        Image.new("RGB", (1024, 768)).save(tmp_path / "ALLSTIMULI" / f"{stem}.jpeg")
        for observer in ("hp", "ajs"):
            file = tmp_path / "DATA" / observer / f"{stem}.mat"
            file.parent.mkdir(parents=True, exist_ok=True)
            data = np.empty((1, 1), dtype=[("eyeData", object)])
            data[0, 0] = (gaze(PLACES),)
            scipy.io.savemat(
                file, {stem[:63]: {"DATA": data, "imgName": stem}}, long_field_names=True
            )
    return tmp_path


def test_reads_the_original_layout(root):
    found = Mit1003Mat(root).read()
    assert len(found.stimuli) == 2
    assert [(p.image[:2], p.observer) for p in found.scanpaths] == [
        ("b2", "ajs"),
        ("b2", "hp"),
        ("ix", "ajs"),
        ("ix", "hp"),
    ]
    for path in found.scanpaths:
        np.testing.assert_allclose(path.pixels, PLACES, atol=1.0)
        assert path.durations.shape == (4,)
    assert all(len(p) == 3 for p in Mit1003Mat(root, first=False).read().scanpaths)


def test_bad_files_are_named(root):
    (root / "DATA" / "hp" / "b2.mat").write_bytes(b"x" * 500)
    scipy.io.savemat(root / "DATA" / "ajs" / "b2.mat", {"b2": {"OTHER": 1}})
    with pytest.raises(
        ValueError,
        match=r"ajs.b2\.mat: needs one struct with DATA\(1\).eyeData \(the field 'DATA' is missing",
    ):
        Mit1003Mat(root).read()
    found, problems = Mit1003Mat(root).survey()
    assert len(found.scanpaths) == 2
    assert [p.where[-10:] for p in problems] == ["ajs/b2.mat", "/hp/b2.mat"]
    with pytest.raises(FileNotFoundError, match="fetch mit1003"):
        Mit1003Mat(root / "no").read()
