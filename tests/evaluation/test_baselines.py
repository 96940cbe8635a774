"""The band: what each baseline may know, and its figures on real gaze."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_people import People, make_people

from spgen_lit.data.images import read_image
from spgen_lit.data.readers.osie import Osie
from spgen_lit.data.records import GazeSet
from spgen_lit.evaluation.baselines import BASELINES, baseline
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import Results, Scores
from spgen_lit.evaluation.score import score
from spgen_lit.scanpath import Scanpath

PROTOCOL = Protocol()


def band(
    people: People, protocol: Protocol, which: tuple[str, ...] | None = None, **options: Any
) -> dict[str, Scores]:
    """The band beside observers scored as a model."""
    return dict(score(people, people, protocol, baselines=which, **options).band)


@pytest.fixture
def images(people: People) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {i: random.integers(0, 256, (60, 80, 3), dtype=np.uint8) for i in people}


def test_band_has_every_baseline_in_order(people: People, images: dict[str, np.ndarray]) -> None:
    assert tuple(band(people, PROTOCOL, images=images, metrics="quick")) == BASELINES
    assert tuple(band(people, PROTOCOL, metrics=["energy"])) == BASELINES[:-1]
    some = band(people, PROTOCOL, metrics=["energy"], which=("other_image", "observers"))
    assert tuple(some) == ("observers", "other_image")


def test_draws_follow_the_seed_and_the_image_alone(people: People) -> None:
    training = [path for paths in make_people(seed=8).values() for path in paths]
    for name in ("center_bias", "uniform", "center"):
        whole = baseline(name, people, PROTOCOL, training=training)
        again = baseline(name, {"3.jpg": people["3.jpg"]}, PROTOCOL, training=training)
        assert all(
            np.array_equal(a.xy, b.xy) for a, b in zip(whole["3.jpg"], again["3.jpg"], strict=True)
        )
    one = baseline("uniform", people, PROTOCOL, seed=1)
    two = baseline("uniform", people, PROTOCOL, seed=2)
    assert not np.array_equal(one["0.jpg"][0].xy, two["0.jpg"][0].xy)


def test_another_images_people_never_saw_this_image() -> None:
    people = make_people(images=12, observers=5)
    owner = {path.xy.tobytes(): i for i, paths in people.items() for path in paths}
    for image, paths in baseline("other_image", people, PROTOCOL).items():
        assert len(paths) == PROTOCOL.samples
        owners = Counter(owner[path.xy.tobytes()] for path in paths)
        assert image not in owners
        assert max(owners.values()) == 1
        assert {path.image for path in paths} == {image}


def test_baselines_never_use_the_image_they_are_scored_on() -> None:
    # One image is looked at in one corner only, all others in the opposite corner.
    people = make_people(images=5)
    odd = [Scanpath("odd", (800, 600), np.full((30, 2), 0.02), np.full(30, 9.0), "a")] * 2
    far = {
        i: [Scanpath(i, (800, 600), np.full((4, 2), 0.98), np.full(4, 0.2)) for _ in paths]
        for i, paths in people.items()
    }
    everyone = far | {"odd": odd}
    for path in baseline("center_bias", everyone, PROTOCOL)["odd"]:
        assert len(path) == 4
        assert (path.xy > 0.8).all()
    (center,) = baseline("center", everyone, PROTOCOL)["odd"]
    assert len(center) == 4
    assert center.durations is not None
    assert (center.durations == 0.2).all()
    assert (center.xy == 0.5).all()


def test_lengths_and_durations_come_from_training(people: People) -> None:
    training = [Scanpath("t", (10, 10), np.full((7, 2), 0.3), np.full(7, 0.25)) for _ in range(4)]
    for name in ("uniform", "center_bias", "center"):
        for paths in baseline(name, people, PROTOCOL, training=training).values():
            assert {len(path) for path in paths} == {7}
            assert all((path.durations == 0.25).all() for path in paths)  # type: ignore[union-attr]
    untimed = make_people(timed=False)
    assert baseline("center", untimed, PROTOCOL)["0.jpg"][0].durations is None


def test_uniform_covers_the_image_and_center_bias_follows_fixations(people: People) -> None:
    training = [Scanpath("t", (10, 10), np.full((9, 2), (0.3, 0.7))) for _ in range(9)]
    xy = np.concatenate([p.xy for v in baseline("uniform", people, PROTOCOL).values() for p in v])
    assert xy.min(axis=0) == pytest.approx(0, abs=0.05)
    assert xy.max(axis=0) == pytest.approx(1, abs=0.05)
    biased = baseline("center_bias", people, PROTOCOL, training=training)
    xy = np.concatenate([path.xy for paths in biased.values() for path in paths])
    assert xy.mean(axis=0) == pytest.approx((0.3, 0.7), abs=0.01)


def test_impossible_bands_say_what_is_missing(people: People) -> None:
    lone = {"0.jpg": people["0.jpg"]}
    with pytest.raises(ValueError, match=r"'0.jpg' is the only one.*training"):
        band(lone, PROTOCOL, metrics=["energy"], which=("other_image",))
    assert list(band(lone, PROTOCOL, metrics=["energy"])) == ["observers"]
    assert band(lone, PROTOCOL, metrics=["energy"], which=("observers",))["observers"].images == [
        "0.jpg"
    ]
    with pytest.raises(ValueError, match="saliency_wta needs the images"):
        band(people, PROTOCOL, which=("saliency_wta",))
    with pytest.raises(ValueError, match=r"unknown baselines \['centre'\].*center_bias"):
        band(people, PROTOCOL, which=("centre",))


@pytest.fixture(scope="module")
def osie(data_dir: Path) -> GazeSet:
    return Osie(data_dir / "osie").read()


def test_band_on_osie_is_where_it_was_measured(osie: GazeSet) -> None:
    groups = osie.by_image()
    people = {image: groups[image] for image in list(groups)[::14]}
    pictures = {
        image: (lambda path=osie.stimuli[image].path: read_image(path, (256, 256)))
        for image in people
    }
    metrics = ["energy", "scanmatch", "multimatch_shape", "nss"]
    found = band(people, PROTOCOL, images=pictures, metrics=metrics)
    agreement = {name: scores.mean("scanmatch") for name, scores in found.items()}
    assert agreement["observers"] == pytest.approx(0.39, abs=0.015)
    assert agreement["other_image"] == pytest.approx(0.193, abs=0.015)
    assert agreement["uniform"] == pytest.approx(0.15, abs=0.01)
    assert found["observers"].mean("energy") == pytest.approx(0.305, abs=0.008)
    assert found["other_image"].mean("energy") == pytest.approx(0.403, abs=0.008)
    # A path that never leaves the centre beats people on shape, and on nothing proper.
    shape = {name: scores.mean("multimatch_shape") for name, scores in found.items()}
    assert shape["center"] > shape["observers"]
    assert found["center"].mean("energy") > found["uniform"].mean("energy")
    # The classic sees more than chance where, but not in which order.
    assert found["saliency_wta"].mean("nss") > 2 * found["uniform"].mean("nss")
    results = Results(found["center"], found, PROTOCOL)
    assert results.normalized("multimatch_shape") > 1
    assert results.normalized("scanmatch") < 0
