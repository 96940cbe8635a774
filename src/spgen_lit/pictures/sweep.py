"""The page of a sweep: heat maps, curves, trade-offs and settings beside each other."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from spgen_lit.files import write_text
from spgen_lit.pictures.figure import LEVEL_COLOR, Pixels, new_figure, render, style, write_cells

#: Columns of the levels that every picture shows.
_LEVELS = ("observers", "chance")


@dataclass(frozen=True)
class SweepSection:
    """One data set of a sweep.

    Attributes:
        title: Heading.
        rows: A row for each setting and measure, with the factors, ``metric``, ``label``,
            ``better``, ``value``, ``low``, ``high``, ``observers`` and ``chance``.
        factors: Columns that varied; the first is drawn across.
        table: Text of the table.
        best: Which of its cells are marked.
    """

    title: str
    rows: pd.DataFrame
    factors: Sequence[str]
    table: pd.DataFrame
    best: pd.DataFrame

    def over_seeds(self) -> SweepSection:
        """The section with the mean of all seeds in place of each, of intervals too."""
        factors = [factor for factor in self.factors if factor != "seed"]
        if not factors or len(factors) == len(self.factors):
            return self
        groups = self.rows.drop(columns="seed").groupby(
            ["metric", *factors], sort=False, as_index=False, dropna=False
        )
        means = dict.fromkeys(("value", "low", "high"), "mean")
        kept = dict.fromkeys(("label", "better", *_LEVELS), "first")
        return replace(self, rows=groups.agg(means | kept), factors=factors)


def write_sweep_page(
    folder: Path, title: str, notes: Sequence[str], sections: Sequence[SweepSection]
) -> Path:
    """Draw every picture into ``folder/pictures`` and write ``folder/index.html``.

    The page holds its pictures itself and asks for nothing from outside, so it can be sent.

    Args:
        folder: Made if absent.
        title: Heading.
        notes: Lines under it: what was swept, what failed.
        sections: One a data set.

    Returns:
        The page's file.
    """
    shown = []
    for section in sections:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", section.title.partition(":")[0]).strip("-")
        marks = section.best.map(lambda best: "best" if best else "")
        styled = section.table.style.hide(axis="index").format(escape="html").set_td_classes(marks)
        pictures = {
            heading: {file.stem: base64.b64encode(file.read_bytes()).decode() for file in files}
            for heading, files in draw_section(section, folder / "pictures" / name).items()
        }
        shown.append({"title": section.title, "table": styled.to_html(), "pictures": pictures})
    page = (resources.files("spgen_lit.pictures") / "sweep.html").read_text(encoding="utf-8")
    text = jinja2.Template(page, autoescape=True, trim_blocks=True)
    return write_text(folder / "index.html", text.render(title=title, notes=notes, sections=shown))


def draw_section(section: SweepSection, folder: Path) -> dict[str, list[Path]]:
    """Pictures of one data set as PNG files, by the heading that they stand under.

    Two numeric factors make heat maps, one makes curves; settings that are names make
    intervals beside each other. Seeds are averaged over, intervals too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    section = section.over_seeds()
    factors = list(section.factors)
    numeric = [name for name in factors if pd.api.types.is_numeric_dtype(section.rows[name])]
    pictures: dict[str, list[Path]] = {"Heat maps": [], "Trade": [], "Curves": [], "Settings": []}
    for metric, rows in section.rows.groupby("metric", sort=False):
        if rows["value"].isna().all():
            continue
        files = {kind: folder / f"{kind}-{metric}.png" for kind in ("heat", "curve", "settings")}
        if len(numeric) == len(factors) == 2:
            pictures["Heat maps"].append(files["heat"])
            heat_map(rows, numeric[0], numeric[1], files["heat"])
        if not numeric or len(factors) > 2:
            pictures["Settings"].append(files["settings"])
            intervals(rows, factors, files["settings"])
            continue
        group = next((name for name in factors if name != numeric[0]), None)
        pictures["Curves"].append(files["curve"])
        curves(rows, numeric[0], group, files["curve"])
    if {"scanmatch", "diversity"} <= set(section.rows["metric"]) and factors:
        pictures["Trade"].append(folder / "trade.png")
        trade_off(section.rows, "scanmatch", "diversity", factors, folder / "trade.png")
    return {heading: files for heading, files in pictures.items() if files}


