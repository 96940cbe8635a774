"""Plots of a sweep: agreement against diversity, and settings that are no numbers."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from spgen_lit.pictures.figure import LEVEL_COLOUR, new_figure, render, style
from spgen_lit.pictures.lettering import Pixels

Row = Mapping[str, Any]


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
            people[row["metric"]] = row["people"]
            chance[row["metric"]] = row["chance"]
            labels[row["metric"]] = row["label"]
    lines: dict[tuple[Any, ...], list[tuple[Any, float, float]]] = defaultdict(list)
    for key, pair in points.items():
        if len(pair) == 2:
            lines[key[1:]].append((key[0], pair[across], pair[upwards]))
    with style():
        figure, (axes,) = new_figure(6.4, 4.4)
        for number, (setting, found) in enumerate(lines.items()):
            name = ", ".join(
                f"{factor} {text(value)}"
                for factor, value in zip(factors[1:], setting, strict=True)
            )
            # One line carries the labels: the others would only cover them.
            _line(axes, found, name, labelled=number == 0)
        for who, level, marker in (("people", people, "*"), ("chance", chance, "X")):
            place = (level.get(across, math.nan), level.get(upwards, math.nan))
            if all(map(math.isfinite, place)):
                axes.plot(*place, marker, color=LEVEL_COLOUR, markersize=11, label=who)
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
        for who in ("people", "chance"):
            level = rows[0][who]
            if math.isfinite(level):
                axes.axvline(level, color=LEVEL_COLOUR, lw=1.2, ls="--" if who == "people" else ":")
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
