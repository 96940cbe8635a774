"""The painter: any photograph as a painting, with everything left in its place.

Every family is a function that takes

- ``photo``: RGB picture ``(height, width, 3)`` in [0, 1];
- ``rng``: random generator of the family's parameters and of every mark;
- ``unit``: size of one brush unit in px (1 for a picture 384 px high);
- ``palette``: RGB painting in uint8 whose colors are taken over, or None;

and returns the painted picture, same shape. Filters make oil, flat patches, thin paint, old paint,
watercolor and fresco; strokes and dabs are painted mark by mark.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painting.materials import (
    Flow,
    Palette,
    Picture,
    Plane,
    anisotropic_kuwahara,
    blur,
    brush_flow,
    cracks,
    distort,
    grid,
    kuwahara,
    luma,
    mix,
    noise,
    random_palette,
    relief,
    saturate,
    smear,
    to_lab,
    to_rgb,
    transfer,
    varnish,
    warm,
    weave,
)

Points = NDArray[np.float32]  # (stroke, point, 2) as x, y in px

_SUBPIXEL = 4  # OpenCV takes fixed-point coordinates with this many bits after the point


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
            found = f"{picture.dtype} of shape {picture.shape}"
            raise ValueError(f"{name} must be RGB uint8 of shape (height, width, 3), found {found}")
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
