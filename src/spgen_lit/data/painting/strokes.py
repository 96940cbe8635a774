"""Families painted mark by mark: curved brush strokes and pointillist dabs.

Arguments and results of the painters are those of `spgen_lit.data.painting.painter`.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painting.filters import Flow, Picture, blur, brush_flow, luma, smear
from spgen_lit.data.painting.materials import (
    Palette,
    relief,
    saturate,
    to_lab,
    to_rgb,
    transfer,
    warm,
    weave,
)

Points = NDArray[np.float32]  # (stroke, point, 2) as x, y in px

_SUBPIXEL = 4  # OpenCV takes fixed-point coordinates with this many bits after the point


def strokes(photo: Picture, rng: np.random.Generator, unit: float, palette: Palette) -> Picture:
    """Layered strokes along the flow (after Hertzmann 1998), with bristles and impasto.

    Each layer paints only where the canvas is still far from the photograph, so small
    brushes go to details and leave broad strokes in flat regions.
    """
    finest = rng.uniform(1.3, 2.0) * max(unit, 0.6)
    curl, vary = rng.uniform(6, 12), rng.uniform(0.02, 0.05)
    depth = rng.uniform(0.05, 0.1)
    if palette is not None:
        photo = transfer(photo, palette, color=rng.uniform(0.4, 0.9), light=0.5)
    photo = saturate(warm(photo, rng.uniform(-0.03, 0.08)), rng.uniform(1.1, 1.4))
    flow = brush_flow(photo, rng, 3 * unit)
    ground = np.asarray([0.55, 0.44, 0.30], np.float32) * np.float32(rng.uniform(0.7, 1.2))
    surface = _Surface(ground, flow, rng)
    for radius, tolerance in ((7 * finest, 0.0), (3 * finest, 0.03), (finest, 0.045)):
        surface.stroke(blur(photo, 0.6 * radius), radius, tolerance, curl, vary)
    shape = photo.shape[:2]
    bristles = smear(rng.standard_normal(shape, dtype=np.float32), flow, 10 * unit)
    bristles /= bristles.std()
    canvas = relief(surface.color.clip(0, 1), weave(shape, rng, 3.5 * max(unit, 0.8)), 0.015)
    return relief(canvas, surface.thickness + 0.35 * bristles, depth)


def pointillist(photo: Picture, rng: np.random.Generator, unit: float, palette: Palette) -> Picture:
    """Three layers of dabs, coarse to fine, in divided colors on a primed canvas.

    The finest layer goes only where the picture has detail. Every dab takes the color
    at its center, varied in hue and lightness; on average colors stay true.
    """
    radius = rng.uniform(2.6, 3.6) * max(unit, 0.6)
    slim, division = rng.uniform(1.0, 2.0), rng.uniform(6, 10)
    chroma, pitch = rng.uniform(1.2, 1.6), 3.5 * max(unit, 0.8)
    if palette is not None:
        photo = transfer(photo, palette, color=rng.uniform(0.3, 0.7), light=0.3)
    photo = saturate(photo, chroma)
    flow = brush_flow(photo, rng, 2 * unit)
    ground = blur(photo, 3 * unit) * 0.7 + np.asarray([0.26, 0.245, 0.21], np.float32)
    surface = _Surface(ground, flow, rng)
    detail = blur(np.abs(luma(photo) - blur(luma(photo), 2 * unit)), 2 * unit)
    for size, least in ((1.7 * radius, 0.0), (radius, 0.0), (0.7 * radius, 0.02)):
        surface.dab(blur(photo, 0.5 * size), detail >= least, size, slim, division)
    cloth = weave(detail.shape, rng, pitch)
    return relief(relief(surface.color.clip(0, 1), cloth, 0.015), surface.thickness, 0.035)


class _Surface:
    """A primed canvas that marks are drawn on along a flow.

    Attributes:
        color: RGB ``(height, width, 3)``.
        thickness: Of the paint ``(height, width)``.
    """

    def __init__(self, primer: NDArray[np.float32], flow: Flow, rng: np.random.Generator) -> None:
        # Color and thickness in one array, so that a mark is drawn once.
        self._layers = np.zeros((*flow.x.shape, 4), np.float32)
        self.color, self.thickness = self._layers[..., :3], self._layers[..., 3]
        self.color[:] = primer
        self._tangents = np.dstack([flow.x, flow.y])
        self._rng = rng

    def stroke(
        self, goal: Picture, radius: float, tolerance: float, curl: float, vary: float
    ) -> None:
        """Draw one layer of strokes of a brush of ``radius`` px, each in the color it begins on."""
        rng = self._rng
        lines = self._follow(goal, radius, tolerance, curl)
        colors = _at(goal, lines[:, 0])
        colors = colors + rng.normal(0, vary, (len(lines), 1)).astype(np.float32)
        colors += rng.normal(0, vary / 2, colors.shape).astype(np.float32)
        heights = rng.uniform(0.3, 1.7, (len(lines), 1)).astype(np.float32)
        paints = np.hstack([colors, heights]).tolist()
        width = max(1, round(1.7 * radius))
        fixed = (lines * 2**_SUBPIXEL).round().astype(np.int32)[:, :, None]
        lengths = 1 + (lines[:, 1:] != lines[:, :-1]).any(axis=2).sum(axis=1)
        for line, length, paint in zip(fixed, lengths.tolist(), paints, strict=True):
            points = [line[:length]]
            cv2.polylines(self._layers, points, False, paint, width, cv2.LINE_8, _SUBPIXEL)

    def _starts(self, goal: Picture, radius: float, tolerance: float) -> Points:
        """Where strokes of a layer begin ``(stroke, 2)``: a jittered grid over what is off."""
        off = cv2.blur(np.abs(self.color - goal).sum(axis=2), (max(1, round(radius)),) * 2)
        height, width = off.shape
        spacing = max(radius, 1.5)
        y, x = np.mgrid[0:height:spacing, 0:width:spacing]
        y = (y + self._rng.uniform(0, spacing, y.shape)).ravel().clip(0, height - 1)
        x = (x + self._rng.uniform(0, spacing, x.shape)).ravel().clip(0, width - 1)
        grid = np.column_stack([x, y])
        return self._rng.permutation(grid[_at(off, grid) >= 3 * tolerance]).astype(np.float32)

    def _follow(self, goal: Picture, radius: float, tolerance: float, longest: float) -> Points:
        """Follow the flow from every start up to a length or until the color changes.

        Returns:
            Points ``(stroke, point, 2)``; a stroke that ended repeats its last point.
        """
        position = self._starts(goal, radius, tolerance)
        last = np.asarray(goal.shape[1::-1]) - 1
        paint, heading = _at(goal, position), _at(self._tangents, position)
        going = np.ones(len(position), bool)
        trail = [position]
        for _ in range(round(longest)):
            tangent = _at(self._tangents, position)
            # A tangent has no sign: take the one that goes on rather than back.
            tangent *= np.where((tangent * heading).sum(axis=1) < 0, -1, 1)[:, None]
            heading = 0.6 * tangent + 0.4 * heading
            heading /= np.linalg.norm(heading, axis=1, keepdims=True) + 1e-6
            ahead = position + heading * radius * np.float32(0.7)
            inside = np.all((ahead >= 0) & (ahead <= last), axis=1)
            ahead = np.where(inside[:, None], ahead, position)
            alike = np.abs(_at(goal, ahead) - paint).sum(axis=1) < 3 * max(tolerance, 0.06)
            going &= inside & alike
            position = np.where(going[:, None], ahead, position).astype(np.float32)
            trail.append(position)
        return np.stack(trail, axis=1)

    def dab(
        self, goal: Picture, where: NDArray[np.bool_], size: float, slim: float, division: float
    ) -> None:
        """Draw one layer of dabs of radius ``size`` px."""
        rng, (height, width) = self._rng, where.shape
        spacing = 1.35 * size
        jitter = 0.55 * spacing
        rows, columns = np.mgrid[0 : height + spacing : spacing, 0 : width + spacing : spacing]
        rows = rows + rng.uniform(-jitter, jitter, rows.shape)
        columns = columns + rng.uniform(-jitter, jitter, rows.shape)
        centers = np.column_stack([columns.ravel(), rows.ravel()]).round().astype(np.intp)
        centers = centers.clip(0, (width - 1, height - 1))
        centers = centers[rng.permutation(np.flatnonzero(_at(where, centers)))]
        if not len(centers):
            return
        radii = size * rng.uniform(0.75, 1.15, (len(centers), 1))
        axes = (radii * [slim**0.5, slim**-0.5] * 2**_SUBPIXEL).round().astype(int)
        x, y = _at(self._tangents, centers).T
        angles = np.degrees(np.arctan2(y, x)).tolist()
        heights = rng.uniform(0.4, 1.6, (len(centers), 1))
        paints = np.hstack([_divide(_at(goal, centers), division, rng), heights]).tolist()
        fixed = (centers * 2**_SUBPIXEL).tolist()
        for center, axis, angle, paint in zip(fixed, axes.tolist(), angles, paints, strict=True):
            cv2.ellipse(self._layers, center, axis, angle, 0, 360, paint, -1, cv2.LINE_8, _SUBPIXEL)


def _at(values: NDArray[Any], points: NDArray[Any]) -> NDArray[Any]:
    """Values ``(height, width, ...)`` of the pixels that hold points ``(point, 2)`` as x, y."""
    column, row = points.astype(np.intp).T
    return values[row, column]


def _divide(colors: NDArray[np.float32], sigma: float, rng: np.random.Generator) -> Picture:
    """Vary colors ``(dab, 3)`` in Lab; one dab in fifteen leans to its complement."""
    lab = to_lab(colors[None])[0]
    lab[:, 0] += rng.normal(0, 0.35 * sigma, len(lab)) * (0.4 + lab[:, 0] / 100)
    lab[:, 1:] += rng.normal(0, sigma, (len(lab), 2))
    contrary = rng.random(len(lab)) < 1 / 15
    lab[contrary, 1:] *= -0.35
    return to_rgb(lab[None].astype(np.float32))[0]
