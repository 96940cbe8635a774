"""The direction a brush would take: a smooth orientation field, and smearing along it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]  # (height, width)
Picture = NDArray[np.float32]  # (height, width, 3), RGB in [0, 1]


class Flow(NamedTuple):
    """Directions along which an image changes least.

    Attributes:
        x: Horizontal part ``(height, width)`` of the unit tangent. Its sign is arbitrary.
        y: Vertical part (downwards).
        anisotropy: 0 where no direction is preferred to 1 on a clean edge.
    """

    x: Plane
    y: Plane
    anisotropy: Plane


def luma(picture: Picture) -> Plane:
    """Brightness ``(height, width)`` in [0, 1] of an RGB picture."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def blur(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur with reflected borders; wide ones run on a smaller copy."""
    if sigma < 6:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), dtype=np.float32)
    height, width = values.shape[:2]
    factor = min(sigma / 3, min(height, width) / 4)
    if factor <= 1:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), dtype=np.float32)
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    reduced = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
    reduced = cv2.GaussianBlur(reduced, (0, 0), sigma / factor)
    return np.asarray(
        cv2.resize(reduced, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32
    )


def clouds(
    shape: tuple[int, int], rng: np.random.Generator, period: float, octaves: int = 1
) -> Plane:
    """Smooth random field of about zero mean and unit spread.

    Args:
        shape: Height and width.
        rng: Where the field comes from.
        period: Size in px of its largest blobs.
        octaves: Layers, each half the size and half the weight of the one before.

    Returns:
        Field ``(height, width)``.
    """
    height, width = shape
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        cell = max(period / 2**octave, 1.0)
        grid = (max(2, round(height / cell)) + 2, max(2, round(width / cell)) + 2)
        noise = rng.standard_normal(grid, dtype=np.float32)
        layer = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        total += np.asarray(layer, np.float32) * np.float32(1.4 / 2**octave)
    return total


def brush_flow(picture: Picture, rng: np.random.Generator, sigma: float) -> Flow:
    """Directions of the strokes: along contours, and at a whim where there are none.

    The structure tensor (Brox et al. 2006, as used for painting by Kyprianidis et al.
    2009) at two scales, to which a faint smooth random tensor is added, so that flat
    regions are brushed in one slowly turning direction.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        rng: Where the whims come from.
        sigma: Blur of the tensor in px: higher gives longer, calmer curves.

    Returns:
        The field, one direction a pixel.
    """
    grey = luma(picture)
    dx = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.25)
    dy = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.25)
    tensor = np.dstack([dx * dx - dy * dy, 2 * dx * dy, dx * dx + dy * dy])
    tensor = blur(tensor, sigma) + 0.2 * blur(tensor, 4 * sigma)
    whim = clouds(grey.shape, rng, 24 * sigma) * 1.2 + np.float32(rng.uniform(0, 2 * np.pi))
    # Double angles: the difference part of a tensor turns twice as fast as its direction.
    real = tensor[..., 0] + 1e-4 * np.cos(whim)
    imaginary = tensor[..., 1] + 1e-4 * np.sin(whim)
    size, angle = cv2.cartToPolar(real, imaginary)
    x, y = cv2.polarToCart(np.ones_like(size), 0.5 * angle + np.float32(np.pi / 2))
    anisotropy = np.minimum(size / (tensor[..., 2] + 2e-4), 1)
    return Flow(x, y, anisotropy.astype(np.float32))


def grid(shape: tuple[int, int]) -> tuple[Plane, Plane]:
    """Column and row numbers of every pixel, each ``(height, width)``."""
    rows, columns = np.indices(shape, dtype=np.float32)
    return columns, rows


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


_REFLECT = cv2.BORDER_REFLECT_101
