"""ScanMatch: alignment of scanpaths as strings of grid cells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spgen_lit.metrics.alignment import scores, sweep
from spgen_lit.metrics.pairs import Block, Paths, Screen, Values, fill_by_block, pair_up

Convention = Literal["ports", "matlab"]

SCANMATCH_PRESETS: dict[str, dict[str, Any]] = {
    "matlab": {"bins": (12, 8), "convention": "matlab"},
    "chen2021": {"bins": (16, 12), "resize": (320, 240)},
    "chen2021_duration": {"bins": (16, 12), "resize": (320, 240), "temp_bin": 0.05},
}
"""Keyword arguments of `scanmatch` by name: the toolbox's defaults, and Chen et al. 2021."""


def scanmatch(
    a: Paths,
    b: Paths,
    screen: Screen,
    bins: tuple[int, int] = (16, 12),
    threshold: float = 3.5,
    gap: float = 0.0,
    temp_bin: float | None = None,
    convention: Convention = "ports",
    *,
    resize: tuple[float, float] | None = None,
) -> Values:
    """ScanMatch (Cristino et al. 2010): normalized Needleman-Wunsch score; 1 is identical.

    A substitution scores ``threshold`` minus the distance of the two cells in bins; the score is
    divided by threshold times the longer length.

    Args:
        a: Paths, see `PathLike`.
        b: As many paths.
        screen: Width and height in px; positions off it count as on its border.
        bins: Columns and rows of the grid.
        threshold: Score of equal cells, in bins.
        gap: Score of a gap, at most 0.
        temp_bin: Each cell is repeated round(duration / temp_bin) times; None for once each.
        convention: ``ports``: pixels truncated, counted from 0, duration halves rounded to even;
            and at a gap below 0 the score starts at one gap and the best score anywhere counts
            (the Python ports in use). ``matlab``: pixels rounded, counted from 1, halves rounded
            up, the global score (the original toolbox).
        resize: Width and height to rescale paths to before the grid is laid (Chen et al. 2021).

    Returns:
        ``(pair,)`` in [0, 1] at gap 0. 0 where one path is empty (or all its durations round
        to no bin), NaN where both are, or where temp_bin is given and a path has no durations.

    Raises:
        ValueError: For unequal sequences, malformed paths, or parameters out of range.

    >>> a, b = np.array([[10.0, 10.0], [790.0, 590.0]]), np.array([[10.0, 10.0]])
    >>> scanmatch([a], [b], screen=(800, 600)).tolist()
    [0.5]
    """
    if threshold <= 0 or gap > 0 or min(bins) < 1 or (temp_bin is not None and temp_bin <= 0):
        raise ValueError(
            f"scanmatch needs threshold > 0, gap <= 0, bins >= 1 and temp_bin > 0 or None, found "
            f"threshold={threshold}, gap={gap}, bins={bins}, temp_bin={temp_bin}"
        )
    pairs = pair_up(a, b, screen)
    cells = grid_cells(pairs.rows[:, :2], screen, bins, convention, resize)
    lengths = pairs.lengths
    if temp_bin is not None:
        cells, lengths = _repeated(cells, pairs.rows[:, 2], lengths, temp_bin, convention)

    # The score of two cells depends on the steps between them alone: one table for all, in which
    # the difference of two codes is the index.
    columns, rows = bins
    across, down = np.ogrid[1 - columns : columns, 1 - rows : rows]
    by_steps = torch.from_numpy((threshold - np.hypot(across, down)).ravel())
    codes = (cells[:, :1] * (2 * rows - 1) + cells[:, 1:]).astype(np.int64)

    def substitution(one: Tensor, two: Tensor) -> Tensor:
        steps = (one[0] - two[0]).add_(len(by_steps) // 2)
        return by_steps.index_select(0, steps.view(-1)).view(steps.shape)

    strings = replace(pairs, rows=codes, lengths=lengths)
    result = np.where(strings.longest > 0, 0.0, np.nan)
    anywhere = convention == "ports" and gap != 0
    rule = scores(gap, offset=gap if anywhere else 0.0)

    def score(block: Block) -> Tensor:
        found = sweep(block, substitution, rule, track_best=anywhere)
        return found.final if found.best is None else found.best

    fill_by_block(result, score, strings)
    result /= threshold * np.maximum(strings.longest, 1)
    if temp_bin is not None:
        result[~pairs.timed] = np.nan
    return result


def grid_cells(
    xy: Values,
    screen: Screen,
    bins: tuple[int, int],
    convention: Convention = "ports",
    resize: tuple[float, float] | None = None,
) -> Values:
    """Column and row of the grid cell of each position, counted from 0, ``(fixation, 2)``.

    Args:
        xy: x, y in px ``(fixation, 2)``; positions off the screen go to its border.
        screen: Width and height in px.
        bins: Columns and rows.
        convention: See `scanmatch`.
        resize: Width and height to rescale to first.

    Raises:
        ValueError: For an unknown convention.
    """
    size = np.asarray(resize or screen, dtype=np.float64)
    xy = xy * (size / np.asarray(screen, dtype=np.float64)) if resize else xy
    count = np.asarray(bins, dtype=np.float64)
    if convention == "ports":
        pixel = np.clip(np.trunc(xy), 0, np.ceil(size) - 1)
        cell = np.floor(pixel * count / size)
    elif convention == "matlab":
        pixel = np.clip(np.floor(xy + 0.5), 1, np.floor(size))
        cell = np.floor((pixel - 1) * count / size)
    else:
        raise ValueError(f"convention must be 'ports' or 'matlab', found {convention!r}")
    clipped: Values = np.clip(cell, 0, count - 1)
    return clipped


def _repeated(
    cells: Values,
    durations: Values,
    lengths: NDArray[np.int64],
    temp_bin: float,
    convention: Convention,
) -> tuple[Values, NDArray[np.int64]]:
    # 0.175 / 0.05 is a hair under 3.5 in floating point: settle such halves before rounding.
    repeats = np.round(np.nan_to_num(durations) / temp_bin, 9)
    times = (np.round(repeats) if convention == "ports" else np.floor(repeats + 0.5)).astype(
        np.int64
    )
    ends = np.concatenate([[0], np.cumsum(times)])
    stops = np.cumsum(lengths)
    return np.repeat(cells, times, axis=0), ends[stops] - ends[stops - lengths]
