"""Plots of a sweep: heat maps, one measure against another, settings that are no numbers."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from spgen_lit.pictures.figure import (
    LEVEL_COLOR,
    Pixels,
    Table,
    new_figure,
    read_table,
    render,
    style,
    write_cells,
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
    frame = read_table(table, x, y, value)
    if frame[value].isna().all():
        raise ValueError(f"column {value!r} holds no number, so there is no heat map to draw")
    cells = frame.pivot_table(index=y, columns=x, values=value)
    levels = [] if people_level is None else [people_level]
    grid = cells.to_numpy()
    low, high = min([np.nanmin(grid), *levels]), max([np.nanmax(grid), *levels])
    with style():
        figure, (axes,) = new_figure(2.2 + 0.85 * grid.shape[1], 1.7 + 0.55 * grid.shape[0])
        image = axes.imshow(
            grid, cmap="viridis", vmin=low, vmax=high, origin="lower", aspect="auto"
        )
        axes.grid(False)
        axes.set_xticks(range(grid.shape[1]), [f"{at:g}" for at in cells.columns])
        axes.set_yticks(range(grid.shape[0]), [f"{at:g}" for at in cells.index])
        axes.set(xlabel=x, ylabel=y, title=title or value)
        write_cells(axes, grid, ".3f", lambda found: found < low + 0.6 * (high - low) != low)
        if best is not None:
            pick = np.nanargmax(grid) if best == "max" else np.nanargmin(grid)
            row, column = (int(at) for at in np.unravel_index(int(pick), grid.shape))
            corner = (column - 0.5, row - 0.5)
            box = Rectangle(corner, 1, 1, fill=False, edgecolor="#d50000", lw=3, zorder=5)
            box.set_clip_on(False)
            axes.add_patch(box)
        bar = figure.colorbar(image, ax=axes)
        for level in levels:
            bar.ax.axhline(level, color="white", lw=4)
            bar.ax.axhline(level, color="black", lw=2)
            bar.set_label(f"{value} (line: observers, {level:.3f})")
        return render(figure, path)


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
    frame = pd.DataFrame(list(rows))
    frame = frame[frame["metric"].isin([across, upwards])]
    labels = dict(zip(frame["metric"], frame["label"], strict=True))
    both = frame.pivot_table(index=list(factors), columns="metric", values="value").dropna()
    levels = frame.groupby("metric")[["observers", "chance"]].first()
    if {across, upwards} - set(both):
        both = pd.DataFrame({across: [], upwards: []})
    with style():
        figure, (axes,) = new_figure(6.4, 4.4)
        lines = both.groupby(level=list(factors[1:])) if len(factors) > 1 else [("", both)]
        for order, (setting, points) in enumerate(lines):
            values = setting if isinstance(setting, tuple) else (setting,)
            names = zip(factors[1:], values, strict=False)
            name = ", ".join(f"{factor} {text(value)}" for factor, value in names)
            x, y = points[across], points[upwards]
            (drawn,) = axes.plot(x, y, marker="o", markersize=4, label=name or None)
            # One line carries the labels: the others would only cover them.
            for point in zip(x.index.get_level_values(0), x, y, strict=True) if order == 0 else ():
                axes.annotate(
                    text(point[0]),
                    point[1:],
                    xytext=(5, 5),
                    textcoords="offset points",
                    fontsize=8,
                    color=drawn.get_color(),
                )
        for who, marker in (("observers", "*"), ("chance", "X")):
            known = levels[who].reindex([across, upwards])
            if known.notna().all():
                axes.plot(*known, marker, color=LEVEL_COLOR, markersize=11, label=who)
        axes.set(
            xlabel=labels.get(across, across),
            ylabel=labels.get(upwards, upwards),
            title=f"agreement and diversity (figures: {factors[0]})",
        )
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        return render(figure, path)


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
