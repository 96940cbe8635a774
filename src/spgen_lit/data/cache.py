"""Images decoded and resized once, kept in files that workers and ranks share."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock
from rich.progress import track

from spgen_lit.data.images import Frame, ImageError, Pixels, read_image
from spgen_lit.data.records import Stimulus
from spgen_lit.files import atomic


class ImageCache:
    """Decoded images of one frame, a file each.

    `build` decodes images once below `root`; every process that needs the same image in the
    same frame finds it there. A file holds the state (size and time of change) of the image that
    it was made of, and a checksum; images that have changed and files that are damaged are decoded
    again. One of several processes builds, the others wait for it.

    Files are read, not mapped: one that is cut short while it is used is an error that leads to
    decoding, where a mapped one would end the process.

    Args:
        root: Folder of the cache.
        frame: What images are brought into.
    """

    def __init__(self, root: str | Path, frame: Frame) -> None:
        self.root = Path(root)
        self.frame = frame
        self._files: dict[Path, Path] = {}

    def get(self, stimulus: Stimulus) -> Pixels:
        """One image in the frame, uint8 ``(h, w, 3)``, writable.

        Images that were not built, and files found damaged, are decoded from the image file.

        Raises:
            ImageError: If it comes to decoding and the image file cannot be read.
        """
        file = self._files.get(stimulus.path)
        if file is not None:
            try:
                return _stored(file, "image")
            except Exception as error:  # numpy and zipfile raise whatever damage leads them to
                warnings.warn(f"{file}: dropped, the image is decoded again: {error}", stacklevel=2)
                del self._files[stimulus.path]
        return decode(stimulus, self.frame)

    def build(self, stimuli: Iterable[Stimulus]) -> None:
        """Make sure that these images are in the cache.

        Raises:
            ImageError: Naming images that cannot be read.
            WriteError: If the disk has no room for the files.
        """
        images = {stimulus.path: stimulus for stimulus in stimuli}
        self.root.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            # Without locks (some network shares) go ahead: files get their name only when whole,
            # so two builds at once are double work and no harm.
            with suppress(NotImplementedError, OSError):
                held.enter_context(FileLock(self.root / "build.lock"))
            states = {path: _state(path) for path in images}
            missing = [path for path in images if not self._holds(path, states[path])]

            def store(path: Path) -> str:
                try:
                    image = decode(images[path], self.frame)
                except ImageError as error:
                    return str(error)
                with atomic(self._file(path)) as part:
                    np.savez(part, image=image, state=states[path])
                return ""

            with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
                results = track(
                    threads.map(store, missing),
                    "decoding images",
                    len(missing),
                    transient=True,
                    disable=not missing,
                )
                failed = [message for message in results if message]
        if failed:
            rest = f" (and {len(failed) - 5} more)" if len(failed) > 5 else ""
            raise ImageError("; ".join(failed[:5]) + rest)
        self._files |= {path: self._file(path) for path in images}

    def _file(self, path: Path) -> Path:
        identity = os.fsencode(f"{path}\n{self.frame}")
        return self.root / f"{hashlib.blake2b(identity, digest_size=16).hexdigest()}.npz"

    def _holds(self, path: Path, state: str) -> bool:
        # Whatever is wrong with a file that can be made again: it is made again.
        with suppress(Exception):
            return bool(_stored(self._file(path), "state") == state)
        return False


def _stored(file: Path, name: str) -> Pixels:
    """An array of a file; its checksum is compared while it is read."""
    with np.load(file, allow_pickle=False) as content:
        array: Pixels = content[name]
        return array


def _state(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
    return f"{status.st_size}-{status.st_mtime_ns}"


def decode(stimulus: Stimulus, frame: Frame) -> Pixels:
    """Read an image file into a frame, uint8 ``(h, w, 3)``.

    Raises:
        ImageError: If the file cannot be read.
    """
    inner = frame.placement(stimulus.size)[2:]
    return frame.image(read_image(stimulus.path, size=inner), image_size=stimulus.size)
