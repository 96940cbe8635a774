"""Uncertainty over images: intervals, exact p, correction for many measures, normalized scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
LEVEL = 0.95
#: Fewer images than this give an interval that is not to be trusted, and no better or worse.
FEW = 20
_RESAMPLES = 5000
_BATCH = 500


def bootstrap_runs(groups: Sequence[Array], statistic: Callable[..., Sequence[float]]) -> Array:
    """Percentile bootstrap intervals over images and over the runs of each group.

    scipy's draws one sample; here the images are common to all groups, and seeds are not.

    Args:
        groups: Values ``(run, side, image)`` of each group, images in the same order.
        statistic: Called with the means of all groups' sides, one after another.

    Returns:
        Low and high of everything the statistic gives ``(2, figure)``.
    """
    rng = np.random.default_rng(0)
    count = groups[0].shape[2]
    drawn = []
    for _ in range(_RESAMPLES):
        images = rng.integers(count, size=count)
        runs = [group[rng.integers(len(group), size=len(group))] for group in groups]
        means = [values[..., images].mean((0, 2)) for values in runs]
        drawn.append(statistic(*np.concatenate(means)))
    return np.asarray(np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0))


def interval(values: ArrayLike) -> tuple[float, float]:
    """Interval of the mean over images ``(image,)``, those without a value left out.

    By percentile bootstrap, with the same seed each time; below ``FEW`` images Student's t,
    which is wide enough for few values where a bootstrap is far too narrow.

    Returns:
        Lower and upper bound; NaN with fewer than two images.
    """
    column = _known(values)
    if len(column) < 2:
        return math.nan, math.nan
    if np.ptp(column) <= 1e-12 * np.abs(column).max():
        return (float(column[0]), float(column[0]))
    if len(column) < FEW:
        found = scipy.stats.ttest_1samp(column, 0.0).confidence_interval(LEVEL)
    else:
        found = scipy.stats.bootstrap(
            (column,),
            np.mean,
            n_resamples=_RESAMPLES,
            batch=_BATCH,
            confidence_level=LEVEL,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
    return (float(found.low), float(found.high))


@dataclass(frozen=True)
class Difference:
    """A paired difference of two means over the same images.

    Attributes:
        mean: Mean of b minus mean of a over the images where both have a value.
        low: Lower bound of its interval.
        high: Upper bound.
        p: Two-sided p of the sign-flip permutation test, exact up to 13 images.
        n: Images where both have a value.
    """

    mean: float
    low: float
    high: float
    p: float
    n: int

    @property
    def certain(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def paired_difference(a: ArrayLike, b: ArrayLike) -> Difference:
    """Difference b - a of values over the same images ``(image,)``, in the same order.

    Raises:
        ValueError: If the two are not equally long.

    Source: the permutation test of paired samples (Fisher 1935; Good 2005, chapter 3): under
    the null hypothesis each image's difference is as likely to have the other sign.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"a paired difference needs the same images: {first.shape}/{second.shape}")
    delta = _known(second - first)
    if len(delta) < 2:
        only = float(delta[0]) if len(delta) else math.nan
        return Difference(only, math.nan, math.nan, math.nan, len(delta))
    flipped = scipy.stats.permutation_test(
        (delta,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        batch=_BATCH,
        rng=np.random.default_rng(0),
    )
    return Difference(float(delta.mean()), *interval(delta), float(flipped.pvalue), len(delta))


def holm(p: ArrayLike) -> Array:
    """p values ``(test,)`` corrected for their number; NaN ones do not count.

    Source: Holm (1979), the step-down procedure.
    """
    values = np.asarray(p, dtype=np.float64)
    corrected = np.full(len(values), np.nan)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known])]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return corrected


def normalized(model: ArrayLike, observers: ArrayLike, chance: ArrayLike) -> float:
    """(model - chance)/(observers - chance) of means over images: 1 is the observers' level.

    NaN unless observers and chance differ with certainty: otherwise the scale itself is noise.

    Args:
        model: Values ``(image,)``.
        observers: Of the same images in the same order.
        chance: Of the same images in the same order.
    """
    columns = np.stack([np.asarray(c, dtype=np.float64) for c in (model, observers, chance)])
    columns = columns[:, np.isfinite(columns).all(axis=0)]
    scale = paired_difference(columns[2], columns[1])
    # The exact p as well: five images or fewer can never be certain.
    if not (scale.certain and scale.p < 1 - LEVEL):
        return math.nan
    ours, theirs, by_chance = columns.mean(axis=1)
    return float((ours - by_chance) / (theirs - by_chance))


def _known(values: ArrayLike) -> Array:
    column = np.asarray(values, dtype=np.float64)
    return column[np.isfinite(column)]
