"""FixaTons' layout, STIMULI/<image file> and SCANPATHS/<image>/<observer>, and MIT1003 in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, SetBuilder, need, public_set
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Array


@dataclass(frozen=True)
class FixaTons(FileReader):
    """Any set of the FixaTons collection (Zanca et al. 2018, arXiv:1802.02534).

    Rows of a scanpath file are ``x y t_start t_end``: px of the image from its top-left
    corner, seconds from the onset. Fixations off the image are kept. Images nobody looked
    at stay in the set.

    Attributes:
        root: The folder that holds ``STIMULI`` and ``SCANPATHS``.
        first: Keep the first fixation of each path.

    Raises:
        FileNotFoundError: From `read`, for missing folders.
        ValueError: From `read`, naming the file and line of bad content, or a scanpath
            folder whose image is missing.
    """

    first: bool = True
    _named: ClassVar[tuple[str, str]] = (
        "folder of a FixaTons set",
        "Set `root` to the folder of one FixaTons set (see `spgen data list`).",
    )

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        images, traces = (need(root / name, *self._named) for name in ("STIMULI", "SCANPATHS"))
        builder = SetBuilder({path.name: path for path in list_images(images)}, images, problems)
        builder.measure_all()
        stems = {Path(image).stem: image for image in builder.files}
        for folder in sorted(path for path in traces.iterdir() if path.is_dir()):
            image = stems.get(folder.name, folder.name)
            if builder.stimulus(image, folder) is None:
                continue
            for file in sorted(path for path in folder.iterdir() if path.is_file()):
                if file.name.startswith("."):
                    continue
                with problems.at(file):
                    rows = _rows(file)
                    if not self.first and len(rows) < 2:
                        continue
                    rows = rows if self.first else rows[1:]
                    builder.add(file, image, rows[:, :2], rows[:, 3] - rows[:, 2], file.name)
        return builder.build(root.resolve().name)


@dataclass(frozen=True)
class Mit1003FixaTons(FixaTons):
    """MIT1003 (Judd et al. 2009): 1003 photographs, 15 observers, 3 s of free viewing.

    Attributes:
        root: The folder that holds ``STIMULI`` and ``SCANPATHS``; any part of the set.
        first: Keep the first fixation. It began before the image appeared, at the screen's
            centre: 99 % of them lie within a tenth of it. The authors leave it out of their
            maps, and sets such as OSIE hold none.
    """

    _named: ClassVar[tuple[str, str]] = ("mit1003", "")

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        return public_set(super()._read(root, problems), "mit1003", first=self.first)


def _rows(file: Path) -> Array:
    """Rows ``(fixation, 4)`` of one scanpath file."""
    rows = []
    text = file.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            x, y, start, end = map(float, line.replace(",", " ").split())
        except ValueError as error:
            needed = "needs numbers x y t_start t_end (px, s)"
            raise ValueError(f"line {number}: {needed}, found {line.strip()!r}") from error
        if end < start:
            raise ValueError(f"line {number}: t_end {end} lies before t_start")
        rows.append((x, y, start, end))
    return np.array(rows, dtype=np.float64).reshape(-1, 4)
