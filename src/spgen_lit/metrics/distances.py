"""Euclidean distances of all fixations of pairs of paths, and metrics read off them at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spgen_lit.metrics.paths import Block, Device, Path, blocks, pair_up

BlockMetric = Callable[[Block, Tensor], Tensor]
"""Block and its distances ``(i, j, pair)``, infinite beyond the paths, to ``(pair[, k])``."""


def distances(block: Block) -> Tensor:
    """Distances in px ``(i, j, pair)``, infinite where i or j lies beyond its path."""
    x = block.a[0][:, None] - block.b[0][None]
    y = block.a[1][:, None] - block.b[1][None]
    matrix = x.mul_(x).addcmul_(y, y).sqrt_()
    beyond_a, beyond_b = beyond(block)
    return matrix.masked_fill_(beyond_a[:, None] | beyond_b[None], math.inf)


def beyond(block: Block) -> tuple[Tensor, Tensor]:
    """Which positions lie beyond the first and second paths: ``(i, pair)`` and ``(j, pair)``."""
    i = torch.arange(block.a.shape[1], device=block.n.device)[:, None]
    j = torch.arange(block.b.shape[1], device=block.n.device)[:, None]
    return i >= block.n, j >= block.m


def by_block(
    a: Sequence[Path], b: Sequence[Path], metric: BlockMetric, values: int, device: Device
) -> NDArray[np.float64]:
    """Apply a block metric to all pairs ``(pair, values)``; NaN where a path is empty."""
    pairs = pair_up(a, b, device)
    result = np.full((len(pairs), values), np.nan)
    for block in blocks(pairs.table(), pairs.first, pairs.second, square=True):
        rows = metric(block, distances(block)).cpu().numpy()
        result[block.where.numpy()] = rows.reshape(len(rows), values)
    return result


def nearest(matrix: Tensor, block: Block) -> tuple[Tensor, Tensor]:
    """Distance of each fixation to the nearest one of the other path.

    Returns:
        ``(i, pair)`` and ``(j, pair)``, infinite beyond the paths.
    """
    return matrix.amin(1), matrix.amin(0)


def inside_sum(values: Tensor, outside: Tensor) -> Tensor:
    """Sum over positions ``(position, pair)`` that are not outside."""
    return values.masked_fill(outside, 0.0).sum(0)
