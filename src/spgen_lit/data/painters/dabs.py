"""Pointillism: dabs of unmixed colour that the eye puts together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painters.colour import saturate, to_lab, to_rgb, transfer
from spgen_lit.data.painters.flow import Flow, Picture, blur, brush_flow, luma
from spgen_lit.data.painters.surface import relief, weave


def pointillist(
    photo: Picture, rng: np.random.Generator, unit: float, palette: NDArray[np.uint8] | None
) -> Picture:
    """Three layers of dabs, coarse to fine, in divided colours on a primed canvas.

    The finest layer goes only where the picture has detail. Every dab takes the colour
    at its centre, moved in hue and lightness by chance; on average colours stay true.

    Args:
        photo: RGB picture ``(height, width, 3)``.
        rng: Size, shape, place and colour of the dabs.
        unit: Size of one brush unit in px (1 for a picture 384 px high).
        palette: Painting to take some colour from, or None.

    Returns:
        The painted picture.
    """
    radius = rng.uniform(2.6, 3.6) * max(unit, 0.6)
    slim, division = rng.uniform(1.0, 2.0), rng.uniform(6, 10)
    vivid, pitch = rng.uniform(1.2, 1.6), 3.5 * max(unit, 0.8)
    if palette is not None:
        photo = transfer(photo, palette, colour=rng.uniform(0.3, 0.7), light=0.3)
    photo = saturate(photo, vivid)
    flow = brush_flow(photo, rng, 2 * unit)
    canvas = blur(photo, 3 * unit) * 0.7 + np.asarray([0.26, 0.245, 0.21], np.float32)
    detail = np.abs(luma(photo) - blur(luma(photo), 2 * unit))
    detail = blur(detail, 2 * unit)
    everywhere = np.ones_like(detail, dtype=bool)
    thickness = np.zeros_like(detail)
    for size, where in (
        (1.7 * radius, everywhere),
        (radius, everywhere),
        (0.7 * radius, detail > 0.02),
    ):
        colours = blur(photo, 0.5 * size)
        _dab(canvas, thickness, colours, flow, where, size, slim, division, rng)
    canvas = relief(canvas.clip(0, 1), weave(thickness.shape, rng, pitch), 0.015)
    return relief(canvas, thickness, 0.035)


def _dab(
    canvas: Picture,
    thickness: NDArray[np.float32],
    colours: Picture,
    flow: Flow,
    where: NDArray[np.bool_],
    size: float,
    slim: float,
    division: float,
    rng: np.random.Generator,
) -> None:
    """Put one layer of dabs of radius ``size`` px on a canvas, in place."""
    height, width = where.shape
    spacing = 1.35 * size
    rows = np.arange(0, height + spacing, spacing)
    columns = np.arange(0, width + spacing, spacing)
    shape = (len(rows), len(columns))
    jitter = 0.55 * spacing
    y = (rows[:, None] + rng.uniform(-jitter, jitter, shape)).ravel()
    x = (columns[None, :] + rng.uniform(-jitter, jitter, shape)).ravel()
    row = y.round().astype(np.intp).clip(0, height - 1)
    column = x.round().astype(np.intp).clip(0, width - 1)
    kept = where[row, column]
    row, column = row[kept], column[kept]
    if not len(row):
        return
    order = rng.permutation(len(row)).astype(np.int32)
    radii = (size * rng.uniform(0.75, 1.15, len(row))).astype(np.float32)
    tangent_x, tangent_y = flow.x[row, column], flow.y[row, column]
    along_x, along_y = tangent_x / np.sqrt(slim) / radii, tangent_y / np.sqrt(slim) / radii
    across_x, across_y = tangent_y * np.sqrt(slim) / radii, tangent_x * np.sqrt(slim) / radii
    owner = np.full(height * width, -1, np.int32)
    farthest = 1.15 * size * np.sqrt(slim)
    reach = int(np.ceil(farthest))
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if np.hypot(right, down) > farthest:
                continue
            along = right * along_x + down * along_y
            across = right * across_x - down * across_y
            inside = np.flatnonzero(along * along + across * across <= 1)
            to_row, to_column = row[inside] + down, column[inside] + right
            on = (to_row >= 0) & (to_row < height) & (to_column >= 0) & (to_column < width)
            place = to_row[on] * width + to_column[on]
            # The later dab covers the earlier one, whatever offset reaches the pixel first.
            owner[place] = np.maximum(owner[place], order[inside[on]])
    owner = owner.reshape(height, width)
    covered = owner >= 0
    painted = np.empty((len(row), 3), np.float32)
    height_of = np.empty(len(row), np.float32)
    painted[order] = _divide(colours[row, column], division, rng)
    height_of[order] = rng.uniform(0.4, 1.6, len(row))
    canvas[covered] = painted[owner[covered]]
    thickness[covered] = height_of[owner[covered]]


def _divide(colours: NDArray[np.float32], spread: float, rng: np.random.Generator) -> Picture:
    """Vary colours ``(dab, 3)`` in Lab; one dab in fifteen leans to its complement."""
    lab = to_lab(colours[None])[0]
    lab[:, 0] += rng.normal(0, 0.35 * spread, len(lab)) * (0.4 + lab[:, 0] / 100)
    lab[:, 1:] += rng.normal(0, spread, (len(lab), 2))
    contrary = rng.random(len(lab)) < 1 / 15
    lab[contrary, 1:] *= -0.35
    return to_rgb(lab[None].astype(np.float32))[0]
