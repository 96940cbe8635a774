"""OSIE in its original layout: photographs and one MATLAB file of fixations."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from spgen_lit.data.images import image_size
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath

CITATION = (
    "Xu, J., Jiang, M., Wang, S., Kankanhalli, M. S., & Zhao, Q. (2014). Predicting human "
    "gaze beyond pixels. Journal of Vision, 14(1), 28."
)
SOURCE = "https://github.com/NUS-VIP/predicting-human-gaze-beyond-pixels"

# The split of Sun et al. (IOR-ROI), used by Chen et al. (2021) and later work.
_STANDARD_TEST = """
    1009 1017 1049 1056 1062 1086 1087 1099 1108 1114 1116 1117 1127 1130 1131 1136 1140 1152
    1192 1220 1225 1226 1252 1255 1269 1295 1307 1360 1369 1372 1394 1397 1405 1420 1423 1433
    1441 1478 1480 1481 1489 1490 1493 1502 1509 1523 1528 1530 1549 1555 1558 1567 1576 1581
    1595 1596 1605 1609 1615 1616 1618 1622 1628 1637 1640 1657 1663 1677 1682 1699
"""
TEST_IDS: tuple[str, ...] = tuple(_STANDARD_TEST.split())

_NAMED = 5  # how many missing files an error lists before it counts the rest


@dataclass(frozen=True)
class Osie:
    """The OSIE set: 700 photographs of 800x600 px, 15 observers, 3 s of free viewing each.

    Attributes:
        root: Folder that holds ``data/stimuli/<id>.jpg`` and ``data/eye/fixations.mat``.
        strict: Whether an image named in the MATLAB file but absent from the folder is an
            error; otherwise it is left out with a warning.
    """

    root: str | Path
    strict: bool = True

    def read(self) -> GazeSet:
        """Read images' sizes and all scanpaths; image ids are file names, ``1001.jpg``.

        Observers are ``01`` to ``15`` in the order of the file. Images of the standard test
        split that are present form ``splits["test"]``, which may be empty.

        Raises:
            FileNotFoundError: If the folder, the MATLAB file or (when strict) images miss.
            ValueError: For content of another structure; the message names the trial.
        """
        stimuli, scanpaths = read_layout(self.root, strict=self.strict)
        standard = tuple(f"{i}.jpg" for i in TEST_IDS if f"{i}.jpg" in stimuli)
        return GazeSet(
            name="osie",
            stimuli=stimuli,
            scanpaths=scanpaths,
            gaze="eye",
            # Empty where the standard test images are held elsewhere: no others replace them.
            splits={"test": standard},
            citation=CITATION,
            licence="MIT",
            notes=("free viewing for 3 s at 800x600 px",),
        )


def read_layout(
    root: str | Path, *, strict: bool = True
) -> tuple[dict[str, Stimulus], list[Scanpath]]:
    """Read any set stored in OSIE's layout.

    The MATLAB file holds a cell ``fixations`` (image x 1) of structs ``img`` and
    ``subjects``, a cell (observer x 1) of structs ``fix_x``, ``fix_y`` (px from the top-left
    corner) and ``fix_duration`` (ms).

    Args:
        root: Folder that holds ``data/stimuli`` and ``data/eye/fixations.mat``.
        strict: Whether missing images are an error rather than left out with a warning.

    Returns:
        Image id (file name) to stimulus, and scanpaths ordered by image, then observer.

    Raises:
        FileNotFoundError: If the folder, the MATLAB file or (when strict) images miss.
        ValueError: For content of another structure; the message names the trial.
    """
    folder = Path(root)
    images, gaze = folder / "data" / "stimuli", folder / "data" / "eye" / "fixations.mat"
    for needed in (images, gaze):
        if not needed.exists():
            raise FileNotFoundError(
                f"{needed} does not exist; {folder} should hold data/stimuli/<id>.jpg and "
                f"data/eye/fixations.mat as published at {SOURCE}: clone that repository and "
                f"give its folder as root"
            )
    records = _load(gaze)
    missing = [name for name, _ in records if not (images / name).is_file()]
    if missing:
        named = ", ".join(missing[:_NAMED]) + (
            f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        )
        said = f"{len(missing)} of {len(records)} images of {gaze} are not in {images}: {named}"
        if strict:
            raise FileNotFoundError(
                f"{said}; add them, or set strict=false to read the images that are there"
            )
        warnings.warn(said, stacklevel=2)
    absent = set(missing)
    stimuli: dict[str, Stimulus] = {}
    scanpaths: list[Scanpath] = []
    for name, subjects in records:
        if name in absent:
            continue
        if name in stimuli:
            raise ValueError(f"{gaze}: image {name} appears twice; each needs one entry")
        path = images / name
        stimuli[name] = Stimulus(name, path, image_size(path))
        for number, subject in enumerate(subjects, start=1):
            trial = f"{gaze}: image {name}, observer {number:02d}"
            scanpaths.append(_scanpath(name, stimuli[name].size, f"{number:02d}", subject, trial))
    return stimuli, scanpaths


def _load(gaze: Path) -> list[tuple[str, list[Any]]]:
    """Image names and their observers' structs, in the order of the file."""
    try:
        content = scipy.io.loadmat(gaze, squeeze_me=True, struct_as_record=False)
    except Exception as error:  # scipy raises many kinds on a damaged file
        raise ValueError(f"{gaze} is not a readable MATLAB file: {error}") from error
    if "fixations" not in content:
        found = sorted(key for key in content if not key.startswith("__"))
        raise ValueError(f"{gaze} holds {found or 'nothing'}; the variable fixations is needed")
    records = []
    for number, entry in enumerate(np.atleast_1d(content["fixations"]), start=1):
        try:
            records.append((str(entry.img), list(np.atleast_1d(entry.subjects))))
        except AttributeError as error:
            raise ValueError(
                f"{gaze}: entry {number} of fixations needs the fields img and subjects: {error}"
            ) from error
    return records


def _scanpath(
    name: str, size: tuple[int, int], observer: str, subject: Any, trial: str
) -> Scanpath:
    fields: dict[str, np.ndarray] = {}
    for key in ("fix_x", "fix_y", "fix_duration"):
        if not hasattr(subject, key):
            raise ValueError(f"{trial}: the field {key} is missing")
        fields[key] = np.atleast_1d(np.asarray(getattr(subject, key), dtype=np.float64)).ravel()
    counts = {key: len(values) for key, values in fields.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"{trial}: fields must be equally long, found {counts}")
    pixels = np.column_stack([fields["fix_x"], fields["fix_y"]])
    try:
        return Scanpath.from_pixels(name, size, pixels, fields["fix_duration"] / 1000, observer)
    except ValueError as error:
        raise ValueError(f"{trial}: {error}") from error
