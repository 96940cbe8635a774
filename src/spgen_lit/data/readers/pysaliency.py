"""Sets saved by pysaliency: ``stimuli.hdf5`` and ``fixations.hdf5``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.readers.base import FileReader, Problems, SetBuilder, need
from spgen_lit.data.readers.guarded import guarded
from spgen_lit.data.records import GazeSet

_HOW = "pysaliency writes it by `to_hdf5`; set `stimuli` and `fixations` to the files' names."


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
        name: Name of the set; the folder's own name by default.

    Raises:
        FileNotFoundError: From `read`, for missing files.
        ValueError: From `read`, for files of another type or version, missing images, or
            bad numbers, naming the scanpath.
    """

    root: str | Path
    stimuli: str = "stimuli.hdf5"
    fixations: str = "fixations.hdf5"
    name: str | None = None

    def _read(self, problems: Problems) -> GazeSet:
        root = Path(self.root)
        images = need(root / self.stimuli, "pysaliency's stimuli", _HOW)
        gaze = need(root / self.fixations, "pysaliency's fixations", _HOW)
        listed = list(guarded(_files, images))
        unique = len({file.name for file in listed}) == len(listed)
        ids = [file.name if unique else "/".join(file.parts[-2:]) for file in listed]
        files = {image: f for image, f in zip(ids, listed, strict=True) if f.is_file()}
        builder = SetBuilder(files, images, problems, root)
        ids = list(builder.known.stimuli) if builder.known else ids
        for image in ids:
            builder.stimulus(image, images)
        for number, (n, pixels, seconds, observer) in enumerate(guarded(_trains, gaze)):
            where = f"{gaze}: scanpath {number}"
            if not 0 <= n < len(ids):
                problems.add(where, f"image number {n} lies outside the {len(ids)} stimuli")
            else:
                builder.add(where, ids[n], pixels, seconds, observer)
        return builder.build(self.name or root.resolve().name)


def _type(source: h5py.File, path: Path) -> tuple[str, str]:
    try:
        kind, version = (np.bytes_(source.attrs[key]).decode() for key in ("type", "version"))
    except KeyError as error:
        raise ValueError(f"{path}: not a pysaliency file (no attribute {error})") from error
    return kind, version


def _opened(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path}: not an HDF5 file ({error})") from error


def _files(path: Path) -> Iterator[Path]:
    with _opened(path) as source:
        kind, version = _type(source, path)
        if kind != "FileStimuli":
            raise ValueError(
                f"{path}: holds {kind} {version}; FileStimuli are needed, since images are read "
                "from files. Save them as files and write FileStimuli"
            )
        names = [os.fsdecode(name) for name in source["filenames"][()]]
    yield from (path.parent / name for name in names)  # an absolute name stays absolute


def _trains(
    path: Path,
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64] | None, str]]:
    with _opened(path) as file:
        kind, version = _type(file, path)
        source: h5py.Group = file["scanpaths"] if kind == "ScanpathFixations" else file
        if kind in ("ScanpathFixations", "Scanpaths"):
            xs, ys, ns = (source[key][()] for key in ("xs", "ys", "n"))
            subjects = source.get("scanpath_attributes/subject")
            durations = source.get("fixation_attributes/durations")
            lengths = source.get("length", source.get("lengths"))
        elif kind == "FixationTrains":
            xs, ys, ns = (source[key][()] for key in ("train_xs", "train_ys", "train_ns"))
            subjects = source.get("train_subjects")
            durations = source.get("scanpath_fixation_attributes/durations")
            lengths = source.get("train_lengths")
        else:
            raise ValueError(
                f"{path}: holds {kind} {version}; ScanpathFixations, Scanpaths or FixationTrains "
                "are needed (Fixations alone have no order)"
            )
        names = json.loads(file.attrs.get("observers", "{}"))
        times = None if durations is None else durations[()]
        people = None if subjects is None else subjects[()]
        counts = (~np.isnan(xs)).sum(axis=1) if lengths is None else lengths[()]
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
