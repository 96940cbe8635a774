"""A classic without learning: spectral residual saliency, winner-take-all, inhibition of return."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]

# Hou & Zhang fix the scale at 64 px: objects then span a few cells.
_WIDTH = 64
_BORDER = 0.1


def spectral_residual(image: NDArray[np.uint8]) -> Array:
    """Saliency of an image by its spectral residual.

    Args:
        image: RGB ``(row, column, 3)`` or grey ``(row, column)``, 0 to 255.

    Returns:
        Map ``(row, column)`` about 64 cells wide at the image's aspect, at least 0,
        highest where the image differs from its own average spectrum.

    Raises:
        ValueError: For an array that is not an image.

    Source: Hou & Zhang (2007), "Saliency detection: a spectral residual approach"; the
    fading border is ours.
    """
    if image.ndim not in (2, 3) or min(image.shape[:2]) < 1:
        raise ValueError(f"an image has shape (row, column, 3), found {image.shape}")
    grey = image if image.ndim == 2 else image[..., :3].astype(np.float64).mean(axis=2)
    height = max(8, round(_WIDTH * image.shape[0] / image.shape[1]))
    small = cv2.resize(grey.astype(np.float64), (_WIDTH, height), interpolation=cv2.INTER_AREA)
    spectrum = np.fft.fft2(_tapered(np.asarray(small, dtype=np.float64)))
    amplitude = np.abs(spectrum)
    logarithm = np.log(amplitude + 1e-9)
    residual = logarithm - ndimage.uniform_filter(logarithm, 3, mode="wrap")
    saliency = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    return np.asarray(ndimage.gaussian_filter(saliency, 2.5, mode="nearest"), dtype=np.float64)


def _tapered(image: Array) -> Array:
    """The image fading to its mean over the outer tenth.

    The transform takes the left border to touch the right one: untapered, that false edge
    draws more than half of the fixations on photographs to the border.
    """
    fade = np.ones_like(image)
    for axis, size in enumerate(image.shape):
        place = np.arange(size) + 0.5
        ramp = np.minimum(1.0, np.minimum(place, size - place) / (_BORDER * size))
        fade *= ramp[:, None] if axis == 0 else ramp[None]
    mean = image.mean()
    return np.asarray((image - mean) * fade + mean)


def winner_take_all(saliency: Array, fixations: int, radius: float = 0.1) -> Array:
    """Visit the most salient places in turn, never returning to the last ones.

    Args:
        saliency: Map ``(row, column)`` of values at least 0.
        fixations: Length of the path.
        radius: Width of the Gaussian that inhibits a visited place, as a share of the
            map's diagonal.

    Returns:
        Fixations ``(fixation, 2)`` as x, y in [0, 1], cell centres.

    Source: Itti, Koch & Niebur (1998); inhibition as a Gaussian that is not lifted
    within the few seconds of a path.
    """
    rows, columns = saliency.shape
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    width = radius * float(np.hypot(rows, columns))
    left = saliency.astype(np.float64) - saliency.min() + 1e-12
    path = np.empty((fixations, 2))
    for step in range(fixations):
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        path[step] = (column + 0.5) / columns, (row + 0.5) / rows
        distance = (x - column) ** 2 + (y - row) ** 2
        left = left * (1 - np.exp(-distance / (2 * width**2)))
    return path
