"""Plots of tables: curves, distributions, domain scatters and training records.

Every plot returns a uint8 RGB picture ``(H, W, 3)`` and, given ``path``, saves it as PNG.
"""

from __future__ import annotations

import math
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from spgen_lit.pictures.figure import (
    LEVEL_COLOR,
    Pixels,
    Table,
    new_figure,
    number,
    render,
    rows_of,
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
    labels: tuple[str, str] | None = None,
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
        levels: Name to value of horizontal lines, such as people and chance.
        labels: Labels of the two axes; the columns' names if None.
        title: Heading.
        path: Where to save the PNG.

    Raises:
        ValueError: For a missing column or an empty table.
    """
    named = [name for name in (x, y, group, low, high) if name]
    lines: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    for row in rows_of(table, *named):
        point = (
            number(row.get(x)),
            number(row.get(y)),
            number(row.get(low)) if low else math.nan,
            number(row.get(high)) if high else math.nan,
        )
        if math.isfinite(point[0]) and math.isfinite(point[1]):
            lines[str(row.get(group, "")) if group else y].append(point)
    with style():
        figure, (axes,) = new_figure(6.4, 4)
        for name, points in lines.items():
            at, value, bottom, top = np.asarray(sorted(points)).T
            (drawn,) = axes.plot(at, value, marker="o", markersize=4, label=name)
            if low and high:
                axes.fill_between(at, bottom, top, color=drawn.get_color(), alpha=0.15, lw=0)
        _levels(axes, levels)
        axes.set(xlabel=labels[0] if labels else x, ylabel=labels[1] if labels else y, title=title)
        if len(lines) > 1:
            axes.legend(title=group, loc="center left", bbox_to_anchor=(1.01, 0.5))
        return render(figure, path)


def _levels(axes: Axes, levels: Mapping[str, float] | None) -> None:
    for name, value in (levels or {}).items():
        if math.isfinite(value):
            axes.axhline(value, color=LEVEL_COLOR, lw=1.2, ls="--")
            axes.annotate(
                name,
                (1, value),
                xycoords=("axes fraction", "data"),
                xytext=(-2, 3),
                textcoords="offset points",
                ha="right",
                fontsize=9,
            )


def distributions(
    groups: Mapping[str, ArrayLike],
    label: str,
    *,
    bins: int = 40,
    limit: tuple[float, float] | None = None,
    title: str = "",
    path: PathLike | None = None,
) -> Pixels:
    """Outlined histograms of several samples over one axis, each with its median.

    Args:
        groups: Name to values ``(n,)``; values that are not finite are left out.
        label: The quantity with its unit, such as "saccade amplitude (share of diagonal)".
        bins: Number of bins, the same for all groups.
        limit: Ends of the axis; the pooled 0.5 % and 99.5 % quantiles if None.
        title: Heading.
        path: Where to save the PNG.

    Raises:
        ValueError: If no group has a finite value.
    """
    clean = {name: np.asarray(values, float).ravel() for name, values in groups.items()}
    clean = {name: values[np.isfinite(values)] for name, values in clean.items()}
    clean = {name: values for name, values in clean.items() if values.size}
    if not clean:
        raise ValueError(f"no group has a finite value of {label!r}, so there is nothing to plot")
    low, high = limit or np.quantile(np.concatenate(list(clean.values())), (0.005, 0.995))
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    with style():
        figure, (axes,) = new_figure(6.4, 3.6)
        for name, values in clean.items():
            share, _ = np.histogram(values, edges)
            heights = share / values.size * 100
            legend = f"{name} (median {np.median(values):.3g}, n {values.size})"
            drawn = axes.stairs(heights, edges, lw=1.8, label=legend, fill=False)
            axes.axvline(float(np.median(values)), color=drawn.get_edgecolor(), lw=1, ls=":")
        axes.set(xlabel=label, ylabel="% of values", title=title)
        axes.legend()
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
        points: Places ``(n, 2)``.
        domains: Name of each point's domain, ``n`` of them.
        title: Heading.
        path: Where to save the PNG.

    Raises:
        ValueError: If points and domains differ in number, or points have another shape.
    """
    places = np.asarray(points, float)
    if places.ndim != 2 or places.shape[1] != 2 or len(places) != len(domains):
        raise ValueError(
            f"a scatter needs points of shape ({len(domains)}, 2), one per domain name, "
            f"found {places.shape}"
        )
    names = np.asarray(domains)
    with style():
        figure, (axes,) = new_figure(5.6, 5)
        for name in dict.fromkeys(domains):
            mine = places[names == name]
            axes.scatter(
                mine[:, 0], mine[:, 1], s=16, alpha=0.6, lw=0, label=f"{name} ({len(mine)})"
            )
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
)


def training_curves(metrics_csv: Table, path: PathLike | None = None) -> Pixels:
    """Everything a run logged over its steps, one panel per kind of quantity.

    Args:
        metrics_csv: Lightning's ``metrics.csv`` (sparse rows with a ``step`` column), or rows.
        path: Where to save the PNG.

    Raises:
        ValueError: If there is no ``step`` column or nothing was logged beside it.
    """
    series: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows_of(metrics_csv, "step"):
        for name, cell in row.items():
            value = number(cell)
            if name not in ("step", "epoch") and math.isfinite(value):
                series[name].append((number(row["step"]), value))
    panels: dict[str, list[str]] = defaultdict(list)
    for name in series:
        heading = next((head for head, rule in _PANELS if re.search(rule, name.lower())), "other")
        panels[heading].append(name)
    shown = [head for head, _ in _PANELS if head in panels] + ["other"] * ("other" in panels)
    if not shown:
        raise ValueError("the training record holds no logged value beside step and epoch")
    columns = min(2, len(shown))
    rows = math.ceil(len(shown) / columns)
    with style():
        figure, grid = new_figure(6 * columns, 3 * rows, rows, columns)
        for axes, heading in zip(grid, shown, strict=False):
            for name in panels[heading]:
                steps, values = np.asarray(series[name]).T
                few = len(steps) < 15
                axes.plot(steps, values, marker="o" if few else None, markersize=3, label=name)
            axes.set(title=heading, xlabel="step")
            axes.legend(fontsize=8)
        for axes in grid[len(shown) :]:
            axes.set_axis_off()
        return render(figure, path)
