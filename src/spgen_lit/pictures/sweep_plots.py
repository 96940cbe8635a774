"""Plots of a sweep: heat maps, one measure against another, settings that are no numbers."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

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

Row = Mapping[str, Any]


def heat_map(
    table: Table,
    x: str,
    y: str,
    value: str,
    *,
    best: Literal["max", "min"] | None = "max",
    people_level: float | None = None,
    title: str = "",
    path: str | os.PathLike[str] | None = None,
) -> Pixels:
    """A metric over two settings, its best cell framed and people's level on the color bar.

    Several rows of one cell are averaged; cells without a row stay blank.

    Args:
        table: CSV file or rows.
        x: Column across, such as temperature.
        y: Column upwards, such as the number of Gaussians.
        value: Column shown by color and figure.
        best: Whether the largest or the smallest value is framed; None for none.
        people_level: People's value of the metric.
        title: Heading; the value's name if empty.
        path: Where to save the PNG.

    Raises:
        ValueError: For a missing column, or no number in the value column.
    """
    cells: dict[tuple[float, float], list[float]] = defaultdict(list)
    for row in rows_of(table, x, y, value):
        place = (number(row[y]), number(row[x]))
        if math.isfinite(number(row[value])) and all(map(math.isfinite, place)):
            cells[place].append(number(row[value]))
    if not cells:
        raise ValueError(f"column {value!r} holds no number, so there is no heat map to draw")
    rows, columns = (sorted({place[side] for place in cells}) for side in (0, 1))
    grid = np.full((len(rows), len(columns)), np.nan)
    for (row_at, column_at), found in cells.items():
        grid[rows.index(row_at), columns.index(column_at)] = float(np.mean(found))
    with style():
        figure, (axes,) = new_figure(2.2 + 0.85 * len(columns), 1.7 + 0.55 * len(rows))
        span = [*grid[np.isfinite(grid)], *([] if people_level is None else [people_level])]
        image = axes.imshow(
            grid, cmap="viridis", vmin=min(span), vmax=max(span), origin="lower", aspect="auto"
        )
        axes.grid(False)
        axes.set_xticks(range(len(columns)), [f"{at:g}" for at in columns])
        axes.set_yticks(range(len(rows)), [f"{at:g}" for at in rows])
        axes.set(xlabel=x, ylabel=y, title=title or value)
        _figures(axes, grid, min(span), max(span), best)
        bar = figure.colorbar(image, ax=axes)
        if people_level is not None:
            bar.ax.axhline(people_level, color="white", lw=4)
            bar.ax.axhline(people_level, color="black", lw=2)
            bar.set_label(f"{value} (line: people, {people_level:.3f})")
        return render(figure, path)


def _figures(axes: Axes, grid: Any, low: float, high: float, best: str | None) -> None:
    """Write each cell's value and frame the best one."""
    for (row, column), found in np.ndenumerate(grid):
        if np.isfinite(found):
            dark = found < low + 0.6 * (high - low) and high > low
            axes.text(
                column,
                row,
                f"{found:.3f}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if dark else "black",
            )
    if best is not None:
        pick = np.nanargmax(grid) if best == "max" else np.nanargmin(grid)
        row, column = (int(at) for at in np.unravel_index(int(pick), grid.shape))
        frame = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="#d50000", lw=3)
        frame.set(clip_on=False, zorder=5)
        axes.add_patch(frame)


def trade_off(
    rows: Sequence[Row],
    across: str,
    upwards: str,
    factors: Sequence[str],
    *,
    path: str | os.PathLike[str] | None = None,
) -> Pixels:
    """One measure against another, a line for each setting of all but the first factor.

    Args:
        rows: As a sweep's section holds them, every measure.
        across: Measure on the x axis, such as ``scanmatch``.
        upwards: Measure on the y axis, such as ``diversity``.
        factors: The first is written beside the points, the others make the lines.
        path: Where to save the PNG.
    """
    points: dict[tuple[Any, ...], dict[str, float]] = defaultdict(dict)
    people, chance, labels = {}, {}, {}
    for row in rows:
        if row["metric"] in (across, upwards):
            points[tuple(row[factor] for factor in factors)][row["metric"]] = row["value"]
            people[row["metric"]] = row["observers"]
            chance[row["metric"]] = row["chance"]
            labels[row["metric"]] = row["label"]
    lines: dict[tuple[Any, ...], list[tuple[Any, float, float]]] = defaultdict(list)
    for key, pair in points.items():
        if len(pair) == 2:
            lines[key[1:]].append((key[0], pair[across], pair[upwards]))
    with style():
        figure, (axes,) = new_figure(6.4, 4.4)
        for order, (setting, found) in enumerate(lines.items()):
            name = ", ".join(
                f"{factor} {text(value)}"
                for factor, value in zip(factors[1:], setting, strict=True)
            )
            # One line carries the labels: the others would only cover them.
            _line(axes, found, name, labelled=order == 0)
        for who, level, marker in (("observers", people, "*"), ("chance", chance, "X")):
            place = (level.get(across, math.nan), level.get(upwards, math.nan))
            if all(map(math.isfinite, place)):
                axes.plot(*place, marker, color=LEVEL_COLOR, markersize=11, label=who)
        axes.set(
            xlabel=labels.get(across, across),
            ylabel=labels.get(upwards, upwards),
            title=f"agreement and diversity (figures: {factors[0]})",
        )
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        return render(figure, path)


def _line(axes: Axes, points: list[tuple[Any, float, float]], name: str, *, labelled: bool) -> None:
    """One line through points (label, x, y), in the order of their labels."""
    ordered = sorted(points, key=lambda point: str(point[0]))
    if all(isinstance(point[0], int | float) for point in points):
        ordered = sorted(points)
    _, x, y = zip(*ordered, strict=True)
    (drawn,) = axes.plot(x, y, marker="o", markersize=4, label=name or None)
    for value, left, bottom in ordered if labelled else ():
        axes.annotate(
            text(value),
            (left, bottom),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=8,
            color=drawn.get_color(),
        )


def intervals(
    rows: Sequence[Row],
    factors: Sequence[str],
    *,
    title: str = "",
    path: str | os.PathLike[str] | None = None,
) -> Pixels:
    """One measure of every setting with its interval, people and chance as lines.

    Args:
        rows: One a setting.
        factors: What names a setting.
        title: Heading.
        path: Where to save the PNG.

    Raises:
        ValueError: Without rows.
    """
    if not rows:
        raise ValueError("no setting to draw")
    names = [
        ", ".join(text(row[factor]) for factor in factors if row[factor] != "") for row in rows
    ]
    value, low, high = (np.array([row[key] for row in rows]) for key in ("value", "low", "high"))
    places = np.arange(len(rows))[::-1]
    with style():
        figure, (axes,) = new_figure(6.4, 1.3 + 0.32 * len(rows))
        spread = np.nan_to_num(np.stack([value - low, high - value])).clip(0)
        axes.errorbar(value, places, xerr=spread, fmt="o", markersize=5, capsize=3)
        for who in ("observers", "chance"):
            level = rows[0][who]
            if math.isfinite(level):
                axes.axvline(
                    level, color=LEVEL_COLOR, lw=1.2, ls="--" if who == "observers" else ":"
                )
                axes.annotate(
                    who,
                    (level, 1),
                    xycoords=("data", "axes fraction"),
                    xytext=(3, -10),
                    textcoords="offset points",
                    fontsize=9,
                )
        axes.set_yticks(places, names)
        axes.set(title=title)
        return render(figure, path)


def text(value: Any) -> str:
    """A setting as a legend shows it."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)
