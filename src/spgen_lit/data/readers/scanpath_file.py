"""Scanpath files that any model wrote: COCO-style JSON, or a table with one row a fixation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from spgen_lit.data.readers.base import Problems, load, need, placed, require_words
from spgen_lit.data.readers.coco import Trial, checked_frame, load_trials
from spgen_lit.data.readers.rows import load_table, numbers, text
from spgen_lit.scanpath import Array, Scanpath

Sizes = Mapping[str, tuple[int, int]]

_COLUMNS: dict[str, str] = load(Path(__file__).with_suffix(".yaml"))
_WORDS = ["image", "observer", "sample"]
# Gaze leaves an image a little, never by more than half of it; no fixation lasts 20 s.
_FAR, _LONG = 0.5, 20.0


@dataclass(frozen=True)
class Loaded:
    """Scanpaths of a file, and what was left out.

    Attributes:
        samples: Image id to scanpaths, in the file's order.
        counts: Trials in the file, kept, left out, and on images of other splits.
        problems: One line a trial left out, naming trial and field.
    """

    samples: dict[str, list[Scanpath]]
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ScanpathFile:
    """A file of scanpaths and what the user declares about it; nothing is guessed.

    JSON is a list of trials ``{"name", "subject", "X": [], "Y": [], "T": [], "length"}``, with
    ``width`` and ``height`` where px count another frame than the image. A table has columns
    ``image, x, y`` and, where known, ``observer, sample, fixation, duration, width, height``.

    Attributes:
        path: ``.json``, ``.csv``, ``.tsv``, ``.txt`` or ``.parquet``.
        units: ``px``, or ``relative`` to width and height.
        time: ``ms`` or ``s``; needed where the file has durations.
        frame: Width and height in px of the frame that px count, where that is not the
            image's own size and trials do not give their own.
        minimum: Fewest fixations of a path.
        bad: ``refuse`` a file with a faulty trial, or ``drop`` such trials and count them.

    Raises:
        ValueError: For an undeclared or unknown unit.
    """

    path: str | Path
    units: Literal["px", "relative"]
    time: Literal["ms", "s"] | None = None
    frame: tuple[int, int] | None = None
    minimum: int = 1
    bad: Literal["refuse", "drop"] = "refuse"

    def __post_init__(self) -> None:
        require_words(self, self.path)
        if self.frame is not None:
            checked_frame("frame", self.frame)

    def read(self, sizes: Sizes | None = None, elsewhere: Sequence[str] = ()) -> Loaded:
        """Read the file for these images.

        Args:
            sizes: Image id to width and height in px. The file may leave out the suffix. None
                takes images and sizes from the file, such as prediction writes it.
            elsewhere: Other images of the same set; trials on them are counted and left out.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: With ``bad="refuse"`` for any faulty trial: the number of them, and the
                first with its field. With ``bad="drop"`` only if no trial is left.
        """
        with placed(self.path, "scanpath"):
            return self._read(sizes, elsewhere)

    def _read(self, sizes: Sizes | None, elsewhere: Sequence[str]) -> Loaded:
        problems = Problems(collect=True)
        path = need(Path(self.path), "scanpath file", "Give a .json or .csv that exists.")
        read = load_trials if path.suffix.lower() == ".json" else _table_trials
        trials = read(path, problems)
        mistake = self._mistake(trials)
        if sizes is None:
            framed = ((t.name, t.frame) for t in trials if t.frame is not None)
            sizes = {name: (int(width), int(height)) for name, (width, height) in framed}
        names = _image_names([*sizes, *elsewhere])
        samples: dict[str, list[Scanpath]] = {}
        counts = Counter(trials=len(trials) + len(problems.found))
        for trial in trials:
            image, stem = names.get(trial.name), Path(trial.name).stem
            # 1.png is not 1.jpg: only a name without suffix, or an id without, may match.
            if image is None and (not Path(trial.name).suffix or names.get(stem) == stem):
                image = names.get(stem)
            if image is not None and image not in sizes:
                counts["on_images_of_other_splits"] += 1
                continue
            with problems.at(trial.where):
                if image is None:
                    raise ValueError(f"name: no image {trial.name!r} in the data")
                if mistake:
                    raise ValueError(mistake)
                scanpath = self._scanpath(trial, image, sizes[image])
                samples.setdefault(image, []).append(scanpath)
                counts["kept"] += 1
        counts["left_out"] = len(problems.found)
        lines = [str(problem) for problem in problems.found]
        if lines and (self.bad == "refuse" or not samples):
            way = "mend the file, or leave such trials out and have them listed with bad=drop"
            raise ValueError(
                f"{self.path}: {len(lines)} of {counts['trials']} trials are faulty, the first: "
                f"{lines[0].removeprefix(f'{self.path}: ')}; "
                f"{'no trial is left' if self.bad == 'drop' else way}"
            )
        if not samples:
            raise ValueError(f"{self.path}: no trial is on an image of this split ({dict(counts)})")
        return Loaded(samples, dict(counts), lines)

    def _scanpath(self, trial: Trial, image: str, size: tuple[int, int]) -> Scanpath:
        pixels, relative = trial.xy, self.units == "relative"
        if len(pixels) == 0:
            raise ValueError("X: no fixation")
        if len(pixels) < self.minimum:
            found = f"X: {len(pixels)} fixations, at least {self.minimum} are needed"
            raise ValueError(f"{found}: minimum={len(pixels)} keeps it")
        frame = np.asarray(self.frame or size) if trial.frame is None else trial.frame
        xy = pixels if relative else pixels / frame
        path = Scanpath(image, size, xy, self._seconds(trial.seconds), trial.observer)
        far = np.argwhere((path.xy < -_FAR) | (path.xy > 1 + _FAR))
        if len(far):
            row, column = far[0]
            place = f"{'XY'[column]}[{row}] = {pixels[row, column]:g}"
            if relative:
                raise ValueError(f"{place} is no share of the image: px? units=px")
            raise ValueError(f"{place} px in a frame of {frame[0]:g}x{frame[1]:g}")
        return path

    def _seconds(self, read_as_ms: Array | None) -> Array | None:
        """Durations in seconds, from a trial's own reading of them as ms."""
        if read_as_ms is None:
            return None
        if self.time is None:
            raise ValueError("T: durations without a unit; declare time=ms or time=s")
        seconds = read_as_ms * (1000 if self.time == "s" else 1)
        for row in np.flatnonzero(seconds > _LONG):
            hint = "milliseconds? time=ms" if self.time == "s" else "not a duration"
            raise ValueError(f"T[{row}] = {1000 * read_as_ms[row]:g} {self.time}: {hint}")
        return seconds

    def _mistake(self, trials: Sequence[Trial]) -> str:
        """A mistake that only the whole file shows: tiny numbers everywhere."""
        places = np.concatenate([[0], *(trial.xy.ravel() for trial in trials)])
        times = np.concatenate([[0], *(t.seconds for t in trials if t.seconds is not None)])
        largest, longest = np.nanmax(np.abs(places)), 1000 * np.nanmax(np.abs(times))
        if self.units == "px" and 0 < largest <= 1 + _FAR:
            return f"X, Y: all values up to {largest:g} px: shares? units=relative"
        if self.time == "ms" and 0 < longest < _LONG:
            return f"T: all values up to {longest:g} ms: seconds? time=s"
        return ""


