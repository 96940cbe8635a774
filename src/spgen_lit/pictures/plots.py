"""Plots of training: features by domain, and everything a run logged.

Every plot returns a uint8 RGB picture ``(H, W, 3)`` and, given ``path``, saves it as PNG.
"""

from __future__ import annotations

import math
import os
import re
from collections import defaultdict
from collections.abc import Sequence

import pandas as pd
from numpy.typing import ArrayLike

from spgen_lit.pictures.figure import Pixels, new_figure, render, style

PathLike = str | os.PathLike[str]


def domain_scatter(
    points: ArrayLike,
    domains: Sequence[str],
    *,
    title: str = "features by domain",
    path: PathLike | None = None,
) -> Pixels:
    """Features reduced to a plane, colored by the domain of their image.

    Args:
        points: x and y ``(n, 2)``.
        domains: Name of each point's domain, ``n`` of them.
        title: Heading.
        path: Where to save the PNG.

    Raises:
        ValueError: If points and domains differ in number.
    """
    frame = pd.DataFrame(points, index=list(domains))
    with style():
        figure, (axes,) = new_figure(5.6, 5)
        for name, rows in frame.groupby(level=0, sort=False):
            axes.scatter(rows[0], rows[1], s=16, alpha=0.6, lw=0, label=f"{name} ({len(rows)})")
        axes.set(title=title, xlabel="first component", ylabel="second component")
        axes.legend()
        return render(figure, path)


#: Panels of a training record, in order: heading and the pattern of its columns.
_PANELS = (
    ("losses", r"loss"),
    ("coefficient", r"lambda|coefficient"),
    ("domain accuracy", r"accuracy|domain.*acc|acc.*domain"),
    ("validators and A-distance", r"validator/|a_distance"),
    ("agreement", r"scanmatch|energy|multimatch"),
    ("NSS", r"nss"),
    ("gradient norms", r"grad"),
    ("learning rates", r"^lr|learning_rate|lr-"),
    ("other", r""),
)


def training_curves(metrics_csv: PathLike, path: PathLike | None = None) -> Pixels:
    """Everything a run logged over its steps, one panel per kind of quantity.

    Args:
        metrics_csv: Lightning's ``metrics.csv`` (sparse rows with a ``step`` column).
        path: Where to save the PNG.

    Raises:
        ValueError: If nothing was logged beside step and epoch.
    """
    frame = pd.read_csv(metrics_csv, index_col="step").apply(pd.to_numeric, errors="coerce")
    frame = frame.drop(columns="epoch", errors="ignore").dropna(axis=1, how="all")
    panels: dict[str, list[str]] = defaultdict(list)
    for name in frame:
        heading = next(head for head, rule in _PANELS if re.search(rule, str(name).lower()))
        panels[heading].append(str(name))
    headings = [heading for heading, _ in _PANELS if heading in panels]
    if not headings:
        raise ValueError(f"{metrics_csv}: holds no logged value beside step and epoch")
    columns = min(2, len(headings))
    rows = math.ceil(len(headings) / columns)
    with style():
        figure, grid = new_figure(6 * columns, 3 * rows, rows, columns)
        for axes, heading in zip(grid, headings, strict=False):
            for name in panels[heading]:
                values = frame[name].dropna()
                marker = "o" if len(values) < 15 else None
                axes.plot(values, marker=marker, markersize=3, label=name)
            axes.set(title=heading, xlabel="step")
            axes.legend(fontsize=8)
        for axes in grid[len(headings) :]:
            axes.set_axis_off()
        return render(figure, path)