def heat_map(rows: pd.DataFrame, x: str, y: str, path: Path | None = None) -> Pixels:
    """One measure over two settings, its best cell framed and observers on the color bar.

    Several rows of one cell are averaged; cells without a row stay blank.

    Args:
        rows: Of one measure, as in a section.
        x: Setting across, such as temperature.
        y: Setting upwards, such as the number of Gaussians.
        path: Where to save the PNG.
    """
    first = rows.iloc[0]
    cells = rows.pivot_table(index=y, columns=x, values="value")
    grid, level = cells.to_numpy(), float(first["observers"])
    low, high = np.nanmin([np.nanmin(grid), level]), np.nanmax([np.nanmax(grid), level])
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
            row, column = (int(at) for at in np.unravel_index(int(pick(grid)), grid.shape))
            corner = (column - 0.5, row - 0.5)
            box = Rectangle(corner, 1, 1, fill=False, edgecolor="#d50000", lw=3, zorder=5)
            box.set_clip_on(False)
            axes.add_patch(box)
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
        rows: Of one measure, as in a section; those without a value are left out.
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
        for who in _LEVELS:
            if np.isfinite(first[who]):
                axes.axhline(first[who], color=LEVEL_COLOR, lw=1.2, ls="--")
                across = axes.get_yaxis_transform()
                axes.text(1, first[who], who, ha="right", va="bottom", transform=across)
        axes.set(xlabel=x, ylabel=first["label"], title=first["label"])
        if group:
            axes.legend(title=group, loc="center left", bbox_to_anchor=(1.01, 0.5))
        return render(figure, path)


def trade_off(
    rows: pd.DataFrame, across: str, upwards: str, factors: Sequence[str], path: Path | None = None
) -> Pixels:
    """One measure against another, a line for each setting of all but the first factor.

    Args:
        rows: As in a section, every measure.
        across: Measure on the x axis, such as ``scanmatch``.
        upwards: Measure on the y axis, such as ``diversity``.
        factors: The first is written beside the points, the others make the lines.
        path: Where to save the PNG.
    """
    by_metric = rows.groupby("metric")
    labels, levels = by_metric["label"].first(), by_metric[list(_LEVELS)].first()
    both = rows.pivot_table(index=list(factors), columns="metric", values="value")
    both = both.reindex(columns=[across, upwards]).dropna()
    lines = both.groupby(level=list(factors[1:])) if len(factors) > 1 else [((), both)]
    with style():
        figure, (axes,) = new_figure(6.4, 4.4)
        for order, (setting, points) in enumerate(lines):
            name = ", ".join(f"{f} {text(v)}" for f, v in zip(factors[1:], setting, strict=True))
            (drawn,) = axes.plot(*points.to_numpy().T, marker="o", markersize=4, label=name or None)
            if order:
                continue  # one line carries the labels: the others would only cover them
            for value, point in zip(points.index, points.to_numpy(), strict=True):
                axes.annotate(
                    text(value[0] if isinstance(value, tuple) else value),
                    point,
                    xytext=(5, 5),
                    textcoords="offset points",
                    fontsize=8,
                    color=drawn.get_color(),
                )
        for who, marker in zip(_LEVELS, "*X", strict=True):
            axes.plot(*levels.loc[[across, upwards], who], marker, color=LEVEL_COLOR, label=who)
        title = f"agreement and diversity (figures: {factors[0]})"
        axes.set(xlabel=labels[across], ylabel=labels[upwards], title=title)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
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
        for who, dashes in zip(_LEVELS, ("--", ":"), strict=True):
            if np.isfinite(first[who]):
                axes.axvline(first[who], color=LEVEL_COLOR, lw=1.2, ls=dashes, label=who)
        axes.set_yticks(heights, names)
        axes.set(title=first["label"])
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        return render(figure, path)


def text(value: object) -> str:
    """A setting as a legend shows it."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)
