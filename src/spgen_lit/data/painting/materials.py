"""What paintings are made with: filters, brush directions, pigments and surfaces."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from spgen_lit.data.readers.base import load

Plane = NDArray[np.float32]  # (height, width)
Picture = NDArray[np.float32]  # (height, width, 3), RGB in [0, 1]
Palette = NDArray[np.uint8] | None

_REFLECT = cv2.BORDER_REFLECT_101
_PIGMENTS: list[list[list[int]]] = load(Path(__file__).with_name("pigments.yaml"))


class Flow(NamedTuple):
    """Directions along which an image changes least.

    Attributes:
        x: Horizontal part ``(height, width)`` of the unit tangent. Its sign is arbitrary.
        y: Vertical part (downwards).
        anisotropy: From 0 where no direction is preferred to 1 on a clean edge.
    """

    x: Plane
    y: Plane
    anisotropy: Plane


def luma(picture: Picture) -> Plane:
    """Brightness ``(height, width)`` in [0, 1] of an RGB picture."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def blur(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur with reflected borders; wide ones run on a smaller copy."""
    height, width = values.shape[:2]
    factor = min(sigma / 3, min(height, width) / 4)
    if sigma < 6 or factor <= 1:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), dtype=np.float32)
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    reduced = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
    reduced = cv2.GaussianBlur(reduced, (0, 0), sigma / factor)
    restored = cv2.resize(reduced, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(restored, dtype=np.float32)


def noise(
    shape: tuple[int, int], rng: np.random.Generator, period: float, octaves: int = 1
) -> Plane:
    """Smooth random field of about zero mean and unit standard deviation.

    Args:
        shape: Height and width.
        rng: Random generator.
        period: Size in px of its largest blobs.
        octaves: Layers, each half the size and half the weight of the one before.

    Returns:
        Field ``(height, width)``.
    """
    height, width = shape
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        cell = max(period / 2**octave, 1.0)
        cells = (max(2, round(height / cell)) + 2, max(2, round(width / cell)) + 2)
        values = rng.standard_normal(cells, dtype=np.float32)
        layer = cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC)
        total += np.asarray(layer, np.float32) * np.float32(1.4 / 2**octave)
    return total


def grid(shape: tuple[int, int]) -> tuple[Plane, Plane]:
    """Column and row numbers of every pixel, each ``(height, width)``."""
    rows, columns = np.indices(shape, dtype=np.float32)
    return columns, rows


def brush_flow(picture: Picture, rng: np.random.Generator, sigma: float) -> Flow:
    """Directions of brush strokes: along contours, random and smooth where there are none.

    The structure tensor (Brox et al. 2006, as used for painting by Kyprianidis et al.
    2009) at two scales, to which a faint smooth random tensor is added, so that flat
    regions are brushed in one slowly turning direction.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        rng: Random generator of the flat regions.
        sigma: Blur of the tensor in px: higher gives longer, calmer curves.

    Returns:
        The field, one direction per pixel.
    """
    gray = luma(picture)
    dx = cv2.Sobel(gray, cv2.CV_32F, 1, 0, scale=0.25)
    dy = cv2.Sobel(gray, cv2.CV_32F, 0, 1, scale=0.25)
    tensor = np.dstack([dx * dx - dy * dy, 2 * dx * dy, dx * dx + dy * dy])
    tensor = blur(tensor, sigma) + 0.2 * blur(tensor, 4 * sigma)
    random = noise(gray.shape, rng, 24 * sigma) * 1.2 + np.float32(rng.uniform(0, 2 * np.pi))
    # Double angles: the difference part of a tensor turns twice as fast as its direction.
    real = tensor[..., 0] + 1e-4 * np.cos(random)
    imaginary = tensor[..., 1] + 1e-4 * np.sin(random)
    size, angle = cv2.cartToPolar(real, imaginary)
    x, y = cv2.polarToCart(np.ones_like(size), 0.5 * angle + np.float32(np.pi / 2))
    anisotropy = np.minimum(size / (tensor[..., 2] + 2e-4), 1)
    return Flow(x, y, anisotropy.astype(np.float32))


