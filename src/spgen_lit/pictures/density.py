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
    paths: Sequence[Scanpath], width: int, height: int, sigma: float = SIGMA
) -> NDArray[np.float32]:
    """Blurred fixation counts of all paths, scaled to a maximum of 1.

    Args:
        paths: Scanpaths on one image; fixations off the image do not count.
        width: Width of the map in px.
        height: Height of the map in px.
        sigma: Standard deviation of the blur in units of the map's longer side.

    Returns:
        Map ``(height, width)`` in [0, 1]; all zero where there is no fixation.
    """
    counts = np.zeros((height, width), np.float32)
    for path in paths:
        places = path.on_image().xy * (width, height)
        columns, rows = np.minimum(places.astype(int), (width - 1, height - 1)).T
        np.add.at(counts, (rows, columns), 1.0)
    std = max(0.5, sigma * max(width, height))
    blurred = cv2.GaussianBlur(counts, (0, 0), std, borderType=cv2.BORDER_CONSTANT)
    density = np.asarray(blurred, dtype=np.float32)
    return density / max(float(density.max()), 1e-30)


def density_overlay(image: Pixels, paths: Sequence[Scanpath]) -> Pixels:
    """The picture, greyed, under a heat layer of all fixations of ``paths``.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB; left as it is.
        paths: Scanpaths on it.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    check_rgb(image)
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    greyed = 0.65 * grey + 0.35 * image
    # The blur is smooth, so a small map enlarged looks the same and costs far less.
    scale = min(1.0, 320 / max(width, height))
    small = fixation_density(paths, max(1, round(width * scale)), max(1, round(height * scale)))
    density = np.asarray(cv2.resize(small, (width, height)), dtype=np.float32)
    heat = matplotlib.colormaps["inferno"](0.25 + 0.7 * density, bytes=True)[..., :3]
    opacity = 0.8 * np.sqrt(density)[..., None]
    return np.rint(greyed + opacity * (heat - greyed)).astype(np.uint8)
