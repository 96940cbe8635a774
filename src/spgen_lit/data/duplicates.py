"""Images that are the same, or nearly: what would leak from training into testing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from spgen_lit.data.images import Pixels, read_image, resize
from spgen_lit.data.records import Stimulus
from spgen_lit.files import atomic, file_hash

_THUMB = 32  # px of the squares that hashes are made of
_PLAIN = 3.0  # standard deviation in gray levels below which nothing can be recognized
_CHUNK = 512  # rows of the table of distances held at a time
_CONTENT = 16  # hexadecimal digits of the hash of a file


@dataclass(frozen=True)
class Print:
    """What is kept of an image to find its likes.

    Attributes:
        image: Identifier.
        content: Hash of the file, 16 hexadecimal digits.
        thumb: uint8 ``(32, 32, 3)``, the image made small.
    """

    image: str
    content: str
    thumb: Pixels

    @cached_property
    def hashes(self) -> tuple[int, int]:
        """64-bit perceptual hashes of the image and of its mirror image."""
        return perceptual_hash(self.thumb), perceptual_hash(self.thumb[:, ::-1])


@dataclass(frozen=True)
class Pair:
    """Two images and how they are alike: ``same file``, ``nearly the same``, ``mirrored``."""

    one: str
    other: str
    kind: str


def fingerprint(image: str, path: Path) -> Print:
    """Read a whole image file and keep its prints.

    Raises:
        ImageError: If the file cannot be read to its end.
    """
    thumb = resize(read_image(path, size=(4 * _THUMB, 4 * _THUMB)), (_THUMB, _THUMB))
    return Print(image, content_hash(path), thumb)


def content_hash(path: Path) -> str:
    """Hash of a file's bytes, 16 hexadecimal digits."""
    return file_hash(path, "blake2b")[:_CONTENT]


def fingerprints(stimuli: Mapping[str, Stimulus], folder: Path) -> dict[str, Print]:
    """Prints of many images by their identifiers, kept in a folder for the next time.

    Args:
        stimuli: Identifier to image.
        folder: Of the kept prints; they are made again once any of the files has changed.

    Raises:
        ImageError: If a file cannot be read to its end.
    """
    paths = [stimulus.path for stimulus in stimuli.values()]
    names = hashlib.blake2b(b"\n".join(map(bytes, paths)), digest_size=12)
    file = folder / f"prints-{names.hexdigest()}.npz"
    states = np.array([path.stat().st_mtime_ns for path in paths])
    # Whatever is wrong with a file that can be made again: it is made again.
    with suppress(Exception), np.load(file, allow_pickle=False) as kept:
        if np.array_equal(kept["states"], states):
            known = zip(stimuli, kept["contents"].tolist(), kept["thumbs"], strict=True)
            return {image: Print(image, content, thumb) for image, content, thumb in known}
    with ThreadPoolExecutor(2) as pool:
        prints = list(pool.map(fingerprint, stimuli, paths))
    contents, thumbs = [p.content for p in prints], np.array([p.thumb for p in prints])
    with atomic(file) as part:
        np.savez(part, states=states, contents=contents, thumbs=thumbs)
    return dict(zip(stimuli, prints, strict=True))


def perceptual_hash(rgb: Pixels) -> int:
    """64 bits: which of the 8x8 lowest cosine terms of the gray image exceed their median.

    The usual DCT hash (Zauner 2010); images that differ in size, compression or slight
    color keep all but a few bits.
    """
    small = np.ascontiguousarray(resize(rgb, (_THUMB, _THUMB)))
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low = cv2.dct(gray)[:8, :8].ravel()
    bits = low > np.median(low)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def alike(prints: list[Print], bits: int = 10, difference: float = 12.0) -> list[Pair]:
    """Pairs of images that are the same or nearly.

    Args:
        prints: Of all images.
        bits: Most bits in which the hashes of nearly equal images differ.
        difference: Largest mean difference of their thumbnails, in gray levels: hashes alone
            mistake plain images for each other.

    Returns:
        Pairs in the order of `prints`.
    """
    hashes, mirrors = np.array([p.hashes for p in prints], np.uint64).reshape(-1, 2).T
    pairs = []
    for start in range(0, len(prints), _CHUNK):
        rows = hashes[start : start + _CHUNK, None]
        distance = np.minimum(np.bitwise_count(rows ^ hashes), np.bitwise_count(rows ^ mirrors))
        for i, j in zip(*np.nonzero(distance <= bits), strict=True):
            one, other = prints[start + int(i)], prints[int(j)]
            if start + i < j and (kind := _kind(one, other, difference)):
                pairs.append(Pair(one.image, other.image, kind))
    return pairs


def groups(pairs: Iterable[Pair]) -> list[set[str]]:
    """Images that hang together by pairs."""
    found: dict[str, set[str]] = {}
    for pair in pairs:
        joined = found.get(pair.one, {pair.one}) | found.get(pair.other, {pair.other})
        found |= dict.fromkeys(joined, joined)
    return list({id(group): group for group in found.values()}.values())


def _kind(one: Print, other: Print, difference: float) -> str:
    if one.content == other.content:
        return "same file"
    if min(one.thumb.std(), other.thumb.std()) < _PLAIN:
        return ""
    levels = one.thumb.astype(np.int16)
    if np.abs(levels - other.thumb).mean() <= difference:
        return "nearly the same"
    if np.abs(levels - other.thumb[:, ::-1]).mean() <= difference:
        return "mirrored"
    return ""
