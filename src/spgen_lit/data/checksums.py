"""Checksums: which data a run saw, in one short word a set."""

from __future__ import annotations

import hashlib
from pathlib import Path

from spgen_lit.data.records import GazeSet

_SAMPLE = 1 << 16


def checksum(gaze: GazeSet) -> str:
    """A word that changes when images or gaze of a set change.

    Every scanpath counts to the last bit, and of every image file its size and its first
    and last 64 KiB: reading all of a large set would take minutes at the start of a run.

    Raises:
        OSError: If an image file is missing.
    """
    digest = hashlib.blake2b(digest_size=12)
    for name, stimulus in sorted(gaze.stimuli.items()):
        digest.update(f"{name}|{stimulus.size}".encode())
        digest.update(_fingerprint(stimulus.path))
    for path in gaze.scanpaths:
        digest.update(f"{path.image}|{path.observer}".encode())
        digest.update(path.xy.tobytes())
        if path.durations is not None:
            digest.update(path.durations.tobytes())
    return digest.hexdigest()


def _fingerprint(file: Path) -> bytes:
    size = file.stat().st_size
    with file.open("rb") as content:
        start = content.read(_SAMPLE)
        content.seek(max(size - _SAMPLE, 0))
        return hashlib.blake2b(start + content.read() + str(size).encode()).digest()
