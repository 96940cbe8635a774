"""What lies under and over paint: canvas, paper, relief, cracks, varnish."""

from __future__ import annotations

import cv2
import numpy as np

from spgen_lit.data.painters.flow import Picture, Plane, blur, clouds, grid


def relief(picture: Picture, height: Plane, depth: float, angle: float = -2.36) -> Picture:
    """Light a picture from one side as if its surface had this height.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        height: Surface ``(height, width)``, about unit spread.
        depth: Change of brightness for a slope of one.
        angle: Direction the light comes from, radians from x towards y (down).

    Returns:
        The lit picture.
    """
    dx = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=0.25 * np.cos(angle))
    dy = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=0.25 * np.sin(angle))
    shade = np.float32(depth) * (dx + dy)
    # Adds in the darks, multiplies in the lights: gloss shows on dark paint too.
    lit = picture + shade[..., None] * (0.25 + 0.75 * picture)
    return np.asarray(lit.clip(0, 1), np.float32)


def weave(shape: tuple[int, int], rng: np.random.Generator, pitch: float) -> Plane:
    """Height of plain-woven canvas with threads of uneven thickness, unit spread.

    Args:
        shape: Height and width.
        rng: Unevenness.
        pitch: Distance of two threads in px.

    Returns:
        Surface ``(height, width)``.
    """
    columns, rows = grid(shape)
    wobble = clouds(shape, rng, 40 * pitch) * 1.5
    rate = np.float32(2 * np.pi / pitch)
    across = np.sin(rate * columns + wobble)
    down = np.sin(rate * rows - wobble)
    threads = 0.5 + 0.35 * rng.standard_normal((2, max(shape)), dtype=np.float32)
    across = across * threads[0, None, : shape[1]]
    down = down * threads[1, : shape[0], None]
    fibre = rng.standard_normal(shape, dtype=np.float32)
    cloth = across + down + 0.35 * fibre
    return np.asarray(cloth / cloth.std(), np.float32)


def paper(shape: tuple[int, int], rng: np.random.Generator, pitch: float) -> Plane:
    """Height of rough paper: pits of about ``pitch`` px, unit spread."""
    rough = clouds(shape, rng, 2 * pitch, octaves=3)
    return np.asarray(rough / rough.std(), np.float32)


def cracks(
    shape: tuple[int, int], rng: np.random.Generator, cell: float, stretch: float, cover: float
) -> Plane:
    """Craquelure: borders of a wobbling Voronoi diagram, broken up at random.

    Args:
        shape: Height and width.
        rng: Where the islands lie.
        cell: Size of an island of paint in px.
        stretch: Width over height of an island.
        cover: Share of the picture that is cracked.

    Returns:
        Depth ``(height, width)`` in [0, 1], 1 in a crack.
    """
    height, width = shape
    # Drawn twice as large for hairlines, on a canvas squeezed along x.
    size = (max(8, round(2 * width / stretch)), 2 * height)
    count = max(4, round(height * width / cell**2))
    seeds = np.full((size[1], size[0]), 255, np.uint8)
    seeds[rng.integers(size[1], size=count), rng.integers(size[0], size=count)] = 0
    _, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    border = np.zeros(seeds.shape, np.float32)
    border[1:] = labels[1:] != labels[:-1]
    border[:, 1:] += labels[:, 1:] != labels[:, :-1]
    border = np.asarray(cv2.blur(border.clip(0, 1), (2, 2)) * 1.6, np.float32)
    wobble = 0.25 * cell
    columns, rows = grid(shape)
    x = (columns + wobble * clouds(shape, rng, cell, 3) * 0.5) * np.float32(size[0] / width)
    y = (rows + wobble * clouds(shape, rng, cell, 3) * 0.5) * np.float32(2)
    lines = cv2.remap(border, x, y, cv2.INTER_AREA, None, cv2.BORDER_REFLECT)
    there = clouds(shape, rng, 6 * cell, 2)
    fading = np.clip(1.5 * (there - np.quantile(there[::4, ::4], 1 - cover)), 0, 1)
    return np.asarray((lines * fading).clip(0, 1), np.float32)


def craze(picture: Picture, depth: Plane, strength: float) -> Picture:
    """Darken cracks and light the lifted rim beside them."""
    cracked = picture * (1 - np.float32(strength) * depth[..., None])
    return relief(cracked, blur(depth, 0.8), -0.5 * strength)


def varnish(picture: Picture, rng: np.random.Generator, yellowing: float, dirt: float) -> Picture:
    """Old varnish: yellow-brown, uneven, darker to the rim, weakest in the darks.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        rng: Unevenness and tint.
        yellowing: 0 none to 1 like tea.
        dirt: Darkening of the rim, 0 to 1.

    Returns:
        The varnished picture.
    """
    shape = picture.shape[:2]
    tint = np.asarray([1.0, rng.uniform(0.84, 0.9), rng.uniform(0.5, 0.66)], np.float32)
    columns, rows = grid(shape)
    x, y = columns / shape[1] - 0.5, rows / shape[0] - 0.5
    rim = np.clip(2.2 * (x * x + y * y), 0, 1)
    patches = clouds(shape, rng, max(shape) / 4, 3)
    coat = np.clip(yellowing * (0.8 + 0.15 * patches), 0, 1)[..., None]
    film = picture * (1 - coat + coat * tint)
    # Scattering lifts the blacks to brown and takes contrast away.
    brown = np.asarray([0.20, 0.14, 0.07], np.float32)
    film = film + (brown * 0.55 * coat) * (1 - film)
    return np.asarray((film * (1 - dirt * rim[..., None])).clip(0, 1), np.float32)
