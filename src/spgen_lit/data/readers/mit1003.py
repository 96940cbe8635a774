"""FixaTons' layout, STIMULI/<image file> and SCANPATHS/<image>/<observer>, and MIT1003 in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import (
    FileReader,
    Problems,
    by_image,
    measure,
    need,
    public_set,
    scanpath,
)
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Array, FirstFixation, Scanpath


@dataclass(frozen=True)
class FixaTons(FileReader):
    """Any set of the FixaTons collection (Zanca et al. 2018, arXiv:1802.02534).

    Rows of a scanpath file are ``x y t_start t_end``: px of the image from its top-left
    corner, seconds from the onset. Fixations off the image are kept. Images nobody looked
    at stay in the set.

    Attributes:
        root: The folder that holds ``STIMULI`` and ``SCANPATHS``.
        name: Name of the set; the folder's own name by default.

    Raises:
        FileNotFoundError: From `read`, for missing folders.
        ValueError: From `read`, naming the file and line of bad content, or a scanpath
            folder whose image is missing.
    """

    root: str | Path
    name: str | None = None

    def _read(self, problems: Problems) -> GazeSet:
        root = Path(self.root)
        images = need(root / "STIMULI", "folder STIMULI of a FixaTons set", self._how())
        traces = need(root / "SCANPATHS", "folder SCANPATHS of a FixaTons set", self._how())
        stimuli = measure(((path.name, path) for path in list_images(images)), problems)
        known = {path.name for path in list_images(images)}
        stems = {Path(identity).stem: identity for identity in known}
        paths: list[Scanpath | None] = []
        for folder in sorted(path for path in traces.iterdir() if path.is_dir()):
            identity = stems.get(folder.name, folder.name)
            if identity not in known:
                problems.add(folder, f"image missing: no file {folder.name}.* in {images}")
            elif identity in stimuli:
                paths.extend(_observers(folder, stimuli[identity], problems))
        return GazeSet(self.name or root.resolve().name, stimuli, by_image(paths), "eye")

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
        paths = gaze.scanpaths
        if not self.first:
            paths = [_later(path) for path in paths if len(path) > 1]
        notes = (*gaze.notes, f"first fixation {'kept' if self.first else 'left out'}")
        begun: FirstFixation = "given" if self.first else "free"
        return public_set("mit1003", gaze.stimuli, paths, notes=notes, first_fixation=begun)

    def _how(self) -> str:
        return (
            "MIT1003 in FixaTons form comes with FixaTons (github.com/dariozanca/FixaTons); "
            "`spgen data fetch mit1003` downloads the original files, which "
            "data/source=mit1003_mat reads."
        )


def _later(path: Scanpath) -> Scanpath:
    durations = None if path.durations is None else path.durations[1:]
    return replace(path, xy=path.xy[1:], durations=durations)


def _observers(folder: Path, stimulus: Stimulus, problems: Problems) -> Iterator[Scanpath | None]:
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        if file.name.startswith("."):
            continue
        rows = _rows(file, problems)
        if rows is None:
            continue
        late = np.flatnonzero(rows[:, 3] < rows[:, 2])
        if len(late):
            problems.add(file, f"line {late[0] + 1}: t_end {rows[late[0], 3]} lies before t_start")
            continue
        durations = rows[:, 3] - rows[:, 2]
        yield scanpath(str(file), stimulus, rows[:, :2], durations, file.name, problems)


def _rows(file: Path, problems: Problems) -> Array | None:
    """Rows ``(fixation, 4)`` of one scanpath file, or None if it was reported as bad."""
    rows = []
    text = file.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = [float(value) for value in line.replace(",", " ").split()]
        except ValueError:
            problems.add(file, f"line {number}: not a row of numbers: {line.strip()!r}")
            return None
        if len(values) != 4:
            problems.add(
                file, f"line {number}: {len(values)} values, needed x y t_start t_end (px, s)"
            )
            return None
        rows.append(values)
    return np.array(rows, dtype=np.float64).reshape(-1, 4)
