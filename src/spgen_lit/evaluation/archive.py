"""The files of a result: scores.csv, protocol.json, summary.json, and Parquet if possible."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spgen_lit.evaluation.scores import Scores

COLUMNS = ("image", "metric", "who", "value")
FILES = ("scores.csv", "protocol.json", "summary.json")
_COUNTS = ("nan", "comparisons", "pooled", "notes")


def write(
    folder: Path, scores: Mapping[str, Scores], card: dict[str, Any], summary: dict[str, Any]
) -> Path:
    """Write a result into a folder; ``summary.json`` is the last file to appear.

    Args:
        folder: Made if absent.
        scores: Who to scores; ``scores.csv`` has a row per image, measure and who.
        card: The protocol card.
        summary: Means, intervals and counts; NaN is written as null, as JSON needs it.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # A summary of earlier scores beside new ones would look whole if writing stopped here.
    (folder / "summary.json").unlink(missing_ok=True)
    records = [
        (image, metric, who, value)
        for who, one in scores.items()
        for image, metric, value in one.rows
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((*names, repr(value)) for *names, value in records)
    _replace(folder / "scores.csv", text.getvalue().encode())
    _parquet(folder / "scores.parquet", records)
    _replace(folder / "protocol.json", _json(card))
    counts = {count: {who: getattr(one, count) for who, one in scores.items()} for count in _COUNTS}
    _replace(folder / "summary.json", _json({**summary, "counts": counts}))
    return folder


def read(folder: Path) -> tuple[dict[str, Scores], dict[str, Any], dict[str, Any]]:
    """Scores of everyone, protocol card and summary of a folder that ``write`` made.

    Raises:
        FileNotFoundError: Naming the file that is missing.
        ValueError: If ``scores.csv`` has other columns.
    """
    for name in FILES:
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder} holds no {name}: not a finished result; "
                "name the folder that evaluation wrote, or score again"
            )
    card = json.loads((folder / "protocol.json").read_text())
    summary = json.loads((folder / "summary.json").read_text())
    counts = summary["counts"]
    scores = {
        who: Scores(
            *table,
            nan=counts["nan"].get(who, {}),
            comparisons=counts["comparisons"].get(who, {}),
            pooled={
                name: math.nan if value is None else float(value)
                for name, value in counts["pooled"].get(who, {}).items()
            },
            notes=counts["notes"].get(who, {}),
        )
        for who, table in _tables(folder / "scores.csv").items()
    }
    return scores, card, summary


def _tables(path: Path) -> dict[str, tuple[tuple[str, ...], tuple[str, ...], np.ndarray]]:
    """Images, metrics and values ``(image, metric)`` of everyone in ``scores.csv``."""
    cells: dict[str, dict[tuple[str, str], float]] = {}
    with path.open(newline="") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path}: columns {reader.fieldnames}, needed {list(COLUMNS)}")
        for row in reader:
            cells.setdefault(row["who"], {})[row["image"], row["metric"]] = float(row["value"])
    tables = {}
    for who, values in cells.items():
        images = tuple(dict.fromkeys(image for image, _ in values))
        metrics = tuple(dict.fromkeys(metric for _, metric in values))
        grid = [[values.get((i, m), math.nan) for m in metrics] for i in images]
        tables[who] = (images, metrics, np.array(grid, dtype=np.float64))
    return tables


def _json(content: Any) -> bytes:
    return (json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n").encode()


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    if isinstance(content, (float, np.floating)):
        return float(content) if math.isfinite(content) else None
    return content


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def _parquet(path: Path, records: list[tuple[str, str, str, float]]) -> None:
    path.unlink(missing_ok=True)
    if not all(importlib.util.find_spec(name) for name in ("pandas", "pyarrow")):
        return
    import pandas

    partial = path.with_name(f".{path.name}.{os.getpid()}")
    pandas.DataFrame.from_records(records, columns=list(COLUMNS)).to_parquet(partial, index=False)
    partial.replace(path)
