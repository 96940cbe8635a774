"""Own data: one row a fixation, in columns and units that are declared, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, measure, need
from spgen_lit.data.readers.rows import Row, empty, load_rows, number, text
from spgen_lit.data.readers.setfile import SetFile
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Array, Scanpath

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Table(FileReader):
    """A table (CSV, TSV, Parquet, JSON) with one row a fixation.

    Rows of one image, observer and trial form a scanpath, in the table's order or that of
    `order`. A row without x and y stands for a path without fixations. Images are found by
    file name or by name without suffix.

    Attributes:
        root: The table, or its folder.
        units: ``px`` or ``relative`` (shares of width and height), of x and y.
        file: The table's name, if `root` is a folder.
        images: Folder of the images, relative to the table's folder or absolute.
        size: For px: the frame that they count, as width and height, or ``image`` for each
            image's own size. Not needed where `width` and `height` name columns.
        image: Column of the image.
        x: Column of x, to the right.
        y: Column of y, downwards.
        observer: Column of the person, or None.
        trial: Column that tells apart repeated viewings, or None.
        order: Column to sort by, or None for the table's order.
        duration: Column of durations, or None.
        time: ``ms`` or ``s``, of durations.
        width: Column of the frame's width in px, or None.
        height: Column of the frame's height in px, or None.
        delimiter: Between columns of a text file; None to find it.
        name: Name of the set; the folder's own name by default.

    Raises:
        ValueError: At once, for units that are not declared; from `read`, naming the row
            and column of bad content, missing columns or images.
        FileNotFoundError: From `read`, if the table is missing.
    """

    root: str | Path
    units: Literal["px", "relative"]
    file: str | None = None
    images: str | Path = "."
    size: tuple[int, int] | Literal["image"] | None = None
    image: str = "image"
    x: str = "x"
    y: str = "y"
    observer: str | None = "observer"
    trial: str | None = None
    order: str | None = None
    duration: str | None = None
    time: Literal["ms", "s"] | None = None
    width: str | None = None
    height: str | None = None
    delimiter: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if self.units not in ("px", "relative"):
            raise ValueError(f"units must be px or relative, found {self.units!r}")
        if self.duration and self.time not in ("ms", "s"):
            raise ValueError(f"time must be ms or s for durations, found {self.time!r}")
        if self.units == "px" and self.size is None and not (self.width and self.height):
            raise ValueError(
                "px need the size they count: give `size` as [width, height] or `image`, or "
                "name the columns `width` and `height`"
            )

    def _read(self, problems: Problems) -> GazeSet:
        root = Path(self.root)
        table = root / self.file if self.file else root
        need(table, "table of fixations", "Set `root` to the table, or `file` to its name.")
        if table.is_dir():
            raise FileNotFoundError(f"{table} is a folder: set `file` to the table's name")
        known = SetFile.load(table.parent, problems)
        # A converted set of images without gaze has a table without rows.
        rows = load_rows(table, self.delimiter, least=0 if known else 1)
        if rows:
            self._columns(table, rows[0])
        trials: dict[Key, list[tuple[int, Row]]] = {}
        for line, row in enumerate(rows, start=2 if table.suffix != ".json" else 1):
            key = text(row, self.image), text(row, self.observer), text(row, self.trial)
            trials.setdefault(key, []).append((line, row))
        stimuli = known.stimuli if known else self._stimuli(table, trials, problems)
        paths = []
        for key, members in trials.items():
            where = f"{table}: row {members[0][0]} (image {key[0]}, observer {key[1]})"
            stimulus = stimuli.get(key[0])
            if stimulus is None:
                problems.add(where, f"image missing: no file {key[0]} in {self._folder(table)}")
                continue
            path = self._scanpath(table, stimulus, key[1], members, problems)
            if path is not None:
                paths.append(path)
        if known:
            return known.gaze_set(paths)
        name = self.name or table.parent.resolve().name
        paths.sort(key=lambda path: (path.image, path.observer))
        return GazeSet(name, stimuli, paths, "eye")

    def _columns(self, table: Path, row: Row) -> None:
        named = (self.image, self.x, self.y, self.observer, self.trial, self.order, self.duration)
        wanted = [name for name in (*named, self.width, self.height) if name]
        missing = [name for name in wanted if name not in row]
        if missing:
            raise ValueError(
                f"{table}: no column {', '.join(missing)}; it has {', '.join(map(str, row))}. "
                "Name the columns by image, x, y, observer, trial, order, duration, width, height "
                "(null where there is none)"
            )

    def _folder(self, table: Path) -> Path:
        return table.parent / self.images

    def _stimuli(
        self, table: Path, trials: dict[Key, list[tuple[int, Row]]], problems: Problems
    ) -> dict[str, Stimulus]:
        folder = need(self._folder(table), "folder of images", "Set `images` to it.")
        files = {path.stem: path for path in list_images(folder)}
        files |= {path.name: path for path in list_images(folder)}
        files |= {path.relative_to(folder).as_posix(): path for path in list_images(folder)}
        images = sorted({key[0] for key in trials if key[0] in files})
        return measure(((image, files[image]) for image in images), problems)

    def _scanpath(
        self,
        table: Path,
        stimulus: Stimulus,
        observer: str,
        members: list[tuple[int, Row]],
        problems: Problems,
    ) -> Scanpath | None:
        xy: list[Array] = []
        durations: list[float] = []
        line = members[0][0]
        try:
            if self.order:
                members = sorted(members, key=lambda member: number(member[1], self.order or ""))
            for member in members:
                line, row = member
                if empty(row, self.x) and empty(row, self.y):
                    continue
                place = np.array([number(row, self.x), number(row, self.y)])
                xy.append(place / self._scale(stimulus, row))
                if self.duration and not empty(row, self.duration):
                    durations.append(
                        number(row, self.duration) / (1000 if self.time == "ms" else 1)
                    )
            if durations and len(durations) != len(xy):
                raise ValueError(f"{len(durations)} of {len(xy)} fixations have a duration")
            timed = durations if durations or (self.duration and not xy) else None
            return Scanpath(
                stimulus.id,
                stimulus.size,
                np.array(xy),
                None if timed is None else np.array(timed),
                observer,
            )
        except ValueError as error:
            problems.add(
                f"{table}: row {line} (image {stimulus.id}, observer {observer})", str(error)
            )
            return None

    def _scale(self, stimulus: Stimulus, row: Row) -> Array:
        if self.units == "relative":
            return np.ones(2)
        if self.width and self.height:
            return np.array([number(row, self.width), number(row, self.height)])
        return np.asarray(stimulus.size if self.size == "image" else self.size, np.float64)