def smear(values: NDArray[np.float32], flow: Flow, length: float) -> NDArray[np.float32]:
    """Average values along the flow over about ``length`` px to either side.

    Line-integral convolution by doubling: each pass averages at twice the distance of
    the pass before, so its cost grows with the logarithm of the length.
    """
    columns, rows = grid(values.shape[:2])
    step = 1.0
    while step <= max(length, 1.0) / 1.5:
        x, y = flow.x * step, flow.y * step
        ahead = cv2.remap(values, columns + x, rows + y, cv2.INTER_LINEAR, None, _REFLECT)
        behind = cv2.remap(values, columns - x, rows - y, cv2.INTER_LINEAR, None, _REFLECT)
        values = (values + ahead + behind) * np.float32(1 / 3)
        step *= 2
    return values


def kuwahara(picture: Picture, radius: int) -> Picture:
    """Each pixel becomes the mean of the most uniform of its four quadrants (Kuwahara 1976).

    Args:
        picture: RGB picture ``(height, width, 3)``.
        radius: Side of a quadrant in px less one, at least 1.

    Returns:
        The filtered picture.
    """
    near, far = radius // 2, radius - radius // 2
    padded = np.pad(picture, ((far, far), (far, far), (0, 0)), mode="reflect")
    moments = np.dstack([padded, np.square(luma(padded))])
    # The window of an even side hangs to one side; `near` and `far` make up for it.
    window = (radius + 1, radius + 1)
    moments = np.asarray(cv2.boxFilter(moments, -1, window, anchor=(near, near)), np.float32)
    moments[..., 3] -= np.square(luma(moments[..., :3]))
    height, width = picture.shape[:2]
    corners = itertools.product((0, radius), repeat=2)
    quadrants = np.stack([moments[y : y + height, x : x + width] for y, x in corners])
    calmest = quadrants[..., 3:].argmin(0, keepdims=True)
    return np.take_along_axis(quadrants[..., :3], calmest, 0)[0]


def anisotropic_kuwahara(picture: Picture, flow: Flow, radius: float, sectors: int = 6) -> Picture:
    """Kuwahara filter whose sectors lie on an ellipse stretched along the flow.

    After Kyprianidis et al. (2009), with each sector's weighted mean and variance taken as
    a Gaussian one centered in the sector. So one blur serves all sectors and the filter
    costs a remap per sector whatever its radius.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        flow: Directions, see `brush_flow`.
        radius: Radius of the ellipse in px where nothing has a direction.
        sectors: How many sectors.

    Returns:
        The filtered picture.
    """
    mean = blur(picture, radius * 0.4)
    variance = blur(np.square(luma(picture)), radius * 0.4) - np.square(luma(mean))
    moments = np.dstack([mean, np.maximum(variance, 0)])
    stretch = 1 + flow.anisotropy
    along, across = stretch * (0.6 * radius), (0.6 * radius) / stretch
    columns, rows = grid(picture.shape[:2])
    total = np.zeros_like(moments)
    for angle in 2 * np.pi * np.arange(sectors) / sectors:
        a, b = along * np.float32(np.cos(angle)), across * np.float32(np.sin(angle))
        x = columns + a * flow.x - b * flow.y
        y = rows + a * flow.y + b * flow.x
        sector = np.asarray(cv2.remap(moments, x, y, cv2.INTER_LINEAR, None, _REFLECT), np.float32)
        weight = np.square(1 / (sector[..., 3] + np.float32(1e-5)))
        sector[..., 3] = 1
        total += sector * weight[..., None]
    return total[..., :3] / total[..., 3:]


def to_lab(picture: Picture) -> Picture:
    """CIE Lab ``(height, width, 3)`` (L in [0, 100]) of an RGB picture in [0, 1]."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2Lab), dtype=np.float32)


def to_rgb(lab: Picture) -> Picture:
    """RGB picture in [0, 1] of a CIE Lab one; colors out of gamut are cut off."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), dtype=np.float32).clip(0, 1)


