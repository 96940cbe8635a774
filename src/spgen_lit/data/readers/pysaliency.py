"""Sets saved by pysaliency: ``stimuli.hdf5`` and ``fixations.hdf5``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.readers.base import FileReader, Problems, SetBuilder, need
from spgen_lit.data.readers.guarded import guarded
from spgen_lit.data.records import GazeSet

_HOW = "pysaliency writes it by `to_hdf5`; set `stimuli` and `fixations` to the files' names."
# x, y, image, observer and durations.
_KEYS = {
    "Scanpaths": ("xs", "ys", "n", "scanpath_attributes/subject", "fixation_attributes/durations"),
    "FixationTrains": (
        *("train_xs", "train_ys", "train_ns", "train_subjects"),
        "scanpath_fixation_attributes/durations",
    ),
}


@dataclass(frozen=True)
class Pysaliency(FileReader):
    """``FileStimuli`` (1.0 to 2.1) with ``ScanpathFixations`` or ``Scanpaths`` (1.0), or the
    older ``FixationTrains`` (1.0 to 1.3).

    x and y are px of the image; ``durations``, where present, are seconds. Image ids are file
    names, or paths below `root` where two folders hold the same name.

    Attributes:
        root: The folder that holds both files.
        stimuli: Name of the file of stimuli.
        fixations: Name of the file of fixations.

    Raises:
        FileNotFoundError: From `read`, for missing files.
        ValueError: From `read`, for files of another type or version, missing images, or
            bad numbers, naming the scanpath.
    """

    stimuli: str = "stimuli.hdf5"
    fixations: str = "fixations.hdf5"

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        images = need(root / self.stimuli, "pysaliency's stimuli", _HOW)
        gaze = need(root / self.fixations, "pysaliency's fixations", _HOW)
        listed = list(guarded(_files, images, "pysaliency"))
        unique = len({file.name for file in listed}) == len(listed)
        ids = [file.name if unique else "/".join(file.parts[-2:]) for file in listed]
        files = {image: f for image, f in zip(ids, listed, strict=True) if f.is_file()}
        builder = SetBuilder(files, images, problems, root)
        ids = list(builder.known.stimuli) if builder.known else ids
        for image in ids:
            builder.stimulus(image, images)
        for number, (n, pixels, seconds, observer) in enumerate(
            guarded(_trains, gaze, "pysaliency")
        ):
            where = f"{gaze}: scanpath {number}"
            if not 0 <= n < len(ids):
                problems.add(where, f"image number {n} lies outside the {len(ids)} stimuli")
            else:
                builder.add(where, ids[n], pixels, seconds, observer)
        return builder.build(root.resolve().name)


@contextmanager
def _opened(path: Path, *kinds: str) -> Iterator[tuple[h5py.File, str]]:
    """The file and its type, which must be one of these."""
    with h5py.File(path, "r") as file:
        kind, version = (np.bytes_(file.attrs[key]).decode() for key in ("type", "version"))
        if kind not in kinds:
            needed = f"{' or '.join(kinds)} needed; save it so by pysaliency"
            raise ValueError(f"{path}: holds {kind} {version}; {needed}")
        yield file, kind


def _files(path: Path) -> Iterator[Path]:
    with _opened(path, "FileStimuli") as (file, _):
        for name in file["filenames"][()]:
            yield path.parent / os.fsdecode(name)  # an absolute name stays absolute


def _trains(
    path: Path,
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64] | None, str]]:
    # Fixations alone have no order.
    with _opened(path, "ScanpathFixations", "Scanpaths", "FixationTrains") as (file, kind):
        source: h5py.Group = file["scanpaths"] if kind == "ScanpathFixations" else file
        keys = _KEYS["FixationTrains" if kind == "FixationTrains" else "Scanpaths"]
        xs, ys, ns = (source[key][()] for key in keys[:3])
        people, times = (source[key][()] if key in source else None for key in keys[3:])
        lengths = [key for key in ("length", "lengths", "train_lengths") if key in source]
        names = json.loads(file.attrs.get("observers", "{}"))
        counts = source[lengths[0]][()] if lengths else (~np.isnan(xs)).sum(axis=1)
    for row, n in enumerate(ns):
        count = int(counts[row])
        pixels = np.column_stack([xs[row, :count], ys[row, :count]])
        seconds = None if times is None else np.asarray(times[row, :count], np.float64)
        if seconds is not None and count and np.isnan(seconds).all():
            seconds = None  # written for a path without durations
        observer = "" if people is None else _observer(people[row], names)
        yield int(n), pixels.astype(np.float64), seconds, observer


def _observer(value: bytes | np.integer, names: dict[str, str]) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return names.get(str(value), f"{int(value):02d}")
