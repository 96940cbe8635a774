"""A sweep as tables: one line a setting, the best of each measure marked; CSV, Markdown, LaTeX."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from spgen_lit.evaluation.sweep_report import Row, Sweep
from spgen_lit.evaluation.temperatures import MEASURED

COLUMNS = ("metric", "value", "low", "high", "people", "chance", "normalised", "images", "job")
_SHOWN = ("energy", "scanmatch", "nss", "diversity")


@dataclass(frozen=True)
class Wide:
    """A table with a column for each measure.

    Attributes:
        headings: The factors, then the measures with their arrows.
        lines: Cells of each line; people and chance are the last two.
        best: ``(line, column)`` of the best of each measure.
    """

    headings: list[str]
    lines: list[list[str]]
    best: set[tuple[int, int]]


def wide(sweep: Sweep, name: str, metrics: Sequence[str] | None = None) -> Wide:
    """The lines of one data set; ``metrics`` are those to show, by default the quick ones."""
    rows = sweep.of_set(name)
    present = {row["metric"]: row for row in rows}
    shown = [metric for metric in (metrics or MEASURED) if metric in present]
    lines: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in rows:
        key = tuple(row.get(factor, "") for factor in sweep.factors)
        lines.setdefault(key, {})[row["metric"]] = row
    settings = list(lines)
    cells = [
        [_setting(value) for value in key] + [_figure(lines[key].get(m)) for m in shown]
        for key in settings
    ]
    best = set()
    for column, metric in enumerate(shown):
        place = best_of([lines[key].get(metric) for key in settings])
        if place is not None:
            best.add((place, len(sweep.factors) + column))
    blank = [""] * (len(sweep.factors) - 1)
    for who in ("people", "chance"):
        cells.append([who, *blank, *(_text(present[metric][who]) for metric in shown)])
    headings = [*sweep.factors, *(present[metric]["label"] for metric in shown)]
    return Wide(headings, cells, best)


def best_of(rows: Sequence[Row | None]) -> int | None:
    """Place of the best row of a measure, by its direction; None if no row has a value."""

    def cost(row: Row) -> float:
        if row["better"] == "people":
            return abs(row["value"] - row["people"])
        return float(row["value"] if row["better"] == "down" else -row["value"])

    costs = [math.inf if row is None else cost(row) for row in rows]
    finite = [c for c in costs if math.isfinite(c)]
    return costs.index(min(finite)) if finite else None


def sweep_tables(sweep: Sweep) -> list[Table]:
    """Short tables for the terminal, one a data set."""
    tables = []
    for name in sweep.sets:
        content = wide(sweep, name, _SHOWN)
        images = sweep.of_set(name)[0]["images"]
        said = ", SIMULATED gaze, not people's" if name in sweep.simulated else ""
        table = Table(title=f"{name}: {images} images{said}", box=box.SIMPLE_HEAD)
        for heading in content.headings:
            table.add_column(heading, justify="right")
        for number, line in enumerate(content.lines):
            marked = [
                f"[bold]{cell} *[/]" if (number, column) in content.best else cell
                for column, cell in enumerate(line)
            ]
            table.add_row(*marked, style="dim" if number >= len(content.lines) - 2 else None)
        tables.append(table)
    return tables


def failures_table(sweep: Sweep) -> Table:
    """Jobs without results, each with its error."""
    table = Table(title="without results", box=box.SIMPLE_HEAD)
    for heading in ("job", "state", "error"):
        table.add_column(heading, overflow="fold")
    for job in (*sweep.failed, *sweep.unfinished):
        table.add_row(job.name, job.state, job.error)
    return table


def write_tables(sweep: Sweep, folder: str | Path) -> list[Path]:
    """Write ``sweep.csv`` (every row), ``sweep.md`` and ``sweep.tex``; returns the files."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(
        text, ["set", *sweep.factors, *COLUMNS], extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(sweep.rows)
    contents = {"sweep.csv": text.getvalue(), "sweep.md": "", "sweep.tex": ""}
    for name in sweep.sets:
        images = sweep.of_set(name)[0]["images"]
        said = ", simulated gaze" if name in sweep.simulated else ""
        title = f"{name} ({images} images{said})"
        contents["sweep.md"] += f"## {title}\n\n{_markdown(wide(sweep, name))}\n"
        contents["sweep.tex"] += _latex(wide(sweep, name), title)
    files = []
    for file, content in contents.items():
        partial = target / f".{file}.{os.getpid()}"
        partial.write_text(content, encoding="utf-8")
        files.append(partial.replace(target / file))
    return files


def _markdown(table: Wide) -> str:
    lines = ["| " + " | ".join(table.headings) + " |", "|" + "---:|" * len(table.headings)]
    for number, line in enumerate(table.lines):
        cells = [
            f"**{cell}**" if (number, column) in table.best else cell
            for column, cell in enumerate(line)
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


_ESCAPES = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#"}
_SYMBOLS = {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "≈": r"$\approx$", "|": r"\textbar{}"}


def _latex(table: Wide, title: str) -> str:
    def clean(text: str) -> str:
        return "".join({**_ESCAPES, **_SYMBOLS}.get(letter, letter) for letter in text)

    body = []
    for number, line in enumerate(table.lines):
        if number == len(table.lines) - 2:
            body.append(r"\midrule")
        cells = [
            rf"\textbf{{{clean(cell)}}}" if (number, column) in table.best else clean(cell)
            for column, cell in enumerate(line)
        ]
        body.append(" & ".join(cells) + r" \\")
    return "\n".join(
        [
            rf"% {title}; needs the package booktabs",
            rf"\begin{{tabular}}{{{'r' * len(table.headings)}}}",
            r"\toprule",
            " & ".join(clean(heading) for heading in table.headings) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            "",
            "",
        ]
    )


def _setting(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _figure(row: Row | None) -> str:
    return "" if row is None else _text(row["value"])


def _text(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"
