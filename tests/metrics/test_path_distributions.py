"""Amplitude, direction, length and duration, and the distances between their distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spgen_lit import metrics
from spgen_lit.metrics.distributions import circular_wasserstein

SCREEN = (300, 400)


def test_quantities_of_known_paths() -> None:
    paths = [
        np.array([[0.0, 0.0, 0.2], [300.0, 400.0, 0.3], [300.0, 400.0, 0.4]]),
        np.array([[10.0, 10.0]]),
        np.array([[0.0, 0.0], [0.0, -50.0]]),
    ]
    found = metrics.path_quantities(paths, SCREEN)
    np.testing.assert_allclose(found["amplitude"], [1.0, 0.0, 0.1])
    np.testing.assert_allclose(found["direction"], [math.atan2(4, 3), -math.pi / 2])
    assert found["length"].tolist() == [3, 1, 2]
    assert found["duration"].tolist() == [0.2, 0.3, 0.4]


def walks(seed: int, scale: float = 40.0, length: int = 8) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [
        np.column_stack(
            [np.cumsum(random.normal(0, scale, (length, 2)), 0), random.gamma(4, 0.07, length)]
        )
        for _ in range(200)
    ]


def test_equal_sets_are_at_no_distance_and_others_apart() -> None:
    people = walks(0)
    same = metrics.scanpath_distributions(people, list(reversed(people)), SCREEN)
    again = metrics.scanpath_distributions(walks(1), people, SCREEN)
    wider = metrics.scanpath_distributions(walks(1, scale=80.0, length=10), people, SCREEN)
    for name in ("amplitude", "direction", "length", "duration"):
        assert same[name]["wasserstein"] == pytest.approx(0, abs=1e-12)
        assert same[name]["kl"] == pytest.approx(0, abs=1e-12)
    assert wider["length"]["wasserstein"] == 2.0
    assert wider["amplitude"]["wasserstein"] > 10 * again["amplitude"]["wasserstein"]
    assert wider["amplitude"]["kl"] > 10 * again["amplitude"]["kl"]


def test_a_set_without_durations_has_no_duration_distance() -> None:
    people = walks(0)
    found = metrics.scanpath_distributions([path[:, :2] for path in people], people, SCREEN)
    assert math.isnan(found["duration"]["wasserstein"])
    assert found["amplitude"]["wasserstein"] == 0


def test_angles_are_compared_round_the_circle() -> None:
    near = np.array([math.pi - 0.05]), np.array([-math.pi + 0.05])
    assert circular_wasserstein(*near) == pytest.approx(0.1)
    random = np.random.default_rng(0)
    a, b = random.normal(0, 0.3, 300), random.normal(0.5, 0.3, 400)
    turned = circular_wasserstein(a + 3.0, b + 3.0)
    assert circular_wasserstein(a, b) == pytest.approx(turned)
    assert circular_wasserstein(a, a + 0.4) == pytest.approx(0.4)
