"""Scales for models that sample: KL protocol, recall of observers' paths, diversity-aware score."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import entropy

# Added to the model's share of every bin, as in the released code, so that KL is finite.
_EPSILON = 1e-10


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
