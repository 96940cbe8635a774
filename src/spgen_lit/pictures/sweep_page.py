"""Sweep page: heat maps, curves and trade-offs of a sweep in one self-contained HTML file."""

from __future__ import annotations

import base64
import html
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from spgen_lit.files import write_text
from spgen_lit.pictures.plots import curves
from spgen_lit.pictures.sweep_plots import heat_map, intervals, trade_off

Row = Mapping[str, Any]
#: Measures that are to come near people's figure have no best end.
_BEST: dict[str, Literal["max", "min"]] = {"up": "max", "down": "min"}


@dataclass(frozen=True)
class SweepSection:
    """One data set of a sweep.

    Attributes:
        title: Heading.
        rows: A row for each setting and measure, with the factors, ``metric``, ``label``,
            ``better``, ``value``, ``low``, ``high``, ``observers`` and ``chance``.
        factors: Columns that varied; the first is drawn across.
        headings: Headings of the table.
        lines: Its cells.
        best: ``(line, column)`` of the cells to mark.
    """

    title: str
    rows: Sequence[Row]
    factors: Sequence[str]
    headings: Sequence[str] = ()
    lines: Sequence[Sequence[str]] = ()
    best: frozenset[tuple[int, int]] = field(default_factory=frozenset)


def write_sweep_page(
    folder: str | os.PathLike[str],
    title: str,
    notes: Sequence[str],
    sections: Sequence[SweepSection],
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
    target = Path(folder)
    body = []
    for section in sections:
        place = target / "pictures" / _slug(section.title.partition(":")[0])
        place.mkdir(parents=True, exist_ok=True)
        body.append(f"<section><h2>{html.escape(section.title)}</h2>")
        body.append(_table(section))
        for heading, names in draw_section(section, place).items():
            if names:
                body.append(f"<h3>{html.escape(heading)}</h3><div class='pictures'>")
                body += [_figure(file) for file in names]
                body.append("</div>")
        body.append("</section>")
    page = (resources.files("spgen_lit.pictures") / "sweep.html").read_text(encoding="utf-8")
    # The body last: it may hold any text, even one of the marks.
    page = page.replace("@TITLE@", html.escape(title))
    page = page.replace("@NOTES@", "".join(f"<p>{html.escape(note)}</p>" for note in notes))
    page = page.replace("@BODY@", "\n".join(body))
    return write_text(target / "index.html", page)


def draw_section(section: SweepSection, folder: Path) -> dict[str, list[Path]]:
    """Pictures of one data set as PNG files, by the heading that they stand under.

    Two numeric factors make heat maps, one makes curves; settings that are names make
    intervals beside each other. Seeds are averaged over, intervals too.
    """
    section = _over_seeds(section)
    numeric = [
        factor
        for factor in section.factors
        if all(isinstance(row.get(factor), int | float) for row in section.rows)
    ]
    pictures: dict[str, list[Path]] = {"Heat maps": [], "Trade": [], "Curves": [], "Settings": []}
    metrics = list(dict.fromkeys(row["metric"] for row in section.rows))
    for metric in metrics:
        rows = [row for row in section.rows if row["metric"] == metric]
        if not any(math.isfinite(row["value"]) for row in rows):
            continue
        label, people = rows[0]["label"], rows[0]["observers"]
        level = people if math.isfinite(people) else None
        better = _BEST.get(rows[0]["better"])
        if len(numeric) == len(section.factors) == 2:
            x, y = numeric
            file = folder / f"heat-{metric}.png"
            named = [{**row, metric: row["value"]} for row in rows]
            heat_map(named, x, y, metric, best=better, people_level=level, title=label, path=file)
            pictures["Heat maps"].append(file)
        if numeric and len(section.factors) <= 2:
            x = numeric[0]
            other = next((factor for factor in section.factors if factor != x), None)
            file = folder / f"curve-{metric}.png"
            levels = {"observers": people, "chance": rows[0]["chance"]}
            curves(
                [_named(row, other) for row in rows],
                x,
                "value",
                group=other,
                low="low",
                high="high",
                levels=levels,
                title=label,
                path=file,
            )
            pictures["Curves"].append(file)
        else:
            file = folder / f"settings-{metric}.png"
            intervals(rows, section.factors, title=label, path=file)
            pictures["Settings"].append(file)
    if {"scanmatch", "diversity"} <= set(metrics) and section.factors:
        file = folder / "trade.png"
        trade_off(section.rows, "scanmatch", "diversity", section.factors, path=file)
        pictures["Trade"].append(file)
    return pictures


def _over_seeds(section: SweepSection) -> SweepSection:
    """The section with the mean of all seeds in place of each; as it is without seeds."""
    factors = [factor for factor in section.factors if factor != "seed"]
    if not factors or len(factors) == len(section.factors):
        return section
    frame = pd.DataFrame(list(section.rows))
    means = dict.fromkeys(("value", "low", "high"), "mean")
    kept = {key: "first" for key in frame if key not in (*factors, "metric", *means)}
    merged = frame.groupby(["metric", *factors], sort=False, as_index=False, dropna=False)
    rows = merged.agg({**kept, **means}).to_dict("records")
    return replace(section, rows=rows, factors=factors)


def _named(row: Row, factor: str | None) -> Row:
    """The row with the factor as text, as a legend shows it."""
    if factor is None or not isinstance(row[factor], float):
        return row
    return {**row, factor: f"{row[factor]:g}"}


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-") or "set"


def _figure(file: Path) -> str:
    code = base64.b64encode(file.read_bytes()).decode("ascii")
    name = html.escape(file.stem)
    return f"<figure><img alt='{name}' src='data:image/png;base64,{code}'></figure>"


def _table(section: SweepSection) -> str:
    if not section.lines:
        return ""
    frame = pd.DataFrame([list(line) for line in section.lines], columns=list(section.headings))
    marks = pd.DataFrame("", index=frame.index, columns=frame.columns)
    for line, column in section.best:
        marks.iloc[line, column] = "best"
    styled = frame.style.hide(axis="index").format(escape="html").set_td_classes(marks)
    return f"<div class='scroll'>{styled.to_html()}</div>"
