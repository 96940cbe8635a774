"""Splits: by image, repeatable, official ones kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.data.splits import position, split_images


def _set(count: int, **splits: tuple[str, ...]) -> GazeSet:
    names = [f"{n:03d}.jpg" for n in range(count)]
    return GazeSet("set", {n: Stimulus(n, Path(n), (8, 8)) for n in names}, splits=splits)


@given(st.integers(10, 200), st.integers(0, 5), st.floats(0, 0.3), st.floats(0, 0.3))
def test_every_image_is_in_exactly_one_split(count, seed, val, test) -> None:
    gaze = _set(count)
    splits = split_images(gaze, seed, val, test)
    assert sorted(i for ids in splits.values() for i in ids) == sorted(gaze.stimuli)
    assert bool(splits["val"]) == (val > 0) and bool(splits["test"]) == (test > 0)
    assert splits == split_images(gaze, seed, val, test)


def test_fractions_hold_on_average() -> None:
    splits = split_images(_set(4000), val=0.2, test=0.1)
    assert len(splits["val"]) == pytest.approx(800, abs=80)
    assert len(splits["test"]) == pytest.approx(400, abs=60)


@given(st.sets(st.integers(0, 299), min_size=100))
def test_a_part_of_a_set_is_divided_as_the_whole_is(numbers: set[int]) -> None:
    whole, names = split_images(_set(300)), {f"{n:03d}.jpg" for n in numbers}
    stimuli = {name: _set(300).stimuli[name] for name in sorted(names)}
    part = split_images(GazeSet("set", stimuli))
    for name, ids in part.items():
        assert set(ids) == set(whole[name]) & names or len(ids) == 1


def test_another_seed_divides_otherwise_and_order_of_reading_does_not() -> None:
    gaze = _set(50)
    turned = GazeSet("set", dict(reversed(gaze.stimuli.items())))
    assert split_images(gaze) == split_images(turned)
    assert split_images(gaze)["test"] != split_images(gaze, seed=1)["test"]


def test_official_splits_stand_and_the_rest_is_divided() -> None:
    splits = split_images(_set(20, test=("003.jpg", "001.jpg")), val=0.5, test=0.3)
    assert splits["test"] == ("003.jpg", "001.jpg")
    assert len(splits["val"]) + len(splits["train"]) == 18 and splits["val"] and splits["train"]
    assert not set(splits["test"]) & {*splits["val"], *splits["train"]}


def test_an_official_split_without_images_here_stays_empty() -> None:
    assert split_images(_set(10, test=()))["test"] == ()


@pytest.mark.parametrize(
    ("gaze", "shares", "message"),
    [
        (_set(10), {"val": 0.6, "test": 0.4}, "leave a rest"),
        (_set(10), {"val": -0.1}, "val=-0.1"),
        (_set(3, val=("001.jpg",), test=("001.jpg",)), {}, "'001.jpg'.*more than once"),
        (_set(3, train=(), test=("000.jpg",)), {}, "no image is left for training"),
    ],
)
def test_impossible_divisions_are_refused(gaze: GazeSet, shares: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_images(gaze, **shares)


def test_images_that_are_nearly_the_same_go_together() -> None:
    gaze, twins = _set(60), {"000.jpg", "031.jpg"}
    for seed in range(20):
        splits = split_images(gaze, seed, 0.3, 0.3, groups=[twins])
        assert any(twins <= set(ids) for ids in splits.values())
        alone = split_images(gaze, seed, 0.3, 0.3)
        assert next(n for n in splits if "000.jpg" in splits[n]) == next(
            n for n in alone if "000.jpg" in alone[n]
        )


def test_the_twin_of_an_official_test_image_is_in_no_split() -> None:
    twins = [{"000.jpg", "005.jpg"}]
    splits = split_images(_set(20, test=("005.jpg",)), groups=twins)
    assert splits["test"] == ("005.jpg",)
    assert not any("000.jpg" in ids for ids in splits.values())
    elsewhere = split_images(_set(20), groups=[{"000.jpg", "other/7.jpg"}], held=["other/7.jpg"])
    assert not any("000.jpg" in ids for ids in elsewhere.values())


def test_a_name_that_is_not_utf_8_is_divided_too() -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    assert 0 <= position(name) < 1


def test_a_set_may_be_kept_for_testing_as_a_whole() -> None:
    splits = split_images(_set(2, test=("000.jpg", "001.jpg")))
    assert splits == {"train": (), "val": (), "test": ("000.jpg", "001.jpg")}