def random_palette(rng: np.random.Generator) -> NDArray[np.uint8]:
    """An RGB picture ``(48, 48, 3)`` of one period's pigments, mixed and varied."""
    pigments = np.asarray(_PIGMENTS[rng.integers(len(_PIGMENTS))], np.float32)
    areas = pigments[:, 3] * rng.uniform(0.6, 1.4, len(pigments))
    picks = rng.choice(len(pigments), size=(2, 48 * 48), p=areas / areas.sum())
    ratio = rng.beta(0.5, 0.5, (48 * 48, 1))
    colors = ratio * pigments[picks[0], :3] + (1 - ratio) * pigments[picks[1], :3]
    colors += rng.normal(0, 9, (48 * 48, 1)) + rng.normal(0, 4, (48 * 48, 3))
    return colors.reshape(48, 48, 3).clip(0, 255).astype(np.uint8)


def transfer(picture: Picture, palette: NDArray[np.uint8], color: float, light: float) -> Picture:
    """Give a picture the colors and the light of a painting.

    Colors move by the linear optimal-transport map between the two Gaussians in Lab
    (Pitié and Kokaram 2007), light by matching the quantiles of L. Both keep the order of
    what they map, so no edge turns over.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        palette: RGB painting in uint8, any size.
        color: How far to go towards its colors, 0 to 1.
        light: How far to go towards its lights and darks, 0 to 1.

    Returns:
        The recolored picture.
    """
    lab = to_lab(picture)
    thumbnail = cv2.resize(palette, (96, 96), interpolation=cv2.INTER_AREA).astype(np.float32)
    goal = to_lab(thumbnail * np.float32(1 / 255)).reshape(-1, 3).astype(np.float64)
    small = cv2.resize(lab, (96, 96), interpolation=cv2.INTER_AREA)
    small = small.reshape(-1, 3).astype(np.float64)
    matrix = _transport(np.cov(small[:, 1:].T), np.cov(goal[:, 1:].T))
    shift = goal[:, 1:].mean(0) - matrix @ small[:, 1:].mean(0)
    ab = lab[..., 1:] @ matrix.T.astype(np.float32) + shift.astype(np.float32)
    steps = np.linspace(0, 1, 33)
    low, high = np.quantile(small[:, 0], steps), np.quantile(goal[:, 0], steps)
    # A curve of bounded slope: banded skies and crushed shadows come from steep ones.
    levels = np.linspace(0, 100, 65)
    curve = np.interp(levels, low + np.arange(33) * 1e-6, high)
    contrast = np.clip(high.std() / max(low.std(), 1e-3), 0.5, 1.5)
    curve = 0.6 * curve + 0.4 * (high.mean() + (levels - low.mean()) * contrast)
    curve = np.maximum.accumulate(cv2.GaussianBlur(curve.reshape(1, -1), (9, 1), 2).ravel())
    lightness = np.interp(lab[..., 0], levels, curve).astype(np.float32)
    lab[..., 0] += np.float32(light) * (lightness - lab[..., 0])
    lab[..., 1:] += np.float32(color) * (ab - lab[..., 1:])
    return to_rgb(lab)


