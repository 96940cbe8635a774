"""Sets written for other tools: COCO-style JSON, CSV, pysaliency's HDF5, without loss."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from spgen_lit.data.readers.base import FILE, set_content
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Array, Scanpath

COLUMNS = (
    "image",
    "width",
    "height",
    "observer",
    "trial",
    "fixation",
    "x_px",
    "y_px",
    "duration_ms",
)


def export(gaze: GazeSet, folder: str | Path, form: str) -> list[Path]:
    """Write a set into a folder, with ``set.json`` for what the form itself cannot hold.

    Numbers come back bit by bit when read by `Converted`: px are written so that dividing
    by the image's size gives the very share that was read.

    Args:
        gaze: The set.
        folder: Made if needed; files of the same names are replaced once all are whole.
        form: ``json`` (COCO-style trials), ``csv`` (one row a fixation), ``pysaliency``
            (``stimuli.hdf5`` with FileStimuli 2.1 and
            ``fixations.hdf5`` with FixationTrains 1.2).

    Returns:
        The files written.

    Raises:
        ValueError: For an unknown form.
    """
    writers: dict[str, Callable[[GazeSet, Path, Path], list[str]]] = {
        "json": _json,
        "csv": _csv,
        "pysaliency": _pysaliency,
    }
    if form not in writers:
        raise ValueError(f"form must be one of {', '.join(writers)}, found {form!r}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".convert-", dir=folder))
    try:
        names = writers[form](gaze, draft, folder)
        _dump(set_content(gaze, folder), draft / FILE)
        for name in (*names, FILE):
            (draft / name).replace(folder / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return [folder / name for name in (*names, FILE)]


def exact(shares: Array, scale: Array | float) -> Array:
    """Products ``shares * scale``, as short as can be, that divided by `scale` give `shares`.

    The plain product, rounded to nine decimals, its neighbours: the first that fits. Where
    the shares were themselves such a quotient, one always does.
    """
    scale = np.broadcast_to(np.asarray(scale, np.float64), shares.shape)
    product = shares * scale
    result = product.copy()
    fits = np.zeros(shares.shape, bool)
    for guess in (
        np.round(product, 9),
        product,
        np.nextafter(product, np.inf),
        np.nextafter(product, -np.inf),
    ):
        better = ~fits & (guess / scale == shares)
        result[better] = guess[better]
        fits |= better
    return result


def _trials(gaze: GazeSet) -> Iterator[tuple[Scanpath, int, Array, Array | None]]:
    """Each path with its number among those of the same image and observer, px and ms."""
    seen: Counter[tuple[str, str]] = Counter()
    for path in gaze.scanpaths:
        seen[path.image, path.observer] += 1
        ms = None if path.durations is None else exact(path.durations, 1000.0)
        yield path, seen[path.image, path.observer], exact(path.xy, np.array(path.size)), ms


def _short(values: Array) -> list[int | float]:
    return [int(v) if v == int(v) else float(v) for v in values]


def _json(gaze: GazeSet, draft: Path, folder: Path) -> list[str]:
    splits = {image: split for split, ids in gaze.splits.items() for image in ids}
    trials = []
    for path, _, pixels, ms in _trials(gaze):
        observer = path.observer
        plain = observer.isdigit() and f"{int(observer):02d}" == observer
        item: dict[str, Any] = {
            "name": path.image,
            "subject": int(observer) if plain else observer,
            "width": path.size[0],
            "height": path.size[1],
            "X": _short(pixels[:, 0]),
            "Y": _short(pixels[:, 1]),
            "length": len(path),
        }
        if ms is not None:
            item["T"] = _short(ms)
        if path.image in splits:
            item["split"] = splits[path.image]
        trials.append(item)
    _dump(trials, draft / "scanpaths.json")
    return ["scanpaths.json"]


def _csv(gaze: GazeSet, draft: Path, folder: Path) -> list[str]:
    with (draft / "scanpaths.csv").open(
        "w", newline="", encoding="utf-8", errors="surrogateescape"
    ) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for path, trial, pixels, ms in _trials(gaze):
            head = (path.image, *path.size, path.observer, trial)
            if not len(path):
                writer.writerow((*head, 0, "", "", ""))
            x, y = _short(pixels[:, 0]), _short(pixels[:, 1])
            times: list[Any] = [""] * len(path) if ms is None else _short(ms)
            for number, row in enumerate(zip(x, y, times, strict=True), start=1):
                writer.writerow((*head, number, *row))
    return ["scanpaths.csv"]


def _pysaliency(gaze: GazeSet, draft: Path, folder: Path) -> list[str]:
    _stimuli(gaze, draft / "stimuli.hdf5", folder)
    places = {image: number for number, image in enumerate(gaze.stimuli)}
    observers = {
        name: number for number, name in enumerate(sorted({p.observer for p in gaze.scanpaths}))
    }
    lengths = np.array([len(path) for path in gaze.scanpaths], np.int64)
    padded = np.full((4, len(lengths), max(lengths, default=0)), np.nan)
    for row, (path, _, pixels, _ms) in enumerate(_trials(gaze)):
        lasting = path.durations
        begin = np.arange(len(path)) if lasting is None else np.cumsum(lasting) - lasting
        padded[:3, row, : len(path)] = pixels[:, 0], pixels[:, 1], begin
        if lasting is not None:
            padded[3, row, : len(path)] = lasting
    timed = any(path.durations is not None for path in gaze.scanpaths)
    numbers = [(places[p.image], observers[p.observer]) for p in gaze.scanpaths]
    ns, subjects = np.array(numbers, np.int64).reshape(-1, 2).T
    with h5py.File(draft / "fixations.hdf5", "w") as file:
        # Every release of pysaliency reads this type; only later ones read ScanpathFixations.
        _mark(file, "FixationTrains", "1.2")
        file.attrs["observers"] = json.dumps({str(n): name for name, n in observers.items()})
        for name, values in zip(("xs", "ys", "ts"), padded, strict=False):
            file.create_dataset(f"train_{name}", data=values)
        file.create_dataset("train_ns", data=ns)
        file.create_dataset("train_subjects", data=subjects)
        file.attrs["__attributes__"] = np.bytes_("[]")
        file.attrs["scanpath_attribute_mapping"] = np.bytes_('{"durations": "duration"}')
        _attributes(file, "scanpath_attributes", {})
        durations = {"durations": padded[3]} if timed else {}
        _attributes(file, "scanpath_fixation_attributes", durations)
    return ["stimuli.hdf5", "fixations.hdf5"]


def _stimuli(gaze: GazeSet, path: Path, folder: Path) -> None:
    with h5py.File(path, "w") as file:
        _mark(file, "FileStimuli", "2.1")
        names = [os.fsencode(os.path.relpath(s.path, folder)) for s in gaze.stimuli.values()]
        file.create_dataset("filenames", data=names, dtype=h5py.string_dtype())
        shapes = file.create_dataset("shapes", (len(names),), dtype=h5py.vlen_dtype(np.int64))
        for number, stimulus in enumerate(gaze.stimuli.values()):
            shapes[number] = np.array([stimulus.size[1], stimulus.size[0], 3])
        file.attrs["__attributes__"] = np.bytes_("[]")
        file.attrs["size"] = len(names)


def _mark(target: Any, kind: str, version: str) -> None:
    target.attrs["type"] = np.bytes_(kind)
    target.attrs["version"] = np.bytes_(version)


def _attributes(target: Any, name: str, values: dict[str, Any]) -> None:
    group = target.create_group(name)
    for key, value in values.items():
        group.create_dataset(key, data=value)
    group.attrs["__attributes__"] = np.bytes_(json.dumps(sorted(values)))


def _dump(content: Any, path: Path) -> None:
    # In ASCII: file names that are no valid UTF-8 survive as escapes.
    path.write_text(json.dumps(content), encoding="ascii")
