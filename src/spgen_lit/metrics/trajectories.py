"""Distances of two scanpaths as curves or point sets: DTW, Fréchet, Hausdorff, Eyenalysis, discs.

Every function takes ``screen`` so that all pair metrics can be called alike; distances are in px
whatever the screen, so it is not used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spgen_lit.metrics.alignment import LEASH, WARP, Rule, euclidean, sweep
from spgen_lit.metrics.distances import beyond, by_block, inside_sum, nearest
from spgen_lit.metrics.paths import Block, Device, Path, blocks, pair_up

Screen = tuple[float, float] | None


def dtw(
    a: Sequence[Path], b: Sequence[Path], screen: Screen = None, *, device: Device = None
) -> NDArray[np.float64]:
    """Dynamic time warping in px, exact: sum of distances along the cheapest warp; lower is better.

    Args:
        a, b: Equally long sequences of paths ``(fixation, 2 or 3)``: x, y in px.
        screen: Not used.
        device: Where to compute; CPU by default.

    Returns:
        ``(pair,)``; NaN where a path is empty.

    >>> a, b = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]])
    >>> dtw([a], [b]).tolist()
    [5.0]
    """
    return _warped(a, b, WARP, device)


def frechet(
    a: Sequence[Path], b: Sequence[Path], screen: Screen = None, *, device: Device = None
) -> NDArray[np.float64]:
    """Discrete Fréchet distance in px (Eiter & Mannila 1994); lower is better.

    Arguments, result and NaN as for :func:`dtw`.
    """
    return _warped(a, b, LEASH, device)


def _warped(
    a: Sequence[Path], b: Sequence[Path], rule: Rule, device: Device
) -> NDArray[np.float64]:
    pairs = pair_up(a, b, device)
    result = np.full(len(pairs), np.nan)
    for block in blocks(pairs.table(), pairs.first, pairs.second):
        result[block.where.numpy()] = sweep(block, euclidean, rule).final.cpu().numpy()
    return result


def hausdorff(
    a: Sequence[Path], b: Sequence[Path], screen: Screen = None, *, device: Device = None
) -> NDArray[np.float64]:
    """Hausdorff distance in px: the farthest fixation from the other path; lower is better.

    The larger of the two directed distances. Arguments, result and NaN as for :func:`dtw`.
    """

    def farthest(block: Block, matrix: Tensor) -> Tensor:
        outside = beyond(block)
        ways = [
            to.masked_fill(out, 0.0).amax(0)
            for to, out in zip(nearest(matrix, block), outside, strict=True)
        ]
        return torch.maximum(*ways)

    return by_block(a, b, farthest, 1, device)[:, 0]


def eyenalysis(
    a: Sequence[Path], b: Sequence[Path], screen: Screen = None, *, device: Device = None
) -> NDArray[np.float64]:
    """Eyenalysis (Mathôt et al. 2012) in px; lower is better.

    Nearest-neighbour distances summed both ways, divided by the longer length. Arguments, result
    and NaN as for :func:`dtw`.
    """

    def mutual(block: Block, matrix: Tensor) -> Tensor:
        to_b, to_a = nearest(matrix, block)
        beyond_a, beyond_b = beyond(block)
        total = inside_sum(to_b, beyond_a) + inside_sum(to_a, beyond_b)
        return total / torch.maximum(block.n, block.m)

    return by_block(a, b, mutual, 1, device)[:, 0]


def disc_iou(
    a: Sequence[Path],
    b: Sequence[Path],
    radius: float,
    screen: Screen = None,
    *,
    parts: bool = False,
    device: Device = None,
) -> NDArray[np.float64]:
    """Overlap of discs around the fixations, blind to order, in [0, 1]; higher is better.

    Precision is the mean over A's discs of the best intersection over union with a disc of B,
    recall the same from B's side, the value their harmonic mean.

    Args:
        a, b: Equally long sequences of paths ``(fixation, 2 or 3)``: x, y in px.
        radius: Radius of the discs in px, usually one degree.
        screen: Not used.
        parts: Also give precision and recall.
        device: Where to compute; CPU by default.

    Returns:
        ``(pair,)``, or with parts ``(pair, 3)``: value, precision, recall. NaN where a path is
        empty.

    Raises:
        ValueError: For a radius that is not above 0.
    """
    if not radius > 0:
        raise ValueError(f"disc_iou needs a radius above 0 px, found {radius}")

    def overlap(block: Block, matrix: Tensor) -> Tensor:
        beyond_a, beyond_b = beyond(block)
        to_b, to_a = nearest(matrix, block)  # the nearest equal disc overlaps most
        precision = inside_sum(_iou(to_b, radius), beyond_a) / block.n
        recall = inside_sum(_iou(to_a, radius), beyond_b) / block.m
        both = precision + recall
        value = torch.where(both > 0, 2 * precision * recall / both, 0.0)
        return torch.stack([value, precision, recall], dim=1)

    rows = by_block(a, b, overlap, 3, device)
    return rows if parts else rows[:, 0]


def _iou(distance: Tensor, radius: float) -> Tensor:
    """Intersection over union of two discs of one radius at this distance."""
    half = (distance / (2 * radius)).clamp(max=1.0)
    lens = 2 * radius**2 * (half.acos() - half * (1 - half * half).sqrt())
    return lens / (2 * math.pi * radius**2 - lens)