def _transport(source: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Symmetric matrix that turns covariance ``source`` into ``goal``, stretch at most 3."""
    # Gray photographs have next to no color to stretch: the ridge keeps noise from it.
    root = scipy.linalg.sqrtm(source + 20 * np.eye(2))
    inverse = np.linalg.inv(root)
    between = scipy.linalg.sqrtm(root @ (goal + 1e-3 * np.eye(2)) @ root)
    values, vectors = np.linalg.eigh(inverse @ between @ inverse)
    return (vectors * np.clip(values, 0.15, 3)) @ vectors.T


def warm(picture: Picture, amount: float) -> Picture:
    """Shift the white point: above zero towards candlelight, below towards moonlight."""
    return mix(picture, np.diag([1 + amount, 1.0, 1 - 1.3 * amount]))


def saturate(picture: Picture, factor: float) -> Picture:
    """Multiply the distance of each color from its gray by a factor."""
    return mix(picture, factor * np.eye(3) + (1 - factor) / 3)


def mix(picture: Picture, matrix: NDArray[np.float64]) -> Picture:
    """Multiply every color by a matrix ``(3, 3)``, rows giving red, green and blue."""
    return np.asarray(cv2.transform(picture, matrix), np.float32).clip(0, 1)


def relief(picture: Picture, height: Plane, depth: float, angle: float = -2.36) -> Picture:
    """Light a picture from one side as if its surface had this height.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        height: Surface ``(height, width)``, standard deviation about 1.
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
    """Height of plain-woven canvas with threads of uneven thickness, unit standard deviation.

    Args:
        shape: Height and width.
        rng: Random generator of the unevenness.
        pitch: Distance of two threads in px.

    Returns:
        Surface ``(height, width)``.
    """
    columns, rows = grid(shape)
    wobble = noise(shape, rng, 40 * pitch) * 1.5
    rate = np.float32(2 * np.pi / pitch)
    across = np.sin(rate * columns + wobble)
    down = np.sin(rate * rows - wobble)
    threads = 0.5 + 0.35 * rng.standard_normal((2, max(shape)), dtype=np.float32)
    across = across * threads[0, None, : shape[1]]
    down = down * threads[1, : shape[0], None]
    fiber = rng.standard_normal(shape, dtype=np.float32)
    cloth = across + down + 0.35 * fiber
    return np.asarray(cloth / cloth.std(), np.float32)


def distort(picture: Picture, rng: np.random.Generator, reach: float, period: float) -> Picture:
    """Move pixels by about ``reach`` px at random, smooth over ``period`` px."""
    columns, rows = grid(picture.shape[:2])
    x = columns + np.float32(0.5 * reach) * noise(picture.shape[:2], rng, period, 2)
    y = rows + np.float32(0.5 * reach) * noise(picture.shape[:2], rng, period, 2)
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, None, _REFLECT), np.float32)


def cracks(
    shape: tuple[int, int], rng: np.random.Generator, cell: float, stretch: float, cover: float
) -> Plane:
    """Craquelure: borders of a wobbling Voronoi diagram, broken up at random.

    Args:
        shape: Height and width.
        rng: Random generator of the islands.
        cell: Size of an island of paint in px.
        stretch: Width over height of an island.
        cover: Fraction of the picture that is cracked.

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
    x = (columns + wobble * noise(shape, rng, cell, 3) * 0.5) * np.float32(size[0] / width)
    y = (rows + wobble * noise(shape, rng, cell, 3) * 0.5) * np.float32(2)
    lines = cv2.remap(border, x, y, cv2.INTER_AREA, None, cv2.BORDER_REFLECT)
    there = noise(shape, rng, 6 * cell, 2)
    fading = np.clip(1.5 * (there - np.quantile(there[::4, ::4], 1 - cover)), 0, 1)
    return np.asarray((lines * fading).clip(0, 1), np.float32)


def varnish(picture: Picture, rng: np.random.Generator, yellowing: float, dirt: float) -> Picture:
    """Old varnish: yellow-brown, uneven, darker to the rim, weakest in the darks.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        rng: Random generator of unevenness and tint.
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
    uneven = noise(shape, rng, max(shape) / 4, 3)
    coat = np.clip(yellowing * (0.8 + 0.15 * uneven), 0, 1)[..., None]
    film = picture * (1 - coat + coat * tint)
    # Scattering lifts the blacks to brown and takes contrast away.
    brown = np.asarray([0.20, 0.14, 0.07], np.float32)
    film = film + (brown * 0.55 * coat) * (1 - film)
    return np.asarray((film * (1 - dirt * rim[..., None])).clip(0, 1), np.float32)
