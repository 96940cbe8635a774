"""Scanpaths as strings: edit distance on a grid, sequence score and FED on clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from spgen_lit.metrics.alignment import EDITS, Rule, scores, sweep, unequal
from spgen_lit.metrics.pairs import (
    Pairs,
    Paths,
    Screen,
    Values,
    as_rows,
    fill_by_block,
    pair_up,
)
from spgen_lit.metrics.scanmatch import grid_cells

Cells = Literal["clipped", "equal", "ports"]


@dataclass(frozen=True, eq=False)
class FixationClusters:
    """Mean-shift clusters of observers' fixations, fitted once per image.

    Attributes:
        centers: Cluster centers in px ``(cluster, 2)``, largest first.
        bandwidth: Radius of the flat kernel in px.

    >>> found = FixationClusters.fit([np.array([[0.0, 0.0], [4.0, 0.0], [90.0, 0.0]])], 20.0)
    >>> found.centers.tolist(), found.labels(np.array([[80.0, 9.0]])).tolist()
    ([[2.0, 0.0], [90.0, 0.0]], [1])
    """

    centers: Values
    bandwidth: float

    @classmethod
    def fit(cls, paths: Paths, bandwidth: float | None = None) -> FixationClusters:
        """Cluster all fixations of these paths.

        The algorithm and its defaults are those of scikit-learn's ``MeanShift()``, which peers
        use; all seeds move together here, which is some hundred times faster on one image.

        Args:
            paths: Paths of the observers of one image, see `PathLike`.
            bandwidth: Radius in px; None for the mean distance to the farthest of the nearest
                30 % of fixations.

        Raises:
            ValueError: Without any fixation, or for a bandwidth not above 0.
        """
        found = [as_rows(path)[:, :2] for path in paths if len(path)]
        if not found:
            raise ValueError("no fixations to cluster: all given paths are empty")
        points = np.concatenate(found)
        if bandwidth is None:
            nearest = max(1, int(0.3 * len(points)))
            distances = np.sqrt(cdist(points, points, "sqeuclidean"))
            bandwidth = float(np.partition(distances, nearest - 1, axis=1)[:, nearest - 1].mean())
            bandwidth = bandwidth or 1.0  # all fixations coincide: any radius gives one cluster
        if not bandwidth > 0:
            raise ValueError(f"bandwidth must be above 0 px, found {bandwidth}")
        modes, weights = _climb(points, bandwidth)
        return cls(_strongest(modes, weights, bandwidth), bandwidth)

    def labels(self, points: Values) -> NDArray[np.int64]:
        """Nearest cluster of each position ``(fixation, 2)`` in px, ``(fixation,)``."""
        found: NDArray[np.int64] = cdist(points, self.centers, "sqeuclidean").argmin(1)
        return found


def string_edit_distance(
    a: Paths,
    b: Paths,
    screen: Screen,
    grid: int | tuple[int, int] = 5,
    *,
    cells: Cells | None = None,
) -> Values:
    """Levenshtein distance of the strings of grid cells, in edits; lower is better.

    Args:
        a: Paths, see `PathLike`.
        b: As many paths.
        screen: Width and height in px.
        grid: Cells per side, or columns and rows: then the cells are those of ScanMatch.
        cells: How positions fall into cells; None for ``clipped`` with one number as the grid and
            ``equal`` with two.
            ``clipped``: cells of a whole number of px as in Chen et al. (2021), positions beyond
            the last cell counted to it. ``equal``: columns and rows of equal size, positions off
            the screen counted to its border. ``ports``: whole px without clipping, so that
            positions right of the last column fall into the next row's cells (a fault of the
            Python ports).

    Returns:
        ``(pair,)``, whole numbers.

    Raises:
        ValueError: For unequal sequences, malformed paths, a grid below 1 or unknown cells.

    >>> a, b = np.array([[10.0, 10.0], [790.0, 590.0]]), np.array([[10.0, 10.0]])
    >>> string_edit_distance([a], [b], screen=(800, 600)).tolist()
    [1.0]
    """
    columns, rows = (grid, grid) if isinstance(grid, int) else grid
    if min(columns, rows) < 1:
        raise ValueError(f"grid must have at least one cell a side, found {grid}")
    pairs = pair_up(a, b, screen)
    pixel = np.trunc(pairs.rows[:, :2])
    count = np.array([columns, rows], dtype=np.float64)
    size = np.asarray(screen, dtype=np.float64)
    cells = cells or ("clipped" if isinstance(grid, int) else "equal")
    if cells == "equal":
        cell = grid_cells(pairs.rows[:, :2], screen, (columns, rows))
    elif cells in ("clipped", "ports"):
        cell = np.floor(pixel / np.maximum(size // count, 1))
        cell = np.clip(cell, 0, count - 1) if cells == "clipped" else cell
    else:
        raise ValueError(f"cells must be 'clipped', 'equal' or 'ports', found {cells!r}")
    codes = cell[:, :1] + columns * cell[:, 1:]
    return _edits(replace(pairs, rows=codes))


def sequence_score(
    a: Paths,
    b: Paths,
    clusters: FixationClusters | Sequence[FixationClusters],
    screen: Screen | None = None,
) -> Values:
    """Sequence score (Yang et al. 2020) in [0, 1]; higher is better.

    Longest common subsequence of the strings of clusters, divided by the longer length.

    Args:
        a: Paths, see `PathLike`.
        b: As many paths.
        clusters: Clusters of observers' fixations on the image: one for all pairs, or one for each.
        screen: Width and height in px that a `Scanpath` is stretched to.

    Returns:
        ``(pair,)``; 0 where one path is empty, NaN where both are.

    Raises:
        ValueError: For unequal sequences or malformed paths.

    >>> clusters = FixationClusters(np.array([[0.0, 0.0], [100.0, 0.0]]), bandwidth=50.0)
    >>> a, b = np.array([[9.0, 0.0], [90.0, 0.0]]), np.array([[80.0, 5.0]])
    >>> sequence_score([a], [b], clusters).tolist()
    [0.5]
    """
    strings = _cluster_strings(a, b, clusters, screen)
    common = _aligned(strings, scores(), np.where(strings.longest > 0, 0.0, np.nan))
    return common / np.maximum(strings.longest, 1)


def fed(
    a: Paths,
    b: Paths,
    clusters: FixationClusters | Sequence[FixationClusters],
    screen: Screen | None = None,
) -> Values:
    """Fixation edit distance: Levenshtein on the strings of clusters, in edits; lower is better.

    Arguments and errors as for `sequence_score`; the result ``(pair,)`` is never NaN.

    >>> clusters = FixationClusters(np.array([[0.0, 0.0], [100.0, 0.0]]), bandwidth=50.0)
    >>> a, b = np.array([[9.0, 0.0], [90.0, 0.0]]), np.array([[80.0, 5.0]])
    >>> fed([a], [b], clusters).tolist()
    [1.0]
    """
    return _edits(_cluster_strings(a, b, clusters, screen))


def _cluster_strings(
    a: Paths,
    b: Paths,
    clusters: FixationClusters | Sequence[FixationClusters],
    screen: Screen | None,
) -> Pairs:
    pairs = pair_up(a, b, screen)
    given = [clusters] * len(a) if isinstance(clusters, FixationClusters) else list(clusters)
    if len(given) != len(a):
        raise ValueError(
            f"clusters must be one for all pairs or one for each of {len(a)}, found {len(given)}"
        )
    identity = np.fromiter(map(id, given), dtype=np.int64, count=len(given))
    _, seen, which = np.unique(identity, return_index=True, return_inverse=True)
    # A path may meet several clusters: a string for each, those of one cluster beside each other.
    paths = max(1, len(pairs.lengths))
    keys = np.concatenate([pairs.first, pairs.second]) + paths * np.tile(which.reshape(-1), 2)
    strings, index = np.unique(keys, return_inverse=True)
    first, second = np.split(index.reshape(-1), 2)
    lengths = pairs.lengths[strings % paths] if len(strings) else pairs.lengths
    points = np.split(pairs.rows[:, :2], np.cumsum(pairs.lengths)[:-1])
    groups = np.split(strings % paths, np.searchsorted(strings // paths, np.arange(1, len(seen))))
    labels = [
        given[i].labels(np.concatenate([points[path] for path in group]))
        for i, group in zip(seen.tolist(), groups, strict=False)
    ]
    rows = np.concatenate(labels or [np.empty(0, np.int64)])[:, None]
    return replace(pairs, rows=rows, lengths=lengths, first=first, second=second)


def _edits(strings: Pairs) -> Values:
    # An empty string costs the other one's length; the sweep is only run on non-empty ones.
    return _aligned(strings, EDITS, strings.longest)


def _aligned(strings: Pairs, rule: Rule, otherwise: Values) -> Values:
    cost = unequal if rule is EDITS else (lambda one, two: 1 - unequal(one, two))
    symbols = replace(strings, rows=strings.rows.astype(np.float32))  # small whole numbers
    return fill_by_block(otherwise, lambda block: sweep(block, cost, rule).final, symbols)


def _climb(points: Values, bandwidth: float, steps: int = 300) -> tuple[Values, NDArray[np.int64]]:
    """Move every point to the mean of its neighborhood until it rests."""
    modes = np.unique(points, axis=0)
    weights = np.zeros(len(modes), dtype=np.int64)
    moving = np.arange(len(modes))
    for _ in range(steps + 1):
        distances = cdist(modes[moving], points, "sqeuclidean")
        near = (distances <= bandwidth**2).astype(np.float64)
        counts = near.sum(1)
        means = near @ points / counts[:, None]
        steps_px = np.hypot(*(means - modes[moving]).T)
        modes[moving] = means
        weights[moving] = counts.astype(np.int64)
        moving = moving[steps_px > 1e-3 * bandwidth]
        if len(moving) == 0:
            break
    return modes, weights


def _strongest(modes: Values, weights: NDArray[np.int64], bandwidth: float) -> Values:
    """Drop modes within a bandwidth of a stronger one; ties go to the larger x, then y."""
    order = np.lexsort((modes[:, 1], modes[:, 0], weights))[::-1]
    modes = modes[order]
    near = cdist(modes, modes, "sqeuclidean") <= bandwidth**2
    keep = np.ones(len(modes), dtype=np.bool_)
    for i in range(len(modes)):
        if keep[i]:
            keep[i + 1 :] &= ~near[i, i + 1 :]
    return modes[keep]
