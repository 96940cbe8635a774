"""Map metrics: known values, orientation, bounds, places off the map."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from spgen_lit import metrics


def random_map(seed: int, shape: tuple[int, int] = (30, 40)) -> np.ndarray:
    return np.random.default_rng(seed).gamma(1.0, size=shape)


def test_density_peaks_where_people_looked_in_x_then_y() -> None:
    density = metrics.fixation_density([[30.4, 5.9, 0.3], [30.0, 5.0, 0.2]], (40, 20), 2.0)
    assert density.shape == (20, 40)
    assert np.unravel_index(density.argmax(), density.shape) == (5, 30)
    assert density.sum() == pytest.approx(1.0)


def test_density_without_fixations_is_uniform_and_refuses_no_blur() -> None:
    np.testing.assert_allclose(metrics.fixation_density([[-1.0, 3.0]], (4, 5), 1.0), 0.05)
    with pytest.raises(ValueError, match="sigma"):
        metrics.fixation_density([[1.0, 1.0]], (4, 5), 0.0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_scaling_a_map_changes_nothing(seed: int) -> None:
    saliency = random_map(seed)
    random = np.random.default_rng(seed + 1)
    xy, others = random.uniform(0, (40, 30), (12, 2)), random.uniform(0, (40, 30), (50, 2))
    for metric in (
        lambda m: metrics.nss(xy, m),
        lambda m: metrics.auc_judd(xy, m),
        lambda m: metrics.shuffled_auc(xy, m, others),
        lambda m: metrics.cc(m, random_map(5)),
        lambda m: metrics.kl(m, random_map(5)),
        lambda m: metrics.sim(m, random_map(5)),
        lambda m: metrics.congruency(xy, m),
        lambda m: metrics.congruency(xy, m, peak=0.5),
    ):
        assert metric(3.0 * saliency) == pytest.approx(metric(saliency), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_bounds_and_identity(seed: int) -> None:
    a, b = random_map(seed), random_map(seed + 1)
    xy = np.random.default_rng(seed).uniform(0, (40, 30), (9, 2))
    assert metrics.cc(a, a) == pytest.approx(1.0)
    assert metrics.sim(a, a) == pytest.approx(1.0)
    assert metrics.kl(a, a) == pytest.approx(0.0, abs=1e-9)
    assert -1 <= metrics.cc(a, b) <= 1
    assert 0 <= metrics.sim(a, b) <= 1
    assert metrics.kl(a, b) > 0
    assert 0 <= metrics.auc_judd(xy, a) <= 1
    assert 0 <= metrics.congruency(xy, a) <= 1
    uniform = np.full(a.shape, 1 / a.size)
    assert metrics.information_gain(xy, uniform, uniform) == 0


def test_shuffled_auc_is_the_area_of_scikit_learn() -> None:
    saliency = np.round(random_map(0), 1)  # ties
    random = np.random.default_rng(2)
    xy, others = random.uniform(0, (40, 30), (25, 2)), random.uniform(0, (40, 30), (70, 2))
    values = [saliency[int(y), int(x)] for x, y in np.concatenate([xy, others])]
    expected = roc_auc_score([1] * 25 + [0] * 70, values)
    assert metrics.shuffled_auc(xy, saliency, others) == pytest.approx(expected)


def test_nss_counts_every_fixation_and_drops_those_off_the_map() -> None:
    saliency = np.zeros((10, 20))
    saliency[3, 15] = 1.0
    high, low = (15.9, 3.2), (2.0, 2.0)
    z = (saliency - saliency.mean()) / saliency.std()
    assert metrics.nss([high, high, low], saliency) == pytest.approx((2 * z[3, 15] + z[2, 2]) / 3)
    off = [high, (20.0, 3.0), (-0.1, 3.0), (15.0, 10.0)]
    assert metrics.nss(off, saliency) == pytest.approx(z[3, 15])
    assert metrics.off_map(off, (20, 10)) == 3
    assert metrics.congruency(off, saliency, peak=0.5) == 0.25  # off the map is a miss


def test_information_gain_counts_bits_and_wants_densities() -> None:
    density = np.full((4, 4), 1 / 32)
    density[:2] *= 3
    uniform = np.full((4, 4), 1 / 16)
    assert metrics.information_gain([[0.0, 0.0]], density, uniform) == pytest.approx(math.log2(1.5))
    with pytest.raises(ValueError, match="baseline sums to 16"):
        metrics.information_gain([[0.0, 0.0]], density, np.ones((4, 4)))
    with pytest.raises(ValueError, match="one shape"):
        metrics.information_gain([[0.0, 0.0]], density, np.full((2, 8), 1 / 16))


def test_nan_where_nothing_can_be_said() -> None:
    saliency = random_map(1)
    assert math.isnan(metrics.nss([], saliency))
    assert math.isnan(metrics.nss([[1.0, 1.0]], np.full((5, 5), 0.3)))
    assert math.isnan(metrics.auc_judd([[99.0, 1.0]], saliency))
    assert math.isnan(metrics.shuffled_auc([[1.0, 1.0]], saliency, []))
    assert math.isnan(metrics.cc(saliency, np.ones(saliency.shape)))
    assert math.isnan(metrics.congruency([], saliency))


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.nss([[1.0, 1.0]], np.zeros(9)),
        lambda: metrics.nss([[math.nan, 1.0]], np.zeros((3, 3))),
        lambda: metrics.sim(-np.ones((3, 3)), np.ones((3, 3))),
        lambda: metrics.congruency([[1.0, 1.0]], np.ones((3, 3)), area=0.0),
    ],
)
def test_malformed_maps_and_places_are_refused(call) -> None:
    with pytest.raises(ValueError, match=r"found"):
        call()
