"""Figure: the one style of the package's plots, and their rendering to pixels without a screen."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from spgen_lit.pictures.lettering import Pixels
from spgen_lit.pictures.overlay import save_png

#: A CSV file, or its rows.
Table: TypeAlias = str | os.PathLike[str] | Sequence[Mapping[str, Any]]

#: Okabe and Ito's colours, told apart by colour-blind readers too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555", "#8c6d1f")
LEVEL_COLOUR = "#222222"

_STYLE = {
    "figure.dpi": 130,
    "font.size": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.color": "#e3e3e3",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
}


@contextmanager
def style() -> Iterator[None]:
    """The plots' style, in force only inside the ``with`` block."""
    # The dict's values are of many types; matplotlib's stub asks for a literal.
    settings: dict[Any, Any] = {**_STYLE, "axes.prop_cycle": cycler(color=COLOURS)}
    with matplotlib.rc_context(settings):
        yield


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1
) -> tuple[Figure, list[Axes]]:
    """A figure of ``width`` x ``height`` inches and its axes, row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, list(grid.ravel())


def render(figure: Figure, path: str | os.PathLike[str] | None = None) -> Pixels:
    """The figure as a uint8 RGB picture ``(H, W, 3)``, also saved as PNG where a path is given."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    rgb = np.ascontiguousarray(np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[..., :3])
    if path is not None:
        save_png(path, rgb)
    return rgb


def rows_of(table: Table, *needed: str) -> list[Mapping[str, Any]]:
    """Rows of a table, checked to hold the columns a plot needs.

    Raises:
        FileNotFoundError: If the CSV file is absent.
        ValueError: If there are no rows, or a needed column is missing; the message names
            the table, the column and the columns that are there.
    """
    if isinstance(table, str | os.PathLike):
        name = str(table)
        with Path(table).open(newline="", encoding="utf-8") as file:
            rows: list[Mapping[str, Any]] = list(csv.DictReader(file))
    else:
        name, rows = "the table", list(table)
    if not rows:
        raise ValueError(f"{name} has no rows, so there is nothing to plot")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for column in needed:
        if column not in columns:
            raise ValueError(f"{name} has no column {column!r}; it has {', '.join(columns)}")
    return rows


def number(value: Any) -> float:
    """A table's cell as a number; NaN where it is empty or not a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
