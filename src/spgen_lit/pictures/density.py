"""Density: where fixations gather, as a map and as a warm layer over the picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray

from spgen_lit.pictures.figure import Pixels, check_rgb
from spgen_lit.scanpath import Scanpath

#: About one degree of visual angle on an 800 px wide picture seen at 30 degrees.
SIGMA = 0.03


def fixation_density(
    paths: Sequence[Scanpath],
    width: int,
    height: int,
    sigma: float = SIGMA,
) -> NDArray[np.float32]:
    """Blurred fixation counts of all paths, scaled to a maximum of 1.

    Args:
        paths: Scanpaths on one image; fixations off the image do not count.
        width: Width of the map in px.
        height: Height of the map in px.
        sigma: Standard deviation of the blur as a share of the map's longer side.

    Returns:
        Map ``(height, width)`` in [0, 1]; all zero where there is no fixation.
    """
    counts = np.zeros((height, width), np.float32)
    for path in paths:
        seen = path.on_image()
        columns = np.minimum((seen.xy[:, 0] * width).astype(int), width - 1)
        rows = np.minimum((seen.xy[:, 1] * height).astype(int), height - 1)
        np.add.at(counts, (rows, columns), 1.0)
    spread = max(0.5, sigma * max(width, height))
    blurred = cv2.GaussianBlur(counts, (0, 0), spread, borderType=cv2.BORDER_CONSTANT)
    density = np.asarray(blurred, dtype=np.float32)
    peak = float(density.max())
    return density / peak if peak > 0 else density


def _heat_layer(density: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A density in [0, 1] as RGBA ``(H, W, 4)``: clear where nobody looked, warm at the peak."""
    colors = matplotlib.colormaps["inferno"](0.25 + 0.7 * density, bytes=True)
    layer = np.ascontiguousarray(colors, dtype=np.uint8)
    layer[..., 3] = np.rint(255 * 0.8 * np.sqrt(density))
    return layer


def density_overlay(image: Pixels, paths: Sequence[Scanpath]) -> Pixels:
    """The picture, greyed, under the heat layer of all fixations of ``paths``.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB; left as it is.
        paths: Scanpaths on it.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    check_rgb(image)
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    ground = 0.65 * grey + 0.35 * image.astype(np.float32)
    # The blur is smooth, so a small map enlarged looks the same and costs far less.
    small = min(1.0, 320 / max(width, height))
    size = (max(1, round(width * small)), max(1, round(height * small)))
    layer = cv2.resize(
        _heat_layer(fixation_density(paths, *size)),
        (width, height),
        interpolation=cv2.INTER_LINEAR,
    )
    cover = np.asarray(layer[..., 3:], np.float32) / 255
    mixed = ground + cover * (np.asarray(layer[..., :3], np.float32) - ground)
    return np.rint(mixed).astype(np.uint8)
