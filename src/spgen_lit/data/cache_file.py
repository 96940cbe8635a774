"""The file behind the image cache: rows of equal size, an index behind them, one rename.

Layout: the rows one after another, a JSON index, the index's length (8 bytes), a magic word.
The file appears under its name only when it is whole.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from spgen_lit.data.images import Pixels

_MAGIC = b"SPGENIM1"
_TAIL = struct.Struct("<Q8s")
_RESIDENT = 64 * 2**20  # bytes read before mapped pages are handed back


class CorruptCache(Exception):
    """A cache file that is cut off or damaged."""


class RowWriter:
    """Append rows, then give the file its name; nothing whole-looking before."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        self._file = os.fdopen(handle, "wb")
        self._name = Path(name)
        self._sums: list[int] = []

    def append(self, row: Pixels) -> None:
        """Write one row and note its checksum."""
        data = np.ascontiguousarray(row).tobytes()
        self._file.write(data)
        self._sums.append(zlib.crc32(data))

    def finish(self, index: dict[str, Any]) -> None:
        """Write the index and move the file to its name."""
        text = json.dumps({**index, "sums": self._sums}).encode()
        self._file.write(text + _TAIL.pack(len(text), _MAGIC))
        self._file.close()
        # mkstemp makes private files; a cache is for everybody who may read the folder.
        self._name.chmod(0o666 & ~_umask())
        self._name.replace(self.path)

    def discard(self) -> None:
        """Remove what was written, if it has not got its name."""
        self._file.close()
        self._name.unlink(missing_ok=True)


class RowFile:
    """Read rows of a finished file, mapped into memory.

    Args:
        path: The file.
        shape: Shape of a row, uint8.

    Raises:
        CorruptCache: If the file is cut off, or its index does not fit.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        self.bytes = int(np.prod(shape))
        try:
            with path.open("rb") as file:
                total = file.seek(0, os.SEEK_END)
                file.seek(max(0, total - _TAIL.size))
                length, magic = _TAIL.unpack(file.read(_TAIL.size))
                if magic != _MAGIC or length > total - _TAIL.size:
                    raise CorruptCache(f"{path}: no index at the end")
                file.seek(total - _TAIL.size - length)
                self.index: dict[str, Any] = json.loads(file.read(length))
                self.count = len(self.index["sums"])
                if self.count * self.bytes + length + _TAIL.size != total:
                    raise CorruptCache(f"{path}: {total} bytes do not fit {self.count} rows")
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise CorruptCache(f"{path}: {error}") from error
        self._checked = bytearray(self.count)
        self._read = 0

    def row(self, number: int) -> Pixels:
        """A copy of one row, its checksum compared when it is first read.

        Raises:
            CorruptCache: If the row is not what was written.
        """
        start = number * self.bytes
        data = self._map[start : start + self.bytes]
        if not self._checked[number]:
            if zlib.crc32(data) != self.index["sums"][number]:
                raise CorruptCache(f"row {number} is damaged")
            self._checked[number] = 1
        self._read += self.bytes
        if self._read > _RESIDENT and hasattr(self._map, "madvise"):
            # Mapped pages count as this process's memory until handed back to the system.
            self._map.madvise(mmap.MADV_DONTNEED)
            self._read = 0
        return np.frombuffer(bytearray(data), np.uint8).reshape(self.shape)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file among processes; without locks (Windows, some shares), go ahead.

    Going ahead is safe, since files get their name only when whole; it is double work.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        with suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
