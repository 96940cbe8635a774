"""Families painted mark by mark: curved brush strokes and pointillist dabs.

Arguments and results of the painters are those of `spgen_lit.data.painting.painter`.
"""

from __future__ import annotations

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
    shape = photo.shape[:2]
    # Color and thickness in one array, so that a stroke is drawn once.
    layers = np.zeros((*shape, 4), np.float32)
    layers[..., :3] = ground
    for radius, tolerance in ((7 * finest, 0.0), (3 * finest, 0.03), (finest, 0.045)):
        goal = blur(photo, 0.6 * radius)
        starts = _starts(layers[..., :3], goal, radius, tolerance, rng)
        lines = _follow(starts, goal, flow, radius, tolerance, curl)
        _draw(layers, lines, goal, radius, vary, rng)
    bristles = smear(rng.standard_normal(shape, dtype=np.float32), flow, 10 * unit)
    bristles /= bristles.std()
    canvas = relief(layers[..., :3].clip(0, 1), weave(shape, rng, 3.5 * max(unit, 0.8)), 0.015)
    return relief(canvas, layers[..., 3] + 0.35 * bristles, depth)


def _starts(
    canvas: Picture, goal: Picture, radius: float, tolerance: float, rng: np.random.Generator
) -> Points:
    """Where strokes of a layer begin ``(stroke, 2)``: a jittered grid over what is off."""
    off = cv2.blur(np.abs(canvas - goal).sum(axis=2), (max(1, round(radius)),) * 2)
    height, width = off.shape
    spacing = max(radius, 1.5)
    y, x = np.mgrid[0:height:spacing, 0:width:spacing]
    y = (y + rng.uniform(0, spacing, y.shape)).ravel().clip(0, height - 1)
    x = (x + rng.uniform(0, spacing, x.shape)).ravel().clip(0, width - 1)
    kept = off[y.astype(np.intp), x.astype(np.intp)] >= 3 * tolerance
    return rng.permutation(np.column_stack([x[kept], y[kept]])).astype(np.float32)


def _follow(
    starts: Points, goal: Picture, flow: Flow, radius: float, tolerance: float, longest: float
) -> Points:
    """Follow the flow from every start up to a length or until the color changes.

    Returns:
        Points ``(stroke, point, 2)``; a stroke that ended repeats its last point.
    """
    height, width = goal.shape[:2]
    position = starts.copy()
    row, column = position[:, 1].astype(np.intp), position[:, 0].astype(np.intp)
    paint = goal[row, column]
    heading = np.column_stack([flow.x[row, column], flow.y[row, column]])
    going = np.ones(len(position), bool)
    trail = [position.copy()]
    for _ in range(round(longest)):
        row, column = position[:, 1].astype(np.intp), position[:, 0].astype(np.intp)
        tangent = np.column_stack([flow.x[row, column], flow.y[row, column]])
        # A tangent has no sign: take the one that goes on rather than back.
        tangent *= np.where((tangent * heading).sum(axis=1) < 0, -1, 1)[:, None]
        heading = 0.6 * tangent + 0.4 * heading
        heading /= np.linalg.norm(heading, axis=1, keepdims=True) + 1e-6
        ahead = position + heading * radius * np.float32(0.7)
        inside = (ahead >= 0).all(axis=1) & (ahead[:, 0] <= width - 1) & (ahead[:, 1] <= height - 1)
        ahead = np.where(inside[:, None], ahead, position)
        there = goal[ahead[:, 1].astype(np.intp), ahead[:, 0].astype(np.intp)]
        alike = np.abs(there - paint).sum(axis=1) < 3 * max(tolerance, 0.06)
        going &= inside & alike
        position = np.where(going[:, None], ahead, position).astype(np.float32)
        trail.append(position.copy())
    return np.stack(trail, axis=1)


