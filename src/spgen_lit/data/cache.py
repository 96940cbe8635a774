"""Images decoded and resized once, kept in a file that workers and ranks share."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from rich.progress import Progress

from spgen_lit.data.cache_file import CorruptCache, RowFile, RowWriter, lock
from spgen_lit.data.frame import Frame
from spgen_lit.data.images import ImageError, Pixels, read_image
from spgen_lit.data.records import Stimulus

_BATCH = 64  # images decoded ahead of the writer


class ImageCache:
    """Decoded images of one frame.

    `build` decodes a set of images once into one file below `root`; every process that
    builds the same set finds it there. The file is found by the images' paths and the frame,
    and holds a key of every image; images whose key has changed are decoded again. One of
    several processes builds, the others wait for it. A damaged file is dropped and rebuilt.

    Pickling carries the file's name and the row numbers only; workers map it again.

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
        self._places: dict[str, tuple[str, int]] = {}
        self._open: dict[str, RowFile] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def __len__(self) -> int:
        return len(self._places)

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
        place = self._places.get(str(stimulus.path))
        if place is not None:
            name, row = place
            try:
                if name not in self._open:
                    self._open[name] = RowFile(self.root / name, self.shape)
                return self._open[name].row(row)
            except (CorruptCache, OSError) as error:
                self._drop(name, error)
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
        with lock(self.root / f"{name}.lock"):
            keys = [self._key(path) for path in paths]
            old = self._usable(name)
            if old is None or old.index["keys"] != keys:
                self._write(name, [s for _, s in images], keys, old, progress)
                old = self._usable(name)
        if old is None:
            raise OSError(f"{self.root / name}: cache file vanished while it was built")
        self._open[name] = old
        self._places.update({path: (name, row) for row, path in enumerate(paths)})

    def _key(self, path: str) -> str:
        try:
            if self.key == "content":
                with Path(path).open("rb") as file:
                    return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
            status = Path(path).stat()
        except OSError as error:
            raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
        return f"{status.st_size}-{status.st_mtime_ns}"

    def _usable(self, name: str) -> RowFile | None:
        """The finished file of that name, or None if absent; a damaged one is removed."""
        try:
            return RowFile(self.root / name, self.shape)
        except FileNotFoundError:
            return None
        except CorruptCache as error:
            self._drop(name, error)
            return None

    def _drop(self, name: str, error: Exception) -> None:
        warnings.warn(f"image cache dropped, images are decoded again: {error}", stacklevel=3)
        self._open.pop(name, None)
        self._places = {p: place for p, place in self._places.items() if place[0] != name}
        with suppress(OSError):
            (self.root / name).unlink(missing_ok=True)

    def _write(
        self,
        name: str,
        images: Sequence[Stimulus],
        keys: list[str],
        old: RowFile | None,
        progress: bool,
    ) -> None:
        height, width, _ = self.shape
        needed = len(images) * height * width * 3
        free = shutil.disk_usage(self.root).free
        if needed > free:
            raise OSError(
                f"{self.root}: the image cache needs {needed / 2**20:.0f} MiB and the disk has "
                f"{free / 2**20:.0f} MiB left; free some, move the cache, or train without it"
            )
        known = old.index["keys"] if old else [None] * len(images)

        def one(number: int) -> Pixels | ImageError:
            if old is not None and known[number] == keys[number]:
                with suppress(CorruptCache):
                    return old.row(number)
            try:
                return decode(images[number], self.frame)
            except ImageError as error:
                return error

        writer = RowWriter(self.root / name)
        failed: list[ImageError] = []
        try:
            with (
                ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool,
                Progress(disable=not progress, transient=True) as bar,
            ):
                task = bar.add_task("decoding images", total=len(images))
                for start in range(0, len(images), _BATCH):
                    for row in pool.map(one, range(start, min(start + _BATCH, len(images)))):
                        bar.advance(task)
                        if isinstance(row, ImageError):
                            failed.append(row)
                        elif not failed:
                            writer.append(row)
            if failed:
                rest = f" (and {len(failed) - 5} more)" if len(failed) > 5 else ""
                raise ImageError("; ".join(str(error) for error in failed[:5]) + rest)
            writer.finish({"keys": keys})
        finally:
            writer.discard()


def decode(stimulus: Stimulus, frame: Frame) -> Pixels:
    """Read an image file into a frame, uint8 ``(h, w, 3)``.

    Raises:
        ImageError: If the file cannot be read.
    """
    inner = frame.placement(stimulus.size)[2:]
    return frame.image(read_image(stimulus.path, size=inner), image_size=stimulus.size)
