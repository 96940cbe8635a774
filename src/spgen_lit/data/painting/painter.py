"""The painter: any photograph as a painting, with everything left in its place.

Every family is a function that takes

- ``photo``: RGB picture ``(height, width, 3)`` in [0, 1];
- ``rng``: random generator of the family's parameters and of every mark;
- ``unit``: size of one brush unit in px (1 for a picture 384 px high);
- ``palette``: RGB painting in uint8 whose colors are taken over, or None;

and returns the painted picture, same shape. Those painted mark by mark are in
`spgen_lit.data.painting.strokes`; here are oil, flat patches, thin paint, old paint, watercolor
and fresco, which filters make.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

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
    Palette,
    cracks,
    distort,
    mix,
    random_palette,
    relief,
    saturate,
    transfer,
    varnish,
    warm,
    weave,
)
from spgen_lit.data.painting.strokes import pointillist, strokes


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
    split = cracks(shape, rng, cell, stretch, cover)
    paint = paint * (1 - np.float32(depth) * split[..., None])
    # The rim beside a crack is lifted and catches light.
    return relief(paint, blur(split, 0.8), -0.5 * depth)


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
    pits = noise(shape, rng, 6 * max(unit, 0.8), 3)
    return relief(paint.clip(0, 1) * sheet, pits / pits.std(), tooth)


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


Painter = Callable[[Picture, np.random.Generator, float, Palette], Picture]

# Divided by medium: everything in training is oil on canvas, everything kept for testing
# is not, so that no test family shares its marks or its ground with one trained on.
_TRAIN: dict[str, Painter] = {
    "oil": oil,
    "kuwahara": patches,
    "strokes": strokes,
    "palette": glazed,
    "aged": aged,
}
_TEST: dict[str, Painter] = {
    "pointillist": pointillist,
    "watercolor": watercolor,
    "fresco": fresco,
}
_PAINTERS = _TRAIN | _TEST

TRAIN_FAMILIES: tuple[str, ...] = tuple(_TRAIN)
"""Families that may serve as unlabelled target images in training."""
TEST_FAMILIES: tuple[str, ...] = tuple(_TEST)
"""Families kept for testing; they differ in kind from those of training."""
FAMILIES: tuple[str, ...] = TRAIN_FAMILIES + TEST_FAMILIES
"""All families."""


def paint(
    image: NDArray[np.uint8],
    family: str,
    seed: int,
    strength: float = 1.0,
    palette: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Render a photograph as a painting without moving anything in it.

    The same arguments give the same bytes. Marks scale with the picture's short side.

    Args:
        image: RGB photograph ``(height, width, 3)``, uint8.
        family: Kind of painting, one of `FAMILIES`.
        seed: Draws the parameters within the family (stroke size, palette, warmth, …)
            and every mark.
        strength: 0 gives the photograph back, 1 the painting; between them the two are
            mixed, and above 1 (to 3) the marks grow with it.
        palette: RGB painting of any size, uint8, whose colors are taken over, wholly or in
            part depending on the family; None for the family's own colors.

    Returns:
        Painted picture of the image's shape, uint8.

    Raises:
        ValueError: For an unknown family (the message lists the known ones), an image or
            palette that is not uint8 RGB, an image with a side below 16 px, a negative
            seed or a strength outside [0, 3].
    """
    if family not in _PAINTERS:
        raise ValueError(f"unknown painter family {family!r}: choose from {', '.join(FAMILIES)}")
    for name, picture in (("image", image), ("palette", image if palette is None else palette)):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(
                f"{name} must be RGB uint8 of shape (height, width, 3), "
                f"found {picture.dtype} of shape {picture.shape}"
            )
    if min(image.shape[:2]) < 16:
        raise ValueError(f"image must be at least 16 px high and wide, found {image.shape}")
    if not 0 <= strength <= 3:
        raise ValueError(f"strength must lie in [0, 3], found {strength}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, found {seed}")
    photo = image.astype(np.float32) * np.float32(1 / 255)
    # Watercolor keeps the seed of its former spelling, and with it the benchmark's pictures.
    spelling = "watercolour" if family == "watercolor" else family
    rng = np.random.default_rng([seed, zlib.crc32(spelling.encode())])
    unit = min(image.shape[:2]) / 384 * max(1.0, strength)
    painted = _PAINTERS[family](photo, rng, unit, palette)
    mixed = photo + (painted - photo) * np.float32(min(strength, 1.0))
    return (mixed * 255 + 0.5).clip(0, 255).astype(np.uint8)
