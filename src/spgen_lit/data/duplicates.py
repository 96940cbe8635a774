"""Images that are the same, or nearly: what would leak from training into testing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.frame import resize
from spgen_lit.data.images import Pixels, read_image
from spgen_lit.data.records import Stimulus

_THUMB = 32  # px of the squares that hashes are made of
_CHUNK = 512  # rows of the table of distances held at a time


@dataclass(frozen=True)
class Print:
    """What is kept of an image to find its likes.

    Attributes:
        image: Identifier.
        content: Hash of the file.
        hash: 64-bit perceptual hash.
        mirrored: The hash of the image mirrored left to right.
        thumb: uint8 ``(32, 32, 3)``, the image made small.
    """

    image: str
    content: str
    hash: int
    mirrored: int
    thumb: Pixels


@dataclass(frozen=True)
class Pair:
    """Two images and how they are alike: ``same file``, ``nearly the same``, ``mirrored``."""

    one: str
    other: str
    kind: str


def fingerprint(stimulus: Stimulus) -> Print:
    """Read a whole image file and keep its prints.

    Raises:
        ImageError: If the file cannot be read to its end.
    """
    thumb = resize(read_image(stimulus.path, size=(4 * _THUMB, 4 * _THUMB)), (_THUMB, _THUMB))
    with stimulus.path.open("rb") as file:
        content = hashlib.file_digest(file, "blake2b").hexdigest()
    mirrored = np.ascontiguousarray(thumb[:, ::-1])
    return Print(stimulus.id, content, perceptual_hash(thumb), perceptual_hash(mirrored), thumb)


def perceptual_hash(rgb: Pixels) -> int:
    """64 bits: which of the 8x8 lowest cosine terms of the grey image exceed their median.

    The usual DCT hash (Zauner 2010); images that differ in size, compression or slight
    colour keep all but a few bits.
    """
    grey = cv2.cvtColor(resize(rgb, (_THUMB, _THUMB)), cv2.COLOR_RGB2GRAY).astype(np.float32)
    low = cv2.dct(grey)[:8, :8].ravel()
    bits = low > np.median(low)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def alike(prints: list[Print], bits: int = 10, difference: float = 12.0) -> list[Pair]:
    """Pairs of images that are the same or nearly.

    Args:
        prints: Of all images.
        bits: Most bits in which the hashes of nearly equal images differ.
        difference: Largest mean difference of their thumbnails, in grey levels: hashes alone
            mistake plain images for each other.

    Returns:
        Pairs in the order of `prints`.
    """
    if not prints:
        return []
    hashes = np.array([p.hash for p in prints], np.uint64)
    mirrors = np.array([p.mirrored for p in prints], np.uint64)
    pairs = []
    for start in range(0, len(prints), _CHUNK):
        rows = hashes[start : start + _CHUNK, None]
        near = _within(rows, hashes, bits) | _within(rows, mirrors, bits)
        for i, j in zip(*np.nonzero(near), strict=True):
            one, other = prints[start + int(i)], prints[int(j)]
            if start + i < j and (kind := _kind(one, other, difference)):
                pairs.append(Pair(one.image, other.image, kind))
    return pairs


def _within(rows: NDArray[np.uint64], hashes: NDArray[np.uint64], bits: int) -> NDArray[np.bool_]:
    return np.bitwise_count(rows ^ hashes[None]) <= bits


def _kind(one: Print, other: Print, difference: float) -> str:
    if one.content == other.content:
        return "same file"
    levels = one.thumb.astype(np.int16)
    if np.abs(levels - other.thumb).mean() <= difference:
        return "nearly the same"
    if np.abs(levels - other.thumb[:, ::-1]).mean() <= difference:
        return "mirrored"
    return ""
