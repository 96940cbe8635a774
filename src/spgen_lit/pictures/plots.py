"""Plots of training: features by domain, and everything a run logged.

Every plot returns a uint8 RGB picture ``(H, W, 3)`` and, given ``path``, saves it as PNG.
"""

from __future__ import annotations

import math
import os
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


#: What heads the panel of a logged value: its kind, else the last word of its name.
_PANEL = r"(^gradient|^lr|^validator|[^/_]+$)"


def training_curves(metrics_csv: PathLike, path: PathLike | None = None) -> Pixels:
    """Everything a run logged over its steps, one panel for each kind of quantity.

    Args:
        metrics_csv: Lightning's ``metrics.csv`` (sparse rows with a ``step`` column).
        path: Where to save the PNG.

    Raises:
        ValueError: If nothing was logged beside step and epoch.
    """
    frame = pd.read_csv(metrics_csv, index_col="step").apply(pd.to_numeric, errors="coerce")
    frame = frame.drop(columns="epoch", errors="ignore").dropna(axis=1, how="all")
    if frame.empty:
        raise ValueError(f"{metrics_csv}: holds no logged value beside step and epoch")
    panels = frame.columns.groupby(frame.columns.str.extract(_PANEL, expand=False).fillna("other"))
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    with style():
        figure, grid = new_figure(7 * columns, 2.6 * rows, rows, columns)
        for axes, (heading, names) in zip(grid, panels.items(), strict=False):
            # Observers last: what the run reached has the same color in every panel.
            for name in sorted(names, key=lambda name: "observers" in name):
                values = frame[name].dropna()
                marker = "o" if len(values) < 15 else None
                axes.plot(values, marker=marker, markersize=3, label=name)
            axes.set(title=heading, xlabel="step")
            axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        return render(figure, path)
