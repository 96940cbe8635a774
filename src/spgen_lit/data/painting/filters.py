"""Filters behind the painters: smooth noise, brush directions, and Kuwahara smoothing."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]  # (height, width)
Picture = NDArray[np.float32]  # (height, width, 3), RGB in [0, 1]

_REFLECT = cv2.BORDER_REFLECT_101


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
