"""Sets written for other tools: COCO-style JSON, CSV, pysaliency's HDF5, without loss."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

from spgen_lit.data.readers.base import FILE, set_content
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Array, Scanpath

_HEADER = "image,width,height,observer,trial,fixation,x_px,y_px,duration_ms\n"


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
    writers: dict[str, Callable[[GazeSet, Path, Path], None]] = {
        "json": _json,
        "csv": _csv,
        "pysaliency": _pysaliency,
    }
    if form not in writers:
        raise ValueError(f"form must be one of {', '.join(writers)}, found {form!r}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=folder) as draft:
        writers[form](gaze, Path(draft), folder)
        _dump(set_content(gaze, folder), Path(draft) / FILE)
        names = sorted(file.name for file in Path(draft).iterdir())
        for name in names:
            (Path(draft) / name).replace(folder / name)
    return [folder / name for name in names]


def exact(relative: Array, scale: Array | float) -> Array:
    """Products ``relative * scale``, as short as can be, that divided by `scale` give `relative`.

    The plain product, rounded to nine decimals, its neighbours: the first that fits. Where
    the numbers were themselves such a quotient, one always does.
    """
    scale = np.broadcast_to(np.asarray(scale, np.float64), relative.shape)
    product = relative * scale
    result = product.copy()
    fits = np.zeros(relative.shape, bool)
    for guess in (
        np.round(product, 9),
        product,
        np.nextafter(product, np.inf),
        np.nextafter(product, -np.inf),
    ):
        better = ~fits & (guess / scale == relative)
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


def _json(gaze: GazeSet, draft: Path, folder: Path) -> None:
    splits = {image: split for split, ids in gaze.splits.items() for image in ids}
    trials = []
    for path, _, pixels, ms in _trials(gaze):
        observer = path.observer
        plain = observer.isdigit() and f"{int(observer):02d}" == observer
        item: dict[str, object] = {
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


def _csv(gaze: GazeSet, draft: Path, folder: Path) -> None:
    with (draft / "scanpaths.csv").open(
        "w", newline="", encoding="utf-8", errors="surrogateescape"
    ) as file:
        file.write(_HEADER)
        writer = csv.writer(file, lineterminator="\n")
        for path, trial, pixels, ms in _trials(gaze):
            head = (path.image, *path.size, path.observer, trial)
            if not len(path):
                writer.writerow((*head, 0, "", "", ""))
            times = [""] * len(path) if ms is None else _short(ms)
            columns = (_short(pixels[:, 0]), _short(pixels[:, 1]), times)
            for number, row in enumerate(zip(*columns, strict=True), start=1):
                writer.writerow((*head, number, *row))


def _pysaliency(gaze: GazeSet, draft: Path, folder: Path) -> None:
    with h5py.File(draft / "stimuli.hdf5", "w") as file:
        names = [os.fsencode(os.path.relpath(s.path, folder)) for s in gaze.stimuli.values()]
        file.create_dataset("filenames", data=names, dtype=h5py.string_dtype())
        shapes = file.create_dataset("shapes", (len(names),), dtype=h5py.vlen_dtype(np.int64))
        for number, stimulus in enumerate(gaze.stimuli.values()):
            shapes[number] = np.array([stimulus.size[1], stimulus.size[0], 3])
        _mark(file, type="FileStimuli", version="2.1", __attributes__="[]")
        file.attrs["size"] = len(names)
    places = {image: number for number, image in enumerate(gaze.stimuli)}
    people = sorted({path.observer for path in gaze.scanpaths})
    observers = {name: number for number, name in enumerate(people)}
    lengths = [len(path) for path in gaze.scanpaths]
    x, y, begins, seconds = np.full((4, len(lengths), max(lengths, default=0)), np.nan)
    for row, (path, _, pixels, _ms) in enumerate(_trials(gaze)):
        count, lasting = len(path), path.durations
        x[row, :count], y[row, :count] = pixels.T
        begins[row, :count] = np.arange(count)
        if lasting is not None:
            seconds[row, :count] = lasting
            begins[row, :count] = np.cumsum(lasting) - lasting
    with h5py.File(draft / "fixations.hdf5", "w") as file:
        # Every release of pysaliency reads this type; only later ones read ScanpathFixations.
        _mark(file, type="FixationTrains", version="1.2", __attributes__="[]")
        _mark(file, scanpath_attribute_mapping='{"durations": "duration"}')
        file.attrs["observers"] = json.dumps({str(n): name for name, n in observers.items()})
        file["train_xs"], file["train_ys"], file["train_ts"] = x, y, begins
        file["train_ns"] = np.array([places[p.image] for p in gaze.scanpaths], np.int64)
        file["train_subjects"] = np.array([observers[p.observer] for p in gaze.scanpaths], np.int64)
        _mark(file.create_group("scanpath_attributes"), __attributes__="[]")
        timed = any(path.durations is not None for path in gaze.scanpaths)
        group = file.create_group("scanpath_fixation_attributes")
        _mark(group, __attributes__='["durations"]' if timed else "[]")
        if timed:
            group["durations"] = seconds


def _mark(target: h5py.Group, **attributes: str) -> None:
    for key, value in attributes.items():
        target.attrs[key] = np.bytes_(value)


def _dump(content: object, path: Path) -> None:
    # In ASCII: file names that are no valid UTF-8 survive as escapes.
    path.write_text(json.dumps(content), encoding="ascii")
