"""FixaTons' layout, STIMULI/<image file> and SCANPATHS/<image>/<observer>, and MIT1003 in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, SetBuilder, need, public_set
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Array, FirstFixation, Scanpath


@dataclass(frozen=True)
class FixaTons(FileReader):
    """Any set of the FixaTons collection (Zanca et al. 2018, arXiv:1802.02534).

    Rows of a scanpath file are ``x y t_start t_end``: px of the image from its top-left
    corner, seconds from the onset. Fixations off the image are kept. Images nobody looked
    at stay in the set.

    Attributes:
        root: The folder that holds ``STIMULI`` and ``SCANPATHS``.

    Raises:
        FileNotFoundError: From `read`, for missing folders.
        ValueError: From `read`, naming the file and line of bad content, or a scanpath
            folder whose image is missing.
    """

    root: str | Path

    def _read(self, problems: Problems) -> GazeSet:
        root = Path(self.root)
        images = need(root / "STIMULI", "folder STIMULI of a FixaTons set", self._how())
        traces = need(root / "SCANPATHS", "folder SCANPATHS of a FixaTons set", self._how())
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
                    builder.add(file, image, rows[:, :2], rows[:, 3] - rows[:, 2], file.name)
        return builder.build(root.resolve().name)

    def _how(self) -> str:
        return "Set `root` to the folder of one FixaTons set (see `python -m spgen_lit.data list`)."


@dataclass(frozen=True)
class Mit1003FixaTons(FixaTons):
    """MIT1003 (Judd et al. 2009): 1003 photographs, 15 observers, 3 s of free viewing.

    Attributes:
        root: The folder that holds ``STIMULI`` and ``SCANPATHS``; any part of the set.
        first: Keep the first fixation. It began before the image appeared, at the screen's
            centre: 99 % of them lie within a tenth of it. The authors leave it out of their
            maps, and sets such as OSIE hold none.
    """

    first: bool = True

    def _read(self, problems: Problems) -> GazeSet:
        gaze = super()._read(problems)
        if not self.first:
            later = [_later(path) for path in gaze.scanpaths if len(path) > 1]
            gaze = replace(gaze, scanpaths=later)
        note = f"first fixation {'kept' if self.first else 'left out'}"
        begun: FirstFixation = "given" if self.first else "free"
        return public_set(gaze, "mit1003", note, first_fixation=begun)

    def _how(self) -> str:
        return (
            "MIT1003 in FixaTons form comes with FixaTons (github.com/dariozanca/FixaTons); "
            "`spgen data fetch mit1003` downloads the original files, which "
            "data/source=mit1003_mat reads."
        )


def _later(path: Scanpath) -> Scanpath:
    durations = None if path.durations is None else path.durations[1:]
    return replace(path, xy=path.xy[1:], durations=durations)


def _rows(file: Path) -> Array:
    """Rows ``(fixation, 4)`` of one scanpath file."""
    rows = []
    text = file.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = [float(value) for value in line.replace(",", " ").split()]
        except ValueError as error:
            raise ValueError(f"line {number}: not a row of numbers: {line.strip()!r}") from error
        if len(row) != 4:
            raise ValueError(f"line {number}: {len(row)} values, needed x y t_start t_end (px, s)")
        if row[3] < row[2]:
            raise ValueError(f"line {number}: t_end {row[3]} lies before t_start")
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(-1, 4)
