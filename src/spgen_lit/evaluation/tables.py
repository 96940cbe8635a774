"""Tables of results: on the terminal by rich, in every file format by pandas."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from rich import box
from rich.table import Table

from spgen_lit.evaluation.statistics import FEW
from spgen_lit.files import atomic, cell, write_text

# What stands in no cell by itself marks the best of a column until the text is written.
BEST = "⟦{}⟧"
_TERMINAL = str.maketrans({"⟦": "[bold]", "⟧": " *[/]"})
_MARKDOWN = str.maketrans({"⟦": "**", "⟧": "**"})
_HTML = str.maketrans({"⟦": "<b>", "⟧": "</b>"})
_LATEX = str.maketrans(
    {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "≈": r"$\approx$", "⟦": r"\textbf{", "⟧": "}"}
)


def figure(value: float) -> str:
    """A number with as many digits as its size bears; a dash for none."""
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value)
    return f"{value:.{0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3}f}"


def figures(column: pd.Series) -> pd.Series:
    """A column of numbers as text."""
    return column.map(figure)


def intervals(low: pd.Series, high: pd.Series) -> list[str]:
    """``low to high``, row by row; a dash where there is none."""
    return [
        "-" if not math.isfinite(a) else f"{figure(a)} to {figure(b)}"
        for a, b in zip(low, high, strict=True)
    ]


def interval_note(images: int) -> str:
    """How intervals were made, and whether they can be trusted."""
    if images >= FEW:
        return "95 % interval by bootstrap over images"
    return f"{images} images are too few: Student's interval, nothing is called better or worse"


def kind_of_gaze(gaze: Any) -> str:
    """What a title says of gaze that no eye tracker recorded."""
    known = {
        "simulated": " (SIMULATED gaze, not people's)",
        "mouse": " (mouse, not eye movements)",
    }
    return known.get(str(gaze), "")


def terminal(
    frame: pd.DataFrame, title: str, caption: str | None = None, bold: Collection[Any] = ()
) -> Table:
    """A frame of text as a table that fits eighty columns where the frame does.

    Args:
        frame: Text, in the order shown; the first column is aligned left.
        title: Above it.
        caption: Below it.
        bold: Index labels of the rows to stress.
    """
    table = Table(
        title=title,
        caption=caption,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for number, column in enumerate(frame.columns):
        table.add_column(str(column), justify="right" if number else "left", no_wrap=True)
    for label, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        cells = (str(cell).translate(_TERMINAL) for cell in row)
        table.add_row(*cells, style="bold" if label in bold else None)
    return table


def write(path: str | Path, frame: pd.DataFrame, title: str = "", note: str = "") -> Path:
    """Write a frame whole, as the suffix says.

    Args:
        path: ``.csv``, ``.parquet``, ``.md``, ``.tex`` or ``.html``.
        frame: Numbers for the first two, text for the others; the index is not written.
        title: Heading, for the last three.
        note: Words below, for the last three.

    Raises:
        ValueError: For another suffix.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind in (".csv", ".parquet"):
        with atomic(target) as part:
            if kind == ".parquet":
                frame.to_parquet(part, index=False)
            else:
                frame.map(cell).to_csv(part, index=False)
        return target
    forms = {".md": markdown, ".tex": latex, ".html": html}
    if kind not in forms:
        raise ValueError(f"{target}: a table is written as .csv, .parquet, .md, .tex or .html")
    page = Path(__file__).with_name(f"table{kind}").read_text(encoding="utf-8")
    template = jinja2.Template(page, autoescape=kind == ".html", keep_trailing_newline=True)
    return write_text(target, template.render(title=title, note=note, table=forms[kind](frame)))


def markdown(frame: pd.DataFrame) -> str:
    """A frame of text as a table in Markdown."""
    aligned = ["left", *["right"] * (len(frame.columns) - 1)]
    marked = frame.map(lambda cell: cell.translate(_MARKDOWN) if isinstance(cell, str) else cell)
    return str(marked.to_markdown(index=False, disable_numparse=True, colalign=aligned))


def html(frame: pd.DataFrame) -> str:
    """A frame of text as a table in HTML."""
    return str(frame.to_html(index=False, border=0)).translate(_HTML)


def latex(frame: pd.DataFrame) -> str:
    """A frame of text as a tabular of booktabs."""
    text = frame.to_latex(index=False, escape=True, column_format="l" + "r" * (frame.shape[1] - 1))
    return text.translate(_LATEX)


def finite(content: Any) -> Any:
    """JSON content with None for numbers that are not finite, which JSON does not have."""
    if isinstance(content, Mapping):
        return {str(key): finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [finite(value) for value in content]
    if isinstance(content, np.integer):
        return int(content)
    if isinstance(content, (float, np.floating)):
        return float(content) if math.isfinite(content) else None
    return content
