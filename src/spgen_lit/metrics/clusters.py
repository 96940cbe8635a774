"""Clusters of the fixations people made on one image: the alphabet of the sequence score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spgen_lit.metrics.paths import Path


@dataclass(frozen=True, eq=False)
class FixationClusters:
    """Mean-shift clusters of human fixations, fitted once per image.

    Attributes:
        centres: Cluster centres in px ``(cluster, 2)``, largest first.
        bandwidth: Radius of the flat kernel in px.
    """

    centres: NDArray[np.float64]
    bandwidth: float

    @classmethod
    def fit(cls, paths: Sequence[Path], bandwidth: float | None = None) -> FixationClusters:
        """Cluster all fixations of these paths.

        The algorithm and its defaults are those of scikit-learn's ``MeanShift()``, which peers
        use; all seeds move together here, which is some hundred times faster on one image.

        Args:
            paths: Paths of the people on one image ``(fixation, 2 or 3)``: x, y in px.
            bandwidth: Radius in px; None for the mean distance to the farthest of the nearest
                30 % of fixations.

        Raises:
            ValueError: Without any fixation, or for a bandwidth not above 0.
        """
        places = [np.asarray(path, dtype=np.float64)[:, :2] for path in paths if len(path)]
        if not places:
            raise ValueError("no fixations to cluster: all given paths are empty")
        points = np.concatenate(places)
        if bandwidth is None:
            nearest = max(1, int(0.3 * len(points)))
            distances = np.sqrt(_squared_distances(points, points))
            bandwidth = float(np.partition(distances, nearest - 1, axis=1)[:, nearest - 1].mean())
            bandwidth = bandwidth or 1.0  # all fixations at one place: any radius gives one cluster
        if not bandwidth > 0:
            raise ValueError(f"bandwidth must be above 0 px, found {bandwidth}")
        modes, weights = _climb(points, bandwidth)
        return cls(_strongest(modes, weights, bandwidth), bandwidth)

    def labels(self, places: NDArray[np.float64]) -> NDArray[np.int64]:
        """Nearest cluster of each place ``(fixation, 2)`` in px, ``(fixation,)``."""
        found: NDArray[np.int64] = _squared_distances(places, self.centres).argmin(1)
        return found

    def strings(self, paths: Sequence[Path]) -> list[NDArray[np.int64]]:
        """Each path as the clusters it visits ``(fixation,)``."""
        return [self.labels(np.asarray(path, dtype=np.float64)[:, :2]) for path in paths]


def _squared_distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    x = a[:, :1] - b[None, :, 0]
    y = a[:, 1:2] - b[None, :, 1]
    squared: NDArray[np.float64] = x * x + y * y
    return squared


def _climb(
    points: NDArray[np.float64], bandwidth: float, steps: int = 300
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Move every point to the mean of its neighbourhood until it rests."""
    modes = np.unique(points, axis=0)
    weights = np.zeros(len(modes), dtype=np.int64)
    moving = np.arange(len(modes))
    for _ in range(steps + 1):
        near = (_squared_distances(modes[moving], points) <= bandwidth**2).astype(np.float64)
        counts = near.sum(1)
        means = near @ points / counts[:, None]
        moved = np.hypot(*(means - modes[moving]).T)
        modes[moving] = means
        weights[moving] = counts.astype(np.int64)
        moving = moving[moved > 1e-3 * bandwidth]
        if len(moving) == 0:
            break
    return modes, weights


def _strongest(
    modes: NDArray[np.float64], weights: NDArray[np.int64], bandwidth: float
) -> NDArray[np.float64]:
    """Drop modes within a bandwidth of a stronger one; ties go to the larger x, then y."""
    order = np.lexsort((modes[:, 1], modes[:, 0], weights))[::-1]
    modes = modes[order]
    near = _squared_distances(modes, modes) <= bandwidth**2
    keep = np.ones(len(modes), dtype=np.bool_)
    for i in range(len(modes)):
        if keep[i]:
            keep[i + 1 :] &= ~near[i, i + 1 :]
    return modes[keep]
