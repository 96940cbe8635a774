"""Images decoded and resized once, kept in a file that workers and ranks share."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from filelock import FileLock
from rich.progress import track

from spgen_lit.data.frame import Frame
from spgen_lit.data.images import ImageError, Pixels, read_image
from spgen_lit.data.records import Stimulus
from spgen_lit.files import atomic

_BATCH = 64  # images decoded ahead of the writer
# Behind the rows lie a JSON index, its length and this word: a file cut short has none.
_MAGIC = b"SPGENIM2"
_TAIL = struct.Struct("<Q8s")


class CorruptCache(Exception):
    """A cache file that is cut off or damaged."""


class _Row(NamedTuple):
    """Where an image lies: its file, its number there, the checksum of its bytes."""

    file: str
    number: int
    checksum: int


class ImageCache:
    """Decoded images of one frame.

    `build` decodes a set of images once into one file below `root`; every process that
    builds the same set finds it there. The file is found by the images' paths and the frame,
    and holds a key of every image; images whose key has changed are decoded again. One of
    several processes builds, the others wait for it. A damaged file is dropped and rebuilt.

    Rows are read, not mapped: a file that is cut short while it is used is an error that leads
    to decoding, where a mapped one would end the process.

    Args:
        root: Folder of the cache.
        frame: What images are brought into.
        key: What tells that an image changed: ``stat`` (its path, size in bytes and time of
            change) or ``content`` (a hash of the file, which reads all of it).
    """

    def __init__(
        self, root: str | Path, frame: Frame, key: Literal["stat", "content"] = "stat"
    ) -> None:
        if key not in ("stat", "content"):
            raise ValueError(f"key must be stat or content, found {key!r}")
        self.root = Path(root)
        self.frame = frame
        self.key = key
        self._rows: dict[str, _Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of an image: height, width, 3."""
        return (self.frame.size[1], self.frame.size[0], 3)

    def get(self, stimulus: Stimulus) -> Pixels:
        """One image in the frame, uint8 ``(h, w, 3)``, writable.

        Images that were not built, and rows found damaged, are decoded from the image file.

        Raises:
            ImageError: If it comes to decoding and the file cannot be read.
        """
        row = self._rows.get(str(stimulus.path))
        if row is not None:
            try:
                return self._read(row)
            except (CorruptCache, OSError) as error:
                self._drop(row.file, error)
        return decode(stimulus, self.frame)

    def build(self, stimuli: Iterable[Stimulus], progress: bool = False) -> None:
        """Make sure that these images are in the cache.

        Args:
            stimuli: The images.
            progress: Show a progress bar while images are decoded.

        Raises:
            ImageError: Naming every image that cannot be read; nothing is kept then.
            OSError: If the disk has no room for the file.
        """
        images = sorted({str(s.path): s for s in stimuli}.items())
        if not images:
            return
        paths = [path for path, _ in images]
        identity = json.dumps([asdict(self.frame), paths])
        name = f"images-{hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()}.bin"
        self.root.mkdir(parents=True, exist_ok=True)
        with _locked(self.root / f"{name}.lock"):
            keys = [self._key(path) for path in paths]
            old = self._index(name)
            if old.get("keys") != keys:
                self._write(name, [s for _, s in images], keys, old, progress)
                old = self._index(name)
        if not old:
            raise OSError(f"{self.root / name}: cache file vanished while it was built")
        sums = zip(paths, old["sums"], strict=True)
        self._rows |= {path: _Row(name, n, checksum) for n, (path, checksum) in enumerate(sums)}

    def _key(self, path: str) -> str:
        try:
            if self.key == "content":
                with Path(path).open("rb") as file:
                    return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
            status = Path(path).stat()
        except OSError as error:
            raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
        return f"{status.st_size}-{status.st_mtime_ns}"

    def _index(self, name: str) -> dict[str, Any]:
        """Keys and checksums of a finished file; empty if absent; a damaged one is removed."""
        path = self.root / name
        try:
            with path.open("rb") as file:
                total = file.seek(0, os.SEEK_END)
                file.seek(max(0, total - _TAIL.size))
                length, magic = _TAIL.unpack(file.read(_TAIL.size))
                start = total - _TAIL.size - length
                if magic != _MAGIC or start < 0:
                    raise CorruptCache(f"{path}: no index at the end")
                file.seek(start)
                index: dict[str, Any] = json.loads(file.read(length))
                if len(index["sums"]) * int(np.prod(self.shape)) != start:
                    raise CorruptCache(f"{path}: {total} bytes do not fit its index")
                return index
        except FileNotFoundError:
            return {}
        except (CorruptCache, struct.error, ValueError, KeyError, TypeError) as error:
            self._drop(name, error)
            return {}

    def _read(self, row: _Row) -> Pixels:
        """A row of a file, its checksum compared.

        Raises:
            CorruptCache: If it is not what was written.
        """
        size = int(np.prod(self.shape))
        with (self.root / row.file).open("rb") as file:
            file.seek(row.number * size)
            data = bytearray(file.read(size))
        if len(data) != size or zlib.crc32(data) != row.checksum:
            raise CorruptCache(f"row {row.number} is damaged")
        return np.frombuffer(data, np.uint8).reshape(self.shape)

    def _drop(self, name: str, error: Exception) -> None:
        warnings.warn(f"image cache dropped, images are decoded again: {error}", stacklevel=3)
        self._rows = {path: row for path, row in self._rows.items() if row.file != name}
        with suppress(OSError):
            (self.root / name).unlink(missing_ok=True)

    def _write(
        self,
        name: str,
        images: Sequence[Stimulus],
        keys: list[str],
        old: dict[str, Any],
        progress: bool,
    ) -> None:
        needed = len(images) * int(np.prod(self.shape))
        free = shutil.disk_usage(self.root).free
        if needed > free:
            raise OSError(
                f"{self.root}: the image cache needs {needed / 2**20:.0f} MiB and the disk has "
                f"{free / 2**20:.0f} MiB left; free some, move the cache, or train without it"
            )

        def one(number: int) -> Pixels | ImageError:
            if old and old["keys"][number] == keys[number]:
                with suppress(CorruptCache):
                    return self._read(_Row(name, number, old["sums"][number]))
            try:
                return decode(images[number], self.frame)
            except ImageError as error:
                return error

        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            starts = range(0, len(images), _BATCH)
            rows = (
                row
                for start in starts
                for row in pool.map(one, range(start, min(start + _BATCH, len(images))))
            )
            shown = track(
                rows, "decoding images", len(images), transient=True, disable=not progress
            )
            self._save(self.root / name, shown, keys)

    @staticmethod
    def _save(path: Path, rows: Iterable[Pixels | ImageError], keys: list[str]) -> None:
        """Write rows and index; if any image cannot be read, name them all and write nothing."""
        sums, failed = [], []
        with atomic(path) as part, part.open("wb") as file:
            for row in rows:
                if isinstance(row, ImageError):
                    failed.append(row)
                elif not failed:
                    data = np.ascontiguousarray(row).tobytes()
                    file.write(data)
                    sums.append(zlib.crc32(data))
            if failed:
                rest = f" (and {len(failed) - 5} more)" if len(failed) > 5 else ""
                raise ImageError("; ".join(str(error) for error in failed[:5]) + rest)
            text = json.dumps({"keys": keys, "sums": sums}).encode()
            file.write(text + _TAIL.pack(len(text), _MAGIC))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock among processes; without locks (some network shares), go ahead.

    Going ahead is safe, since files get their name only when whole; it is double work.
    """
    lock = FileLock(path)
    with suppress(NotImplementedError, OSError):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def decode(stimulus: Stimulus, frame: Frame) -> Pixels:
    """Read an image file into a frame, uint8 ``(h, w, 3)``.

    Raises:
        ImageError: If the file cannot be read.
    """
    inner = frame.placement(stimulus.size)[2:]
    return frame.image(read_image(stimulus.path, size=inner), image_size=stimulus.size)
