"""Reading scanpaths that somebody else's model wrote: COCO-style JSON, and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# First spelling is ours; the others are met in files of peers.
_CSV_COLUMNS = {
    "image": ("image", "name", "stimulus", "filename"),
    "path": ("sample", "path", "trial", "scanpath"),
    "observer": ("observer", "subject"),
    "order": ("fixation", "index", "order", "step"),
    "x": ("x", "X"),
    "y": ("y", "Y"),
    "duration": ("duration", "t", "T"),
    "width": ("width",),
    "height": ("height",),
}


@dataclass(frozen=True)
class RawTrial:
    """One scanpath as the file has it, before anything is believed.

    Attributes:
        where: Words that find it again: its number, image and subject.
        image: Image named by the file.
        observer: Subject or sample, empty if not said.
        x, y: As written ``(fixation,)``; NaN where a value is no number.
        t: Durations as written, or None.
        frame: Width and height in px that the trial itself declares, or None.
        length: Number of fixations that the trial itself declares, or None.
        faults: What is wrong with its form, each as ``field: what``.
    """

    where: str
    image: str
    observer: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    t: NDArray[np.float64] | None
    frame: tuple[int, int] | None = None
    length: int | None = None
    faults: tuple[str, ...] = field(default=())


def read_trials(path: str | Path) -> list[RawTrial]:
    """Trials of a ``.json`` or ``.csv`` file.

    JSON: a list of objects ``{"name", "subject", "X": […], "Y": […], "T": […],
    "length"}`` as COCO-FreeView has them, with ``width`` and ``height`` if given. CSV: a
    row per fixation with columns ``image, x, y`` and, if known, ``observer`` (or
    ``subject``), ``sample``, ``fixation``, ``duration`` (or ``t``), ``width``, ``height``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file as a whole is not of either form; a fault of one trial is
            kept with the trial.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no scanpath file {path}: give a .json or .csv that exists")
    readers = {".json": _from_json, ".csv": _from_csv}
    if path.suffix.lower() not in readers:
        raise ValueError(f"{path}: a scanpath file ends in .json or .csv")
    trials = readers[path.suffix.lower()](path)
    if not trials:
        raise ValueError(f"{path} holds no scanpath")
    return trials


def _from_json(path: Path) -> list[RawTrial]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, list) or not all(isinstance(trial, dict) for trial in content):
        raise ValueError(
            f"{path}: needed a list of trials like "
            '{"name": "1001.jpg", "subject": 1, "X": [..], "Y": [..], "T": [..]}'
        )
    return [_json_trial(number, trial) for number, trial in enumerate(content)]


def _json_trial(number: int, trial: Mapping[str, Any]) -> RawTrial:
    faults = []
    columns: dict[str, NDArray[np.float64] | None] = {}
    for key in ("X", "Y", "T"):
        value = trial.get(key)
        if value is None:
            columns[key] = None
            if key != "T":
                faults.append(f"{key}: missing")
        elif not isinstance(value, list):
            columns[key] = np.zeros(0)
            faults.append(f"{key}: a list is needed, found {type(value).__name__}")
        else:
            columns[key] = np.array([_number(item) for item in value], dtype=np.float64)
    image = str(trial.get("name", ""))
    if not image:
        faults.append("name: missing")
    observer = "" if trial.get("subject") is None else str(trial["subject"])
    length = trial.get("length")
    x, y = columns["X"], columns["Y"]
    return RawTrial(
        f"trial {number} (image {image!r}, subject {observer!r})",
        image,
        observer,
        np.zeros(0) if x is None else x,
        np.zeros(0) if y is None else y,
        columns["T"],
        _frame(trial.get("width"), trial.get("height")),
        int(length) if isinstance(length, (int, float)) else None,
        tuple(faults),
    )


def _from_csv(path: Path) -> list[RawTrial]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        header = list(reader.fieldnames or ())
        names = {
            key: next((name for name in spellings if name in header), None)
            for key, spellings in _CSV_COLUMNS.items()
        }
        missing = [key for key in ("image", "x", "y") if names[key] is None]
        if missing:
            raise ValueError(
                f"{path}: no column for {', '.join(missing)}; found {', '.join(header) or 'none'}; "
                "needed image, x, y and, if known, observer, sample, fixation, duration"
            )
        groups: dict[tuple[str, str, str], list[dict[str, str]]] = {}
        for row in reader:
            cells = [str(row[names[key]] or "") if names[key] else "" for key in _CSV_COLUMNS]
            values = dict(zip(_CSV_COLUMNS, cells, strict=True))
            groups.setdefault((values["image"], values["observer"], values["path"]), []).append(
                values
            )
    return [
        _csv_trial(number, key, rows, timed=names["duration"] is not None)
        for number, (key, rows) in enumerate(groups.items())
    ]


def _csv_trial(
    number: int, key: tuple[str, str, str], rows: list[dict[str, str]], timed: bool
) -> RawTrial:
    image, observer, sample = key
    order = np.array([_number(row["order"]) for row in rows])
    if np.isfinite(order).all():
        rows = [rows[i] for i in np.argsort(order, kind="stable")]
    x, y, t = (
        np.array([_number(row[name]) for row in rows], dtype=np.float64)
        for name in ("x", "y", "duration")
    )
    who = f"observer {observer!r}" + (f", sample {sample!r}" if sample else "")
    faults = () if image else ("image: missing",)
    return RawTrial(
        f"trial {number} (image {image!r}, {who})",
        image,
        observer or sample,
        x,
        y,
        # A column of empty cells says that durations are not known, as prediction writes it.
        t if timed and any(row["duration"].strip() for row in rows) else None,
        _frame(rows[0]["width"], rows[0]["height"]),
        faults=faults,
    )


def _frame(width: Any, height: Any) -> tuple[int, int] | None:
    sides = (_number(width), _number(height))
    return (int(sides[0]), int(sides[1])) if np.isfinite(sides).all() and min(sides) > 0 else None


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
