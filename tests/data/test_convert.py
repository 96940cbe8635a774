"""Sets written in other forms and read back, bit by bit."""

import json

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spgen_lit.data.exports import exact, export
from spgen_lit.data.readers.coco import CocoJson
from spgen_lit.data.readers.converted import Converted
from spgen_lit.data.readers.osie import Osie
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath

FORMS = ["json", "csv", "pysaliency"]


@pytest.fixture
def gaze(tmp_path):
    """A set with every oddity: no fixations, no durations, off the image, repeats, names."""
    stimuli = {}
    for name, size in (("a b.png", (33, 77)), ("deep/é.png", (100, 50)), ("unseen.png", (9, 9))):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(path)
        stimuli[name] = Stimulus(name, path, size)
    rng = np.random.default_rng(0)
    paths = [
        Scanpath("a b.png", (33, 77), rng.random((4, 2)), rng.random(4), "01"),
        Scanpath("a b.png", (33, 77), rng.normal(size=(3, 2)), None, '7, the "quick"'),
        Scanpath("deep/é.png", (100, 50), np.empty((0, 2)), None, "11"),
        Scanpath("deep/é.png", (100, 50), np.array([[0, 1.0]]), np.array([0.0]), "9"),
        Scanpath("deep/é.png", (100, 50), np.array([[1, 0.0]]), np.array([1e-3]), "9"),
    ]
    return GazeSet(
        "odd",
        stimuli,
        paths,
        "mouse",
        {"train": ("a b.png",), "test": ("deep/é.png",)},
        "Somebody (2000)",
        "MIT",
        ("a note",),
    )


def assert_same(one, other, exactly=True):
    assert list(one.stimuli) == list(other.stimuli)
    assert [s.size for s in one.stimuli.values()] == [s.size for s in other.stimuli.values()]
    assert [s.path.resolve() for s in one.stimuli.values()] == [
        s.path.resolve() for s in other.stimuli.values()
    ]
    for key in ("name", "gaze", "splits", "citation", "licence", "notes"):
        assert getattr(one, key) == getattr(other, key), key
    assert len(one.scanpaths) == len(other.scanpaths)
    for a, b in zip(one.scanpaths, other.scanpaths, strict=True):
        assert (a.image, a.size, a.observer, len(a)) == (b.image, b.size, b.observer, len(b))
        if exactly:
            np.testing.assert_array_equal(a.xy, b.xy)
        else:
            np.testing.assert_allclose(a.xy, b.xy, rtol=1e-15, atol=1e-15)
        assert (a.durations is None) == (b.durations is None) or not len(a)
        if a.durations is not None and len(a):
            np.testing.assert_allclose(a.durations, b.durations, rtol=0 if exactly else 1e-15)


@pytest.mark.parametrize("form", FORMS)
def test_round_trip_of_an_odd_set(gaze, tmp_path, form):
    files = export(gaze, tmp_path / "out", form)
    assert sorted(tmp_path.glob("out/*")) == sorted(files)
    # Random shares are no quotients of px, so the last bit may differ.
    assert_same(gaze, Converted(tmp_path / "out").read(), exactly=False)


def test_forms_convert_into_each_other(gaze, tmp_path):
    before = gaze
    for number, form in enumerate(["csv", "json", "pysaliency", "csv"]):
        export(before, tmp_path / str(number), form)
        before = Converted(tmp_path / str(number)).read()
    assert_same(gaze, before, exactly=False)


@pytest.mark.parametrize("form", FORMS)
def test_real_osie_comes_back_bit_by_bit(data_dir, tmp_path, form):
    osie = Osie(data_dir / "osie").read()
    export(osie, tmp_path, form)
    back = Converted(tmp_path).read()
    assert_same(osie, back)
    assert len(back.scanpaths) == 9450


def test_json_is_what_other_models_read(gaze, tmp_path):
    export(gaze, tmp_path / "out", "json")
    trial = json.loads((tmp_path / "out" / "scanpaths.json").read_text())[0]
    assert list(trial) == ["name", "subject", "width", "height", "X", "Y", "length", "T", "split"]
    assert trial["subject"] == 1
    assert trial["split"] == "train"
    np.testing.assert_allclose(trial["X"], gaze.scanpaths[0].pixels[:, 0])
    np.testing.assert_allclose(trial["T"], 1000 * gaze.scanpaths[0].durations)


def test_hdf5_holds_what_pysaliency_reads(gaze, tmp_path):
    export(gaze, tmp_path / "out", "pysaliency")
    with h5py.File(tmp_path / "out" / "fixations.hdf5") as file:
        assert (file.attrs["type"], file.attrs["version"]) == (b"FixationTrains", b"1.2")
        assert file["train_xs"].shape == (5, 4)
        assert (~np.isnan(file["train_xs"][:])).sum(axis=1).tolist() == [4, 3, 0, 1, 1]
        assert file["train_ns"][:].tolist() == [0, 0, 1, 1, 1]
        group = file["scanpath_fixation_attributes"]
        assert json.loads(group.attrs["__attributes__"]) == ["durations"]
    with h5py.File(tmp_path / "out" / "stimuli.hdf5") as file:
        assert file["filenames"][0] == b"../images/a b.png"
        assert file["shapes"][0].tolist() == [77, 33, 3]


@given(
    st.lists(st.floats(-5000, 5000), min_size=1, max_size=20),
    st.integers(1, 5000),
)
def test_quotients_are_recovered_exactly(pixels, side):
    shares = np.array(pixels) / side
    np.testing.assert_array_equal(exact(shares, float(side)) / side, shares)


def test_unknown_forms_and_missing_sets_are_named(gaze, tmp_path):
    with pytest.raises(ValueError, match="json, csv, pysaliency, found 'xml'"):
        export(gaze, tmp_path / "out", "xml")
    with pytest.raises(FileNotFoundError, match="converted not found"):
        Converted(tmp_path).read()


def test_foreign_json_needs_a_frame(gaze, tmp_path):
    Image.new("RGB", (100, 50)).save(tmp_path / "x.jpg")
    trial = {"name": "x.jpg", "subject": "p", "X": [128, 512], "Y": [0, 384], "T": [100, 200]}
    (tmp_path / "scanpaths.json").write_text(json.dumps([trial]))
    with pytest.raises(ValueError, match=r"trial 0 \(x\.jpg, subject p\): needs width and height"):
        CocoJson(tmp_path).read()
    (path,) = CocoJson(tmp_path, frame=(512, 384)).read().scanpaths
    np.testing.assert_allclose(path.xy, [[0.25, 0], [1, 1]])
    np.testing.assert_allclose(path.durations, [0.1, 0.2])
    trial["T"] = [100]
    (tmp_path / "scanpaths.json").write_text(json.dumps([trial]))
    with pytest.raises(ValueError, match="equally long"):
        CocoJson(tmp_path, frame=(512, 384)).read()
