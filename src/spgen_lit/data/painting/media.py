"""Families painted by filters: oil, flat patches, thin paint, old paint, watercolor, fresco.

Every painter takes

- ``photo``: RGB picture ``(height, width, 3)`` in [0, 1];
- ``rng``: random generator of the family's parameters and of every mark;
- ``unit``: size of one brush unit in px (1 for a picture 384 px high);
- ``palette``: RGB painting in uint8 whose colors are taken over, or None;

and returns the painted picture, same shape.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painting.filters import (
    Picture,
    Plane,
    anisotropic_kuwahara,
    blur,
    brush_flow,
    grid,
    kuwahara,
    luma,
    noise,
    smear,
)
from spgen_lit.data.painting.materials import (
    cracks,
    craze,
    distort,
    mix,
    paper,
    random_palette,
    relief,
    saturate,
    transfer,
    varnish,
    warm,
    weave,
)

Palette = NDArray[np.uint8] | None


def oil(photo: Picture, rng: np.random.Generator, unit: float, palette: Palette) -> Picture:
    """Anisotropic Kuwahara filter under bristle marks that follow the form."""
    radius = rng.uniform(3.5, 6) * unit
    tone, chroma = rng.uniform(-0.02, 0.1), rng.uniform(1.05, 1.35)
    depth, bristles = rng.uniform(0.035, 0.075), rng.uniform(10, 20) * unit
    if palette is not None:
        photo = transfer(photo, palette, color=rng.uniform(0.4, 0.8), light=0.5)
    flow = brush_flow(photo, rng, 2.5 * unit)
    coarse = anisotropic_kuwahara(photo, flow, 1.2 * radius)
    fine = anisotropic_kuwahara(photo, flow, 0.4 * radius, sectors=4)
    # Finer paint where coarse paint loses most: a painter spends small brushes on faces.
    lost = blur(np.abs(luma(photo) - luma(coarse)), 2.5 * unit)
    paint = coarse + (fine - coarse) * np.clip(14 * lost - 0.35, 0, 1)[..., None]
    paint = saturate(warm(paint, tone), chroma)
    ridges = smear(rng.standard_normal(paint.shape[:2], dtype=np.float32), flow, bristles)
    ridges /= ridges.std()
    # Bristles also carry unevenly mixed paint.
    paint = paint * (1 + 0.03 * ridges[..., None])
    return relief(paint.clip(0, 1), ridges, depth)


def patches(photo: Picture, rng: np.random.Generator, unit: float, palette: Palette) -> Picture:
    """Kuwahara filter twice, a painting's or a random palette, canvas grain."""
    first = max(2, round(rng.uniform(2.6, 5) * unit))
    second = max(1, round(rng.uniform(2, 3.5) * unit))
    color, light = rng.uniform(0.6, 0.95), rng.uniform(0.4, 0.8)
    depth, pitch = rng.uniform(0.025, 0.05), rng.uniform(3, 4.5) * max(unit, 0.8)
    goal = random_palette(rng) if palette is None else palette
    paint = kuwahara(kuwahara(photo, first), second)
    paint = transfer(paint, goal, color, light)
    return relief(paint, weave(paint.shape[:2], rng, pitch), depth)


def glazed(photo: Picture, rng: np.random.Generator, unit: float, palette: Palette) -> Picture:
    """Colors and light of a painting, or of a random palette, in thin, softly blended paint."""
    color, light = rng.uniform(0.85, 1.0), rng.uniform(0.75, 1.0)
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.25)
    goal = random_palette(rng) if palette is None else palette
    shape = photo.shape[:2]
    flow = brush_flow(photo, rng, 1.8 * unit)
    soft = anisotropic_kuwahara(photo, flow, 3.4 * max(unit, 0.7))
    paint = transfer(soft, goal, color, light)
    columns, rows = grid(shape)
    slope = np.cos(angle) * (columns / shape[1] - 0.5) + np.sin(angle) * (rows / shape[0] - 0.5)
    paint = paint * (1 + np.float32(fall) * slope)[..., None]
    # Scumbles: the same color a little lighter or darker along the brush.
    streaks = smear(noise(shape, rng, 3 * unit), flow, 8 * unit)
    paint = paint * (1 + 0.08 * streaks)[..., None]
    return relief(paint.clip(0, 1), weave(shape, rng, 3.2 * max(unit, 0.8)), 0.018)


def aged(photo: Picture, rng: np.random.Generator, unit: float, palette: Palette) -> Picture:
    """Smooth old paint on canvas with craquelure under yellowed, dirty varnish."""
    yellowing, dirt = rng.uniform(0.4, 0.9), rng.uniform(0.1, 0.35)
    cell, stretch = rng.uniform(9, 20) * unit, rng.uniform(0.7, 1.5)
    cover, depth = rng.uniform(0.5, 0.95), rng.uniform(0.14, 0.3)
    if palette is not None:
        photo = transfer(photo, palette, color=rng.uniform(0.3, 0.7), light=0.5)
    shape = photo.shape[:2]
    flow = brush_flow(photo, rng, 2 * unit)
    paint = anisotropic_kuwahara(photo, flow, 3 * max(unit, 0.7))
    # Pigments sink and darken: mid-tones go down before the varnish warms them.
    paint = paint ** np.float32(rng.uniform(1.05, 1.3)) * np.float32(0.98)
    paint = paint + 0.15 * (paint - blur(paint, 10 * unit))
    paint = varnish(paint.clip(0, 1), rng, yellowing, dirt)
    paint = relief(paint, weave(shape, rng, 3.6 * max(unit, 0.8)), 0.016)
    return craze(paint, cracks(shape, rng, cell, stretch, cover), depth)


