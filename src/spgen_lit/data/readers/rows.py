"""Rows of a table file: CSV, TSV, Parquet or JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def load_rows(path: Path, delimiter: str | None = None, least: int = 1) -> list[Row]:
    """Rows as mappings from column to value (text for CSV and TSV).

    Args:
        path: ``.csv``, ``.tsv``, ``.txt`` (delimiter found from the first line), ``.json`` (a
            list of objects, or an object of columns) or ``.parquet`` (needs pandas).
        delimiter: Between the columns of a text file; None to find it.
        least: Fewest rows to be content with.

    Raises:
        ValueError: For a file of another kind, without rows, or not readable as what its
            name says.
        ImportError: For Parquet without pandas.
    """
    kind = path.suffix.lower()
    try:
        if kind in (".csv", ".tsv", ".txt"):
            with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
                first = file.readline()
                file.seek(0)
                mark = delimiter or max(",\t;", key=first.count)
                rows: list[Row] = list(csv.DictReader(file, delimiter=mark))
        elif kind == ".json":
            content = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(content, dict):
                columns = list(content)
                values = zip(*content.values(), strict=True)
                rows = [dict(zip(columns, row, strict=True)) for row in values]
            else:
                rows = [dict(row) for row in content]
        elif kind in (".parquet", ".pq"):
            rows = _parquet(path)
        else:
            raise ValueError("needs .csv, .tsv, .txt, .json or .parquet")
    except (ValueError, TypeError, csv.Error) as error:
        raise ValueError(f"{path}: not readable as a table ({error})") from error
    if len(rows) < least:
        raise ValueError(f"{path}: the table has no rows")
    return rows


def _parquet(path: Path) -> list[Row]:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{path}: Parquet needs pandas and pyarrow; pip install 'spgen-lit[tables]'"
        ) from error
    frame = pandas.read_parquet(path)
    names = [str(column) for column in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in frame.itertuples(index=False)]


def number(row: Row, column: str) -> float:
    """The number in a column.

    Raises:
        ValueError: Naming the column and what it holds.
    """
    value = row[column]
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column} needs a number, found {value!r}") from error


def empty(row: Row, column: str) -> bool:
    """Whether a cell holds nothing."""
    value = row[column]
    return value is None or value == "" or value != value  # NaN is not itself


def text(row: Row, column: str | None) -> str:
    """A cell as text; whole numbers without the decimals that tables add."""
    if column is None:
        return ""
    value = row[column]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
