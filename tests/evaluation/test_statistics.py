"""Bootstrap over images against scipy, and the meaning of p and the normalised score."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from spgen_lit.evaluation.statistics import (
    bootstrap_means,
    interval,
    normalised,
    paired_difference,
)


def test_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(0).gamma(2, 1, 80)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    ours = interval(values, resamples=20_000)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        low, high = interval(random.normal(1, 1, 60), resamples=500)
        hits += low <= 1 <= high
    assert 0.90 <= hits / 300 <= 0.98


def test_missing_values_are_left_out() -> None:
    values = np.array([1.0, np.nan, 3.0, 5.0, np.nan])
    assert interval(values) == interval(values[np.isfinite(values)])
    table = np.column_stack([values, values])
    means = bootstrap_means(table, 200)
    assert means.shape == (200, 2)
    assert np.array_equal(means[:, 0], means[:, 1], equal_nan=True)


def test_one_image_says_nothing_about_others() -> None:
    assert np.isnan(interval([0.5])).all()
    assert np.isnan(interval([])).all()
    single = paired_difference([1.0], [2.0])
    assert (single.mean, single.n) == (1.0, 1)
    assert np.isnan(single.p)


def test_paired_difference_finds_what_pairing_shows() -> None:
    random = np.random.default_rng(0)
    base = random.normal(0, 5, 60)
    shifted = base + random.normal(0.3, 0.3, 60)
    found = paired_difference(base, shifted)
    assert found.low < 0.3 < found.high
    assert found.low > 0
    assert found.p < 0.01
    # Unpaired, images differ far more than the two results do.
    low, high = interval(shifted - base[random.permutation(60)])
    assert low < 0 < high


def test_paired_difference_is_antisymmetric_and_null_for_equals() -> None:
    random = np.random.default_rng(0)
    a, b = random.random(30), random.random(30)
    one, two = paired_difference(a, b), paired_difference(b, a)
    assert one.mean == pytest.approx(-two.mean)
    assert (one.low, one.high) == pytest.approx((-two.high, -two.low))
    same = paired_difference(a, a)
    assert (same.mean, same.p) == (0, 1)


def test_p_is_uniform_enough_when_nothing_differs() -> None:
    random = np.random.default_rng(0)
    ps = [
        paired_difference(random.normal(size=40), random.normal(size=40), resamples=400).p
        for _ in range(300)
    ]
    assert 0.02 <= np.mean(np.array(ps) < 0.05) <= 0.11


def test_paired_difference_needs_the_same_images() -> None:
    with pytest.raises(ValueError, match="same images"):
        paired_difference([1.0, 2.0], [1.0])


def test_normalised_is_one_at_people_and_zero_at_chance() -> None:
    assert normalised(0.39, 0.39, 0.19) == 1
    assert normalised(0.19, 0.39, 0.19) == 0
    # A distance: lower is better, the scale turns with it.
    assert normalised(0.305, 0.305, 0.403) == 1
    assert np.isnan(normalised(0.3, 0.4, 0.4))
    assert np.isnan(normalised(float("nan"), 0.4, 0.3))
