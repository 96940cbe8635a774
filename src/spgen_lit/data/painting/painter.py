"""The painter: any photograph as a painting, with everything left in its place."""

from __future__ import annotations

import ast
import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painting.filters import Picture
from spgen_lit.data.painting.media import (
    Palette,
    aged,
    fresco,
    glazed,
    oil,
    patches,
    watercolor,
)
from spgen_lit.data.painting.strokes import pointillist, strokes

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
    _check(image, "image")
    if palette is not None:
        _check(palette, "palette")
    if min(image.shape[:2]) < 16:
        raise ValueError(f"image must be at least 16 px high and wide, found {image.shape}")
    if not 0 <= strength <= 3:
        raise ValueError(f"strength must lie in [0, 3], found {strength}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, found {seed}")
    if strength == 0:
        return image.copy()
    photo = image.astype(np.float32) * np.float32(1 / 255)
    # Watercolor keeps the seed of its former spelling, and with it the benchmark's pictures.
    name = "watercolour" if family == "watercolor" else family
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    unit = min(image.shape[:2]) / 384 * max(1.0, strength)
    painted = _PAINTERS[family](photo, rng, unit, palette)
    mixed = photo + (painted - photo) * np.float32(min(strength, 1.0))
    return (mixed * 255 + 0.5).clip(0, 255).astype(np.uint8)


def code_hash() -> str:
    """Hash of the painters' code: changes whenever pictures might, so caches follow."""
    code = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if file.name != "painted.py":
            # Comments and layout may change without changing a picture.
            code.update(ast.dump(ast.parse(file.read_bytes())).encode())
    return code.hexdigest()[:16]


def _check(picture: NDArray[np.uint8], name: str) -> None:
    """Raise unless a picture is uint8 RGB."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(
            f"{name} must be RGB uint8 of shape (height, width, 3), "
            f"found {picture.dtype} of shape {picture.shape}"
        )
