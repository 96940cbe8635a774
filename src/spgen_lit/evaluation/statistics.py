"""Uncertainty over images: bootstrap intervals, paired differences, normalised scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
RESAMPLES = 5000
LEVEL = 0.95


def bootstrap_means(values: ArrayLike, resamples: int = RESAMPLES, seed: int = 0) -> Array:
    """Means of images drawn with replacement.

    Args:
        values: ``(image,)`` or ``(image, metric)``; NaN entries are left out of each mean.
        resamples: Number of draws.
        seed: The same seed draws the same images, so columns and calls stay paired.

    Returns:
        ``(resamples,)`` or ``(resamples, metric)``; NaN where a draw holds no value.
    """
    table = np.asarray(values, dtype=np.float64)
    n = len(table)
    if n == 0:
        return np.full((resamples, *table.shape[1:]), np.nan)
    # How often each image is drawn: one matrix product gives every mean at once.
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    weights = counts.astype(np.float64)
    present = np.isfinite(table)
    total = weights @ np.where(present, table, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / (weights @ present.astype(np.float64)))


def interval(
    values: ArrayLike, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over images ``(image,)``.

    Returns:
        Lower and upper bound; NaN with fewer than two images that have a value, since
        one image says nothing about others.
    """
    column = np.asarray(values, dtype=np.float64)
    column = column[np.isfinite(column)]
    if len(column) < 2:
        return (float("nan"), float("nan"))
    return _percentiles(bootstrap_means(column, resamples, seed), level)


@dataclass(frozen=True)
class Difference:
    """A paired difference of two means over the same images.

    Attributes:
        mean: Mean of b minus mean of a over the images where both have a value.
        low: Lower bound of its interval.
        high: Upper bound.
        p: Two-sided bootstrap p: twice the smaller share of draws on one side of zero,
            at least 2/(draws + 1); it is 1 where nothing differs.
        n: Images where both have a value.
    """

    mean: float
    low: float
    high: float
    p: float
    n: int


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Bootstrap over images of b - a, both ``(image,)`` in the same order of images.

    Raises:
        ValueError: If the two are not equally long.

    Source: paired percentile bootstrap, Efron & Tibshirani (1993), chapters 13 and 16.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"a paired difference needs the same images: {first.shape}/{second.shape}")
    delta = second - first
    delta = delta[np.isfinite(delta)]
    if len(delta) < 2:
        mean = float(delta.mean()) if len(delta) else float("nan")
        return Difference(mean, float("nan"), float("nan"), float("nan"), len(delta))
    draws = bootstrap_means(delta, resamples, seed)
    low, high = _percentiles(draws, level)
    below, above = int((draws <= 0).sum()), int((draws >= 0).sum())
    p = min(1.0, 2 * (min(below, above) + 1) / (resamples + 1))
    return Difference(float(delta.mean()), low, high, p, len(delta))


def normalised(model: float, people: float, chance: float) -> float:
    """(model - chance) / (people - chance): 1 is people's level, 0 is chance.

    NaN where people and chance do not differ, or any of the three is NaN.
    """
    span = people - chance
    if not np.isfinite([model, people, chance]).all() or abs(span) < 1e-12:
        return float("nan")
    return float((model - chance) / span)


def _percentiles(draws: Array, level: float) -> tuple[float, float]:
    tail = 50 * (1 - level)
    low, high = np.nanpercentile(draws, [tail, 100 - tail])
    return float(low), float(high)
