"""Painting by curved brush strokes laid one by one, large brushes first."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painters.colour import saturate, transfer, warm
from spgen_lit.data.painters.flow import Flow, Picture, blur, brush_flow, smear
from spgen_lit.data.painters.surface import relief, weave

Points = NDArray[np.float32]  # (stroke, point, 2) as x, y in px


def strokes(
    photo: Picture, rng: np.random.Generator, unit: float, palette: NDArray[np.uint8] | None
) -> Picture:
    """Layered strokes along the flow (after Hertzmann 1998), with bristles and impasto.

    Each layer paints only where the canvas is still far from the photograph, so small
    brushes go to details and leave broad strokes in quiet places.

    Args:
        photo: RGB picture ``(height, width, 3)``.
        rng: Brush sizes, lengths, places, colours.
        unit: Size of one brush unit in px (1 for a picture 384 px high).
        palette: Painting to take some colour from, or None.

    Returns:
        The painted picture.
    """
    finest = rng.uniform(1.3, 2.0) * max(unit, 0.6)
    curl, vary = rng.uniform(6, 12), rng.uniform(0.02, 0.05)
    depth = rng.uniform(0.05, 0.1)
    if palette is not None:
        photo = transfer(photo, palette, colour=rng.uniform(0.4, 0.9), light=0.5)
    photo = saturate(warm(photo, rng.uniform(-0.03, 0.08)), rng.uniform(1.1, 1.4))
    flow = brush_flow(photo, rng, 3 * unit)
    ground = np.asarray([0.55, 0.44, 0.30], np.float32) * np.float32(rng.uniform(0.7, 1.2))
    shape = photo.shape[:2]
    # Colour and thickness in one array, so that a stroke is drawn once.
    layers = np.zeros((*shape, 4), np.float32)
    layers[..., :3] = ground
    for radius, tolerance in ((7 * finest, 0.0), (3 * finest, 0.03), (finest, 0.045)):
        goal = blur(photo, 0.6 * radius)
        starts = _starts(layers[..., :3], goal, radius, tolerance, rng)
        lines = _walk(starts, goal, flow, radius, tolerance, curl)
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


def _walk(
    starts: Points, goal: Picture, flow: Flow, radius: float, tolerance: float, longest: float
) -> Points:
    """Follow the flow from every start both to a length and until the colour changes.

    Returns:
        Points ``(stroke, point, 2)``; a stroke that ended repeats its last point.
    """
    height, width = goal.shape[:2]
    place = starts.copy()
    row, column = place[:, 1].astype(np.intp), place[:, 0].astype(np.intp)
    own = goal[row, column]
    heading = np.column_stack([flow.x[row, column], flow.y[row, column]])
    going = np.ones(len(place), bool)
    trail = [place.copy()]
    for _ in range(round(longest)):
        row, column = place[:, 1].astype(np.intp), place[:, 0].astype(np.intp)
        tangent = np.column_stack([flow.x[row, column], flow.y[row, column]])
        # A tangent has no sign: take the one that goes on rather than back.
        tangent *= np.where((tangent * heading).sum(axis=1) < 0, -1, 1)[:, None]
        heading = 0.6 * tangent + 0.4 * heading
        heading /= np.linalg.norm(heading, axis=1, keepdims=True) + 1e-6
        ahead = place + heading * radius * np.float32(0.7)
        inside = (ahead >= 0).all(axis=1) & (ahead[:, 0] <= width - 1) & (ahead[:, 1] <= height - 1)
        ahead = np.where(inside[:, None], ahead, place)
        there = goal[ahead[:, 1].astype(np.intp), ahead[:, 0].astype(np.intp)]
        alike = np.abs(there - own).sum(axis=1) < 3 * max(tolerance, 0.06)
        going &= inside & alike
        place = np.where(going[:, None], ahead, place).astype(np.float32)
        trail.append(place.copy())
    return np.stack(trail, axis=1)


def _draw(
    layers: NDArray[np.float32],
    lines: Points,
    goal: Picture,
    radius: float,
    vary: float,
    rng: np.random.Generator,
) -> None:
    """Draw strokes into colour and thickness ``(height, width, 4)``, in place."""
    start = lines[:, 0].astype(np.intp)
    colours = goal[start[:, 1], start[:, 0]]
    colours = colours + rng.normal(0, vary, (len(lines), 1)).astype(np.float32)
    colours += rng.normal(0, vary / 2, colours.shape).astype(np.float32)
    heights = rng.uniform(0.3, 1.7, (len(lines), 1)).astype(np.float32)
    paints = np.hstack([colours, heights]).tolist()
    width = max(1, round(1.7 * radius))
    # OpenCV takes fixed-point places with four bits after the point.
    fixed = (lines * 16).round().astype(np.int32)[:, :, None]
    lengths = 1 + (lines[:, 1:] != lines[:, :-1]).any(axis=2).sum(axis=1)
    for line, length, paint in zip(fixed, lengths.tolist(), paints, strict=True):
        cv2.polylines(layers, [line[:length]], False, paint, width, cv2.LINE_8, 4)
