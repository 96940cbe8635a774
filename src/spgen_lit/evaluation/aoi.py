"""Areas of interest: how long, how early and in which order regions of an image are looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
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


def visits(paths: Sequence[Scanpath], regions: Regions) -> pd.DataFrame:
    """How a group of scanpaths treats each region: means over the paths.

    Returns:
        A row a region, and a last one for everywhere else, with these columns:

        - ``region``: Its name.
        - ``area``: Share of the image it covers.
        - ``looked``: Share of the paths that fixate it at all.
        - ``fixations``: Fixations in it a path.
        - ``dwell_s``: Seconds in it a path, over the paths with durations.
        - ``dwell_share``: Its share of the path's fixated time (of fixations where durations
          are unknown).
        - ``first_time_s``: Fixated seconds before its first fixation, over the paths with
          durations that fixate it.
        - ``first_rank``: Number, from 1, of its first fixation, over the paths that fixate it.
        - ``entries``: How often the gaze comes to it from outside, or begins in it, a path.

        NaN where there is no such path.

    Raises:
        ValueError: If there is no scanpath.
    """
    if not paths:
        raise ValueError("areas of interest need at least one scanpath, found none")
    labels = dict(enumerate(regions.names, start=1)) | {0: ELSEWHERE}
    rows = [
        {"region": name, **_visit(path, regions.visited(path) == label)}
        for label, name in labels.items()
        for path in paths
    ]
    table = pd.DataFrame(rows).groupby("region", sort=False).mean()
    table.insert(0, "area", [*regions.areas, 1 - regions.areas.sum()])
    return table.reset_index()


def _visit(path: Scanpath, inside: NDArray[np.bool_]) -> dict[str, float]:
    """What one path does with the region that its marked fixations lie in."""
    timed = path.durations is not None
    weights = np.ones(len(path)) if path.durations is None else path.durations
    total, spent = weights.sum(), weights[inside].sum()
    looked = inside.any()
    first = int(np.argmax(inside)) if looked else 0
    return {
        "looked": float(looked),
        "fixations": float(inside.sum()),
        "dwell_s": spent if timed else math.nan,
        "dwell_share": spent / total if total > 0 else math.nan,
        "first_time_s": weights[:first].sum() if timed and looked else math.nan,
        "first_rank": first + 1.0 if looked else math.nan,
        "entries": float((inside & ~np.concatenate([[False], inside[:-1]])).sum()),
    }


def transitions(paths: Sequence[Scanpath], regions: Regions) -> pd.DataFrame:
    """Steps between consecutive fixations, over all paths.

    Returns:
        A row for each pair of places, the regions in order and then elsewhere: ``from``,
        ``to``, ``count``, and ``probability``, the share of all steps from there; NaN where
        there are none.
    """
    places = [*regions.names, ELSEWHERE]
    size = len(places)
    counts = np.zeros((size, size), np.int64)
    for path in paths:
        labels = (regions.visited(path) - 1) % size  # elsewhere, label 0, goes last
        np.add.at(counts, (labels[:-1], labels[1:]), 1)
    steps = pd.DataFrame({"from": np.repeat(places, size), "to": np.tile(places, size)})
    steps["count"] = counts.ravel()
    steps["probability"] = steps["count"] / steps.groupby("from")["count"].transform("sum")
    return steps
