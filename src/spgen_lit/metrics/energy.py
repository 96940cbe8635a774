"""The energy score of sampled scanpaths: proper, so neither sameness nor wildness pays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def energy_score(
    to_people: ArrayLike, within_samples: ArrayLike, *, biased: bool = False
) -> NDArray[np.float64]:
    """Energy score of the samples of one image against each of its observers; lower is better.

    mean_s d(X_s, y) - 1/2 mean d(X_s, X_s'), the CRPS form of Gneiting & Raftery (2007), for any
    distance d between scanpaths, usually d = 1 - ScanMatch. The second mean runs over pairs of
    distinct samples, so the expectation does not depend on the number of samples.

    People's level is the same figure with the other observers as the samples of each:
    :func:`leave_one_out_energy`.

    Args:
        to_people: Distances of samples to observers ``(sample, observer)``.
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
    to_people = np.asarray(to_people, dtype=np.float64)
    within_samples = np.array(within_samples, dtype=np.float64)
    samples = len(to_people)
    if to_people.ndim != 2 or within_samples.shape != (samples, samples):
        raise ValueError(
            f"energy_score needs to_people (sample, observer) and within_samples (sample, sample),"
            f" found {to_people.shape} and {within_samples.shape}"
        )
    np.fill_diagonal(within_samples, 0.0 if biased else np.nan)
    spread = _mean(within_samples.reshape(-1, 1))
    energy: NDArray[np.float64] = _mean(to_people) - 0.5 * spread
    return energy


def leave_one_out_energy(distances: ArrayLike, *, biased: bool = False) -> NDArray[np.float64]:
    """People's level: each observer scored by all the others as samples.

    Args:
        distances: Distances between the observers of one image ``(observer, observer)``.
        biased: See :func:`energy_score`.

    Returns:
        ``(observer,)``.
    """
    distances = np.asarray(distances, dtype=np.float64)
    rest = ~np.eye(len(distances), dtype=np.bool_)
    return np.array(
        [
            energy_score(distances[keep, i : i + 1], distances[np.ix_(keep, keep)], biased=biased)[
                0
            ]
            for i, keep in enumerate(rest)
        ]
    )


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis without NaN; NaN where nothing is left."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
