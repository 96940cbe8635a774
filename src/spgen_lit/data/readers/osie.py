"""OSIE and EyeCrowd: photographs and one MATLAB file of fixations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from spgen_lit.data.readers.base import FileReader, Problems, measure, need, public_set, scanpath
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath

# The split of Sun et al. (IOR-ROI), used by Chen et al. (2021) and later work.
_STANDARD_TEST = """
    1009 1017 1049 1056 1062 1086 1087 1099 1108 1114 1116 1117 1127 1130 1131 1136 1140 1152
    1192 1220 1225 1226 1252 1255 1269 1295 1307 1360 1369 1372 1394 1397 1405 1420 1423 1433
    1441 1478 1480 1481 1489 1490 1493 1502 1509 1523 1528 1530 1549 1555 1558 1567 1576 1581
    1595 1596 1605 1609 1615 1616 1618 1622 1628 1637 1640 1657 1663 1677 1682 1699
"""
TEST_IDS: tuple[str, ...] = tuple(_STANDARD_TEST.split())

_NAMED = 5  # how many missing files an error lists before it counts the rest
_FIELDS = ("fix_x", "fix_y", "fix_duration")


@dataclass(frozen=True)
class Osie(FileReader):
    """The OSIE set: 700 photographs of 800x600 px, 15 observers, 3 s of free viewing each.

    Image ids are file names, ``1001.jpg``; observers are ``01`` to ``15`` in the order of the
    file. Images of the standard test split that are present form ``splits["test"]``,
    which is empty where none are.

    Attributes:
        root: Folder that holds ``data/stimuli/<id>.jpg`` and ``data/eye/fixations.mat``.
        strict: Whether an image named in the MATLAB file but absent from the folder is an
            error; otherwise it is left out with a warning.

    Raises:
        FileNotFoundError: From `read`, if the folder, the MATLAB file or (when strict) images
            are missing.
        ValueError: From `read`, for content of another structure; the message names the trial.
    """

    root: str | Path
    strict: bool = True

    def _read(self, problems: Problems) -> GazeSet:
        stimuli, scanpaths = read_layout(self.root, strict=self.strict, problems=problems)
        standard = tuple(f"{i}.jpg" for i in TEST_IDS if f"{i}.jpg" in stimuli)
        # Empty where those images are held elsewhere: no others take their place.
        splits = {"test": standard}
        notes = ("free viewing for 3 s at 800x600 px",)
        return public_set("osie", stimuli, scanpaths, splits, notes)


@dataclass(frozen=True)
class EyeCrowd(FileReader):
    """EyeCrowd (Jiang et al. 2014): 500 photographs, 1024x768, 16 observers, 5 s; OSIE's layout.

    Attributes:
        root: The folder that holds ``data/stimuli/<id>.jpg`` and ``data/eye/fixations.mat``.

    Raises:
        FileNotFoundError: From `read`, for missing folders or images.
        ValueError: From `read`, naming image and observer of bad content.
    """

    root: str | Path

    def _read(self, problems: Problems) -> GazeSet:
        stimuli, paths = read_layout(self.root, problems=problems, name="eyecrowd")
        notes = ("free viewing for 5 s at 1024x768 px",)
        return public_set("eyecrowd", stimuli, paths, notes=notes)


def read_layout(
    root: str | Path,
    *,
    strict: bool = True,
    problems: Problems | None = None,
    name: str = "osie",
) -> tuple[dict[str, Stimulus], list[Scanpath]]:
    """Read any set stored in OSIE's layout.

    The MATLAB file holds a cell ``fixations`` (image x 1) of structs ``img`` and
    ``subjects``, a cell (observer x 1) of structs ``fix_x``, ``fix_y`` (px from the top-left
    corner) and ``fix_duration`` (ms).

    Args:
        root: Folder that holds ``data/stimuli`` and ``data/eye/fixations.mat``.
        strict: Whether missing images are an error rather than left out with a warning.
        problems: Where bad content is reported; by default the first raises.
        name: The set's name, for messages.

    Returns:
        Image id (file name) to stimulus, and scanpaths ordered by image, then observer.

    Raises:
        FileNotFoundError: If the folder, the MATLAB file or (when strict) images are missing.
        ValueError: For content of another structure; the message names the trial.
    """
    problems = problems or Problems()
    folder = Path(root) / "data"
    how = (
        f"{root} should hold data/stimuli/<id>.jpg and data/eye/fixations.mat; "
        f"`spgen data fetch {name}` downloads them."
    )
    images = need(folder / "stimuli", f"folder of {name}'s images", how)
    gaze = need(folder / "eye" / "fixations.mat", f"{name}'s fixations", how)
    records = _load(gaze, problems)
    missing = [name for name in records if not (images / name).is_file()]
    if missing:
        _report(missing, len(records), images, strict, problems)
    present = ((name, images / name) for name in records if name not in set(missing))
    stimuli = measure(present, problems)
    scanpaths = [
        path
        for stimulus in stimuli.values()
        for path in _observers(gaze, stimulus, records[stimulus.id], problems)
    ]
    return stimuli, scanpaths


def _report(missing: list[str], total: int, images: Path, strict: bool, problems: Problems) -> None:
    """Say which images are missing: as an error, as problems, or as a warning."""
    if strict and problems.collect:
        for name in missing:
            problems.add(images / name, "image missing, though fixations.mat names it")
        return
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    said = (
        f"{len(missing)} of {total} images named in fixations.mat are not in {images}: "
        f"{', '.join(missing[:_NAMED])}{more}"
    )
    if strict:
        raise FileNotFoundError(
            f"{said}; add them, or set strict=false to read the images that are there"
        )
    warnings.warn(said, stacklevel=4)


def _load(gaze: Path, problems: Problems) -> dict[str, list[Any]]:
    """Image names and their observers' structs, in the order of the file."""
    try:
        content = scipy.io.loadmat(gaze, squeeze_me=True, struct_as_record=False)
    except Exception as error:  # scipy raises many kinds on a damaged file
        problems.add(gaze, f"not a readable MATLAB file: {error}")
        return {}
    if "fixations" not in content:
        found = sorted(key for key in content if not key.startswith("__"))
        problems.add(gaze, f"the variable fixations is needed, found {found or 'nothing'}")
        return {}
    records: dict[str, list[Any]] = {}
    for number, entry in enumerate(np.atleast_1d(content["fixations"]), start=1):
        absent = [key for key in ("img", "subjects") if not hasattr(entry, key)]
        if absent:
            problems.add(gaze, f"entry {number} of fixations lacks the field {absent[0]}")
        elif (name := str(entry.img)) in records:
            problems.add(gaze, f"entry {number} of fixations repeats image {name}")
        else:
            records[name] = list(np.atleast_1d(entry.subjects))
    return records


def _observers(
    gaze: Path, stimulus: Stimulus, subjects: list[Any], problems: Problems
) -> Iterator[Scanpath]:
    for number, subject in enumerate(subjects, start=1):
        observer = f"{number:02d}"
        where = f"{gaze}: image {stimulus.id}, observer {observer}"
        absent = [key for key in _FIELDS if not hasattr(subject, key)]
        if absent:
            problems.add(where, f"the field {absent[0]} is missing")
            continue
        try:
            x, y, lasting = (
                np.atleast_1d(np.asarray(getattr(subject, key), np.float64)).ravel()
                for key in _FIELDS
            )
        except (ValueError, TypeError) as error:
            problems.add(where, f"fix_x, fix_y and fix_duration must hold numbers: {error}")
            continue
        if not len(x) == len(y) == len(lasting):
            counts = dict(zip(_FIELDS, map(len, (x, y, lasting)), strict=True))
            problems.add(where, f"fields must be equally long, found {counts}")
            continue
        pixels = np.column_stack([x, y])
        path = scanpath(where, stimulus, pixels, lasting / 1000, observer, problems)
        if path is not None:
            yield path
