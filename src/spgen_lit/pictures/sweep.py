"""The page of a sweep: heat maps, curves, trade-offs and settings beside each other."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from spgen_lit.files import write_text
from spgen_lit.pictures.figure import LEVEL_COLOR, Pixels, new_figure, render, style, write_cells

#: Columns of the levels that every picture shows, and how their lines are dashed.
_LEVELS = {"observers": "--", "chance": ":"}
_OUTSIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}


def write_sweep_page(file: Path, sections: Iterable[tuple[Any, ...]], **facts: Any) -> Path:
    """Write the page of a sweep, by ``sweep.html``.

    It holds its pictures itself and asks for nothing from outside, so it can be sent.

    Args:
        file: Where to.
        sections: For each data set a heading, a table as HTML, and what :func:`draw_set` gives.
        facts: What else the template shows: the sweep.
    """
    page = (resources.files("spgen_lit.pictures") / "sweep.html").read_text(encoding="utf-8")
    template = jinja2.Template(page, autoescape=True, trim_blocks=True)
    return write_text(file, template.render(sections=sections, base64=base64.b64encode, **facts))


def draw_set(rows: pd.DataFrame, factors: Sequence[str], folder: Path) -> dict[str, list[Path]]:
    """Pictures of one data set as PNG files, by the heading that they stand under.

    Two numeric factors make heat maps, one makes curves; settings that are names stand beside
    each other. Seeds are averaged over, intervals too.

    Args:
        rows: One for each setting and measure, with the factors, ``metric``, ``label``,
            ``better``, ``value``, ``low``, ``high``, ``observers`` and ``chance``.
        factors: Columns that varied.
        folder: Where the files are written.
    """
    rows, factors = over_seeds(rows, factors)
    numeric = [name for name in factors if pd.api.types.is_numeric_dtype(rows[name])]
    x = numeric[0] if numeric else factors[0]
    others = [name for name in factors if name != x]
    pictures: dict[str, list[Path]] = {"Heat maps": [], "Trade": [], "Curves": [], "Settings": []}

    def file(heading: str, name: str) -> Path:
        pictures[heading].append(folder / f"{name}.png")
        return pictures[heading][-1]

    for metric, values in rows.groupby("metric", sort=False):
        if values["value"].isna().all():
            continue
        if len(numeric) == len(factors) == 2:
            heat_map(values, x, others[0], file("Heat maps", f"heat-{metric}"))
        if numeric and len(factors) <= 2:
            curves(values, x, others, file("Curves", f"curve-{metric}"))
        else:
            name = ", ".join(factors)
            named = values.assign(**{name: _words(values, factors)})
            curves(named, name, path=file("Settings", f"settings-{metric}"))
    if {"scanmatch", "diversity"} <= set(rows["metric"]):
        trade_off(rows, x, others, file("Trade", "trade"))
    return {heading: files for heading, files in pictures.items() if files}


def over_seeds(rows: pd.DataFrame, factors: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """The mean of all seeds in place of each, of intervals too; rows and factors."""
    others = [factor for factor in factors if factor != "seed"]
    if not others or len(others) == len(factors):
        return rows, list(factors)
    groups = rows.groupby(["metric", *others], sort=False, as_index=False, dropna=False)
    means = dict.fromkeys(("value", "low", "high"), "mean")
    return groups.agg(means | dict.fromkeys(("label", "better", *_LEVELS), "first")), others


def heat_map(rows: pd.DataFrame, x: str, y: str, path: Path | None = None) -> Pixels:
    """One measure over two settings, its best cell framed and observers on the color bar.

    Several rows of one cell are averaged; cells without a row stay blank.

    Args:
        rows: Of one measure, as in :func:`draw_set`.
        x: Setting across, such as temperature.
        y: Setting upwards, such as the number of Gaussians.
        path: Where to save the PNG.
    """
    first = rows.iloc[0]
    cells = rows.pivot_table(index=y, columns=x, values="value")
    grid, level = cells.to_numpy(), float(first["observers"])
    low, high = np.nanmin([*grid.flat, level]), np.nanmax([*grid.flat, level])
    pick = {"up": np.nanargmax, "down": np.nanargmin}.get(first["better"])
    with style():
        figure, (axes,) = new_figure(2.2 + 0.85 * grid.shape[1], 1.7 + 0.55 * grid.shape[0])
        image = axes.imshow(
            grid, cmap="viridis", vmin=low, vmax=high, origin="lower", aspect="auto"
        )
        axes.grid(False)
        axes.set_xticks(range(grid.shape[1]), [f"{at:g}" for at in cells.columns])
        axes.set_yticks(range(grid.shape[0]), [f"{at:g}" for at in cells.index])
        axes.set(xlabel=x, ylabel=y, title=first["label"])
        write_cells(axes, grid, ".3f", lambda found: found < low + 0.6 * (high - low) != low)
        if pick is not None:
            row, column = np.unravel_index(int(pick(grid)), grid.shape)
            frame: dict[str, Any] = {"fill": False, "edgecolor": "#d50000", "lw": 3, "zorder": 5}
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, clip_on=False, **frame))
        bar = figure.colorbar(image, ax=axes)
        if np.isfinite(level):
            bar.ax.axhline(level, color="white", lw=4)
            bar.ax.axhline(level, color="black", lw=2)
            bar.set_label(f"line: observers, {level:.3f}")
        return render(figure, path)


def curves(
    rows: pd.DataFrame, x: str, others: Sequence[str] = (), path: Path | None = None
) -> Pixels:
    """One measure over one setting with its intervals, observers and chance as lines.

    Args:
        rows: Of one measure, as in :func:`draw_set`; those without a value are left out.
        x: Setting across; names stand beside each other, numbers are joined.
        others: Settings whose values make the lines.
        path: Where to save the PNG.
    """
    first, rows = rows.iloc[0], rows.dropna(subset=[x, "value"])
    numeric = pd.api.types.is_numeric_dtype(rows[x])
    rows = rows.sort_values(x) if numeric else rows
    with style():
        figure, (axes,) = new_figure(6.4 if numeric else 3.4 + 0.32 * len(rows), 4)
        for name, points in rows.groupby(_words(rows, others), sort=False):
            value = points["value"]
            bars = np.nan_to_num([value - points["low"], points["high"] - value]).clip(0)
            marks: dict[str, Any] = {"fmt": "o-" if numeric else "o", "label": name or None}
            axes.errorbar(points[x], value, bars, markersize=4, capsize=3, **marks)
        for who, level in first[[*_LEVELS]].dropna().items():
            axes.axhline(level, color=LEVEL_COLOR, lw=1.2, ls=_LEVELS[who], label=who)
        if not numeric:
            axes.set_xticks(range(len(rows)), rows[x], rotation=35, ha="right")
        axes.set(xlabel=x, ylabel=first["label"], title=first["label"])
        axes.legend(title=", ".join(others), **_OUTSIDE)
        return render(figure, path)


def trade_off(
    rows: pd.DataFrame, x: str, others: Sequence[str], path: Path | None = None
) -> Pixels:
    """Diversity against ScanMatch.

    Args:
        rows: As in :func:`draw_set`, every measure.
        x: Setting that is written beside the points of one line; it would cover the others.
        others: Settings whose values make the lines.
        path: Where to save the PNG.
    """
    measures = ["scanmatch", "diversity"]
    beside: dict[str, Any] = {"xytext": (5, 5), "textcoords": "offset points", "fontsize": 8}
    known = rows.groupby("metric")[["label", *_LEVELS]].first().loc[measures]
    both = rows.pivot_table("value", [x, *others], "metric").reindex(columns=measures)
    both = both.dropna().reset_index()
    with style():
        figure, (axes,) = new_figure(6.4, 4.4)
        for number, (name, points) in enumerate(both.groupby(_words(both, others), sort=False)):
            axes.plot(*points[measures].to_numpy().T, "o-", markersize=4, label=name or None)
            named = zip(_words(points, [x]), points[measures].to_numpy(), strict=True)
            for label, point in () if number else named:
                axes.annotate(label, point, **beside)
        for who, marker in zip(_LEVELS, "*X", strict=True):
            axes.plot(*known[who], marker, color=LEVEL_COLOR, label=who)
        across, upwards = known["label"]
        axes.set(xlabel=across, ylabel=upwards, title=f"agreement and diversity (figures: {x})")
        axes.legend(title=", ".join(others), **_OUTSIDE)
        return render(figure, path)


def _words(rows: pd.DataFrame, settings: Sequence[str]) -> list[str]:
    """Each row's values of these settings, as an axis or a legend shows them."""
    values = rows[[*settings]].map(lambda v: f"{v:g}" if isinstance(v, int | float) else str(v))
    return [", ".join(filter(None, row)) for row in values.to_numpy()]
