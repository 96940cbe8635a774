"""Table files as pandas frames of text cells, numbers converted where they are needed."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from spgen_lit.data.readers.base import library, load
from spgen_lit.data.readers.guarded import guarded
from spgen_lit.scanpath import Array


def load_table(
    path: Path,
    delimiter: str | None = None,
    encoding: str | None = None,
    missing: Sequence[str] = (),
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """A table file; cells of text files are text, empty and missing ones NaN.

    Args:
        path: ``.csv``, ``.tsv``, ``.txt`` (with ``.gz`` too), ``.json`` (a list of objects, or
            an object of columns) or ``.parquet``.
        delimiter: Between the columns of a text file; None to find it in the first line.
        encoding: Of a text file; None for what its byte-order mark says, else UTF-8.
        missing: Cells that stand for a missing value, besides empty ones.
        columns: Names of the columns of a text file without a header.

    Raises:
        ValueError: For a file of another kind, or not readable as what its name says.
        ImportError: For Parquet without pyarrow.
    """
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    try:
        if kind == ".json":
            return pd.DataFrame(load(path))
        if kind in (".parquet", ".pq"):
            library("pyarrow", "tables", path)
            (frame,) = guarded(_parquet, path, "Parquet")
            return frame
        if kind not in (".csv", ".tsv", ".txt"):
            raise ValueError("needs .csv, .tsv, .txt, .json or .parquet")
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        found = encoding or ("utf-16" if wide else "utf-8-sig")
        content = raw.decode(found, errors="surrogateescape")
        if "\0" in content[:1000]:
            raise ValueError("holds zero bytes: UTF-16 without a mark? give encoding: utf-16-le")
        first = content.partition("\n")[0]
        frame = pd.read_csv(
            io.StringIO(content),
            sep=delimiter or max(",\t;", key=first.count),
            names=columns,
            dtype=object,
            na_values=["", *missing],
            keep_default_na=False,
            encoding_errors="surrogateescape",
        )
        if not isinstance(frame.index, pd.RangeIndex):
            raise ValueError("rows hold more cells than the header")
        return frame
    except (ValueError, TypeError, OSError, EOFError) as error:
        line = " ".join(str(error).split())
        raise ValueError(f"{path}: not readable as a table ({line})") from error


def _parquet(path: Path) -> Iterator[pd.DataFrame]:
    yield pd.read_parquet(path)


def numbers(cells: pd.Series, decimal: str = ".") -> tuple[Array, dict[int, str]]:
    """Cells as numbers ``(row,)``, NaN where empty or bad; row to what is wrong with it."""
    if cells.dtype.kind in "fiub":
        return cells.to_numpy(np.float64), {}
    values = np.full(len(cells), np.nan)
    bad = {}
    filled = cells.notna()
    for row, cell in zip(np.flatnonzero(filled), cells[filled], strict=True):
        number = str(cell).strip().replace(decimal, ".")
        try:
            values[row] = float(number)
        except ValueError:
            bad[int(row)] = f"needs a number, found {number!r}{_hint(number)}"
    return values, bad


def _hint(cell: str) -> str:
    if cell.count(",") == 1 and cell.replace(",", "").lstrip("-").isdigit():
        return ": a decimal comma? give decimal: ','"
    return f": a missing value? give missing: ['{cell}']" if len(cell) <= 3 else ""


def text(cells: pd.Series) -> pd.Series:
    """Cells as text; whole numbers without the decimals that tables add, empty ones ''."""
    if cells.dtype.kind == "f":
        whole = cells.dropna().mod(1).eq(0).all()
        cells = cells.astype("Int64") if whole else cells
    return cells.astype(object).where(cells.notna(), "").astype(str)
