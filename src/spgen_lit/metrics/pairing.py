"""All pairs of two sets of scanpaths, and all pairs within one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spgen_lit.metrics.paths import Path

PairMetric = Callable[..., NDArray[np.float64]]
"""``metric(a, b, **options)`` on equally long sequences: ``(pair,)`` or ``(pair, k)``."""

SYMMETRIC = frozenset(
    {
        "multimatch",
        "multimatch_cost",
        "scanmatch",
        "scanmatch_distance",
        "string_edit_distance",
        "sequence_score",
        "fed",
        "dtw",
        "frechet",
        "hausdorff",
        "eyenalysis",
    }
)
"""Names of the metrics of this package for which f(a, b) = f(b, a)."""


def cross(
    metric: PairMetric, a: Sequence[Path], b: Sequence[Path], **options: Any
) -> NDArray[np.float64]:
    """Every path of a against every path of b.

    Args:
        metric: Any pair metric of this package.
        a, b: Sequences of paths, of any lengths.
        options: Passed to the metric (``screen=...``).

    Returns:
        ``(len(a), len(b))``, or ``(len(a), len(b), k)`` for a metric of k values.
    """
    left = [path for path in a for _ in b]
    right = [path for _ in a for path in b]
    values = metric(left, right, **options)
    return values.reshape(len(a), len(b), *values.shape[1:])


def within(
    metric: PairMetric, a: Sequence[Path], *, symmetric: bool | None = None, **options: Any
) -> NDArray[np.float64]:
    """Every path of a against every other one; NaN on the diagonal.

    Args:
        metric: Any pair metric of this package.
        a: Sequence of paths.
        symmetric: Whether f(a, b) = f(b, a), so that half the pairs suffice; None to look the
            metric's name up among those known to be.
        options: Passed to the metric.

    Returns:
        ``(len(a), len(a))``, or ``(len(a), len(a), k)`` for a metric of k values.
    """
    if symmetric is None:
        symmetric = getattr(metric, "__name__", "") in SYMMETRIC
    count = len(a)
    i, j = (index.tolist() for index in np.triu_indices(count, k=1))
    if not symmetric:
        i, j = i + j, j + i
    values = metric([a[k] for k in i], [a[k] for k in j], **options)
    result = np.full((count, count, *values.shape[1:]), np.nan)
    result[i, j] = values
    if symmetric:
        result[j, i] = values
    return result
