"""Image files as upright 8-bit RGB arrays, and the frame that they and gaze are brought into."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from spgen_lit.scanpath import Array

Pixels = NDArray[np.uint8]

_FORMATS = "jpg jpeg jpe jfif png bmp tif tiff webp gif ppm pgm pnm jp2 avif heic heif"
SUFFIXES = frozenset(f".{name}" for name in _FORMATS.split())
_HEIC = frozenset([".heic", ".heif"])
# Photographs of telephones, where the extra [heic] is installed.
with suppress(ImportError):
    import pillow_heif

    pillow_heif.register_heif_opener()
_ORIENTATION = 0x0112  # EXIF tag
# What Pillow's decoders raise on damaged files, depending on format and place of damage.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


class ImageError(ValueError):
    """An image file that cannot be used; the message names the file and the reason."""


def read_image(path: str | Path, size: tuple[int, int] | None = None) -> Pixels:
    """Read an image file as it is displayed.

    EXIF orientation is applied; gray, palette, CMYK, 16-bit and float images become 8-bit
    RGB; transparent images are laid on white; of an animation the first frame is taken.

    Args:
        path: The file.
        size: Width and height in px that the image will be resized to later, if known. A
            JPEG at least twice as large is decoded at 1/2, 1/4 or 1/8 scale, never below
            `size`; the result is *not* resized to `size`.

    Returns:
        uint8 array ``(height, width, 3)``, RGB.

    Raises:
        ImageError: For a file that is missing, empty, not an image, truncated, or damaged, or
            larger than ``SPGEN_MAX_MEGAPIXELS`` once decoded (64 if not set).
    """
    path = Path(path)
    with _opened(path) as image:
        if size is not None and image.format in ("JPEG", "MPO"):
            width, height = size[::-1] if _lies(image) else size
            image.draft(None, (max(1, width), max(1, height)))
        _refuse_size(path, image)
        image.load()
        return _rgb(ImageOps.exif_transpose(image))


def image_size(path: str | Path) -> tuple[int, int]:
    """Width and height in px as displayed (EXIF orientation applied), without decoding.

    Raises:
        ImageError: As `read_image`, so far as the header shows it.
    """
    path = Path(path)
    with _opened(path) as image:
        if image.format == "TIFF":  # Pillow turns TIFF itself, before or while loading by version
            if _lies(image):
                image.load()
            return image.size
        width, height = image.size
        return (height, width) if _lies(image) else (width, height)


def list_images(folder: str | Path) -> list[Path]:
    """Image files below `folder`, by suffix, at any depth, sorted; hidden files left out.

    Raises:
        FileNotFoundError: If `folder` is not a folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder of images")
    return [path for path in list_files(folder) if path.suffix.lower() in SUFFIXES]


def list_files(folder: str | Path) -> list[Path]:
    """Files at any depth, sorted, also behind symbolic links; hidden ones left out."""
    found = []
    entered: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in entered:  # a link that leads back to where it stands
            folders.clear()
            continue
        entered.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(root) / name for name in files if not name.startswith("."))
        found += [path for path in paths if path.is_file()]
    return sorted(found)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A file opened lazily; whatever is wrong with it, also later, is said plainly."""
    kind = ""
    try:
        if path.exists() and not path.is_dir() and not path.is_file():
            raise ImageError(f"{path}: not a regular file (a pipe, socket or device); remove it")
        if path.is_file() and path.stat().st_size == 0:
            raise ImageError(f"{path}: the file is empty (0 bytes); replace or remove it")
        with Image.open(path) as image:
            kind = image.format or ""
            yield image
    except UnidentifiedImageError as error:
        reason = "the contents are not an image, whatever the name says; replace or remove the file"
        if path.suffix.lower() in _HEIC and ".heic" not in Image.registered_extensions():
            needed = "pip install 'spgen-lit[heic]', or save the file as JPEG"
            reason = f"reading HEIC needs one more package: {needed}"
        raise ImageError(f"{path}: {reason}") from error
    except ImageError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path}: {_line(error)}; save a smaller copy") from error
    except _DAMAGE as error:
        reason = f"damaged or cut-off {kind} image ({_line(error)})"
        raise ImageError(f"{path}: {reason}; replace or remove the file") from error


def _refuse_size(path: Path, image: Image.Image) -> None:
    """A small file can hold a picture that takes gigabytes and half a minute to decode."""
    most = float(os.environ.get("SPGEN_MAX_MEGAPIXELS", "64"))
    found = image.width * image.height / 1e6
    if found > most:
        raise ImageError(
            f"{path}: {found:.0f} megapixels to decode, at most {most:g}; save a smaller copy or "
            "set SPGEN_MAX_MEGAPIXELS"
        )


def _lies(image: Image.Image) -> bool:
    """Whether EXIF turns the image on its side, from the header alone."""
    if image.format == "PNG" and "exif" not in image.info:
        return False  # getexif would decode the whole picture to look behind it
    return image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)


def _rgb(image: Image.Image) -> Pixels:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _gray(np.asarray(image, dtype=np.float64))
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, layer)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _gray(values: NDArray[np.float64]) -> Pixels:
    """8-bit RGB of gray values of 16 bits, of 8 bits, or in [0, 1]."""
    values = np.nan_to_num(values)
    top = values.max(initial=0.0)
    fractions = not np.equal(np.mod(values, 1), 0).all()
    scale = 255.0 if top <= 1 and fractions else 1.0 if fractions and top <= 255 else 255 / 65535
    gray = np.clip(np.rint(values * scale), 0, 255).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def _line(error: BaseException) -> str:
    """Its first line; not that of `files`, since an export holds this file alone."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


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
