"""Intervals, exact p, Holm, and the normalized score."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats

from spgen_lit.evaluation.statistics import (
    FEW,
    bootstrap_runs,
    holm,
    interval,
    normalized,
    paired_difference,
)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    for images in (4, 60):
        found = [interval(random.normal(1, 1, images)) for _ in range(200)]
        hits = np.mean([low <= 1 <= high for low, high in found])
        # A bootstrap of four images covers 80 %; Student's interval does what it says.
        assert 0.90 <= hits <= 0.99, images


def test_missing_values_are_left_out() -> None:
    values = np.array([1.0, np.nan, 3.0, 5.0, np.nan])
    assert interval(values) == interval(values[np.isfinite(values)])


def test_one_image_says_nothing_about_others() -> None:
    assert np.isnan(interval([0.5])).all()
    assert np.isnan(interval([])).all()
    assert interval([0.5, 0.5, 0.5]) == (0.5, 0.5)
    single = paired_difference([1.0], [2.0])
    assert (single.mean, single.n) == (1.0, 1)
    assert np.isnan(single.p)


@pytest.mark.parametrize("images", [2, 4, 9])
def test_p_is_the_share_of_sign_flips_that_are_as_extreme(images: int) -> None:
    delta = np.random.default_rng(images).normal(0.3, 0.2, images)
    signs = np.array(list(itertools.product([1, -1], repeat=images)))
    extreme = np.abs((signs * delta).mean(axis=1)) >= abs(delta.mean()) - 1e-12
    assert paired_difference(np.zeros(images), delta).p == pytest.approx(extreme.mean())


def test_two_images_cannot_be_significant() -> None:
    # At 7e451e6 the bootstrap gave p = .0004 here; the smallest exact value is one half.
    assert paired_difference([0.3, 0.4], [0.5, 0.6]).p == 0.5
    assert paired_difference([0.3, 0.4, 0.2, 0.3], [0.5, 0.6, 0.5, 0.4]).p == 2 / 16


def test_paired_difference_finds_what_pairing_shows() -> None:
    random = np.random.default_rng(0)
    base = random.normal(0, 5, 60)
    shifted = base + random.normal(0.3, 0.3, 60)
    found = paired_difference(base, shifted)
    assert found.low < 0.3 < found.high
    assert found.certain
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
    ps = [paired_difference(np.zeros(12), random.normal(size=12)).p for _ in range(200)]
    assert 0.02 <= np.mean(np.array(ps) < 0.05) <= 0.10


def test_paired_difference_needs_the_same_images() -> None:
    with pytest.raises(ValueError, match="same images"):
        paired_difference([1.0, 2.0], [1.0])


def test_holm_steps_down() -> None:
    # The example of Holm (1979) as R's p.adjust gives it.
    found = holm([0.01, 0.04, np.nan, 0.03, 0.005])
    np.testing.assert_allclose(found, [0.03, 0.06, np.nan, 0.06, 0.02])
    assert len(holm([])) == 0


def test_images_are_drawn_together_and_runs_apart() -> None:
    base = np.random.default_rng(0).normal(0, 10, 40)
    one, other = base[None, None], np.stack([base + 1, base + 3])[:, None]
    ends = bootstrap_runs([one, one + 1], lambda a, b: [b - a, a])
    assert ends[:, 0] == pytest.approx((1, 1))
    assert ends[:, 1] == pytest.approx(interval(base), abs=0.3)
    ends = bootstrap_runs([one, other], lambda a, b: [b - a])
    assert ends[:, 0] == pytest.approx((1, 3))  # the seeds' means, drawn twice each


def test_interval_is_that_of_scipy() -> None:
    base = np.random.default_rng(0).normal(0, 10, 40)
    theirs = scipy.stats.bootstrap((base,), np.mean, method="percentile", n_resamples=20_000)
    ours = interval(base)
    expected = theirs.confidence_interval
    assert ours == pytest.approx((expected.low, expected.high), abs=0.3)


def test_normalized_needs_a_certain_scale() -> None:
    random = np.random.default_rng(0)
    observers, chance = random.normal(0.39, 0.05, 60), random.normal(0.19, 0.05, 60)
    assert normalized(observers, observers, chance) == pytest.approx(1)
    assert normalized(chance, observers, chance) == pytest.approx(0)
    # A distance: lower is better, the scale turns with it.
    assert normalized(-observers, -observers, -chance) == pytest.approx(1)
    near = observers + random.normal(0, 0.05, 60)
    assert np.isnan(normalized(chance, observers, near - near.mean() + observers.mean()))
    assert np.isnan(normalized([0.3], [0.4], [0.2]))
    assert FEW == 20