def _draw(
    layers: NDArray[np.float32],
    lines: Points,
    goal: Picture,
    radius: float,
    vary: float,
    rng: np.random.Generator,
) -> None:
    """Draw strokes into color and thickness ``(height, width, 4)``, in place."""
    start = lines[:, 0].astype(np.intp)
    colors = goal[start[:, 1], start[:, 0]]
    colors = colors + rng.normal(0, vary, (len(lines), 1)).astype(np.float32)
    colors += rng.normal(0, vary / 2, colors.shape).astype(np.float32)
    heights = rng.uniform(0.3, 1.7, (len(lines), 1)).astype(np.float32)
    paints = np.hstack([colors, heights]).tolist()
    width = max(1, round(1.7 * radius))
    fixed = (lines * 2**_SUBPIXEL).round().astype(np.int32)[:, :, None]
    lengths = 1 + (lines[:, 1:] != lines[:, :-1]).any(axis=2).sum(axis=1)
    for line, length, paint in zip(fixed, lengths.tolist(), paints, strict=True):
        cv2.polylines(layers, [line[:length]], False, paint, width, cv2.LINE_8, _SUBPIXEL)


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
    layers = np.zeros((*photo.shape[:2], 4), np.float32)
    layers[..., :3] = blur(photo, 3 * unit) * 0.7 + np.asarray([0.26, 0.245, 0.21], np.float32)
    detail = blur(np.abs(luma(photo) - blur(luma(photo), 2 * unit)), 2 * unit)
    for size, least in ((1.7 * radius, 0.0), (radius, 0.0), (0.7 * radius, 0.02)):
        _dab(layers, blur(photo, 0.5 * size), flow, detail >= least, size, slim, division, rng)
    cloth = weave(detail.shape, rng, pitch)
    return relief(relief(layers[..., :3].clip(0, 1), cloth, 0.015), layers[..., 3], 0.035)


def _dab(
    layers: NDArray[np.float32],
    goal: Picture,
    flow: Flow,
    where: NDArray[np.bool_],
    size: float,
    slim: float,
    division: float,
    rng: np.random.Generator,
) -> None:
    """Draw one layer of dabs of radius ``size`` px into color and thickness, in place."""
    height, width = where.shape
    spacing = 1.35 * size
    jitter = 0.55 * spacing
    rows, columns = np.mgrid[0 : height + spacing : spacing, 0 : width + spacing : spacing]
    rows = rows + rng.uniform(-jitter, jitter, rows.shape)
    columns = columns + rng.uniform(-jitter, jitter, rows.shape)
    row = rows.ravel().round().astype(np.intp).clip(0, height - 1)
    column = columns.ravel().round().astype(np.intp).clip(0, width - 1)
    kept = rng.permutation(np.flatnonzero(where[row, column]))
    row, column = row[kept], column[kept]
    if not len(row):
        return
    radii = size * rng.uniform(0.75, 1.15, (len(row), 1))
    axes = (radii * [slim**0.5, slim**-0.5] * 2**_SUBPIXEL).round().astype(int)
    angles = np.degrees(np.arctan2(flow.y[row, column], flow.x[row, column])).tolist()
    heights = rng.uniform(0.4, 1.6, (len(row), 1))
    paints = np.hstack([_divide(goal[row, column], division, rng), heights]).tolist()
    centers = (np.column_stack([column, row]) * 2**_SUBPIXEL).tolist()
    for center, axis, angle, paint in zip(centers, axes.tolist(), angles, paints, strict=True):
        cv2.ellipse(layers, center, axis, angle, 0, 360, paint, -1, cv2.LINE_8, _SUBPIXEL)


def _divide(colors: NDArray[np.float32], sigma: float, rng: np.random.Generator) -> Picture:
    """Vary colors ``(dab, 3)`` in Lab; one dab in fifteen leans to its complement."""
    lab = to_lab(colors[None])[0]
    lab[:, 0] += rng.normal(0, 0.35 * sigma, len(lab)) * (0.4 + lab[:, 0] / 100)
    lab[:, 1:] += rng.normal(0, sigma, (len(lab), 2))
    contrary = rng.random(len(lab)) < 1 / 15
    lab[contrary, 1:] *= -0.35
    return to_rgb(lab[None].astype(np.float32))[0]