def _image_names(ids: Sequence[str]) -> dict[str, str]:
    """Image ids by themselves, and by their names without suffix where these are unique."""
    stems = Counter(Path(i).stem for i in set(ids))
    return {Path(i).stem: i for i in ids if stems[Path(i).stem] == 1} | {i: i for i in ids}


def _table_trials(path: Path, problems: Problems) -> list[Trial]:
    """Trials of a table: rows of one image, observer and sample, by number of fixation."""
    table = load_table(path)
    rows = pd.DataFrame(dict.fromkeys(_WORDS, ""), table.index)
    for key, spellings in _COLUMNS.items():
        name = next((name for name in spellings.split("|") if name in table), None)
        if name is not None:
            rows[key] = text(table[name]) if key in _WORDS else numbers(table[name])[0]
        elif key in ("image", "X", "Y"):
            raise ValueError(
                f"{path}: no column for {key.lower()}; found {', '.join(table) or 'none'}; needed "
                "image, x, y and, if known, observer, sample, fixation, duration"
            )
    trials = []
    for number, ((image, observer, sample), trial) in enumerate(rows.groupby(_WORDS, sort=False)):
        who = f"observer {observer}" + (f", sample {sample}" if sample else "")
        where = f"{path}: trial {number} ({image}, {who})"
        if not image:
            problems.add(where, "image: missing")
            continue
        if "fixation" in trial and trial["fixation"].notna().all():
            trial = trial.sort_values("fixation", kind="stable")
        # Empty cells say that durations, or another frame, are not known.
        known = {key for key in trial if key in "XY" or trial[key].notna().any()}
        content = {key: trial[key].to_numpy() for key in known & {"X", "Y", "T"}}
        sides = {key: trial[key].iloc[0] for key in known & {"width", "height"}}
        with problems.at(where):
            trials.append(Trial.of(where, image, observer or sample, content | sides))
    return trials
