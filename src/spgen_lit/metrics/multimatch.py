"""MultiMatch: five similarities of two scanpaths aligned by their saccade vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spgen_lit.metrics.alignment import WARP, euclidean, sweep, walk_back
from spgen_lit.metrics.paths import Block, Device, Pairing, Path, Table, blocks, pad, pair_up
from spgen_lit.metrics.simplification import Simplification, simplified_saccades

DIMENSIONS = ("shape", "direction", "length", "position", "duration")


def multimatch(
    a: Sequence[Path],
    b: Sequence[Path],
    screen: tuple[float, float],
    simplify: Simplification | Mapping[str, float] | None = None,
    *,
    minimum: int = 3,
    device: Device = None,
) -> NDArray[np.float64]:
    """MultiMatch (Jarodzka et al. 2010, Dewhurst et al. 2012); 1 is identical.

    Saccade vectors u of A and v of B are aligned by the cheapest monotone path through
    M = |u - v|, from the first pair (not counted) to the last. Each dimension is one minus the
    normalised median of a difference along that path. Of equally cheap paths the one that
    prefers the diagonal, then B's saccade held, then A's, counted from the end, is taken.

    Args:
        a, b: Equally long sequences of paths ``(fixation, 2 or 3)``: x, y in px, duration in s.
        screen: Width and height in px.
        simplify: Thresholds for simplification as the MATLAB toolbox does it; None for none.
        minimum: Fixations a path needs; 2 is the least that has a saccade (MATLAB accepts it).
        device: Where to compute; CPU by default.

    Returns:
        ``(pair, 5)``: shape, direction, length, position, duration, each at most 1. All NaN
        where a path has fewer than ``minimum`` fixations; duration NaN where a path has none.

    Raises:
        ValueError: For unequal sequences, malformed paths, a minimum below 2.

    >>> path = np.array([[100.0, 100.0, 0.2], [500.0, 300.0, 0.3], [900.0, 700.0, 0.4]])
    >>> multimatch([path], [path], screen=(1024, 768)).tolist()
    [[1.0, 1.0, 1.0, 1.0, 1.0]]
    """
    pairs, result = aligned(a, b, simplify, minimum=minimum, device=device)
    diagonal = math.hypot(*screen)
    result[:, 1:] /= np.array([2 * diagonal, math.pi, diagonal, diagonal, 1.0])
    scores: NDArray[np.float64] = 1.0 - result[:, 1:]
    scores[~(pairs.timed[pairs.first] & pairs.timed[pairs.second]), 4] = np.nan
    return scores


def multimatch_cost(
    a: Sequence[Path],
    b: Sequence[Path],
    simplify: Simplification | Mapping[str, float] | None = None,
    *,
    minimum: int = 3,
    device: Device = None,
) -> NDArray[np.float64]:
    """Cost in px of the alignment behind :func:`multimatch`, ``(pair,)``.

    Where several paths are equally cheap their costs agree but their scores need not: compare
    implementations by this. NaN and errors as in :func:`multimatch`.
    """
    return aligned(a, b, simplify, minimum=minimum, device=device)[1][:, 0]


def aligned(
    a: Sequence[Path],
    b: Sequence[Path],
    simplify: Simplification | Mapping[str, float] | None,
    *,
    minimum: int,
    device: Device,
) -> tuple[Pairing, NDArray[np.float64]]:
    """Pairs, and rows of path cost and the five median differences in px, rad and shares."""
    if minimum < 2:
        raise ValueError(f"minimum must be at least 2 (one saccade), found {minimum}")
    if simplify is not None and not isinstance(simplify, Simplification):
        simplify = Simplification(**simplify)
    pairs = pair_up(a, b, device)
    keep = pairs.lengths >= minimum
    result = np.full((len(pairs), 6), np.nan)
    table = _saccades(pairs, simplify)
    chosen = keep[pairs.first] & keep[pairs.second]
    for block in blocks(table, pairs.first, pairs.second, keep=chosen):
        result[block.where.numpy()] = _differences(block).cpu().numpy()
    return pairs, result


def _saccades(pairs: Pairing, simplify: Simplification | None) -> Table:
    """Saccades as features dx, dy, start x, start y, duration of the fixation they start from."""
    if simplify is not None:
        parts = np.split(pairs.rows, np.cumsum(pairs.lengths)[:-1]) if len(pairs.lengths) else []
        simple = [simplified_saccades(part, simplify) for part in parts]
        lengths = np.array([len(part) for part in simple], dtype=np.int64)
        rows = np.concatenate(simple) if simple else np.zeros((0, 5))
        return pad(rows, lengths, pairs.device)
    steps = np.zeros_like(pairs.rows[:, :2])
    steps[:-1] = np.diff(pairs.rows[:, :2], axis=0)
    ends = np.cumsum(pairs.lengths)[pairs.lengths > 0] - 1
    starts = np.delete(np.column_stack([steps, pairs.rows]), ends, axis=0)
    return pad(starts, np.maximum(pairs.lengths - 1, 0), pairs.device)


def _differences(block: Block) -> Tensor:
    swept = sweep(block, euclidean, WARP, free_start=True, trace=True)
    assert swept.moves is not None
    i, j, count = walk_back(swept.moves, block.n, block.m)
    u = [feature.gather(0, i) for feature in block.a]
    v = [feature.gather(0, j) for feature in block.b]
    # In [0, 2 pi) before the difference, as the reference does it: the last bit follows.
    turn = (_angle(u[0], u[1]) - _angle(v[0], v[1])).abs()
    longest = torch.maximum(u[4].abs(), v[4].abs())
    spent = torch.where(longest > 0, (u[4] - v[4]).abs() / longest, (u[4] - v[4]).abs())
    rows = torch.stack(
        [
            torch.hypot(u[0] - v[0], u[1] - v[1]),
            torch.where(turn > math.pi, 2 * math.pi - turn, turn),
            (torch.hypot(u[0], u[1]) - torch.hypot(v[0], v[1])).abs(),
            torch.hypot(u[2] - v[2], u[3] - v[3]),
            spent,
        ]
    )
    return torch.cat([swept.final[:, None], _medians(rows, count).T], dim=1)


def _angle(x: Tensor, y: Tensor) -> Tensor:
    angle = torch.atan2(y, x)
    return torch.where(angle < 0, angle + 2 * math.pi, angle)


def _medians(values: Tensor, count: Tensor) -> Tensor:
    """Medians over the first ``count`` steps of ``(dimension, step, pair)``."""
    step = torch.arange(values.shape[1], device=values.device)
    values = values.masked_fill(step[:, None] >= count, float("inf"))
    ordered = values.transpose(1, 2).contiguous().sort(-1).values
    low = ((count - 1) // 2).expand(len(values), -1)[..., None]
    high = (count // 2).expand(len(values), -1)[..., None]
    return (0.5 * (ordered.gather(-1, low) + ordered.gather(-1, high)))[..., 0]
