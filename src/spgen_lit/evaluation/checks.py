"""Mistakes of a scanpath file that observers' gaze on the same images shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from spgen_lit.metrics.saliency import fixation_density
from spgen_lit.scanpath import Scanpath

Array = NDArray[np.float64]
Paths = Mapping[str, Sequence[Scanpath]]
Reading = Callable[[Array, tuple[int, int]], Array]
# Frames that files are written in: repositories of models, and common screens.
_FRAMES = (
    (320, 240),
    (512, 320),
    (512, 384),
    (640, 480),
    (800, 600),
    (1024, 768),
    (1280, 720),
    (1280, 1024),
    (1680, 1050),
    (1920, 1080),
)
_CELLS = 48  # of a map's longer side
_FEWEST = 5  # images that say anything
# Mean z-score of observers' density gained by another reading of the file, and its p.
_LIKELY, _CERTAIN = (0.2, 1e-2), (0.5, 1e-4)
_TIMES, _UNITS = 5.0, 100.0  # factors between median durations


@dataclass(frozen=True)
class Mistake:
    """What looks wrong with a file as it was read, and whether there is any doubt."""

    certain: bool
    text: str


def likely_mistakes(
    samples: Paths, observers: Paths, frame: tuple[int, int] | None = None, px: bool = True
) -> list[Mistake]:
    """Compare a file's places and durations with those of observers on the same images.

    Places are read in other ways too: with x and y exchanged, y counted from the bottom, and
    px of another frame. A reading that falls on observers' fixations far better than the
    declared one, on image after image, is what the file means. Chance, center bias and uniform
    paths gain from none of them.

    Args:
        samples: Image id to the file's scanpaths.
        observers: Image id to the observers' scanpaths.
        frame: Width and height that px were declared to count; None for the image's own.
        px: Whether places were declared in px.
    """
    images = [image for image in samples if image in observers]
    found = _durations(samples, observers)
    if len(images) < _FEWEST:
        return found
    readings = _readings(frame, px)
    gains: dict[str, list[float]] = {name: [] for name in readings}
    for image in images:
        z, size = _z_map(observers[image]), observers[image][0].size
        xy = np.concatenate([path.xy for path in samples[image]])
        base = _mean_at(z, xy)
        for name, reading in readings.items():
            gains[name].append(_mean_at(z, reading(xy, size)) - base)
    best = max(gains, key=lambda name: float(np.mean(gains[name])))
    gain = float(np.mean(gains[best]))
    p = float(ttest_1samp(gains[best], 0.0).pvalue) if np.ptp(gains[best]) else 1.0
    if gain <= _LIKELY[0] or p >= _LIKELY[1]:
        return found
    words = (
        f"places fit the observers' fixations far better as {best} "
        f"(mean z-score of their density {gain:+.2f} over {len(images)} images)"
    )
    return [*found, Mistake(gain > _CERTAIN[0] and p < _CERTAIN[1], words)]


def _readings(frame: tuple[int, int] | None, px: bool) -> dict[str, Reading]:
    def exchanged(xy: Array, size: tuple[int, int]) -> Array:
        aspect = np.array(frame or size) if px else np.ones(2)
        return (xy * aspect)[:, ::-1] / aspect

    def rescaled(to: tuple[int, int], xy: Array, size: tuple[int, int]) -> Array:
        return xy * np.array(frame or size) / np.array(to)

    readings: dict[str, Reading] = {
        "y, x (axes exchanged)": exchanged,
        "y counted from the bottom": lambda xy, size: np.column_stack([xy[:, 0], 1 - xy[:, 1]]),
    }
    for other in (other for other in _FRAMES if px and other != frame):
        width, height = other
        name = f"px of {width}x{height} (frame=[{width},{height}])"
        readings[name] = partial(rescaled, other)
    return readings


def _z_map(paths: Sequence[Scanpath]) -> Array:
    width, height = paths[0].size
    scale = _CELLS / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    xy = np.concatenate([path.xy for path in paths]) * np.array(size)
    density = fixation_density(xy, size, 0.04 * _CELLS)
    return np.asarray((density - density.mean()) / (density.std() or 1.0))


def _mean_at(z: Array, xy: Array) -> float:
    """Mean of a map at places in shares; off it they are worth its least value."""
    cells = np.floor(xy * np.array(z.shape[::-1])).astype(int)
    on = ((cells >= 0) & (cells < z.shape[::-1])).all(axis=1)
    values = np.full(len(xy), z.min())
    values[on] = z[cells[on, 1], cells[on, 0]]
    return float(values.mean()) if len(values) else 0.0


def _durations(samples: Paths, observers: Paths) -> list[Mistake]:
    medians = []
    for side in (samples, observers):
        known = [p.durations for ps in side.values() for p in ps if p.durations is not None]
        values = np.concatenate([np.zeros(0), *known])
        medians.append(float(np.median(values)) if len(values) else 0.0)
    ours, theirs = medians
    if not ours or not theirs or 1 / _TIMES < ours / theirs < _TIMES:
        return []
    words = f"median duration {ours:.3g} s, observers' {theirs:.3g} s: another unit of time?"
    return [Mistake(not 1 / _UNITS < ours / theirs < _UNITS, words)]
