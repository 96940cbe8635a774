"""Plots of tables: curves, domain scatters and training records.

Every plot returns a uint8 RGB picture ``(H, W, 3)`` and, given ``path``, saves it as PNG.
"""

from __future__ import annotations

import math
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd
from numpy.typing import ArrayLike

from spgen_lit.pictures.figure import (
    LEVEL_COLOR,
    Pixels,
    Table,
    new_figure,
    read_table,
    render,
    style,
)

PathLike = str | os.PathLike[str]


def curves(
    table: Table,
    x: str,
    y: str,
    *,
    group: str | None = None,
    low: str | None = None,
    high: str | None = None,
    levels: Mapping[str, float] | None = None,
    title: str = "",
    path: PathLike | None = None,
) -> Pixels:
    """One line per group over x, with an interval band and horizontal levels.

    Args:
        table: CSV file or rows.
        x: Column across.
        y: Column upwards; rows where it is empty are left out.
        group: Column whose values make the lines; None for one line.
        low: Column of the interval's lower end.
        high: Column of the interval's upper end.
        levels: Name to value of horizontal lines, such as observers and chance.
        title: Heading, and name of the vertical axis.
        path: Where to save the PNG.

    Raises:
        ValueError: For a missing column or an empty table.
    """
    numbers = [name for name in (x, y, low, high) if name]
    frame = read_table(table, *numbers, text=[group] if group else [])
    frame = frame.dropna(subset=[x, y]).sort_values(x)
    lines = frame.groupby(group, sort=False) if group else [(y, frame)]
    with style():
        figure, (axes,) = new_figure(6.4, 4)
        for name, points in lines:
            (drawn,) = axes.plot(points[x], points[y], marker="o", markersize=4, label=str(name))
            if low and high:
                band = (points[x], points[low], points[high])
                axes.fill_between(*band, color=drawn.get_color(), alpha=0.15, lw=0)
        for name, value in (levels or {}).items():
            if math.isfinite(value):
                axes.axhline(value, color=LEVEL_COLOR, lw=1.2, ls="--", label="_level")
                place = (1, value)
                axes.text(
                    *place, name, ha="right", va="bottom", transform=axes.get_yaxis_transform()
                )
        axes.set(xlabel=x, ylabel=title or y, title=title)
        if len(axes.lines) > 1 and group:
            axes.legend(title=group, loc="center left", bbox_to_anchor=(1.01, 0.5))
        return render(figure, path)


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


def training_curves(metrics_csv: Table, path: PathLike | None = None) -> Pixels:
    """Everything a run logged over its steps, one panel per kind of quantity.

    Args:
        metrics_csv: Lightning's ``metrics.csv`` (sparse rows with a ``step`` column), or rows.
        path: Where to save the PNG.

    Raises:
        ValueError: If there is no ``step`` column or nothing was logged beside it.
    """
    frame = read_table(metrics_csv, "step").apply(pd.to_numeric, errors="coerce")
    frame = frame.set_index("step").drop(columns="epoch", errors="ignore").dropna(axis=1, how="all")
    panels: dict[str, list[str]] = defaultdict(list)
    for name in frame:
        heading = next(head for head, rule in _PANELS if re.search(rule, str(name).lower()))
        panels[heading].append(str(name))
    headings = [heading for heading, _ in _PANELS if heading in panels]
    if not headings:
        raise ValueError("the training record holds no logged value beside step and epoch")
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
