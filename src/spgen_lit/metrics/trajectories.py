"""Distances of two scanpaths as curves, point sets or windows, and their cross-recurrence.

DTW, Fréchet, Hausdorff, Eyenalysis, overlap of discs, time-delay embedding, recurrence.

Distances are in px. ``screen`` is the width and height that a `Scanpath` is stretched to first;
arrays and tensors are in px already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from spgen_lit.metrics.alignment import LEASH, WARP, Rule, euclidean, sweep
from spgen_lit.metrics.pairs import Block, Paths, Screen, Values, fill_by_block, pair_up

DelayConvention = Literal["chen2021", "vame"]
BlockMetric = Callable[[Block, Tensor], Tensor]
"""Block and its distances ``(i, j, pair)``, infinite beyond the paths, to ``(pair[, k])``."""


def dtw(a: Paths, b: Paths, screen: Screen | None = None) -> Values:
    """Dynamic time warping in px, exact: sum of distances along the cheapest warp; lower is better.

    Args:
        a: Paths, see `PathLike`.
        b: As many paths.
        screen: Width and height in px that a `Scanpath` is stretched to.

    Returns:
        ``(pair,)``; NaN where a path is empty.

    >>> a, b = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]])
    >>> dtw([a], [b]).tolist()
    [5.0]
    """
    return _warped(a, b, WARP, screen)


def frechet(a: Paths, b: Paths, screen: Screen | None = None) -> Values:
    """Discrete Fréchet distance in px (Eiter & Mannila 1994); lower is better.

    Arguments, result and NaN as for `dtw`.

    >>> a, b = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0], [0.0, 1.0]])
    >>> frechet([a], [b]).round(3).tolist()
    [4.243]
    """
    return _warped(a, b, LEASH, screen)


def _warped(a: Paths, b: Paths, rule: Rule, screen: Screen | None) -> Values:
    pairs = pair_up(a, b, screen)
    result = np.full(len(pairs), np.nan)
    return fill_by_block(result, lambda block: sweep(block, euclidean, rule).final, pairs)


def hausdorff(a: Paths, b: Paths, screen: Screen | None = None) -> Values:
    """Hausdorff distance in px: the farthest fixation from the other path; lower is better.

    The larger of the two directed distances. Arguments, result and NaN as for `dtw`.

    >>> a, b = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]])
    >>> hausdorff([a], [b]).tolist()
    [5.0]
    """

    def farthest(block: Block, matrix: Tensor) -> Tensor:
        to_b, to_a = _nearest(matrix)
        return torch.maximum(to_b.amax(0), to_a.amax(0))

    return _by_block(a, b, farthest, 1, screen)[:, 0]


def eyenalysis(a: Paths, b: Paths, screen: Screen | None = None) -> Values:
    """Eyenalysis (Mathôt et al. 2012) in px; lower is better.

    Nearest-neighbor distances summed both ways, divided by the longer length. Arguments, result
    and NaN as for `dtw`.

    >>> a, b = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]])
    >>> eyenalysis([a], [b]).tolist()
    [2.5]
    """

    def mutual(block: Block, matrix: Tensor) -> Tensor:
        to_b, to_a = _nearest(matrix)
        return (to_b.sum(0) + to_a.sum(0)) / torch.maximum(block.n, block.m)

    return _by_block(a, b, mutual, 1, screen)[:, 0]


def disc_iou(
    a: Paths,
    b: Paths,
    radius: float,
    screen: Screen | None = None,
    *,
    parts: bool = False,
) -> Values:
    """Overlap of discs around the fixations, blind to order, in [0, 1]; higher is better.

    Precision is the mean over A's discs of the best intersection over union with a disc of B,
    recall the same from B's side, the value their harmonic mean.

    Args:
        a: Paths, see `PathLike`.
        b: As many paths.
        radius: Radius of the discs in px, usually one degree.
        screen: Width and height in px that a `Scanpath` is stretched to.
        parts: Also give precision and recall.

    Returns:
        ``(pair,)``, or with parts ``(pair, 3)``: value, precision, recall. NaN where a path is
        empty.

    Raises:
        ValueError: For a radius that is not above 0.

    >>> a, b = np.array([[0.0, 0.0], [30.0, 40.0]]), np.array([[0.0, 0.0]])
    >>> disc_iou([a], [b], radius=10.0, parts=True).round(3).tolist()
    [[0.667, 0.5, 1.0]]
    """
    if not radius > 0:
        raise ValueError(f"disc_iou needs a radius above 0 px, found {radius}")

    def overlap(block: Block, matrix: Tensor) -> Tensor:
        # The nearest equal disc overlaps most, and one infinitely far not at all.
        precision = _iou(matrix.amin(1), radius).sum(0) / block.n
        recall = _iou(matrix.amin(0), radius).sum(0) / block.m
        both = precision + recall
        value = torch.where(both > 0, 2 * precision * recall / both, 0.0)
        return torch.stack([value, precision, recall], dim=1)

    rows = _by_block(a, b, overlap, 3, screen)
    return rows if parts else rows[:, 0]


def _iou(distance: Tensor, radius: float) -> Tensor:
    """Intersection over union of two discs of one radius at this distance."""
    half = (distance / (2 * radius)).clamp(max=1.0)
    lens = 2 * radius**2 * (half.acos() - half * (1 - half * half).sqrt())
    return lens / (2 * math.pi * radius**2 - lens)


def tde(
    a: Paths,
    b: Paths,
    screen: Screen | None = None,
    *,
    k: int = 3,
    convention: DelayConvention = "vame",
) -> Values:
    """Time-delay embedding distance in px; lower is better; not symmetric.

    Mean over the windows of k fixations of B (the prediction) of the smallest distance to a
    window of A (the observer), divided by k. The order of arguments is that of the ports.

    Args:
        a: Paths of observers, see `PathLike`.
        b: As many paths of predictions.
        screen: Width and height in px that a `Scanpath` is stretched to.
        k: Fixations in a window.
        convention: How two windows are compared: ``vame`` by the Euclidean norm of all their
            coordinates, ``chen2021`` by the sum of the distances of their fixations.

    Returns:
        ``(pair,)``; NaN where a path has fewer than k fixations.

    Raises:
        ValueError: For k below 1 or an unknown convention.

    >>> a = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    >>> tde([a], [a[:1] - (3.0, 4.0)], k=1).tolist()
    [5.0]
    """
    if k < 1:
        raise ValueError(f"tde needs windows of k >= 1 fixations, found {k}")
    squared = _squared(convention)

    def at_k(block: Block, matrix: Tensor) -> Tensor:
        windows = _window_distances(block, matrix, squared)
        none = torch.full_like(matrix[0, 0], torch.nan)
        return next((value for length, value in windows if length == k), none)

    return _by_block(a, b, at_k, 1, screen)[:, 0]


def stde(a: Paths, b: Paths, screen: Screen, convention: DelayConvention = "chen2021") -> Values:
    """Scaled time-delay embedding in (0, 1]; higher is better; not symmetric.

    Mean over k = 1 .. min(n, m) of exp(-TDE_k), coordinates divided by the longer screen side
    (Wang et al. 2011). The two conventions in use differ by up to 0.16, see `tde`.

    Args:
        a: Paths of observers, see `PathLike`.
        b: As many paths of predictions.
        screen: Width and height in px.
        convention: ``chen2021`` (sum of distances) or ``vame`` (Euclidean norm; FixaTons).

    Returns:
        ``(pair,)``; NaN where a path is empty.

    Raises:
        ValueError: For an unknown convention.

    >>> a = np.array([[100.0, 100.0], [500.0, 300.0]])
    >>> stde([a], [a + (0.0, 100.0)], screen=(1000, 500)).round(3).tolist()
    [0.905]
    """
    squared = _squared(convention)
    side = float(max(screen))

    def scaled(block: Block, matrix: Tensor) -> Tensor:
        total = torch.zeros_like(matrix[0, 0])
        for _, value in _window_distances(block, matrix, squared):
            total += torch.exp(-value / side).nan_to_num_(nan=0.0)
        return total / torch.minimum(block.n, block.m)

    return _by_block(a, b, scaled, 1, screen)[:, 0]


def _squared(convention: str) -> bool:
    if convention not in ("chen2021", "vame"):
        raise ValueError(f"convention must be 'chen2021' or 'vame', found {convention!r}")
    return convention == "vame"


def _window_distances(block: Block, matrix: Tensor, squared: bool) -> Iterator[tuple[int, Tensor]]:
    """TDE_k ``(pair,)`` for k = 1, 2, ...; NaN for pairs with a path shorter than k."""
    matrix = matrix.square() if squared else matrix
    rows, columns, _ = matrix.shape
    start = torch.arange(columns)[:, None]
    windows = matrix
    for k in range(1, min(rows, columns) + 1):
        if k > 1:  # a window of k ends one fixation after the window of k - 1
            windows = windows[:-1, :-1] + matrix[k - 1 :, k - 1 :]
        closest = windows.amin(0)
        if squared:
            closest = closest.sqrt_()
        count = block.m - k + 1
        total = closest.masked_fill_(start[: columns - k + 1] >= count, 0.0).sum(0)
        value = total / (count * k)
        yield k, value.masked_fill_((count < 1) | (block.n < k), torch.nan)


def recurrence(a: Paths, b: Paths, radius: float, screen: Screen | None = None) -> Values:
    """Cross-recurrence quantification (Anderson et al. 2015), in percent.

    Both paths are cut to the shorter length N; C_ij = 1 where fixations i of A and j of B lie
    at most ``radius`` apart. REC is the percentage of recurrent pairs; DET of those on diagonal
    runs of at least two (the same order); LAM the mean of those on horizontal and on vertical
    runs of at least two (one position held); CORM the lag of the recurrent pairs, above 0 where
    B comes later, 0 best.

    Args:
        a: Paths, see `PathLike`.
        b: As many paths.
        radius: Radius in px.
        screen: Width and height in px that a `Scanpath` is stretched to.

    Returns:
        ``(pair, 4)``: REC, DET, LAM, CORM. Without any recurrence the last three are 0; CORM is
        NaN where N = 1 and the two fixations recur; all NaN where a path is empty. Swapping a and
        b changes the sign of CORM alone.

    Raises:
        ValueError: For a radius below 0.

    >>> a = np.array([[0.0, 0.0], [50.0, 0.0], [90.0, 0.0]])
    >>> recurrence([a], [a], radius=10.0).round(2).tolist()
    [[33.33, 100.0, 0.0, 0.0]]
    """
    if not radius >= 0:
        raise ValueError(f"recurrence needs a radius of at least 0 px, found {radius}")
    return _by_block(a, b, partial(_recurrence, radius=radius), 4, screen)


def _recurrence(block: Block, matrix: Tensor, radius: float) -> Tensor:
    shorter = torch.minimum(block.n, block.m)
    side = int(shorter.max())
    index = torch.arange(side)
    inside = index[:, None] < shorter
    close = matrix[:side, :side] <= radius
    close &= inside[:, None] & inside[None]
    count = close.sum((0, 1)).to(matrix.dtype)
    every, head, tail = slice(None), slice(None, -1), slice(1, None)

    def on_runs(first: tuple[slice, slice], second: tuple[slice, slice]) -> Tensor:
        """Recurrent pairs that have a recurrent neighbor in one direction."""
        both = close[first] & close[second]
        runs = torch.zeros_like(close)
        runs[first] |= both
        runs[second] |= both
        return runs.sum((0, 1)).to(matrix.dtype)

    ordered = on_runs((head, head), (tail, tail))
    held = on_runs((head, every), (tail, every)) + on_runs((every, head), (every, tail))
    lag = ((index[None, :] - index[:, None])[..., None] * close).sum((0, 1)).to(matrix.dtype)
    some = count.clamp(min=1)
    corm = torch.where(count > 0, 100 * lag / ((shorter - 1) * some), 0.0)
    return torch.stack(
        [100 * count / shorter.square(), 100 * ordered / some, 50 * held / some, corm], dim=1
    )


def _by_block(
    a: Paths, b: Paths, metric: BlockMetric, values: int, screen: Screen | None
) -> Values:
    """Apply a block metric to all pairs ``(pair, values)``; NaN where a path is empty."""
    pairs = pair_up(a, b, screen)
    return fill_by_block(
        np.full((len(pairs), values), np.nan),
        lambda block: metric(block, _distances(block)),
        pairs,
        square=True,
    )


def _distances(block: Block) -> Tensor:
    """Distances in px ``(i, j, pair)``, infinite where i or j lies beyond its path."""
    matrix = euclidean(block.a[:, :, None], block.b[:, None])
    beyond_a = torch.arange(block.a.shape[1])[:, None] >= block.n
    beyond_b = torch.arange(block.b.shape[1])[:, None] >= block.m
    return matrix.masked_fill_(beyond_a[:, None] | beyond_b[None], math.inf)


def _nearest(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Distance of each fixation to the nearest of the other path: ``(i, pair)``, ``(j, pair)``.

    0 beyond the paths.
    """
    to_b, to_a = matrix.amin(1), matrix.amin(0)
    return to_b.masked_fill_(to_b.isinf(), 0.0), to_a.masked_fill_(to_a.isinf(), 0.0)
