"""Time-delay embedding: how far each stretch of a scanpath is from the nearest human stretch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spgen_lit.metrics.distances import by_block
from spgen_lit.metrics.paths import Block, Device, Path

DelayConvention = Literal["chen2021", "vame"]


def tde(
    a: Sequence[Path],
    b: Sequence[Path],
    screen: tuple[float, float] | None = None,
    *,
    k: int = 3,
    convention: DelayConvention = "vame",
    device: Device = None,
) -> NDArray[np.float64]:
    """Time-delay embedding distance in px; lower is better; not symmetric.

    Mean over the windows of k fixations of B (the prediction) of the smallest distance to a
    window of A (the person), divided by k. The order of arguments is that of the ports.

    Args:
        a, b: Equally long sequences of paths ``(fixation, 2 or 3)``: people and predictions.
        screen: Not used; distances are in px.
        k: Fixations in a window.
        convention: How two windows are compared: ``vame`` by the Euclidean norm of all their
            coordinates, ``chen2021`` by the sum of the distances of their fixations.
        device: Where to compute; CPU by default.

    Returns:
        ``(pair,)``; NaN where a path has fewer than k fixations.

    Raises:
        ValueError: For k below 1 or an unknown convention.
    """
    if k < 1:
        raise ValueError(f"tde needs windows of k >= 1 fixations, found {k}")
    squared = _squared(convention)

    def at_k(block: Block, matrix: Tensor) -> Tensor:
        for length, value in _window_distances(block, matrix, squared):
            if length == k:
                return value
        return torch.full_like(matrix[0, 0], torch.nan)

    return by_block(a, b, at_k, 1, device)[:, 0]


def stde(
    a: Sequence[Path],
    b: Sequence[Path],
    screen: tuple[float, float],
    convention: DelayConvention = "chen2021",
    *,
    device: Device = None,
) -> NDArray[np.float64]:
    """Scaled time-delay embedding in (0, 1]; higher is better; not symmetric.

    Mean over k = 1 .. min(n, m) of exp(-TDE_k), coordinates divided by the longer screen side
    (Wang et al. 2011). The two conventions in use differ by up to 0.16, see :func:`tde`.

    Args:
        a, b: Equally long sequences of paths ``(fixation, 2 or 3)``: people and predictions.
        screen: Width and height in px.
        convention: ``chen2021`` (sum of distances) or ``vame`` (Euclidean norm; FixaTons).
        device: Where to compute; CPU by default.

    Returns:
        ``(pair,)``; NaN where a path is empty.

    Raises:
        ValueError: For an unknown convention.
    """
    squared = _squared(convention)
    side = float(max(screen))

    def scaled(block: Block, matrix: Tensor) -> Tensor:
        total = torch.zeros_like(matrix[0, 0])
        for _, value in _window_distances(block, matrix, squared):
            total += torch.exp(-value / side).nan_to_num_(nan=0.0)
        return total / torch.minimum(block.n, block.m)

    return by_block(a, b, scaled, 1, device)[:, 0]


def _squared(convention: str) -> bool:
    if convention not in ("chen2021", "vame"):
        raise ValueError(f"convention must be 'chen2021' or 'vame', found {convention!r}")
    return convention == "vame"


def _window_distances(block: Block, matrix: Tensor, squared: bool) -> Iterator[tuple[int, Tensor]]:
    """TDE_k ``(pair,)`` for k = 1, 2, ...; NaN for pairs with a path shorter than k."""
    matrix = matrix.square() if squared else matrix
    rows, columns, _ = matrix.shape
    start = torch.arange(columns, device=matrix.device)[:, None]
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
