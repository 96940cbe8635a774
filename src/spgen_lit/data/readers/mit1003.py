"""MIT1003 in FixaTons' layout, and as its authors publish it: 240 Hz samples, found fixations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy.ndimage import find_objects, label

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, SetBuilder, need, public_set
from spgen_lit.data.readers.matlab import listed, load_matlab, points
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Array

_PX_PER_DEGREE = 34.0  # on the authors' screen
_RATE = 240.0  # samples per second
_WINDOW = 4  # samples averaged, as published
_SEARCH = 25  # samples within which a saccade must slow down again


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


@dataclass(frozen=True)
class Mit1003Mat(FileReader):
    """MIT1003 (Judd et al. 2009) from ``ALLSTIMULI/*.jpeg`` and ``DATA/<observer>/<image>.mat``.

    Each MATLAB file holds one struct named after the image (cut to 63 characters) with
    ``DATA(1).eyeData``: samples of x, y in px of the image. Fixations are found as by the
    authors (see `detect_fixations`). The first fixation began before the image appeared, at
    the screen's centre; the authors leave it out of their maps.

    Attributes:
        root: The folder that holds ``ALLSTIMULI`` and ``DATA``.
        velocity: Threshold of the saccades, degrees per second.
        duration: Stretches up to this long, in seconds, are no fixation.
        first: Keep the first fixation (FixaTons' form of the set keeps it).

    Raises:
        FileNotFoundError: From `read`, for missing folders.
        ValueError: From `read`, naming the file of bad content.
    """

    velocity: float = 6.0
    duration: float = 0.05
    first: bool = True

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        images, data = need(root / "ALLSTIMULI", "mit1003_mat"), need(root / "DATA", "mit1003_mat")
        builder = SetBuilder({path.name: path for path in list_images(images)}, images, problems)
        builder.measure_all()
        stems = {Path(image).stem: image for image in builder.files}
        for file in sorted(data.glob("*/*.mat")):
            with problems.at(file, "one struct with DATA(1).eyeData"):
                (trial,) = load_matlab(file).values()
                samples = points(listed(trial["DATA"])[0]["eyeData"])[:, :2]
                places, starts, ends = detect_fixations(samples, self.velocity, self.duration)
                seen = np.isfinite(places[:, 0])  # the eye was lost all the while: no place
                seen[:1] &= self.first
                image, observer = stems.get(file.stem, file.stem), file.parent.name
                builder.add(file, image, places[seen], (ends - starts)[seen], observer)
        note = (
            f"fixations by acceleration above {self.velocity:g} deg/s, longer than "
            f"{1000 * self.duration:g} ms"
        )
        return public_set(builder.build(), "mit1003", note, first=self.first)


def detect_fixations(
    samples: Array, velocity: float = 6.0, duration: float = 0.05
) -> tuple[Array, Array, Array]:
    """Split gaze samples into fixations and saccades by acceleration.

    The rule of ``checkFixations.m`` (B. Hidalgo-Sotelo, 2006), distributed with MIT1003: speed
    averaged over 4 samples; a saccade begins with at least 3 samples in a row at which speed
    grows by more than the threshold from one window to the next, and ends where the opposite
    change ends, sought for 25 samples; a stretch between two saccades that is not longer than
    `duration` joins them. The first and the last fixation may be shorter.

    Args:
        samples: Gaze ``(sample, 2)``, x and y in px; NaN where the eye was lost.
        velocity: Change of speed that marks a saccade, degrees per second.
        duration: Stretches up to this long, in seconds, are no fixation.

    Returns:
        Places ``(fixation, 2)``, the median of the samples in px, NaN if all were lost; start
        and end of each fixation ``(fixation,)`` in seconds from the first sample.
    """
    if len(samples) == 0:
        return np.empty((0, 2)), np.empty(0), np.empty(0)
    threshold = velocity * _PX_PER_DEGREE
    spans = _saccades(_acceleration(samples), threshold, round(duration * _RATE))
    starts = [0] + [end + 1 for _, end in spans]
    ends = [start for start, _ in spans] + [len(samples)]  # one past the last sample
    pairs = [(s, e) for s, e in zip(starts, ends, strict=True) if e > s]
    places = np.array([_median(samples[s:e]) for s, e in pairs]).reshape(-1, 2)
    begin, end = np.array(pairs, np.float64).T / _RATE
    return places, begin, end


def _acceleration(samples: Array) -> Array:
    """Change of windowed speed in px/s from one sample to the next, 0 near both ends."""
    count = len(samples)
    step = np.r_[0.0, np.hypot(*np.diff(samples, axis=0).T)] if count > 1 else np.zeros(1)
    smooth = np.convolve(step, np.ones(_WINDOW) / _WINDOW)[:count]
    speed = np.convolve(smooth, np.ones(_WINDOW + 1), mode="valid") * _RATE / _WINDOW
    change = np.zeros(count)
    last = max(1, count - _WINDOW - 1)
    change[1:last] = speed[2 : last + 1] - speed[1:last]
    return change


def _saccades(change: Array, threshold: float, shortest: int) -> list[tuple[int, int]]:
    """First and last sample of each saccade, those too close to each other joined."""
    count = len(change)
    moving = np.flatnonzero(np.nan_to_num(change))
    slowing = change < -threshold
    slowed = np.flatnonzero(slowing[:-1] & ~slowing[1:])  # the last samples of such stretches
    spans: list[tuple[int, int]] = []
    for (rise,) in find_objects(label(change > threshold)[0]):
        first, last = rise.start, rise.stop - 1
        if last - first < 2:
            continue
        ends = slowed[(slowed > last) & (slowed <= min(last + _SEARCH, count - 3))]
        if not len(ends) and last != moving[-1]:
            continue  # no saccade: nothing slowed down
        end = int(ends[0]) if len(ends) else count - 1
        if spans and first - spans[-1][1] <= shortest:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((first, end))
    if spans and count - 1 - spans[-1][1] <= shortest:
        spans[-1] = (spans[-1][0], count - 1)
    return spans


def _median(samples: Array) -> Array:
    seen = samples[~np.isnan(samples).any(axis=1)]
    return np.median(seen, axis=0) if len(seen) else np.full(2, np.nan)
