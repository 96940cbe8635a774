"""Sets written for other tools: COCO-style JSON, CSV, pysaliency's HDF5, without loss."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from spgen_lit.data.readers.base import FILE, set_content
from spgen_lit.data.records import GazeSet
from spgen_lit.files import atomic, write_bytes, write_json
from spgen_lit.scanpath import Array

_COLUMNS = {
    "name": "image",
    "width": "width",
    "height": "height",
    "subject": "observer",
    "trial": "trial",
    "length": "fixation",
    "X": "x_px",
    "Y": "y_px",
    "T": "duration_ms",
}


def export(gaze: GazeSet, folder: str | Path, form: str) -> list[Path]:
    """Write a set into a folder, with ``set.json`` for what the form itself cannot hold.

    Numbers come back bit by bit when read by `Converted`: px are written so that dividing
    by the image's size gives the very share that was read.

    Args:
        gaze: The set.
        folder: Made if needed; each file of the same name is replaced once it is whole.
        form: ``json`` (COCO-style trials), ``csv`` (one row a fixation), ``pysaliency``
            (``stimuli.hdf5`` with FileStimuli 2.1 and
            ``fixations.hdf5`` with FixationTrains 1.2).

    Returns:
        The files written.

    Raises:
        ValueError: For an unknown form.
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, found {form!r}")
    content = set_content(gaze, Path(folder))
    # What an earlier set said must not stand beside paths of this one if writing stops here.
    (Path(folder) / FILE).unlink(missing_ok=True)
    files = FORMS[form](gaze, Path(folder))
    return [*files, write_json(Path(folder) / FILE, content, None)]


def exact(relative: Array, scale: Array | float) -> Array:
    """Products ``relative * scale``, as short as can be, that divided by `scale` give `relative`.

    The plain product, rounded to nine decimals, its neighbours: the first that fits. Where
    the numbers were themselves such a quotient, one always does.
    """
    result = product = relative * scale
    below, above = np.nextafter(product, -np.inf), np.nextafter(product, np.inf)
    for guess in (below, above, product, np.round(product, 9)):
        result = np.where(guess / scale == relative, guess, result)
    return result


def _trials(gaze: GazeSet) -> Iterator[dict[str, Any]]:
    """Each path as a trial, in px and ms, with its number among those of its image and observer."""
    splits = {image: split for split, ids in gaze.splits.items() for image in ids}
    seen: Counter[tuple[str, str]] = Counter()
    for path in gaze.scanpaths:
        seen[path.image, path.observer] += 1
        pixels = exact(path.xy, np.array(path.size))
        yield {
            "name": path.image,
            "subject": path.observer,
            "width": path.size[0],
            "height": path.size[1],
            "X": _short(pixels[:, 0]),
            "Y": _short(pixels[:, 1]),
            "length": len(path),
            "T": None if path.durations is None else _short(exact(path.durations, 1000.0)),
            "split": splits.get(path.image),
            "trial": seen[path.image, path.observer],
        }


def _short(values: Array) -> list[int | float]:
    return [int(v) if v == int(v) else float(v) for v in values]


def _json(gaze: GazeSet, folder: Path) -> list[Path]:
    trials = []
    for trial in _trials(gaze):
        observer = trial["subject"]
        if observer.isdigit() and f"{int(observer):02d}" == observer:
            trial["subject"] = int(observer)
        del trial["trial"]
        trials.append({key: value for key, value in trial.items() if value is not None})
    return [write_json(folder / "scanpaths.json", trials, None)]


def _csv(gaze: GazeSet, folder: Path) -> list[Path]:
    rows = pd.DataFrame(_trials(gaze), columns=list(_COLUMNS)).rename(columns=_COLUMNS)
    timed = zip(rows["duration_ms"], rows["fixation"], strict=True)
    rows["duration_ms"] = [ms or [None] * count for ms, count in timed]
    rows["fixation"] = [range(1, count + 1) for count in rows["fixation"]]
    rows = rows.explode(["fixation", "x_px", "y_px", "duration_ms"])
    text = rows.to_csv(index=False)
    return [write_bytes(folder / "scanpaths.csv", text.encode("utf-8", "surrogateescape"))]


def _pysaliency(gaze: GazeSet, folder: Path) -> list[Path]:
    stimuli, fixations = folder / "stimuli.hdf5", folder / "fixations.hdf5"
    with atomic(stimuli) as part, h5py.File(part, "w") as file:
        names = [os.fsencode(os.path.relpath(s.path, folder)) for s in gaze.stimuli.values()]
        file.create_dataset("filenames", data=names, dtype=h5py.string_dtype())
        shapes = file.create_dataset("shapes", (len(names),), dtype=h5py.vlen_dtype(np.int64))
        for number, stimulus in enumerate(gaze.stimuli.values()):
            shapes[number] = np.array([stimulus.size[1], stimulus.size[0], 3])
        _mark(file, type="FileStimuli", version="2.1", size=len(names))
    places = {image: number for number, image in enumerate(gaze.stimuli)}
    people = sorted({path.observer for path in gaze.scanpaths})
    lengths = [len(path) for path in gaze.scanpaths]
    x, y, begins, seconds = np.full((4, len(lengths), max(lengths, default=0)), np.nan)
    for row, path in enumerate(gaze.scanpaths):
        count = len(path)
        x[row, :count], y[row, :count] = exact(path.xy, np.array(path.size)).T
        begins[row, :count] = np.arange(count)
        if path.durations is not None:
            seconds[row, :count] = path.durations
            begins[row, :count] = np.cumsum(path.durations) - path.durations
    with atomic(fixations) as part, h5py.File(part, "w") as file:
        # Every release of pysaliency reads this type; only later ones read ScanpathFixations.
        observers = json.dumps(dict(enumerate(people)))
        _mark(file, type="FixationTrains", version="1.2", observers=observers)
        _mark(file, scanpath_attribute_mapping='{"durations": "duration"}')
        file["train_xs"], file["train_ys"], file["train_ts"] = x, y, begins
        file["train_ns"] = np.array([places[p.image] for p in gaze.scanpaths], np.int64)
        file["train_subjects"] = np.array(
            [people.index(p.observer) for p in gaze.scanpaths], np.int64
        )
        _mark(file.create_group("scanpath_attributes"))
        timed = not np.isnan(seconds).all()
        group = file.create_group("scanpath_fixation_attributes")
        _mark(group, __attributes__='["durations"]' if timed else "[]")
        if timed:
            group["durations"] = seconds
    return [stimuli, fixations]


def _mark(target: h5py.Group, __attributes__: str = "[]", **attributes: str | int) -> None:
    """Write attributes, texts as the bytes that pysaliency expects."""
    for key, value in {"__attributes__": __attributes__, **attributes}.items():
        target.attrs[key] = np.bytes_(value) if isinstance(value, str) else value


FORMS: dict[str, Callable[[GazeSet, Path], list[Path]]] = {
    "json": _json,
    "csv": _csv,
    "pysaliency": _pysaliency,
}
