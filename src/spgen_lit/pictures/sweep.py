"""The page of a sweep: heat maps, curves, trade-offs and settings beside each other."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from spgen_lit.files import write_text
from spgen_lit.pictures.figure import LEVEL_COLOR, Pixels, new_figure, render, style, write_cells

#: Columns of the levels that every picture shows.
_LEVELS = ["observers", "chance"]
_OUTSIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}


def write_sweep_page(
    folder: Path,
    title: str,
    notes: Sequence[str],
    factors: Sequence[str],
    sets: Mapping[str, tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]],
) -> Path:
    """Draw every picture into ``folder/pictures`` and write ``folder/index.html``.

    The page holds its pictures itself and asks for nothing from outside, so it can be sent.

    Args:
        folder: Made if absent.
        title: Heading.
        notes: Lines under it: what was swept, what failed.
        factors: Columns that varied; the first is drawn across.
        sets: Heading of a data set to its rows, its table as text, and which cells of the table
            are marked. There is a row for each setting and measure, with the factors, ``set``,
            ``metric``, ``label``, ``better``, ``value``, ``low``, ``high``, ``observers`` and
            ``chance``.

    Returns:
        The page's file.
    """
    sections = []
    for heading, (rows, table, best) in sets.items():
        marks = best.map(lambda marked: "best" if marked else "")
        styled = table.style.hide(axis="index").format(escape="html").set_td_classes(marks)
        drawn = draw_set(rows, factors, folder / "pictures" / str(rows["set"].iloc[0]))
        pictures = {
            kind: {file.stem: base64.b64encode(file.read_bytes()).decode() for file in files}
            for kind, files in drawn.items()
        }
        sections.append({"title": heading, "table": styled.to_html(), "pictures": pictures})
    page = (resources.files("spgen_lit.pictures") / "sweep.html").read_text(encoding="utf-8")
    text = jinja2.Template(page, autoescape=True, trim_blocks=True)
    texts = {"title": title, "notes": notes, "sections": sections}
    return write_text(folder / "index.html", text.render(texts))


def draw_set(rows: pd.DataFrame, factors: Sequence[str], folder: Path) -> dict[str, list[Path]]:
    """Pictures of one data set as PNG files, by the heading that they stand under.

    Two numeric factors make heat maps, one makes curves; settings that are names make
    intervals beside each other. Seeds are averaged over, intervals too.
    """
    rows, factors = over_seeds(rows, factors)
    numeric = [name for name in factors if pd.api.types.is_numeric_dtype(rows[name])]
    pictures: dict[str, list[Path]] = {"Heat maps": [], "Trade": [], "Curves": [], "Settings": []}

    def file(heading: str, name: str) -> Path:
        pictures[heading].append(folder / f"{name}.png")
        return pictures[heading][-1]

    for metric, values in rows.groupby("metric", sort=False):
        if values["value"].isna().all():
            continue
        if len(numeric) == len(factors) == 2:
            heat_map(values, numeric[0], numeric[1], file("Heat maps", f"heat-{metric}"))
        if not numeric or len(factors) > 2:
            intervals(values, factors, file("Settings", f"settings-{metric}"))
        else:
            group = next((name for name in factors if name != numeric[0]), None)
            curves(values, numeric[0], group, file("Curves", f"curve-{metric}"))
    if {"scanmatch", "diversity"} <= set(rows["metric"]):
        trade_off(rows, factors, file("Trade", "trade"))
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
        rows: Of one measure, as in :func:`write_sweep_page`.
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
    rows: pd.DataFrame, x: str, group: str | None = None, path: Path | None = None
) -> Pixels:
    """One measure over one setting with its interval as a band, observers and chance as lines.

    Args:
        rows: Of one measure, as in :func:`write_sweep_page`; those without a value are left out.
        x: Setting across.
        group: Setting whose values make the lines; None for one line.
        path: Where to save the PNG.
    """
    first, rows = rows.iloc[0], rows.dropna(subset=[x, "value"]).sort_values(x)
    lines = rows.groupby(group, sort=False) if group else [("value", rows)]
    with style():
        figure, (axes,) = new_figure(6.4, 4)
        for name, points in lines:
            line = axes.plot(points[x], points["value"], "o-", markersize=4, label=text(name))[0]
            band = (points[x], points["low"], points["high"])
            axes.fill_between(*band, color=line.get_color(), alpha=0.15, lw=0)
        for who, level in first[_LEVELS].dropna().items():
            axes.axhline(level, color=LEVEL_COLOR, lw=1.2, ls="--")
            across = axes.get_yaxis_transform()
            axes.text(1, level, str(who), ha="right", va="bottom", transform=across)
        axes.set(xlabel=x, ylabel=first["label"], title=first["label"])
        if group:
            axes.legend(title=group, **_OUTSIDE)
        return render(figure, path)


def trade_off(rows: pd.DataFrame, factors: Sequence[str], path: Path | None = None) -> Pixels:
    """Diversity against ScanMatch, a line for each setting of all but the first factor.

    Args:
        rows: As in :func:`write_sweep_page`, every measure.
        factors: The first is written beside the points, the others make the lines.
        path: Where to save the PNG.
    """
    axes_of = ["scanmatch", "diversity"]
    beside: dict[str, Any] = {"xytext": (5, 5), "textcoords": "offset points", "fontsize": 8}
    known = rows.groupby("metric")[["label", *_LEVELS]].first().loc[axes_of]
    both = rows.pivot_table(index=list(factors), columns="metric", values="value")
    both = both.reindex(columns=axes_of).dropna()
    lines = both.groupby(level=list(factors[1:])) if len(factors) > 1 else [((), both)]
    with style():
        figure, (axes,) = new_figure(6.4, 4.4)
        for order, (setting, points) in enumerate(lines):
            name = ", ".join(f"{f} {text(v)}" for f, v in zip(factors[1:], setting, strict=True))
            (drawn,) = axes.plot(*points.to_numpy().T, marker="o", markersize=4, label=name or None)
            if order:
                continue  # one line carries the labels: the others would only cover them
            for value, point in zip(points.index, points.to_numpy(), strict=True):
                label = text(value[0] if isinstance(value, tuple) else value)
                axes.annotate(label, point, color=drawn.get_color(), **beside)
        for who, marker in zip(_LEVELS, "*X", strict=True):
            axes.plot(*known[who], marker, color=LEVEL_COLOR, label=who)
        across, upwards = known["label"]
        title = f"agreement and diversity (figures: {factors[0]})"
        axes.set(xlabel=across, ylabel=upwards, title=title)
        axes.legend(**_OUTSIDE)
        return render(figure, path)


def intervals(rows: pd.DataFrame, factors: Sequence[str], path: Path | None = None) -> Pixels:
    """One measure of every setting with its interval, observers and chance as lines.

    Args:
        rows: Of one measure, a row a setting.
        factors: What names a setting.
        path: Where to save the PNG.
    """
    settings = rows[list(factors)].itertuples(index=False)
    names = [", ".join(text(value) for value in setting if value != "") for setting in settings]
    first, heights = rows.iloc[0], np.arange(len(rows))[::-1]
    spread = np.stack([rows["value"] - rows["low"], rows["high"] - rows["value"]])
    with style():
        figure, (axes,) = new_figure(6.4, 1.3 + 0.32 * len(rows))
        bars = np.nan_to_num(spread).clip(0)
        axes.errorbar(rows["value"], heights, xerr=bars, fmt="o", markersize=5, capsize=3)
        for who, level in first[_LEVELS].dropna().items():
            dashes = "--" if who == "observers" else ":"
            axes.axvline(level, color=LEVEL_COLOR, lw=1.2, ls=dashes, label=str(who))
        axes.set_yticks(heights, names)
        axes.set(title=first["label"])
        axes.legend(**_OUTSIDE)
        return render(figure, path)


def text(value: object) -> str:
    """A setting as a legend shows it."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)
