"""The gap between photographs and paintings as a table: screen, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from spgen_lit.evaluation.gap import Estimate, GapRow

_NAMES = {"energy": "energy score ↓", "scanmatch": "ScanMatch above chance ↑"}
_NOTE = (
    "recovered = (floor - adapted) / (floor - ceiling); 95 % intervals by paired bootstrap "
    "over images, seeds averaged within an image"
)
_HEADINGS = (
    "measure",
    "adaptation",
    "ceiling",
    "floor",
    "adapted",
    "recovered",
    "photographs lose",
)


def gap_table(rows: Sequence[GapRow]) -> Table:
    """Ceiling, floor, adapted, share recovered and cost, a line for each row."""
    table = Table(
        title=_title(rows),
        caption=_NOTE,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("adaptation")
    for heading in _HEADINGS[2:]:
        table.add_column(heading, justify="right", no_wrap=True)
    # A line for the measure in place of a column: narrow enough for eighty columns.
    for metric in dict.fromkeys(row.metric for row in rows):
        table.add_row(f"[bold]{_NAMES.get(metric, metric)}[/]")
        for row in rows:
            if row.metric == metric:
                table.add_row(*_cells(row)[1:])
    return table


def write_gap(path: Path, rows: Sequence[GapRow]) -> list[Path]:
    """Write ``path`` as CSV and the same with ``.md`` as Markdown; each appears whole.

    Returns:
        The files.
    """
    text = io.StringIO()
    flat = [_flat(row) for row in rows]
    writer = csv.DictWriter(text, list(flat[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    lines = [" | ".join(_HEADINGS), " | ".join("---" for _ in _HEADINGS)]
    lines += [" | ".join(_cells(row)) for row in rows]
    markdown = "\n".join(f"| {line} |" for line in lines)
    markdown = f"{_title(rows)}\n\n{markdown}\n\n{_NOTE}.\n"
    files = [path, path.with_suffix(".md")]
    for file, content in zip(files, (text.getvalue(), markdown), strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.{os.getpid()}")
        partial.write_text(content, encoding="utf-8")
        partial.replace(file)
    return files


def _title(rows: Sequence[GapRow]) -> str:
    first = rows[0]
    seeds = "1 seed" if first.seeds[0] == 1 else f"{first.seeds[0]} seeds"
    return f"The gap from photographs to paintings: {first.images} images, source-only {seeds}"


def _cells(row: GapRow) -> list[str]:
    adapted = f"{row.name} ({row.seeds[1]} seed{'s' if row.seeds[1] > 1 else ''})"
    own, low, high = (100 * v for v in (row.recovered.value, row.recovered.low, row.recovered.high))
    share = f"{own:.0f} % [{low:.0f}, {high:.0f}]"
    values = [f"{value:.3f}" for value in (row.ceiling, row.floor, row.adapted)]
    # Zero is added so that rounding leaves no minus before nothing.
    lost = [round(value, 4) + 0.0 for value in (row.cost.value, row.cost.low, row.cost.high)]
    cost = f"{lost[0]:.4f} [{lost[1]:.4f}, {lost[2]:.4f}]"
    known = row.gap_open and math.isfinite(row.recovered.value)
    return [
        _NAMES.get(row.metric, row.metric),
        adapted,
        *values,
        share if known else "no gap",
        cost,
    ]


def _flat(row: GapRow) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in asdict(row).items():
        estimate = getattr(row, key)
        if isinstance(estimate, Estimate):
            out |= {key: estimate.value, f"{key}_low": estimate.low, f"{key}_high": estimate.high}
        elif key == "seeds":
            out |= {"source_only_seeds": row.seeds[0], "adapted_seeds": row.seeds[1]}
        else:
            out[key] = value
    return out
