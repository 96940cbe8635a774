"""Foreign scanpath files: read when right, refused by trial and field when wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spgen_lit.evaluation.scanpath_checks import FileFormat, Loaded, load_scanpaths

SIZES = {"a.jpg": (800, 600), "b.jpg": (640, 480)}
PX = FileFormat(units="px", time="ms")


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
    folder: Path, trials: Any, declared: FileFormat = PX, elsewhere: tuple[str, ...] = ()
) -> Loaded:
    path = folder / "theirs.json"
    path.write_text(json.dumps(trials))
    return load_scanpaths(path, SIZES, declared, elsewhere)


def test_json_is_read_in_declared_units(tmp_path: Path) -> None:
    loaded = load(tmp_path, [trial(), trial(name="b.jpg", X=[320, 64, 640])])
    (a,), (b,) = loaded.samples["a.jpg"], loaded.samples["b.jpg"]
    np.testing.assert_allclose(a.xy, [[0.5, 0.5], [0.1, 0.1], [0.9, 0.9]])
    np.testing.assert_allclose(a.durations, [0.25, 0.31, 0.18])
    assert (a.observer, a.size, b.xy[0, 0]) == ("3", (800, 600), 0.5)
    assert loaded.counts == {"trials": 2, "kept": 2}


def test_relative_places_and_seconds(tmp_path: Path) -> None:
    declared = FileFormat(units="relative", time="s")
    given = trial(X=[0.5, 0.1, 0.9], Y=[0.5, 0.1, 0.9], T=[0.25, 0.31, 0.18])
    (path,) = load(tmp_path, [given], declared).samples["a.jpg"]
    np.testing.assert_allclose(path.xy[:, 0], [0.5, 0.1, 0.9])
    np.testing.assert_allclose(path.durations, [0.25, 0.31, 0.18])


def test_px_of_another_frame(tmp_path: Path) -> None:
    small = trial(X=[256, 51.2, 460.8], Y=[160, 32, 288])
    by_user = load(tmp_path, [small], FileFormat("px", "ms", frame=(512, 320)))
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
    one, two = load_scanpaths(path, SIZES, PX).samples["a.jpg"]
    np.testing.assert_allclose(one.xy, [[0.5, 0.5], [0.1, 0.1], [0.9, 0.9]])
    np.testing.assert_allclose(one.durations, [0.25, 0.31, 0.18])
    assert (one.observer, two.observer) == ("m0", "m1")
    path.write_text("name,sample,X,Y\na,1,0.1,0.2\na,1,0.3,0.2\na,1,0.3,0.9\na,2,0.1,0.1\n")
    loaded = load_scanpaths(path, SIZES, FileFormat("relative", minimum=1))
    assert [len(p) for p in loaded.samples["a.jpg"]] == [3, 1]
    assert loaded.samples["a.jpg"][0].durations is None


def test_csv_with_empty_durations_has_none(tmp_path: Path) -> None:
    path = tmp_path / "ours.csv"
    path.write_text(
        "image,width,height,observer,fixation,x,y,duration\n"
        "a.jpg,400,300,1,1,200,150,\na.jpg,400,300,1,2,40,30,\na.jpg,400,300,1,3,360,270,\n"
    )
    (read,) = load_scanpaths(path, SIZES, FileFormat("px")).samples["a.jpg"]
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
        FileFormat("relative", "s"),
        r"X\[0\] = 400 is no share of the image: px\? units=px",
    ),
    "shares as px": (
        trial(X=[0.5, 0.1, 0.9], Y=[0.5, 0.1, 0.9]),
        PX,
        r"X, Y: all values up to 0.9 px: shares\? units=relative",
    ),
    "ms as s": (trial(), FileFormat("px", "s"), r"T\[0\] = 250 s: milliseconds\? time=ms"),
    "s as ms": (trial(T=[0.25, 0.3, 0.1]), PX, r"T: all values up to 0.3 ms: seconds\? time=s"),
    "no time unit": (trial(), FileFormat("px"), "T: durations without a unit; declare time=ms"),
    "too short": (
        trial(X=[4, 5], Y=[4, 5], T=[250, 250], length=2),
        PX,
        "X: 2 fixations, at least 3 are needed",
    ),
    "NaN": (trial(Y=[300, float("nan"), 540]), PX, r"Y\[1\]: no finite number"),
    "null": (trial(X=[300, 200, None]), PX, r"X\[2\]: no finite number"),
    "word": (trial(T=["long", 200, 200]), PX, r"T\[0\]: no finite number"),
    "other frame": (
        trial(X=[1300, 80, 20]),
        PX,
        r"X\[0\] = 1300 px in a frame of 800x600",
    ),
    "unequal": (trial(Y=[1, 2], length=None), PX, "must be equal: X 3, Y 2, T 3"),
    "length": (trial(length=7), PX, "X 3, Y 3, T 3, length 7"),
    "no X": (trial(X=None), PX, "X: missing"),
    "X no list": (trial(X=5), PX, "X: a list is needed, found int"),
    "no name": (trial(name=None), PX, "name: no image ''"),
    "negative duration": (trial(T=[250, -1, 200]), PX, r"T\[1\] = -1"),
    "endless duration": (trial(T=[250, 40_000, 200]), PX, r"T\[1\] = 40000 ms: not a duration"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_trial_is_refused_by_trial_and_field(case: str, tmp_path: Path) -> None:
    wrong, declared, field = WRONG[case]
    with pytest.raises(ValueError, match=field) as caught:
        load(tmp_path, [wrong], declared)
    message = str(caught.value)
    assert "theirs.json: 1 of 1 trials are faulty" in message
    assert f"trial 0 (image {wrong.get('name', '')!r}, subject '3')" in message


def test_nothing_is_dropped_uncounted(tmp_path: Path) -> None:
    trials = [
        trial(),
        trial(name="zebra.jpg"),
        trial(X=[1], Y=[1], T=[200], length=1),
        trial(X=[float("nan")] * 3),
        trial(name="elsewhere.jpg"),
        trial(name="b.jpg", X=[1, 2, 3]),
    ]
    with pytest.raises(ValueError, match=r"3 of 6 trials are faulty.*bad=drop"):
        load(tmp_path, trials, elsewhere=("elsewhere.jpg",))
    dropping = FileFormat("px", "ms", bad="drop")
    loaded = load(tmp_path, trials, dropping, elsewhere=("elsewhere.jpg",))
    assert {image: len(paths) for image, paths in loaded.samples.items()} == {
        "a.jpg": 1,
        "b.jpg": 1,
    }
    counts = dict(loaded.counts)
    assert counts.pop("trials") == sum(counts.values()) == 6
    assert counts["left out: unknown image"] == 1
    assert counts["left out: too short"] == 1
    assert counts["left out: not a number"] == 1
    assert counts["on_images_of_other_splits"] == 1
    assert len(loaded.problems) == 3
    with pytest.raises(ValueError, match="no trial is left"):
        load(tmp_path, [trial(name="zebra.jpg")], dropping)


def test_long_refusals_are_cut(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="and 15 more") as caught:
        load(tmp_path, [trial(name=f"{i}.jpg") for i in range(25)])
    assert len(str(caught.value).splitlines()) == 12


def test_files_that_are_no_scanpath_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no scanpath file .*none.json"):
        load_scanpaths(tmp_path / "none.json", SIZES, PX)
    for name, content, message in (
        ("x.json", "{", "is not JSON"),
        ("x.json", '{"a": 1}', "needed a list of trials"),
        ("x.json", "[]", "holds no scanpath"),
        ("x.csv", "", "no column for image, x, y; found none"),
        ("x.csv", "image,x\n", "no column for y; found image, x"),
        ("x.txt", "1 2 3", "ends in .json or .csv"),
    ):
        path = tmp_path / name
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            load_scanpaths(path, SIZES, PX)


def test_units_must_be_declared() -> None:
    with pytest.raises(ValueError, match="declare units=px or units=relative, found units=None"):
        FileFormat(units=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="declare time=ms or time=s, found time=minutes"):
        FileFormat("px", "minutes")  # type: ignore[arg-type]
