"""Thin paint and time: a painting's light (`glazed`), and an old picture's skin (`aged`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painters.colour import invented_palette, transfer
from spgen_lit.data.painters.flow import Picture, blur, brush_flow, clouds, grid, smear
from spgen_lit.data.painters.smoothing import anisotropic_kuwahara
from spgen_lit.data.painters.surface import cracks, craze, relief, varnish, weave


def glazed(
    photo: Picture, rng: np.random.Generator, unit: float, palette: NDArray[np.uint8] | None
) -> Picture:
    """Colours and light of a painting in thin, softly blended paint.

    Args:
        photo: RGB picture ``(height, width, 3)``.
        rng: How far colour and light go, direction of the light.
        unit: Size of one brush unit in px (1 for a picture 384 px high).
        palette: Painting whose colours and light are taken; None for an invented one.

    Returns:
        The painted picture.
    """
    colour, light = rng.uniform(0.85, 1.0), rng.uniform(0.75, 1.0)
    towards, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.25)
    goal = invented_palette(rng) if palette is None else palette
    shape = photo.shape[:2]
    flow = brush_flow(photo, rng, 1.8 * unit)
    soft = anisotropic_kuwahara(photo, flow, 3.4 * max(unit, 0.7), sectors=6)
    paint = transfer(soft, goal, colour, light)
    columns, rows = grid(shape)
    slope = np.cos(towards) * (columns / shape[1] - 0.5) + np.sin(towards) * (rows / shape[0] - 0.5)
    paint = paint * (1 + np.float32(fall) * slope)[..., None]
    # Scumbles: the same colour a little lighter or darker along the brush.
    streaks = smear(clouds(shape, rng, 3 * unit), flow, 8 * unit)
    paint = paint * (1 + 0.08 * streaks)[..., None]
    return relief(paint.clip(0, 1), weave(shape, rng, 3.2 * max(unit, 0.8)), 0.018)


def aged(
    photo: Picture, rng: np.random.Generator, unit: float, palette: NDArray[np.uint8] | None
) -> Picture:
    """Smooth old paint on canvas with craquelure under yellowed, dirty varnish.

    Arguments and result as for `glazed`, but without a palette the photograph's own
    colours are kept.
    """
    yellowing, dirt = rng.uniform(0.4, 0.9), rng.uniform(0.1, 0.35)
    cell, stretch = rng.uniform(9, 20) * unit, rng.uniform(0.7, 1.5)
    cover, depth = rng.uniform(0.5, 0.95), rng.uniform(0.14, 0.3)
    if palette is not None:
        photo = transfer(photo, palette, colour=rng.uniform(0.3, 0.7), light=0.5)
    shape = photo.shape[:2]
    flow = brush_flow(photo, rng, 2 * unit)
    paint = anisotropic_kuwahara(photo, flow, 3 * max(unit, 0.7), sectors=6)
    # Pigments sink and darken: mid-tones go down before the varnish warms them.
    paint = paint ** np.float32(rng.uniform(1.05, 1.3)) * np.float32(0.98)
    paint = paint + 0.15 * (paint - blur(paint, 10 * unit))
    paint = varnish(paint.clip(0, 1), rng, yellowing, dirt)
    paint = relief(paint, weave(shape, rng, 3.6 * max(unit, 0.8)), 0.016)
    return craze(paint, cracks(shape, rng, cell, stretch, cover), depth)
