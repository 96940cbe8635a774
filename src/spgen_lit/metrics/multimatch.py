"""MultiMatch: five similarities of two scanpaths aligned by their saccade vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from spgen_lit.metrics.alignment import WARP, euclidean, sweep, walk_back
from spgen_lit.metrics.pairs import Block, Pairs, Paths, Screen, Values, fill_by_block, pair_up

DIMENSIONS = ("shape", "direction", "length", "position", "duration")


@dataclass(frozen=True)
class Simplification:
    """Thresholds of MultiMatch's simplification (Jarodzka et al. 2010; MATLAB toolbox).

    Attributes:
        amplitude: Saccades shorter than this many px are merged with the next; 0 for none.
        direction: Consecutive saccades that turn by less than this many degrees are merged;
            0 for none.
        duration: Only across fixations shorter than this many seconds; infinite to merge
            whatever the durations.

    Raises:
        ValueError: For a threshold below 0.

    >>> a = np.array([[0.0, 0.0, 0.2], [40.0, 0.0, 0.2], [45.0, 0.0, 0.2], [90.0, 80.0, 0.2]])
    >>> b = np.array([[0.0, 0.0, 0.2], [40.0, 0.0, 0.2], [90.0, 80.0, 0.2]])
    >>> multimatch([a], [b], (100, 100), Simplification(amplitude=10.0))[0, :4].round(3).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    amplitude: float = 0.0
    direction: float = 0.0
    duration: float = math.inf

    def __post_init__(self) -> None:
        for name in ("amplitude", "direction", "duration"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"simplify.{name} must be at least 0, found {getattr(self, name)}")


def multimatch(
    a: Paths,
    b: Paths,
    screen: Screen,
    simplify: Simplification | Mapping[str, float] | None = None,
    *,
    minimum: int = 3,
) -> Values:
    """MultiMatch (Jarodzka et al. 2010, Dewhurst et al. 2012); 1 is identical.

    Saccade vectors u of A and v of B are aligned by the cheapest monotone path through
    M = |u - v|, from the first pair (not counted) to the last. Each dimension is one minus the
    normalized median of a difference along that path. Of equally cheap paths the one that
    prefers the diagonal, then B's saccade held, then A's, counted from the end, is taken.

    Args:
        a: Paths, see `PathLike`.
        b: As many paths.
        screen: Width and height in px.
        simplify: Thresholds for simplification as the MATLAB toolbox does it; None for none.
        minimum: Fixations a path needs; 2 is the least that has a saccade (MATLAB accepts it).

    Returns:
        ``(pair, 5)``: shape, direction, length, position, duration, each at most 1. All NaN
        where a path has fewer than ``minimum`` fixations; duration NaN where a path has none.

    Raises:
        ValueError: For unequal sequences, malformed paths, a minimum below 2.

    >>> path = np.array([[100.0, 100.0, 0.2], [500.0, 300.0, 0.3], [900.0, 700.0, 0.4]])
    >>> multimatch([path], [path], screen=(1024, 768)).tolist()
    [[1.0, 1.0, 1.0, 1.0, 1.0]]
    """
    pairs, result = _aligned(a, b, simplify, minimum, screen)
    diagonal = math.hypot(*screen)
    result[:, 1:] /= np.array([2 * diagonal, math.pi, diagonal, diagonal, 1.0])
    scores: Values = 1.0 - result[:, 1:]
    scores[~pairs.timed, 4] = np.nan
    return scores


def multimatch_cost(
    a: Paths,
    b: Paths,
    simplify: Simplification | Mapping[str, float] | None = None,
    *,
    minimum: int = 3,
) -> Values:
    """Cost in px of the alignment behind `multimatch`, ``(pair,)``.

    Where several paths are equally cheap their costs agree but their scores need not: compare
    implementations by this. NaN and errors as in `multimatch`.

    >>> a = np.array([[0.0, 0.0, 0.2], [40.0, 30.0, 0.3], [90.0, 70.0, 0.4]])
    >>> b = np.array([[0.0, 0.0, 0.2], [40.0, 30.0, 0.3], [90.0, 75.0, 0.4]])
    >>> multimatch_cost([a], [b]).tolist()
    [5.0]
    """
    return _aligned(a, b, simplify, minimum, None)[1][:, 0]


def _aligned(
    a: Paths,
    b: Paths,
    simplify: Simplification | Mapping[str, float] | None,
    minimum: int,
    screen: Screen | None,
) -> tuple[Pairs, Values]:
    """Pairs, and rows of path cost and the five median differences."""
    if minimum < 2:
        raise ValueError(f"minimum must be at least 2 (one saccade), found {minimum}")
    if simplify is not None and not isinstance(simplify, Simplification):
        simplify = Simplification(**simplify)
    pairs = pair_up(a, b, screen)
    enough = pairs.lengths >= minimum
    result = np.full((len(pairs), 6), np.nan)
    keep = enough[pairs.first] & enough[pairs.second]
    return pairs, fill_by_block(result, _differences, _saccades(pairs, simplify), keep=keep)


