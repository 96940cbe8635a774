"""The energy score of sampled scanpaths, a proper scoring rule, and their diversity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spgen_lit.metrics.pairs import PairMetric, Paths, Values, within
from spgen_lit.metrics.scanmatch import scanmatch


def energy_score(
    to_observers: ArrayLike, within_samples: ArrayLike, *, biased: bool = False
) -> Values:
    """Energy score of the samples of one image against each of its observers; lower is better.

    mean_s d(X_s, y) - 1/2 mean d(X_s, X_s'), the CRPS form of Gneiting & Raftery (2007), for any
    distance d between scanpaths, usually d = 1 - ScanMatch. The second mean runs over pairs of
    distinct samples, so the expectation does not depend on the number of samples.

    The level of the observers is the same figure with the other observers as the samples of each:
    `leave_one_out_energy`.

    Args:
        to_observers: Distances of samples to observers ``(sample, observer)``.
        within_samples: Distances between samples ``(sample, sample)``; the diagonal is not read.
        biased: Average over all pairs, a sample with itself (distance 0) included: what some
            papers print, lower by an amount that shrinks with the number of samples.

    Returns:
        ``(observer,)``. NaN distances (a path too short for d) are left out of the means; NaN
        where nothing is left, or where there are fewer than two samples and not biased.

    Raises:
        ValueError: For matrices whose shapes do not fit.

    >>> energy_score([[0.4], [0.6]], [[np.nan, 0.2], [0.2, np.nan]]).tolist()
    [0.4]
    """
    to_observers = np.asarray(to_observers, dtype=np.float64)
    within_samples = np.array(within_samples, dtype=np.float64)
    samples = len(to_observers)
    if to_observers.ndim != 2 or within_samples.shape != (samples, samples):
        raise ValueError(
            f"energy_score needs to_observers (sample, observer) and within_samples (sample, "
            f"sample), found {to_observers.shape} and {within_samples.shape}"
        )
    np.fill_diagonal(within_samples, 0.0 if biased else np.nan)
    between = _mean(within_samples.reshape(-1, 1))
    energy: Values = _mean(to_observers) - 0.5 * between
    return energy


def leave_one_out_energy(distances: ArrayLike) -> Values:
    """Level of the observers: each one scored with all the others as samples.

    Args:
        distances: Distances between the observers of one image ``(observer, observer)``.

    Returns:
        ``(observer,)``.

    >>> distances = np.array([[0.0, 0.4, 0.8], [0.4, 0.0, 0.6], [0.8, 0.6, 0.0]])
    >>> leave_one_out_energy(distances).round(2).tolist()
    [0.3, 0.1, 0.5]
    """
    table = np.asarray(distances, dtype=np.float64)
    energies = []
    for i in range(len(table)):
        rest = np.delete(np.arange(len(table)), i)
        energies += energy_score(table[rest, i : i + 1], table[np.ix_(rest, rest)]).tolist()
    return np.array(energies)


def scanmatch_distance(a: Paths, b: Paths, **options: Any) -> Values:
    """1 - ScanMatch ``(pair,)``: the distance behind the headline; options of ``scanmatch``.

    >>> a, b = np.array([[10.0, 10.0], [790.0, 590.0]]), np.array([[10.0, 10.0]])
    >>> scanmatch_distance([a], [b], screen=(800, 600)).tolist()
    [0.5]
    """
    return 1.0 - scanmatch(a, b, **options)


def diversity(samples: Paths, distance: PairMetric = scanmatch_distance, **options: Any) -> float:
    """Mean distance between the samples of one image; compare with that of its observers.

    Args:
        samples: Paths, see `PathLike`.
        distance: A pair metric that gives one distance per pair, larger for less alike.
        options: Passed to it (``screen=...``).

    Returns:
        Mean over pairs of distinct samples, without NaN; NaN where no pair has a value.

    >>> samples = [np.array([[10.0, 10.0]]), np.array([[10.0, 10.0], [790.0, 590.0]])]
    >>> diversity(samples, screen=(800, 600))
    0.5
    """
    values = within(distance, samples, **options)
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def _mean(values: Values) -> Values:
    """Mean over the first axis without NaN; NaN where nothing is left."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
