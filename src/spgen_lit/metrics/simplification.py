"""Simplification of a scanpath before MultiMatch: short and straight-on saccades are merged."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Saccades = list[tuple[float, float, float, float, float]]
"""Saccades as dx, dy, start x, start y in px and the duration in s of the fixation before."""


@dataclass(frozen=True)
class Simplification:
    """Thresholds of MultiMatch's simplification (Jarodzka et al. 2010; MATLAB toolbox).

    Attributes:
        amplitude: Saccades shorter than this many px are merged with the next; 0 for none.
        direction: Consecutive saccades that turn by less than this many degrees are merged;
            0 for none.
        duration: Only across fixations shorter than this many seconds; infinite to merge
            whatever the durations.

    Raises:
        ValueError: For a threshold below 0.
    """

    amplitude: float = 0.0
    direction: float = 0.0
    duration: float = math.inf

    def __post_init__(self) -> None:
        for name in ("amplitude", "direction", "duration"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"simplify.{name} must be at least 0, found {getattr(self, name)}")


def simplified_saccades(
    path: NDArray[np.float64], thresholds: Simplification
) -> NDArray[np.float64]:
    """Merge by direction and by amplitude in turn until neither changes the count.

    Follows the MATLAB toolbox. Where multimatch-gaze 0.1.3 departs from it (a spare duration
    after the last saccade was merged, an IndexError for a path of one short saccade, a domain
    error for collinear saccades) the toolbox is followed.

    Args:
        path: ``(fixation, 3)``: x, y in px, duration in s; NaN durations count as short.
        thresholds: See :class:`Simplification`.

    Returns:
        Saccades ``(saccade, 5)``: dx, dy, start x, start y, duration of the fixation before.
    """
    steps = np.diff(path[:, :2], axis=0)
    saccades: Saccades = [tuple(row) for row in np.column_stack([steps, path[:-1]]).tolist()]
    last = float(path[-1, 2]) if len(path) else math.nan
    while len(saccades) > 1:
        before = len(saccades)
        saccades = _by_direction(saccades, thresholds)
        saccades = _by_amplitude(saccades, last, thresholds)
        if len(saccades) == before:
            break
    return np.array(saccades, dtype=np.float64).reshape(-1, 5)


def _by_direction(saccades: Saccades, thresholds: Simplification) -> Saccades:
    merged: Saccades = []
    i = 0
    while i < len(saccades):
        if (
            i + 1 < len(saccades)
            and _turn(saccades[i], saccades[i + 1]) < thresholds.direction
            and not saccades[i + 1][4] >= thresholds.duration
        ):
            merged.append(_joined(saccades[i], saccades[i + 1]))
            i += 2
        else:
            merged.append(saccades[i])
            i += 1
    return merged


def _by_amplitude(saccades: Saccades, last: float, thresholds: Simplification) -> Saccades:
    merged: Saccades = []
    i = 0
    while i < len(saccades):
        here = saccades[i]
        final = i + 1 == len(saccades)
        after = last if final else saccades[i + 1][4]
        short = math.hypot(here[0], here[1]) < thresholds.amplitude
        brief = not here[4] >= thresholds.duration or not after >= thresholds.duration
        if not (short and brief):
            merged.append(here)
            i += 1
        elif not final:
            merged.append(_joined(here, saccades[i + 1]))
            i += 2
        elif merged:
            # The toolbox adds the last saccade to the original one before it, even when that
            # one was merged just now, and keeps the start of the merged one.
            whole = _joined(saccades[i - 1], here)
            merged[-1] = (*whole[:2], *merged[-1][2:])
            i += 1
        else:
            merged.append(here)
            i += 1
    return merged


def _joined(
    one: tuple[float, float, float, float, float], two: tuple[float, float, float, float, float]
) -> tuple[float, float, float, float, float]:
    return one[0] + two[0], one[1] + two[1], one[2], one[3], one[4]


def _turn(
    one: tuple[float, float, float, float, float], two: tuple[float, float, float, float, float]
) -> float:
    """Angle between two saccades in degrees; NaN where one has no length."""
    lengths = math.hypot(one[0], one[1]) * math.hypot(two[0], two[1])
    if lengths == 0:
        return math.nan
    cosine = (one[0] * two[0] + one[1] * two[1]) / lengths
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