def _saccades(pairs: Pairs, simplify: Simplification | None) -> Pairs:
    """Saccades as features dx, dy, start x, start y, duration of the fixation they start from."""
    if simplify is not None:
        parts = np.split(pairs.rows, np.cumsum(pairs.lengths)[:-1]) if len(pairs.lengths) else []
        simple = [simplified_saccades(part, simplify) for part in parts]
        lengths = np.array([len(part) for part in simple], dtype=np.int64)
        rows = np.concatenate(simple) if simple else np.zeros((0, 5))
        return replace(pairs, rows=rows, lengths=lengths)
    steps = np.zeros_like(pairs.rows[:, :2])
    steps[:-1] = np.diff(pairs.rows[:, :2], axis=0)
    ends = np.cumsum(pairs.lengths)[pairs.lengths > 0] - 1
    starts = np.delete(np.column_stack([steps, pairs.rows]), ends, axis=0)
    return replace(pairs, rows=starts, lengths=np.maximum(pairs.lengths - 1, 0))


def _differences(block: Block) -> Tensor:
    found = sweep(block, euclidean, WARP, free_start=True, trace=True)
    assert found.moves is not None
    i, j, count = walk_back(found.moves, block.n, block.m)
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
    return torch.cat([found.final[:, None], _medians(rows, count).T], dim=1)


def _angle(x: Tensor, y: Tensor) -> Tensor:
    angle = torch.atan2(y, x)
    return torch.where(angle < 0, angle + 2 * math.pi, angle)


def _medians(values: Tensor, count: Tensor) -> Tensor:
    """Medians over the first ``count`` steps of ``(dimension, step, pair)``."""
    step = torch.arange(values.shape[1])
    values = values.masked_fill(step[:, None] >= count, float("inf"))
    ordered = values.transpose(1, 2).contiguous().sort(-1).values
    low = ((count - 1) // 2).expand(len(values), -1)[..., None]
    high = (count // 2).expand(len(values), -1)[..., None]
    return (0.5 * (ordered.gather(-1, low) + ordered.gather(-1, high)))[..., 0]


Saccade = tuple[float, float, float, float, float]
"""dx, dy, start x, start y in px and the duration in s of the fixation before."""


def simplified_saccades(path: Values, thresholds: Simplification) -> Values:
    """Merge by direction and by amplitude in turn until neither changes the count.

    Follows the MATLAB toolbox. Where multimatch-gaze 0.1.3 departs from it (a spare duration
    after the last saccade was merged, an IndexError for a path of one short saccade, a domain
    error for collinear saccades) the toolbox is followed.

    Args:
        path: ``(fixation, 3)``: x, y in px, duration in s; NaN durations count as short.
        thresholds: See `Simplification`.

    Returns:
        Saccades ``(saccade, 5)``: dx, dy, start x, start y, duration of the fixation before.
    """
    steps = np.diff(path[:, :2], axis=0)
    saccades: list[Saccade] = [tuple(row) for row in np.column_stack([steps, path[:-1]]).tolist()]
    last = float(path[-1, 2]) if len(path) else math.nan
    while len(saccades) > 1:
        before = len(saccades)
        saccades = _by_direction(saccades, thresholds)
        saccades = _by_amplitude(saccades, last, thresholds)
        if len(saccades) == before:
            break
    return np.array(saccades, dtype=np.float64).reshape(-1, 5)


def _by_direction(saccades: list[Saccade], thresholds: Simplification) -> list[Saccade]:
    def straight(i: int) -> bool:
        brief = not saccades[i + 1][4] >= thresholds.duration
        return brief and _turn(saccades[i], saccades[i + 1]) < thresholds.direction

    return _merged(saccades, straight)[0]


def _by_amplitude(
    saccades: list[Saccade], last: float, thresholds: Simplification
) -> list[Saccade]:
    durations = [*(saccade[4] for saccade in saccades), last]

    def short(i: int) -> bool:
        brief = not all(duration >= thresholds.duration for duration in durations[i : i + 2])
        return brief and math.hypot(*saccades[i][:2]) < thresholds.amplitude

    merged, last_is_free = _merged(saccades, short)
    if last_is_free and len(merged) > 1 and short(len(saccades) - 1):
        # The toolbox adds the last saccade to the original one before it, even when that one
        # was merged just now, and keeps the start of the merged one.
        whole = _joined(saccades[-2], saccades[-1])
        merged[-2:] = [(*whole[:2], *merged[-2][2:])]
    return merged


def _merged(saccades: list[Saccade], joins: Callable[[int], bool]) -> tuple[list[Saccade], bool]:
    """Saccades, each joined with its next one where that holds; whether the last is not joined."""
    merged: list[Saccade] = []
    i = 0
    while i + 1 < len(saccades):
        join = joins(i)
        merged.append(_joined(saccades[i], saccades[i + 1]) if join else saccades[i])
        i += 2 if join else 1
    last_is_free = i < len(saccades)
    return merged + saccades[i:], last_is_free


def _joined(one: Saccade, two: Saccade) -> Saccade:
    return one[0] + two[0], one[1] + two[1], one[2], one[3], one[4]


def _turn(one: Saccade, two: Saccade) -> float:
    """Angle between two saccades in degrees; NaN where one has no length."""
    lengths = math.hypot(one[0], one[1]) * math.hypot(two[0], two[1])
    if lengths == 0:
        return math.nan
    cosine = (one[0] * two[0] + one[1] * two[1]) / lengths
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
