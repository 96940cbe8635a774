"""OSIE and EyeCrowd: photographs and one MATLAB file of fixations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, SetBuilder, need, public_set
from spgen_lit.data.readers.matlab import Struct, listed, load_matlab
from spgen_lit.data.records import GazeSet


@dataclass(frozen=True)
class Osie(FileReader):
    """The OSIE set: 700 photographs of 800x600 px, 15 observers, 3 s of free viewing each.

    Image ids are file names, ``1001.jpg``; observers are ``01`` to ``15`` in the order of the
    file. Images of the standard test split that are present form ``splits["test"]``,
    which is empty where none are.

    Attributes:
        root: Folder that holds ``data/stimuli/<id>.jpg`` and ``data/eye/fixations.mat``.

    Raises:
        FileNotFoundError: From `read`, if the folder, the MATLAB file or images are missing.
        ValueError: From `read`, for content of another structure; the message names the trial.
    """

    _name: ClassVar[str] = "osie"

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        return public_set(read_layout(root, problems, self._name).build(), self._name)


@dataclass(frozen=True)
class EyeCrowd(Osie):
    """EyeCrowd (Jiang et al. 2014): 500 photographs, 1024x768, 16 observers, 5 s; OSIE's layout.

    Attributes:
        root: The folder that holds ``data/stimuli/<id>.jpg`` and ``data/eye/fixations.mat``.

    Raises:
        FileNotFoundError: From `read`, for missing folders or images.
        ValueError: From `read`, naming image and observer of bad content.
    """

    _name: ClassVar[str] = "eyecrowd"


def read_layout(root: Path, problems: Problems, name: str = "osie") -> SetBuilder:
    """Read any set stored in OSIE's layout.

    The MATLAB file holds a cell ``fixations`` (image x 1) of structs ``img`` and
    ``subjects``, a cell (observer x 1) of structs ``fix_x``, ``fix_y`` (px from the top-left
    corner) and ``fix_duration`` (ms).

    Args:
        root: Folder that holds ``data/stimuli`` and ``data/eye/fixations.mat``.
        problems: Where bad content is reported.
        name: The set's name, for messages.

    Raises:
        FileNotFoundError: If the folder, the MATLAB file or images are missing.
        ValueError: For content of another structure; the message names the trial.
    """
    images = need(root / "data" / "stimuli", name)
    table = need(root / "data" / "eye" / "fixations.mat", name)
    records = listed(load_matlab(table, "fixations"))
    builder = SetBuilder({path.name: path for path in list_images(images)}, images, problems)
    read: set[str] = set()
    for entry, record in enumerate(records, start=1):
        with problems.at(f"{table}: entry {entry} of fixations"):
            image, subjects = record["img"], listed(record["subjects"])
            if image in read:
                raise ValueError(f"repeats image {image}")
            read.add(image)
            if builder.stimulus(image, table) is not None:
                for number, subject in enumerate(subjects, start=1):
                    _add_subject(builder, table, image, f"{number:02d}", subject)
    return builder


def _add_subject(
    builder: SetBuilder, table: Path, image: str, observer: str, subject: Struct
) -> None:
    where = f"{table}: image {image}, observer {observer}"
    with builder.problems.at(where):
        keys = ("fix_x", "fix_y", "fix_duration")
        x, y, ms = (np.asarray(subject[key], np.float64).ravel() for key in keys)
        if not len(x) == len(y) == len(ms):
            found = f"x {len(x)}, y {len(y)}, duration {len(ms)}"
            raise ValueError(f"fields must be equally long, found {found}")
        builder.add(where, image, np.column_stack([x, y]), ms / 1000, observer)
