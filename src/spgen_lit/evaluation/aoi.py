"""Areas of interest: how long, how early and in which order regions of an image are looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spgen_lit.scanpath import Scanpath

ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Regions:
    """Named regions of one image.

    Attributes:
        names: One name a region.
        labels: Integers ``(height, width)`` laid over the whole image, at any resolution:
            0 for no region, ``k`` for ``names[k - 1]``.

    Raises:
        ValueError: For labels without a name, repeated names or another shape.
    """

    names: tuple[str, ...]
    labels: NDArray[np.integer]

    def __post_init__(self) -> None:
        if self.labels.ndim != 2 or self.labels.size == 0:
            raise ValueError(f"labels must have shape (height, width), found {self.labels.shape}")
        if self.labels.min() < 0 or self.labels.max() > len(self.names):
            raise ValueError(
                f"{len(self.names)} names stand for labels 1 to {len(self.names)}, found labels "
                f"from {self.labels.min()} to {self.labels.max()}"
            )
        if len({*self.names, ELSEWHERE}) != len(self.names) + 1:
            raise ValueError(f"region names must differ and not be {ELSEWHERE!r}: {self.names}")

    @property
    def areas(self) -> NDArray[np.float64]:
        """Share of the image that each region covers ``(region,)``."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.names) + 1)
        return counts[1:] / self.labels.size

    def visited(self, path: Scanpath) -> NDArray[np.int64]:
        """Label under each fixation ``(fixation,)``; off the image counts as elsewhere."""
        height, width = self.labels.shape
        on = ((path.xy >= 0) & (path.xy <= 1)).all(axis=1)
        x = np.clip((path.xy[:, 0] * width).astype(np.int64), 0, width - 1)
        y = np.clip((path.xy[:, 1] * height).astype(np.int64), 0, height - 1)
        return np.where(on, self.labels[y, x], 0).astype(np.int64)


@dataclass(frozen=True)
class Visit:
    """How a group of scanpaths treats one region; means over paths.

    Attributes:
        region: Its name.
        area: Share of the image it covers.
        looked: Share of the paths that fixate it at all.
        fixations: Fixations in it a path.
        dwell: Seconds in it a path; NaN if durations are unknown.
        dwell_share: Its share of the path's fixated time (of fixations where durations are
            unknown).
        first_time: Fixated seconds before its first fixation, over the paths that fixate
            it; NaN if none does or durations are unknown.
        first_rank: Number, from 1, of its first fixation, over the paths that fixate it;
            NaN if none does.
        entries: How often the gaze comes to it from outside, or begins in it, a path.
    """

    region: str
    area: float
    looked: float
    fixations: float
    dwell: float
    dwell_share: float
    first_time: float
    first_rank: float
    entries: float


def visits(paths: Sequence[Scanpath], regions: Regions) -> list[Visit]:
    """One row a region, and a last one for everywhere else.

    Raises:
        ValueError: If there is no scanpath.
    """
    if not paths:
        raise ValueError("areas of interest need at least one scanpath, found none")
    areas = regions.areas
    table = []
    for label, name in [*enumerate(regions.names, start=1), (0, ELSEWHERE)]:
        rows = np.array([_one(path, regions.visited(path) == label) for path in paths])
        area = areas[label - 1] if label else 1 - areas.sum()
        looked = rows[:, 0] > 0
        fixations, dwell, entries = rows[:, [0, 1, 5]].mean(axis=0)
        known = rows[np.isfinite(rows[:, 2]), 2]
        dwell_share = known.mean() if len(known) else math.nan
        first = rows[looked][:, [3, 4]].mean(axis=0) if looked.any() else (math.nan, math.nan)
        figures = (area, looked.mean(), fixations, dwell, dwell_share, *first, entries)
        table.append(Visit(name, *map(float, figures)))
    return table


def _one(path: Scanpath, inside: NDArray[np.bool_]) -> tuple[float, ...]:
    """Fixations, dwell, dwell share, first time, first rank and entries of one path."""
    weights = np.ones(len(path)) if path.durations is None else path.durations
    total = float(weights.sum())
    share = float(weights[inside].sum()) / total if total > 0 else math.nan
    timed = path.durations is not None
    dwell = float(weights[inside].sum()) if timed else math.nan
    entries = int((inside & ~np.concatenate([[False], inside[:-1]])).sum())
    if not inside.any():
        return 0.0, dwell, share, math.nan, math.nan, 0.0
    first = int(np.argmax(inside))
    before = float(weights[:first].sum()) if timed else math.nan
    return float(inside.sum()), dwell, share, before, first + 1.0, float(entries)


def transitions(paths: Sequence[Scanpath], regions: Regions) -> NDArray[np.int64]:
    """Counts ``(from, to)`` of steps between consecutive fixations, over all paths.

    Rows and columns are the regions in order, then elsewhere.
    """
    size = len(regions.names) + 1
    counts = np.zeros((size, size), np.int64)
    for path in paths:
        labels = (regions.visited(path) - 1) % size  # elsewhere, label 0, goes last
        np.add.at(counts, (labels[:-1], labels[1:]), 1)
    return counts


def probabilities(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each row's steps that go to each column; NaN in rows without a step."""
    totals = counts.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        fractions: NDArray[np.float64] = counts / totals
    return fractions
