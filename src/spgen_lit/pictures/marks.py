"""Marks: the discs and lines by which a fixation and a saccade are drawn on any background."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spgen_lit.pictures.lettering import Colour, Pixels, write
from spgen_lit.scanpath import Scanpath

#: Time runs from the first colour to the last; each is far from both black and white.
GRADIENT: tuple[Colour, ...] = (
    (255, 221, 51),
    (255, 140, 40),
    (235, 60, 90),
    (160, 60, 220),
    (70, 90, 245),
)
BLACK: Colour = (16, 16, 16)
WHITE: Colour = (255, 255, 255)
TYPICAL_S = 0.25
_SHIFT = 4  # cv2 takes coordinates in 1/16 px


@dataclass(frozen=True, slots=True)
class Mark:
    """One fixation ready to be drawn.

    Attributes:
        number: Place in the scanpath, from 1.
        centre: x, y in px of the canvas, 0 at the left and top edge of the picture.
        radius: Radius of the disc in px; its area is proportional to the duration.
        colour: RGB.
    """

    number: int
    centre: tuple[float, float]
    radius: float
    colour: Colour


def time_colour(share: float) -> Colour:
    """RGB of a moment, given as share in [0, 1] of the scanpath."""
    stops = np.asarray(GRADIENT, dtype=np.float64)
    at = float(np.clip(share, 0, 1)) * (len(stops) - 1)
    low = min(int(at), len(stops) - 2)
    mixed = stops[low] + (at - low) * (stops[low + 1] - stops[low])
    return (round(mixed[0]), round(mixed[1]), round(mixed[2]))


def stroke_unit(width: int, height: int) -> float:
    """The px by which lines and discs scale on a canvas: 1 at 800 x 600."""
    return max(0.35, float(np.sqrt(width * height)) / float(np.sqrt(800 * 600)))


def marks_of(path: Scanpath, width: int, height: int, colour: Colour | None = None) -> list[Mark]:
    """Marks of a scanpath stretched to a canvas of ``width`` x ``height`` px.

    Without durations every disc has the size of a fixation of 250 ms.
    """
    unit = stroke_unit(width, height)
    last = max(1, len(path) - 1)
    marks = []
    for index, (x, y) in enumerate(path.xy.tolist()):
        seconds = TYPICAL_S if path.durations is None else float(path.durations[index])
        radius = unit * float(np.clip(15 * np.sqrt(seconds / TYPICAL_S), 8, 45))
        tint = colour or time_colour(index / last)
        marks.append(Mark(index + 1, (x * width, y * height), radius, tint))
    return marks


def _fixed(point: tuple[float, float]) -> tuple[int, int]:
    """A canvas place as cv2 takes it: whole numbers of 1/16 px, 0 at the first pixel's centre."""
    limit = 2**20
    x, y = (int(np.clip(round((side - 0.5) * 2**_SHIFT), -limit, limit)) for side in point)
    return x, y


def draw_lines(canvas: Pixels, marks: Sequence[Mark]) -> None:
    """Draw the saccades between consecutive marks in place, cased black, then white."""
    unit = stroke_unit(canvas.shape[1], canvas.shape[0])
    # The casing keeps a whole px on each side, or it would fade on small pictures.
    inner = max(1, round(2.2 * unit))
    rim = max(1, round(1.1 * unit))
    for width, tint in ((inner + 4 * rim, BLACK), (inner + 2 * rim, WHITE), (inner, None)):
        for start, end in itertools.pairwise(marks):
            cv2.line(
                canvas,
                _fixed(start.centre),
                _fixed(end.centre),
                tint or start.colour,
                width,
                cv2.LINE_AA,
                _SHIFT,
            )


def _disc(canvas: Pixels, centre: tuple[float, float], radius: float, tint: Colour) -> None:
    scaled = max(1, round(radius * 2**_SHIFT))
    cv2.circle(canvas, _fixed(centre), scaled, tint, -1, cv2.LINE_AA, _SHIFT)


def draw_disc(canvas: Pixels, mark: Mark, number: bool = True) -> None:
    """Draw one fixation in place: a tinted disc in a white and a black ring.

    The first fixation of a scanpath wears a second pair of rings.
    """
    unit = stroke_unit(canvas.shape[1], canvas.shape[0])
    rim = max(1.0, 1.6 * unit)
    rings = [(rim * 2, BLACK), (rim, WHITE)]
    if mark.number == 1:
        rings = [(rim * 5, BLACK), (rim * 4, WHITE), (rim * 2, BLACK), (rim, WHITE)]
    for extra, tint in rings:
        _disc(canvas, mark.centre, mark.radius + extra, tint)
    _disc(canvas, mark.centre, mark.radius, mark.colour)
    if number:
        height = max(7, round(min(mark.radius * 1.15, 22 * unit)))
        write(canvas, str(mark.number), (mark.centre[0] - 0.5, mark.centre[1] - 0.5), height)


def blend(canvas: Pixels, drawn: Pixels, opacity: float) -> Pixels:
    """Mix ``drawn`` over ``canvas`` (both ``(H, W, 3)``) with the given opacity in [0, 1]."""
    return np.asarray(cv2.addWeighted(drawn, opacity, canvas, 1 - opacity, 0), dtype=np.uint8)
