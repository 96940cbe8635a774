"""Pigment in water: on paper (`watercolour`) and on lime plaster (`fresco`)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painters.colour import mix, saturate, transfer
from spgen_lit.data.painters.flow import Picture, Plane, blur, brush_flow, clouds, grid, luma
from spgen_lit.data.painters.smoothing import anisotropic_kuwahara, kuwahara
from spgen_lit.data.painters.surface import cracks, paper, relief


def watercolour(
    photo: Picture, rng: np.random.Generator, unit: float, palette: NDArray[np.uint8] | None
) -> Picture:
    """Flat washes with dark rims, bleeding and granulation on rough white paper.

    Pigment density follows Bousseau et al. (2006): a wash of density d turns colour C to
    C - C(1 - C)(d - 1).

    Args:
        photo: RGB picture ``(height, width, 3)``.
        rng: Wash size, wetness, grain.
        unit: Size of one brush unit in px (1 for a picture 384 px high).
        palette: Painting to take some colour from, or None.

    Returns:
        The painted picture.
    """
    radius = round(rng.uniform(3, 5) * max(unit, 0.7))
    wet, grain = rng.uniform(0.3, 0.7), rng.uniform(0.06, 0.12)
    rim, pallor = rng.uniform(1.0, 2.0), rng.uniform(0.55, 0.75)
    tooth, vivid = rng.uniform(0.02, 0.04), rng.uniform(1.2, 1.6)
    pencil = rng.uniform(0.5, 1.0)
    if palette is not None:
        photo = transfer(photo, palette, colour=rng.uniform(0.2, 0.5), light=0.0)
    shape = photo.shape[:2]
    washes = kuwahara(kuwahara(blur(photo, 0.8 * unit), radius), radius)
    washes = _wobble(washes, rng, 1.2 * unit, 8 * unit)
    # Wet in wet: neighbouring washes run together in patches.
    runs = np.clip(0.3 + 0.6 * clouds(shape, rng, 60 * unit, 2), 0, 1) * wet
    washes = washes + (blur(washes, 5 * unit) - washes) * runs[..., None]
    # Paper shines through: lights go to white, darks stay thin.
    washes = 1 - (1 - saturate(washes, vivid)) ** np.float32(1.15) * np.float32(pallor + 0.25)
    # A drawing underneath keeps what is too thin for a wash: masts, wires, features.
    density = 1 + _rims(washes, unit) * rim + _contours(photo, unit) * pencil
    density += 0.13 * clouds(shape, rng, 90 * unit, 3) + grain * clouds(shape, rng, 3 * unit, 2)
    paint = washes - washes * (1 - washes) * (density - 1)[..., None]
    sheet = np.asarray([1.0, 0.985, 0.95], np.float32)
    return relief(paint.clip(0, 1) * sheet, paper(shape, rng, 3 * max(unit, 0.8)), tooth)


def fresco(
    photo: Picture, rng: np.random.Generator, unit: float, palette: NDArray[np.uint8] | None
) -> Picture:
    """Earth colours on lime plaster: chalky, drawn contours, stains, small losses.

    Arguments and result as for `watercolour`.
    """
    radius = rng.uniform(3, 5) * unit
    chalk, line = rng.uniform(0.72, 0.86), rng.uniform(0.35, 0.7)
    stain, lost = rng.uniform(0.02, 0.05), rng.uniform(0.003, 0.01)
    shape = photo.shape[:2]
    if palette is not None:
        photo = transfer(photo, palette, colour=rng.uniform(0.3, 0.6), light=0.2)
    flow = brush_flow(photo, rng, 2.5 * unit)
    paint = anisotropic_kuwahara(photo, flow, radius, sectors=6)
    drawing = _contours(blur(photo, 0.7 * unit), unit)
    paint = _earths(saturate(paint, 1.3))
    plaster = np.asarray([0.80, 0.74, 0.64], np.float32) * np.float32(rng.uniform(0.95, 1.08))
    # Lime binds as a pale film: no deep blacks, no pure whites.
    paint = paint * np.float32(chalk) + plaster * np.float32(1.02 - chalk)
    sinopia = np.asarray([0.36, 0.2, 0.13], np.float32)
    paint = paint + (sinopia - paint) * (drawing * line)[..., None]
    paint = paint * (1 + stain * clouds(shape, rng, 80 * unit, 4))[..., None]
    rough = clouds(shape, rng, 5 * unit, 3)
    worn = np.clip(2.5 * (rough - np.quantile(rough[::4, ::4], 0.93)), 0, 1) * (
        0.05 + 0.3 * luma(paint)
    )
    holes = clouds(shape, rng, 45 * unit, 5)
    worn = np.maximum(worn, np.clip(9 * (holes - np.quantile(holes[::4, ::4], 1 - lost)), 0, 0.85))
    paint = paint + (plaster - paint) * worn[..., None]
    split = cracks(shape, rng, 70 * unit, 1.0, 0.35)
    paint = paint * (1 - 0.35 * split[..., None])
    return relief(paint.clip(0, 1), rough - 0.8 * worn, 0.03)


def _wobble(picture: Picture, rng: np.random.Generator, reach: float, period: float) -> Picture:
    """Move pixels by about ``reach`` px at random: borders lose their ruler-straightness."""
    columns, rows = grid(picture.shape[:2])
    x = columns + np.float32(0.5 * reach) * clouds(picture.shape[:2], rng, period, 2)
    y = rows + np.float32(0.5 * reach) * clouds(picture.shape[:2], rng, period, 2)
    return np.asarray(
        cv2.remap(picture, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT_101), np.float32
    )


def _rims(washes: Picture, unit: float) -> Plane:
    """Where drying pigment gathers: the darker side of each border, in [0, 1]."""
    grey = luma(washes)
    near = blur(grey, 1.6 * unit) - grey
    edge = np.abs(cv2.Laplacian(blur(grey, 0.8 * unit), cv2.CV_32F))
    return np.asarray(np.clip(4 * np.maximum(near, 0) + 2 * edge, 0, 1), np.float32)


def _contours(paint: Picture, unit: float) -> Plane:
    """Brush-drawn outlines in [0, 1]: dark sides of contours by difference of Gaussians."""
    grey = luma(paint)
    fine = blur(grey, 1.0 * unit) - blur(grey, 2.2 * unit)
    return np.asarray(np.clip(-fine * 14 - 0.15, 0, 1), np.float32)


def _earths(paint: Picture) -> Picture:
    """Colours as far as ochre, red earth, green earth and smalt can make them."""
    return mix(paint, np.asarray([[0.72, 0.24, 0.06], [0.16, 0.66, 0.14], [0.10, 0.26, 0.50]]))
