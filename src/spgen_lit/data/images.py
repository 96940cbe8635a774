"""Image files as they come: upright 8-bit RGB arrays, sizes as displayed, clear errors."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from spgen_lit.files import first_line

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
        raise ImageError(f"{path}: {first_line(error)}; save a smaller copy") from error
    except _DAMAGE as error:
        reason = f"damaged or cut-off {kind} image ({first_line(error)})"
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
