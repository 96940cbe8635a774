"""Heat map of a metric over two settings of a sweep."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from spgen_lit.pictures.figure import Table, new_figure, number, render, rows_of, style
from spgen_lit.pictures.lettering import Pixels


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
    """A metric over two settings, its best cell framed and people's level on the colour bar.

    Several rows of one cell are averaged; cells without a row stay blank.

    Args:
        table: CSV file or rows.
        x: Column across, such as temperature.
        y: Column upwards, such as the number of Gaussians.
        value: Column shown by colour and figure.
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
