"""Energy score and diversity of the samples of one image, from matrices of distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spgen_lit.metrics.energy import energy_score

Array = NDArray[np.float64]


def energy(to_observers: Array, within: Array, allowed: NDArray[np.bool_]) -> Array:
    """Energy score of the samples of one image against each observer; lower is better.

    Args:
        to_observers: Distances ``(sample, observer)``.
        within: Distances ``(sample, sample)``; the diagonal is not used.
        allowed: ``(sample, observer)``, False where a sample may not meet an observer
            since it is that observer's own path: then it is no sample for that observer.

    Returns:
        ``(observer,)``; NaN where fewer than two samples may meet the observer. An image
        with a single sample in all is taken as a forecast that always gives this path,
        and scores its plain distance.

    Source: Gneiting & Raftery (2007), see :func:`spgen_lit.metrics.energy.energy_score`.
    """
    result = np.full(to_observers.shape[1], np.nan)
    groups, member = np.unique(allowed, axis=1, return_inverse=True)
    member = np.asarray(member).reshape(-1)
    for group in range(groups.shape[1]):
        keep, whose = groups[:, group], np.flatnonzero(member == group)
        if keep.any():
            distances = to_observers[np.ix_(keep, whose)]
            single = len(allowed) == 1
            result[whose] = energy_score(distances, within[np.ix_(keep, keep)], biased=single)
    return result


def diversity(within: Array) -> float:
    """Mean distance between two different samples of an image; NaN for a single one.

    Args:
        within: Distances ``(sample, sample)``; the diagonal is not used.
    """
    off = within[~np.eye(len(within), dtype=bool)]
    off = off[np.isfinite(off)]
    return float(off.mean()) if len(off) else float("nan")
