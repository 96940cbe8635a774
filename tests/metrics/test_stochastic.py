"""Scales of models that sample, against loops in plain Python and against CRPS as an integral."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from spgen_lit import metrics

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "stochastic.json").read_text(encoding="utf-8")
)


def test_kl_protocol_is_that_of_the_loops() -> None:
    found = metrics.score_divergence(REFERENCE["people"], REFERENCE["model"], bins=20)
    assert found == pytest.approx(REFERENCE["divergence"], abs=1e-6)
    assert metrics.score_divergence(REFERENCE["people"], REFERENCE["people"]) < 1e-7
    assert math.isnan(metrics.score_divergence([math.nan], [0.5]))
    assert metrics.score_divergence([0.5, 0.5], [0.5]) == 0


def test_recall_and_diversity_aware_score_are_those_of_the_loops() -> None:
    for image in REFERENCE["images"]:
        scores = np.array(image["similarity"])
        recall = metrics.path_recall(scores, REFERENCE["threshold"])
        assert recall == pytest.approx(image["rss"], abs=1e-6)
        dss = metrics.diversity_aware_score(scores.mean(), image["samples"], image["observers"])
        assert dss == pytest.approx(image["dss"], abs=1e-6)
    assert math.isnan(metrics.path_recall([[math.nan]], 0.5))


def test_energy_of_dtw_is_that_of_the_loops() -> None:
    for image in REFERENCE["images"]:
        paths = [np.array(path) for path in image["paths"]]
        to = metrics.cross(metrics.dtw, paths[:4], paths[4:], screen=(800, 600))
        inside = metrics.within(metrics.dtw, paths[:4], screen=(800, 600))
        found = metrics.energy_score(to, inside)
        np.testing.assert_allclose(found, image["energy_dtw"], atol=1e-6)


def test_energy_of_numbers_is_the_crps() -> None:
    # In one dimension the energy score is the integral of (F - step)^2 over the line.
    random = np.random.default_rng(0)
    samples, value = random.normal(0, 1, 12), 0.3
    line = np.linspace(-8, 8, 400_001)
    forecast = np.searchsorted(np.sort(samples), line, side="right") / len(samples)
    integral = np.trapezoid((forecast - (line >= value)) ** 2, line)
    to = np.abs(samples - value)[:, None]
    inside = np.abs(samples[:, None] - samples)
    found = metrics.energy_score(to, inside, biased=True)
    assert found == pytest.approx([integral], abs=1e-4)