def watercolor(photo: Picture, rng: np.random.Generator, unit: float, palette: Palette) -> Picture:
    """Flat areas of color with dark rims, bleeding and granulation on rough white paper.

    Pigment density follows Bousseau et al. (2006): density d turns color C to
    C - C(1 - C)(d - 1).
    """
    radius = round(rng.uniform(3, 5) * max(unit, 0.7))
    wet, grain = rng.uniform(0.3, 0.7), rng.uniform(0.06, 0.12)
    rim, pallor = rng.uniform(1.0, 2.0), rng.uniform(0.55, 0.75)
    tooth, chroma = rng.uniform(0.02, 0.04), rng.uniform(1.2, 1.6)
    pencil = rng.uniform(0.5, 1.0)
    if palette is not None:
        photo = transfer(photo, palette, color=rng.uniform(0.2, 0.5), light=0.0)
    shape = photo.shape[:2]
    paint = kuwahara(kuwahara(blur(photo, 0.8 * unit), radius), radius)
    paint = distort(paint, rng, 1.2 * unit, 8 * unit)
    # Wet in wet: neighboring areas run together in patches.
    runs = np.clip(0.3 + 0.6 * noise(shape, rng, 60 * unit, 2), 0, 1) * wet
    paint = paint + (blur(paint, 5 * unit) - paint) * runs[..., None]
    # Paper shines through: lights go to white, darks stay thin.
    paint = 1 - (1 - saturate(paint, chroma)) ** np.float32(1.15) * np.float32(pallor + 0.25)
    # A drawing underneath keeps what is too thin for the brush: masts, wires, features.
    density = 1 + _rims(paint, unit) * rim + _contours(photo, unit) * pencil
    density += 0.13 * noise(shape, rng, 90 * unit, 3) + grain * noise(shape, rng, 3 * unit, 2)
    paint = paint - paint * (1 - paint) * (density - 1)[..., None]
    sheet = np.asarray([1.0, 0.985, 0.95], np.float32)
    return relief(paint.clip(0, 1) * sheet, paper(shape, rng, 3 * max(unit, 0.8)), tooth)


def fresco(photo: Picture, rng: np.random.Generator, unit: float, palette: Palette) -> Picture:
    """Earth colors on lime plaster: chalky, drawn contours, stains, small losses."""
    radius = rng.uniform(3, 5) * unit
    chalk, line = rng.uniform(0.72, 0.86), rng.uniform(0.35, 0.7)
    stain, lost = rng.uniform(0.02, 0.05), rng.uniform(0.003, 0.01)
    shape = photo.shape[:2]
    if palette is not None:
        photo = transfer(photo, palette, color=rng.uniform(0.3, 0.6), light=0.2)
    flow = brush_flow(photo, rng, 2.5 * unit)
    paint = saturate(anisotropic_kuwahara(photo, flow, radius), 1.3)
    drawing = _contours(blur(photo, 0.7 * unit), unit)
    # Colors as far as ochre, red earth, green earth and smalt can make them.
    paint = mix(paint, np.asarray([[0.72, 0.24, 0.06], [0.16, 0.66, 0.14], [0.10, 0.26, 0.50]]))
    plaster = np.asarray([0.80, 0.74, 0.64], np.float32) * np.float32(rng.uniform(0.95, 1.08))
    # Lime binds as a pale film: no deep blacks, no pure whites.
    paint = paint * np.float32(chalk) + plaster * np.float32(1.02 - chalk)
    sinopia = np.asarray([0.36, 0.2, 0.13], np.float32)
    paint = paint + (sinopia - paint) * (drawing * line)[..., None]
    paint = paint * (1 + stain * noise(shape, rng, 80 * unit, 4))[..., None]
    rough = noise(shape, rng, 5 * unit, 3)
    worn = np.clip(2.5 * (rough - np.quantile(rough[::4, ::4], 0.93)), 0, 1)
    worn = worn * (0.05 + 0.3 * luma(paint))
    holes = noise(shape, rng, 45 * unit, 5)
    worn = np.maximum(worn, np.clip(9 * (holes - np.quantile(holes[::4, ::4], 1 - lost)), 0, 0.85))
    paint = paint + (plaster - paint) * worn[..., None]
    split = cracks(shape, rng, 70 * unit, 1.0, 0.35)
    paint = paint * (1 - 0.35 * split[..., None])
    return relief(paint.clip(0, 1), rough - 0.8 * worn, 0.03)


def _rims(paint: Picture, unit: float) -> Plane:
    """Where drying pigment gathers: the darker side of each border, in [0, 1]."""
    gray = luma(paint)
    near = blur(gray, 1.6 * unit) - gray
    edge = np.abs(cv2.Laplacian(blur(gray, 0.8 * unit), cv2.CV_32F))
    return np.asarray(np.clip(4 * np.maximum(near, 0) + 2 * edge, 0, 1), np.float32)


def _contours(paint: Picture, unit: float) -> Plane:
    """Brush-drawn outlines in [0, 1]: dark sides of contours by difference of Gaussians."""
    gray = luma(paint)
    fine = blur(gray, 1.0 * unit) - blur(gray, 2.2 * unit)
    return np.asarray(np.clip(-fine * 14 - 0.15, 0, 1), np.float32)
