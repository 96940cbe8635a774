"""The frame that images of any shape are brought into, and gaze with them, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from spgen_lit.data.images import Pixels, image_size, read_image
from spgen_lit.scanpath import Array


@dataclass(frozen=True)
class Frame:
    """A fixed canvas for images of any size and aspect.

    ``stretch`` scales both sides to the canvas; relative coordinates stay as they are.
    ``letterbox`` keeps the aspect, centers the image on whole pixels and fills the rest, so
    relative coordinates move and shrink; `xy` and `inverse` use the very placement that
    `image` uses.

    Attributes:
        size: Width and height of the canvas in px.
        mode: ``stretch`` or ``letterbox``.
        fill: RGB color of a letterbox's bars; ImageNet's mean by default, which a
            normalized network sees as zero.

    Raises:
        ValueError: For a size that is not two positive numbers or an unknown mode.
    """

    size: tuple[int, int]
    mode: Literal["stretch", "letterbox"] = "stretch"
    fill: tuple[int, int, int] = (124, 116, 104)

    def __post_init__(self) -> None:
        size = tuple(int(side) for side in self.size)
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"size must be (width, height) in px, found {self.size}")
        if self.mode not in ("stretch", "letterbox"):
            raise ValueError(f"mode must be stretch or letterbox, found {self.mode!r}")
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "fill", tuple(int(value) for value in self.fill))

    def placement(self, image_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, width and height in px of the canvas that the image covers."""
        width, height = self.size
        if self.mode == "stretch":
            return 0, 0, width, height
        scale = min(width / image_size[0], height / image_size[1])
        inner = max(1, round(image_size[0] * scale)), max(1, round(image_size[1] * scale))
        return (width - inner[0]) // 2, (height - inner[1]) // 2, *inner

    def image(self, rgb: Pixels, image_size: tuple[int, int] | None = None) -> Pixels:
        """Place an image on the canvas.

        Args:
            rgb: uint8 ``(height, width, 3)``, at full size or decoded at a reduced scale.
            image_size: Full width and height if `rgb` was reduced, so that rounding of the
                reduced size does not move a letterbox.

        Returns:
            uint8 ``(h, w, 3)`` of the canvas size.
        """
        left, top, width, height = self.placement(image_size or (rgb.shape[1], rgb.shape[0]))
        inner = resize(rgb, (width, height))
        if (width, height) == self.size:
            return inner
        canvas = np.empty((self.size[1], self.size[0], 3), np.uint8)
        canvas[:] = self.fill
        canvas[top : top + height, left : left + width] = inner
        return canvas

    def read(self, image: str | Path | Pixels) -> tuple[Pixels, tuple[int, int]]:
        """An image on the canvas, and the width and height in px that it has itself.

        Args:
            image: A file, decoded at the scale needed, or uint8 RGB ``(height, width, 3)``.

        Raises:
            ImageError: If a file cannot be read.
            ValueError: For an array of another type or shape.
        """
        if isinstance(image, str | Path):
            size = image_size(image)
            return self.image(read_image(image, self.placement(size)[2:]), size), size
        array = np.asarray(image)
        if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
            raise ValueError(
                f"an image array must be uint8 RGB (height, width, 3), found {array.dtype} "
                f"{array.shape}"
            )
        return self.image(array), (array.shape[1], array.shape[0])

    def xy(self, xy_rel: ArrayLike, image_size: tuple[int, int]) -> Array:
        """Relative image coordinates ``(..., 2)`` to those of the canvas."""
        offset, scale = self._affine(image_size)
        return np.asarray(xy_rel, np.float64) * scale + offset

    def inverse(self, xy_frame: ArrayLike, image_size: tuple[int, int]) -> Array:
        """Relative canvas coordinates ``(..., 2)`` to the image's; outside [0, 1] on bars."""
        offset, scale = self._affine(image_size)
        return (np.asarray(xy_frame, np.float64) - offset) / scale

    def _affine(self, image_size: tuple[int, int]) -> tuple[Array, Array]:
        left, top, width, height = self.placement(image_size)
        canvas = np.asarray(self.size, np.float64)
        return np.array([left, top]) / canvas, np.array([width, height]) / canvas


def resize(rgb: NDArray[np.uint8], size: tuple[int, int]) -> Pixels:
    """Scale to `size` (width, height): area average where it shrinks, linear where it grows."""
    height, width = rgb.shape[:2]
    # OpenCV's area average falls back to sampling when one side grows: shrink first.
    small = min(width, size[0]), min(height, size[1])
    if small != (width, height):
        rgb = np.asarray(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA), np.uint8)
    if small != size:
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return rgb
