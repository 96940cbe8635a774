"""Cross-recurrence of two scanpaths: how much, in which order, and how it lags."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spgen_lit.metrics.distances import by_block
from spgen_lit.metrics.paths import Block, Device, Path

MEASURES = ("REC", "DET", "LAM", "CORM")


def recurrence(
    a: Sequence[Path],
    b: Sequence[Path],
    radius: float,
    screen: tuple[float, float] | None = None,
    *,
    device: Device = None,
) -> NDArray[np.float64]:
    """Cross-recurrence quantification (Anderson et al. 2015), in percent.

    Both paths are cut to the shorter length N; C_ij = 1 where fixations i of A and j of B lie
    at most ``radius`` apart. REC is the share of recurrent pairs; DET the share of those on
    diagonal runs of at least two (the same order); LAM the mean share on horizontal and on
    vertical runs of at least two (one place held); CORM the lag of the recurrent pairs, above 0
    where B comes later, 0 best.

    Args:
        a, b: Equally long sequences of paths ``(fixation, 2 or 3)``: x, y in px.
        radius: Radius in px.
        screen: Not used; the radius is in px.
        device: Where to compute; CPU by default.

    Returns:
        ``(pair, 4)``: REC, DET, LAM, CORM. Without any recurrence the last three are 0; CORM is
        NaN where N = 1 and the two fixations recur; all NaN where a path is empty. Swapping a and
        b changes the sign of CORM alone.

    Raises:
        ValueError: For a radius below 0.
    """
    if not radius >= 0:
        raise ValueError(f"recurrence needs a radius of at least 0 px, found {radius}")

    def measures(block: Block, matrix: Tensor) -> Tensor:
        return _measures(block, matrix, radius)

    return by_block(a, b, measures, 4, device)


def _measures(block: Block, matrix: Tensor, radius: float) -> Tensor:
    shorter = torch.minimum(block.n, block.m)
    side = int(shorter.max())
    place = torch.arange(side, device=matrix.device)
    inside = place[:, None] < shorter
    close = matrix[:side, :side] <= radius
    close &= inside[:, None] & inside[None]
    count = close.sum((0, 1)).to(matrix.dtype)
    diagonal = close[1:, 1:] & close[:-1, :-1]
    down = close[1:] & close[:-1]
    right = close[:, 1:] & close[:, :-1]

    def on_runs(pairs: Tensor, first: tuple[slice, slice], second: tuple[slice, slice]) -> Tensor:
        runs = torch.zeros_like(close)
        runs[first] |= pairs
        runs[second] |= pairs
        return runs.sum((0, 1)).to(matrix.dtype)

    every, head, tail = slice(None), slice(None, -1), slice(1, None)
    ordered = on_runs(diagonal, (head, head), (tail, tail))
    held = on_runs(down, (head, every), (tail, every)) + on_runs(
        right, (every, head), (every, tail)
    )
    lag = ((place[None, :] - place[:, None])[..., None] * close).sum((0, 1)).to(matrix.dtype)
    some = count.clamp(min=1)
    corm = torch.where(count > 0, 100 * lag / ((shorter - 1) * some), 0.0)
    return torch.stack(
        [100 * count / shorter.square(), 100 * ordered / some, 50 * held / some, corm], dim=1
    )
