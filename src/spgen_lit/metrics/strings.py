"""Scanpaths as strings: edit distance on a grid, sequence score and FED on clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from spgen_lit.metrics.alignment import EDITS, Rule, scores, sweep, unequal
from spgen_lit.metrics.clusters import FixationClusters
from spgen_lit.metrics.paths import Device, Path, Table, blocks, pad, pair_up
from spgen_lit.metrics.scanmatch import grid_cells

Cells = Literal["clipped", "equal", "ports"]


def string_edit_distance(
    a: Sequence[Path],
    b: Sequence[Path],
    screen: tuple[float, float],
    grid: int | tuple[int, int] = 5,
    *,
    cells: Cells | None = None,
    device: Device = None,
) -> NDArray[np.float64]:
    """Levenshtein distance of the strings of grid cells, in edits; lower is better.

    Args:
        a, b: Equally long sequences of paths ``(fixation, 2 or 3)``: x, y in px.
        screen: Width and height in px.
        grid: Cells per side, or columns and rows: then the cells are those of ScanMatch.
        cells: How places fall into cells; None for ``clipped`` with one number as the grid and
            ``equal`` with two.
            ``clipped``: cells of a whole number of px as in Chen et al. (2021), places beyond the
            last cell counted to it. ``equal``: columns and rows of equal share, places off the
            screen counted to its border. ``ports``: whole px without clipping, so that places
            right of the last column fall into the next row's cells (the Python ports' fault).
        device: Where to compute; CPU by default.

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
    pairs = pair_up(a, b, device)
    pixel = np.trunc(pairs.rows[:, :2])
    share = np.array([columns, rows], dtype=np.float64)
    size = np.asarray(screen, dtype=np.float64)
    cells = cells or ("clipped" if isinstance(grid, int) else "equal")
    if cells == "equal":
        cell = grid_cells(pairs.rows[:, :2], screen, (columns, rows))
    elif cells in ("clipped", "ports"):
        cell = np.floor(pixel / np.maximum(size // share, 1))
        cell = np.clip(cell, 0, share - 1) if cells == "clipped" else cell
    else:
        raise ValueError(f"cells must be 'clipped', 'equal' or 'ports', found {cells!r}")
    table = pad(cell[:, :1] + columns * cell[:, 1:], pairs.lengths, pairs.device)
    n, m = pairs.lengths[pairs.first], pairs.lengths[pairs.second]
    # An empty string costs the other one's length; the sweep is only run on non-empty ones.
    return _aligned(table, pairs.first, pairs.second, EDITS, np.maximum(n, m).astype(np.float64))


def sequence_score(
    a: Sequence[Path],
    b: Sequence[Path],
    clusters: FixationClusters | Sequence[FixationClusters],
    screen: tuple[float, float] | None = None,
    *,
    device: Device = None,
) -> NDArray[np.float64]:
    """Sequence score (Yang et al. 2020) in [0, 1]; higher is better.

    Longest common subsequence of the strings of clusters, divided by the longer length.

    Args:
        a, b: Equally long sequences of paths ``(fixation, 2 or 3)``: x, y in px.
        clusters: Clusters of people's fixations on the image: one for all pairs, or one for each.
        screen: Not used.
        device: Where to compute; CPU by default.

    Returns:
        ``(pair,)``; 0 where one path is empty, NaN where both are.

    Raises:
        ValueError: For unequal sequences or malformed paths.
    """
    table, first, second, n, m = _cluster_strings(a, b, clusters, device)
    longest = np.maximum(n, m)
    common = _aligned(table, first, second, scores(), np.where(longest > 0, 0.0, np.nan))
    return common / np.maximum(longest, 1)


def fed(
    a: Sequence[Path],
    b: Sequence[Path],
    clusters: FixationClusters | Sequence[FixationClusters],
    screen: tuple[float, float] | None = None,
    *,
    device: Device = None,
) -> NDArray[np.float64]:
    """Fixation edit distance: Levenshtein on the strings of clusters, in edits; lower is better.

    Arguments and errors as for :func:`sequence_score`; the result ``(pair,)`` is never NaN.
    """
    table, first, second, n, m = _cluster_strings(a, b, clusters, device)
    return _aligned(table, first, second, EDITS, np.maximum(n, m).astype(np.float64))


def _cluster_strings(
    a: Sequence[Path],
    b: Sequence[Path],
    clusters: FixationClusters | Sequence[FixationClusters],
    device: Device,
) -> tuple[Table, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Table of strings, the places of each pair's strings in it, and their lengths."""
    pairs = pair_up(a, b, device)
    given = [clusters] * len(a) if isinstance(clusters, FixationClusters) else list(clusters)
    if len(given) != len(a):
        raise ValueError(
            f"clusters must be one for all pairs or one for each of {len(a)}, found {len(given)}"
        )
    known = {id(each): each for each in given}
    place = {key: i for i, key in enumerate(known)}
    which = np.array([place[id(each)] for each in given], dtype=np.int64)
    count = max(1, len(pairs.lengths))
    wanted = np.concatenate([which * count + pairs.first, which * count + pairs.second])
    strings, index = np.unique(wanted, return_inverse=True)  # a path may meet several clusters
    lengths = pairs.lengths[strings % count] if len(strings) else pairs.lengths[:0]
    starts = (
        (np.cumsum(pairs.lengths) - pairs.lengths)[strings % count] if len(strings) else lengths
    )
    offsets = np.cumsum(lengths) - lengths
    rows = np.repeat(starts - offsets, lengths) + np.arange(int(lengths.sum()))
    owner = np.repeat(strings // count, lengths)
    labels = np.zeros((len(rows), 1))
    bounds = np.searchsorted(owner, np.arange(len(known) + 1))
    for i, each in enumerate(known.values()):
        part = slice(bounds[i], bounds[i + 1])
        labels[part, 0] = each.labels(pairs.rows[rows[part], :2])
    first, second = np.split(index.reshape(-1), 2)
    return pad(labels, lengths, pairs.device), first, second, lengths[first], lengths[second]


def _aligned(
    table: Table,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    rule: Rule,
    otherwise: NDArray[np.float64],
) -> NDArray[np.float64]:
    cost = unequal if rule is EDITS else (lambda one, two: 1 - unequal(one, two))
    result = otherwise.copy()
    symbols = Table(table.features.to(torch.float32), table.lengths)  # small whole numbers
    for block in blocks(symbols, first, second):
        result[block.where.numpy()] = sweep(block, cost, rule).final.cpu().numpy()
    return result
