"""Believing a scanpath file: units, lengths and images checked trial by trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from spgen_lit.evaluation.scanpath_files import RawTrial, read_trials
from spgen_lit.scanpath import Scanpath

Units = Literal["px", "relative"]
Time = Literal["ms", "s"]
Sizes = Mapping[str, tuple[int, int]]

# Gaze leaves an image a little, never by more than half of it; no fixation lasts 20 s.
_FAR = 0.5
_LONG = 20.0


@dataclass(frozen=True)
class Loaded:
    """Scanpaths of a file that passed the checks, and what did not.

    Attributes:
        samples: Image id to scanpaths.
        counts: Trials read, kept, and left out for each reason.
        problems: One line for each trial left out, naming trial and field.
    """

    samples: dict[str, list[Scanpath]]
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FileFormat:
    """What the user declares about a scanpath file; nothing of it is guessed.

    Attributes:
        units: ``px``, or ``relative`` for shares of width and height.
        time: ``ms`` or ``s``; needed where the file has durations.
        frame: Width and height in px of the frame that px refer to, where that is not
            the image's own size and trials do not say it themselves.
        minimum: Fewest fixations of a path.
        bad: ``refuse`` a file with a faulty trial, or ``drop`` such trials and count them.

    Raises:
        ValueError: For an undeclared or unknown unit.
    """

    units: Units
    time: Time | None = None
    frame: tuple[int, int] | None = None
    minimum: int = 3
    bad: Literal["refuse", "drop"] = "refuse"

    def __post_init__(self) -> None:
        choices = (
            ("units", self.units, ("px", "relative")),
            ("time", self.time, ("ms", "s", None)),
            ("bad", self.bad, ("refuse", "drop")),
        )
        for name, value, allowed in choices:
            if value not in allowed:
                listed = " or ".join(f"{name}={choice}" for choice in allowed if choice)
                raise ValueError(f"scanpath file: declare {listed}, found {name}={value}")


def load_scanpaths(
    path: str | Path, sizes: Sizes, declared: FileFormat, elsewhere: Sequence[str] = ()
) -> Loaded:
    """Read a file and check it against the images that it should be about.

    Args:
        path: COCO-style JSON or CSV.
        sizes: Image id to width and height in px of the images to be scored. The file may
            name them without the suffix.
        declared: Units and policy.
        elsewhere: Other image ids of the same data set: trials on them are no mistake;
            they are counted and left out.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: With ``bad="refuse"`` for any faulty trial: the first ten are listed,
            each with its field. With ``bad="drop"`` only if no trial is left.
    """
    trials = read_trials(path)
    ids = _Ids(sizes, elsewhere)
    counts: Counter[str] = Counter(trials=len(trials))
    problems: list[str] = []
    samples: dict[str, list[Scanpath]] = {}
    whole = _whole_file(trials, declared)
    for trial in trials:
        image = ids.find(trial.image)
        if image is not None and image not in sizes:
            counts["on_images_of_other_splits"] += 1
            continue
        size = sizes[image] if image is not None else None
        faults = {"unknown image": f"name: no image {trial.image!r} in the data"}
        if image is not None and size is not None:
            faults = {**whole, **_faults(trial, size, declared)}
        if faults:
            # One reason a trial, so that the counts add up to the number of trials.
            reason, words = next(iter(faults.items()))
            counts[f"left out: {reason}"] += 1
            problems.append(f"{trial.where}: {words}")
        elif image is not None and size is not None:
            samples.setdefault(image, []).append(_scanpath(trial, image, size, declared))
            counts["kept"] += 1
    if problems and (declared.bad == "refuse" or not samples):
        raise ValueError(_refusal(path, trials, problems, declared))
    if not samples:
        raise ValueError(f"{path}: no trial is on an image of this split ({dict(counts)})")
    return Loaded(samples, dict(counts), problems)


class _Ids:
    """Image ids, found by name or by name without suffix where that is unique."""

    def __init__(self, sizes: Sizes, elsewhere: Sequence[str]) -> None:
        self._ids = {*sizes, *elsewhere}
        stems = Counter(Path(name).stem for name in self._ids)
        self._stems = {Path(i).stem: i for i in self._ids if stems[Path(i).stem] == 1}

    def find(self, name: str) -> str | None:
        if name in self._ids:
            return name
        found = self._stems.get(name) or self._stems.get(Path(name).stem)
        # 1.png is not 1.jpg: only a name without suffix, or an id without, may match.
        return found if found and "" in (Path(name).suffix, Path(found).suffix) else None


def _whole_file(trials: Sequence[RawTrial], declared: FileFormat) -> dict[str, str]:
    """Mistakes that only the file as a whole shows: tiny numbers everywhere."""
    x = np.concatenate([np.concatenate([trial.x, trial.y]) for trial in trials])
    x = x[np.isfinite(x)]
    if declared.units == "px" and len(x) and np.abs(x).max() <= 1 + _FAR:
        return {"units": f"X, Y: all values up to {x.max():g} px: shares? units=relative"}
    times = [trial.t for trial in trials if trial.t is not None]
    t = np.concatenate(times) if times else np.zeros(0)
    t = t[np.isfinite(t)]
    if declared.time == "ms" and len(t) and 0 < t.max() < _LONG:
        return {"time": f"T: all values up to {t.max():g} ms: seconds? time=s"}
    return {}


def _faults(trial: RawTrial, size: tuple[int, int], declared: FileFormat) -> dict[str, str]:
    """Reason to words with the field first; empty for a good trial."""
    if trial.faults:
        return {"form": "; ".join(trial.faults)}
    lengths = {"X": len(trial.x), "Y": len(trial.y)}
    if trial.t is not None:
        lengths["T"] = len(trial.t)
    if trial.length is not None:
        lengths["length"] = trial.length
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{key} {value}" for key, value in lengths.items())
        return {"unequal lengths": f"X, Y, T, length must be equal: {found}"}
    if len(trial.x) < declared.minimum:
        return {"too short": f"X: {len(trial.x)} fixations, at least {declared.minimum} are needed"}
    for key, values in (("X", trial.x), ("Y", trial.y), ("T", trial.t)):
        if values is not None and not np.isfinite(values).all():
            at = int(np.flatnonzero(~np.isfinite(values))[0])
            return {"not a number": f"{key}[{at}]: no finite number"}
    width, height = _frame(trial, size, declared)
    for key, values, side in (("X", trial.x, width), ("Y", trial.y, height)):
        far = (values < -_FAR * side) | (values > (1 + _FAR) * side)
        if far.any():
            at = int(np.flatnonzero(far)[0])
            if declared.units == "relative":
                words = f"{key}[{at}] = {values[at]:g} is no share of the image: px? units=px"
            else:
                words = f"{key}[{at}] = {values[at]:g} px in a frame of {width:g}x{height:g}"
            return {"place out of range": words}
    return {} if trial.t is None else _time_faults(trial.t, declared)


def _time_faults(t: np.ndarray, declared: FileFormat) -> dict[str, str]:
    if declared.time is None:
        return {"time": "T: durations without a unit; declare time=ms or time=s"}
    if (t < 0).any():
        at = int(np.flatnonzero(t < 0)[0])
        return {"negative duration": f"T[{at}] = {t[at]:g}"}
    seconds = t / 1000 if declared.time == "ms" else t
    if (seconds > _LONG).any():
        at = int(np.flatnonzero(seconds > _LONG)[0])
        hint = "milliseconds? time=ms" if declared.time == "s" else "not a duration"
        return {"time": f"T[{at}] = {t[at]:g} {declared.time}: {hint}"}
    return {}


def _frame(trial: RawTrial, size: tuple[int, int], declared: FileFormat) -> tuple[float, float]:
    if declared.units == "relative":
        return (1.0, 1.0)
    return trial.frame or declared.frame or size


def _scanpath(trial: RawTrial, image: str, size: tuple[int, int], declared: FileFormat) -> Scanpath:
    xy = np.column_stack([trial.x, trial.y]) / np.array(_frame(trial, size, declared))
    durations = trial.t
    if durations is not None and declared.time == "ms":
        durations = durations / 1000
    return Scanpath(image, size, xy, durations, trial.observer)


def _refusal(
    path: str | Path, trials: Sequence[RawTrial], problems: list[str], declared: FileFormat
) -> str:
    shown = "\n  ".join(problems[:10])
    more = f"\n  and {len(problems) - 10} more" if len(problems) > 10 else ""
    way = (
        "no trial is left"
        if declared.bad == "drop"
        else "mend the file, or leave such trials out and have them counted with bad=drop"
    )
    return f"{path}: {len(problems)} of {len(trials)} trials are faulty; {way}\n  {shown}{more}"
