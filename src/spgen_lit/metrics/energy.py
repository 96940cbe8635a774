"""Scales for models that sample: energy score, a proper scoring rule, diversity, KL, RSS, DSS."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import entropy

from spgen_lit.metrics.pairs import PairMetric, Paths, Values, within
from spgen_lit.metrics.scanmatch import scanmatch

# Added to the model's share of every bin, as in the released code, so that KL is finite.
_EPSILON = 1e-10


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
    between = known_mean(within_samples.reshape(-1, 1))
    energy: Values = known_mean(to_observers) - 0.5 * between
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
    return finite_mean(within(distance, samples, **options))


def score_divergence(observers: ArrayLike, model: ArrayLike, bins: int = 99) -> float:
    """KL protocol: divergence of two distributions of a score, in nats; lower is better.

    sum p log(p / q) over equal bins between the extremes of both, p the share of the scores of
    observers with observers, q that of the model's paths with observers.

    Args:
        observers: Scores of pairs of observers ``(pair,)``; NaN ones are left out.
        model: Scores of the model's paths with observers ``(pair,)``.
        bins: Number of bins.

    Returns:
        At least 0; NaN where a side has no score. Depends on the number of pairs: empty bins
        of the model cost much.

    Source: D'Amelio et al. (2025), TPP-Gaze; Cartella et al. (2025), ScanDiff, whose released
    code has 100 edges.

    >>> round(score_divergence([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0], bins=2), 4)
    0.1438
    """
    sides = [np.asarray(side, dtype=np.float64).ravel() for side in (observers, model)]
    sides = [side[np.isfinite(side)] for side in sides]
    if not all(len(side) for side in sides):
        return math.nan
    both = np.concatenate(sides)
    edges = np.linspace(both.min(), both.max(), bins + 1)
    if edges[0] == edges[-1]:
        return 0.0
    theirs, ours = (np.histogram(side, edges)[0] / len(side) for side in sides)
    return float(entropy(theirs, ours + _EPSILON))


def path_recall(scores: ArrayLike, threshold: float) -> float:
    """RSS: share of an image's observers whom some sample matches; in [0, 1], higher is better.

    Args:
        scores: Similarity ``(sample, observer)``, the sequence score in the paper; NaN for
            pairs that do not count.
        threshold: A sample matches above it; the paper takes the observers' mean score.

    Returns:
        NaN without an observer that has a score.

    Source: Cartella et al. (2025), ScanDiff.

    >>> path_recall([[0.2, 0.6, 0.1], [0.5, 0.2, 0.3]], threshold=0.4)
    0.6666666666666666
    """
    table = np.asarray(scores, dtype=np.float64)
    table = table[:, np.isfinite(table).any(axis=0)]
    if not table.size:
        return math.nan
    return float((np.nan_to_num(table, nan=-np.inf) > threshold).any(axis=0).mean())


def diversity_aware_score(to_observers: float, samples: float, observers: float) -> float:
    """DSS: SS(g, h) / (1 + |SS(g, g) - SS(h, h)|) of one image; higher is better, not proper.

    Args:
        to_observers: Mean sequence score of samples with observers.
        samples: Mean sequence score between samples.
        observers: Mean sequence score between observers.

    Source: Cartella et al. (2025), ScanDiff.

    >>> diversity_aware_score(0.3, samples=0.6, observers=0.4)
    0.25
    """
    return to_observers / (1 + abs(samples - observers))


def finite_mean(values: Values) -> float:
    """Mean of all finite values; NaN without any."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def known_mean(values: Values, axis: int = 0) -> Values:
    """Mean over an axis without NaN; NaN where nothing is left."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
