"""Foreign scanpath files: read when right, refused by trial and field when wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spgen_lit.data.readers.scanpath_file import Loaded, ScanpathFile

SIZES = {"a.jpg": (800, 600), "b.jpg": (640, 480)}
PX = {"units": "px", "time": "ms"}


def trial(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "name": "a.jpg",
        "subject": 3,
        "X": [400, 80.0, 720],
        "Y": [300, 60, 540],
        "T": [250, 310, 180],
        "length": 3,
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def load(
    folder: Path, trials: Any, declared: Mapping[str, Any] = PX, elsewhere: tuple[str, ...] = ()
) -> Loaded:
    path = folder / "theirs.json"
    path.write_text(json.dumps(trials))
    return ScanpathFile(path, **declared).read(SIZES, elsewhere)


def test_json_is_read_in_declared_units(tmp_path: Path) -> None:
    loaded = load(tmp_path, [trial(), trial(name="b.jpg", X=[320, 64, 640])])
    (a,), (b,) = loaded.samples["a.jpg"], loaded.samples["b.jpg"]
    np.testing.assert_allclose(a.xy, [[0.5, 0.5], [0.1, 0.1], [0.9, 0.9]])
    np.testing.assert_allclose(a.durations, [0.25, 0.31, 0.18])
    assert (a.observer, a.size, b.xy[0, 0]) == ("03", (800, 600), 0.5)
    assert loaded.counts == {"trials": 2, "kept": 2, "left_out": 0}


def test_relative_places_and_seconds(tmp_path: Path) -> None:
    declared = {"units": "relative", "time": "s"}
    given = trial(X=[0.5, 0.1, 0.9], Y=[0.5, 0.1, 0.9], T=[0.25, 0.31, 0.18])
    (path,) = load(tmp_path, [given], declared).samples["a.jpg"]
    np.testing.assert_allclose(path.xy[:, 0], [0.5, 0.1, 0.9])
    np.testing.assert_allclose(path.durations, [0.25, 0.31, 0.18])


def test_px_of_another_frame(tmp_path: Path) -> None:
    small = trial(X=[256, 51.2, 460.8], Y=[160, 32, 288])
    by_user = load(tmp_path, [small], PX | {"frame": (512, 320)})
    by_trial = load(tmp_path, [small | {"width": 512, "height": 320}])
    for loaded in (by_user, by_trial):
        expected = [[0.5, 0.5], [0.1, 0.1], [0.9, 0.9]]
        np.testing.assert_allclose(loaded.samples["a.jpg"][0].xy, expected)


def test_csv_with_and_without_order(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(
        "image,observer,fixation,x,y,duration\n"
        "a.jpg,m0,2,720,540,180\n"
        "a.jpg,m0,0,400,300,250\n"
        "a.jpg,m1,0,8,6,100\n"
        "a.jpg,m0,1,80,60,310\n"
        "a.jpg,m1,1,16,12,100\n"
        "a.jpg,m1,2,24,18,100\n"
    )
    one, two = ScanpathFile(path, **PX).read(SIZES).samples["a.jpg"]
    np.testing.assert_allclose(one.xy, [[0.5, 0.5], [0.1, 0.1], [0.9, 0.9]])
    np.testing.assert_allclose(one.durations, [0.25, 0.31, 0.18])
    assert (one.observer, two.observer) == ("m0", "m1")
    path.write_text("name,sample,X,Y\na,1,0.1,0.2\na,1,0.3,0.2\na,1,0.3,0.9\na,2,0.1,0.1\n")
    loaded = ScanpathFile(path, "relative").read(SIZES)
    assert [len(p) for p in loaded.samples["a.jpg"]] == [3, 1]
    assert loaded.samples["a.jpg"][0].durations is None


def test_csv_with_empty_durations_has_none(tmp_path: Path) -> None:
    path = tmp_path / "ours.csv"
    path.write_text(
        "image,width,height,observer,fixation,x,y,duration\n"
        "a.jpg,400,300,1,1,200,150,\na.jpg,400,300,1,2,40,30,\na.jpg,400,300,1,3,360,270,\n"
    )
    (read,) = ScanpathFile(path, "px").read(SIZES).samples["a.jpg"]
    assert read.durations is None
    np.testing.assert_allclose(read.xy, [[0.5, 0.5], [0.1, 0.1], [0.9, 0.9]])


def test_images_are_found_without_suffix_but_not_with_another(tmp_path: Path) -> None:
    assert set(load(tmp_path, [trial(name="a")]).samples) == {"a.jpg"}
    with pytest.raises(ValueError, match=r"no image 'a\.png'"):
        load(tmp_path, [trial(name="a.png")])


WRONG = {
    "unknown image": (trial(name="zebra.jpg"), PX, "name: no image 'zebra.jpg'"),
    "px as shares": (
        trial(T=[0.2] * 3),
        {"units": "relative", "time": "s"},
        r"X\[0\] = 400 is no share of the image: px\? units=px",
    ),
    "shares as px": (
        trial(X=[0.5, 0.1, 0.9], Y=[0.5, 0.1, 0.9]),
        PX,
        r"X, Y: all values up to 0.9 px: shares\? units=relative",
    ),
    "ms as s": (trial(), {"units": "px", "time": "s"}, r"T\[0\] = 250 s: milliseconds\? time=ms"),
    "s as ms": (trial(T=[0.25, 0.3, 0.1]), PX, r"T: all values up to 0.3 ms: seconds\? time=s"),
    "no time unit": (trial(), {"units": "px"}, "T: durations without a unit; declare time=ms"),
    "too short": (
        trial(X=[4, 5], Y=[4, 5], T=[250, 250], length=2),
        PX | {"minimum": 3},
        "X: 2 fixations, at least 3 are needed: minimum=2 keeps it",
    ),
    "empty": (trial(X=[], Y=[], T=[], length=0), PX, "X: no fixation"),
    "NaN": (trial(Y=[300, float("nan"), 540]), PX, "xy of fixation 1 is not finite"),
    "null": (trial(X=[300, 200, None]), PX, "xy of fixation 2 is not finite"),
    "word": (trial(T=["long", 200, 200]), PX, "X, Y and T must be lists of numbers .*'long'"),
    "other frame": (
        trial(X=[1300, 80, 20]),
        PX,
        r"X\[0\] = 1300 px in a frame of 800x600",
    ),
    "unequal": (trial(Y=[1, 2], length=None), PX, "equally long, found {'X': 3, 'Y': 2, 'T': 3}"),
    "length": (trial(length=7), PX, "found {'X': 3, 'Y': 3, 'T': 3, 'length': 7}"),
    "no X": (trial(X=None), PX, "the field 'X' is missing"),
    "X no list": (trial(X=5), PX, "found {'X': 1, 'Y': 3"),
    "no name": (trial(name=None), PX, "needs an object with the field name"),
    "negative duration": (
        trial(T=[250, -1, 200]),
        PX,
        "duration of fixation 1 must be finite and at least 0 s",
    ),
    "endless duration": (trial(T=[250, 40_000, 200]), PX, r"T\[1\] = 40000 ms: not a duration"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_trial_is_refused_by_trial_and_field(case: str, tmp_path: Path) -> None:
    wrong, declared, field = WRONG[case]
    with pytest.raises(ValueError, match=field) as caught:
        load(tmp_path, [wrong], declared)
    message = str(caught.value)
    assert "theirs.json: 1 of 1 trials are faulty" in message
    assert "1 of 1 trials are faulty, the first: trial 0" in message
    if "name" in wrong:
        assert f"trial 0 ({wrong['name']}, subject 3)" in message


def test_nothing_is_dropped_uncounted(tmp_path: Path) -> None:
    trials = [
        trial(),
        trial(name="zebra.jpg"),
        trial(X=[1], Y=[1], T=[200], length=1),
        trial(X=[float("nan")] * 3),
        trial(name="elsewhere.jpg"),
        trial(name="b.jpg", X=[1, 2, 3]),
    ]
    with pytest.raises(ValueError, match=r"2 of 6 trials are faulty.*bad=drop"):
        load(tmp_path, trials, elsewhere=("elsewhere.jpg",))
    dropping = PX | {"bad": "drop"}
    loaded = load(tmp_path, trials, dropping, elsewhere=("elsewhere.jpg",))
    assert {image: len(paths) for image, paths in loaded.samples.items()} == {
        "a.jpg": 2,
        "b.jpg": 1,
    }
    counts = dict(loaded.counts)
    assert counts.pop("trials") == sum(counts.values()) == 6
    assert counts["left_out"] == len(loaded.problems) == 2
    assert counts["on_images_of_other_splits"] == 1
    with pytest.raises(ValueError, match="no trial is left"):
        load(tmp_path, [trial(name="zebra.jpg")], dropping)


def test_one_short_trial_among_many_is_kept(tmp_path: Path) -> None:
    # At 7e451e6 it refused the whole file without naming minimum=1.
    loaded = load(tmp_path, [*[trial()] * 50, trial(X=[4], Y=[4], T=[250], length=1)])
    assert [len(path) for path in loaded.samples["a.jpg"]] == [3] * 50 + [1]


def test_a_refusal_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="25 of 25 trials are faulty, the first: trial 0") as found:
        load(tmp_path, [trial(name=f"{i}.jpg") for i in range(25)])
    assert len(str(found.value).splitlines()) == 1


def test_files_that_are_no_scanpath_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"scanpath file not found: looked for .*none.json"):
        ScanpathFile(tmp_path / "none.json", **PX).read(SIZES)
    for name, content, message in (
        ("x.json", "{", "not readable as JSON"),
        ("x.json", '{"a": 1}', "needs a list of trials"),
        ("x.json", "[]", "no trial is on an image of this split"),
        ("x.csv", "", "No columns to parse"),
        ("x.csv", "image,x\n1,2\n", "no column for y; found image, x"),
        ("x.mat", "1 2 3", "needs .csv, .tsv, .txt, .json or .parquet"),
    ):
        path = tmp_path / name
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            ScanpathFile(path, **PX).read(SIZES)


def test_units_must_be_declared() -> None:
    with pytest.raises(ValueError, match="units must be px or relative, found None"):
        ScanpathFile("x.json", units=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="time must be ms or s, found 'minutes'"):
        ScanpathFile("x.json", "px", "minutes")  # type: ignore[arg-type]


@pytest.mark.parametrize("odd", [10**400, [1, [2]], {"a": 1}, "9" * 5000])
def test_what_no_trial_should_hold_is_the_documented_error(tmp_path: Path, odd: Any) -> None:
    # Found by fuzzing: an OverflowError, and a message without the file.
    for key in ("X", "T", "width"):
        wrong = trial(**{key: odd if key == "width" else [odd, 60, 540], "height": 600})
        with pytest.raises(ValueError, match=r"theirs\.json: ") as error:
            load(tmp_path, [wrong])
        assert len(str(error.value).splitlines()) == 1


def test_a_table_of_other_bytes_is_refused_by_its_name(tmp_path: Path) -> None:
    # Found by fuzzing: a UnicodeEncodeError of a library.
    path = tmp_path / "theirs.csv"
    path.write_bytes(b"image,x,y\n\x80.jpg,0.1,0.2\n")
    with pytest.raises(ValueError, match=r"theirs\.csv: "):
        ScanpathFile(path, "relative").read(SIZES)


@pytest.mark.parametrize("frame", [(-640, -480), (0, 480), (float("nan"), 480)])
def test_a_frame_that_is_none_is_refused_by_name(tmp_path: Path, frame: Any) -> None:
    with pytest.raises(ValueError, match="frame must be positive numbers"):
        load(tmp_path, [trial()], PX | {"frame": frame})
