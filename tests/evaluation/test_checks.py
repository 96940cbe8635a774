"""Wrong readings of a scanpath file, found by observers' gaze on the same images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_people import People, make_people

from spgen_lit.data.readers.osie import Osie
from spgen_lit.evaluation.baselines import baseline
from spgen_lit.evaluation.checks import likely_mistakes
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.scanpath import Scanpath

SIZE = np.array([800.0, 600.0])


def changed(paths: People, change: Callable[[np.ndarray], np.ndarray]) -> People:
    """Paths whose px a file wrote in another way."""
    return {
        image: [replace(p, xy=change(p.xy * SIZE) / SIZE) for p in some]
        for image, some in paths.items()
    }


WRONG = {
    "frame": (lambda px: px * np.array([512, 320]) / SIZE, "px of 512x320 (frame=[512,320])"),
    "axes": (lambda px: px[:, ::-1], "axes exchanged"),
    "bottom": (lambda px: np.column_stack([px[:, 0], 600 - px[:, 1]]), "counted from the bottom"),
}


@pytest.mark.parametrize("case", WRONG)
def test_another_frame_or_axis_is_certain_with_images_enough(case: str) -> None:
    # At 7e451e6 such files were scored without a word.
    everyone = make_people(20, observers=8)
    people, model = (
        {image: paths[part] for image, paths in everyone.items()}
        for part in (slice(5), slice(5, None))
    )
    change, words = WRONG[case]
    (found,) = likely_mistakes(changed(model, change), people)
    assert found.certain and words in found.text
    assert likely_mistakes(model, people) == []


def test_other_units_of_time() -> None:
    people = make_people(6)
    for factor, certain in ((1000, True), (0.001, True), (10, False)):
        slow = {
            image: [replace(p, durations=p.durations * factor) for p in paths]
            for image, paths in make_people(6, seed=1).items()
        }
        (found,) = likely_mistakes(slow, people)
        assert found.certain == certain and "another unit of time?" in found.text
    untimed = make_people(6, seed=1, timed=False)
    assert likely_mistakes(untimed, people) == []


def test_one_image_decides_nothing() -> None:
    people = make_people(1)
    assert likely_mistakes(changed(people, lambda px: px[:, ::-1]), people) == []


@pytest.fixture(scope="module")
def osie(data_dir: Path) -> dict[str, list[Scanpath]]:
    groups = Osie(data_dir / "osie").read().by_image()
    return {image: groups[image] for image in list(groups)[::9]}


def test_no_baseline_on_osie_is_suspected_and_observers_are_when_wrong(osie: People) -> None:
    for name in ("other_image", "center_bias", "uniform", "center"):
        samples = baseline(name, osie, Protocol())
        assert likely_mistakes(samples, osie) == [], name
    model = {image: paths[:5] for image, paths in osie.items()}
    others = {image: paths[5:] for image, paths in osie.items()}
    assert likely_mistakes(model, others) == []
    for change, words in WRONG.values():
        (found,) = likely_mistakes(changed(model, change), others)
        assert found.certain and words in found.text
