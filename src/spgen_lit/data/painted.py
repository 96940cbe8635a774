"""A set of photographs as paintings: people's gaze kept, stimuli rendered and cached."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from spgen_lit.data.images import list_images, read_image
from spgen_lit.data.painterly import (
    FAMILIES,
    TEST_FAMILIES,
    TRAIN_FAMILIES,
    paint,
    recipe,
)
from spgen_lit.data.records import GazeSet, Reader, Stimulus

_GROUPS = {"train": TRAIN_FAMILIES, "test": TEST_FAMILIES, "all": FAMILIES}
_SILENT = 20  # pictures painted without a progress bar: some seconds' work


@dataclass(frozen=True)
class Painted:
    """Reader of ``painted-<set>``: another reader's set with every photograph painted.

    The gaze is that of the people who looked at the photographs: the best truth there is
    for a painting of the same scene. Files lie under ``root/<hash of the settings and of
    the painter's code>`` and are painted once; each is written under another name and then
    moved, so that a broken-off or concurrent build leaves only whole pictures.

    Attributes:
        source: Reader of the photographs.
        root: Folder of the cache.
        families: Painter families to use in turn, by name; or ``train``, ``test`` or
            ``all`` for the groups of `spgen_lit.data.painterly`. Images are shuffled by
            the seed and dealt to the families one after the other.
        size: Largest width and height in px of a painted picture (turned for upright
            ones); smaller photographs keep their size. Scanpaths are relative to it.
        seed: Deals families, palettes and the painter's own seeds.
        strength: Of the painting, see `paint`.
        palettes: Folder of real paintings to take colours from, or None.

    Raises:
        ValueError: For unknown families, an empty list of them, or a size below 16 px.
    """

    source: Reader
    root: str | Path
    families: str | Sequence[str] = "test"
    size: Sequence[int] = (512, 384)
    seed: int = 0
    strength: float = 1.0
    palettes: str | Path | None = None
    _names: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = self.families
        if isinstance(names, str):
            names = _GROUPS.get(names, (names,))
        unknown = [name for name in names if name not in FAMILIES]
        if unknown or not names:
            raise ValueError(
                f"families: found {', '.join(map(repr, unknown)) or 'none'}, needed one of "
                f"{', '.join(FAMILIES)}, or a group: {', '.join(_GROUPS)}"
            )
        if len(self.size) != 2 or min(self.size) < 16:
            raise ValueError(
                f"size: found {tuple(self.size)}, needed width and height of at least 16 px"
            )
        object.__setattr__(self, "_names", tuple(names))

    def read(self) -> GazeSet:
        """Read the source, paint what is not in the cache, and point the stimuli at it.

        Returns:
            The set with the source's image ids, splits and gaze; picture sizes and those
            of the scanpaths are the painted files'.

        Raises:
            FileNotFoundError: If `palettes` is no folder or holds no image.
            ValueError: If a photograph or painting cannot be read.
            OSError: If the cache cannot be written.
        """
        photographs = self.source.read()
        paintings = _palettes(self.palettes)
        folder = Path(self.root) / self._fingerprint(photographs.name, paintings)
        folder.mkdir(parents=True, exist_ok=True)
        jobs = self._jobs(photographs.stimuli, paintings, folder)
        _write_index(folder / "index.csv", jobs)
        missing = [job for job in jobs if not job.file.exists()]
        console = Console(stderr=True)
        for job in track(
            missing,
            description=f"painting {photographs.name}",
            console=console,
            disable=len(missing) <= _SILENT,
        ):
            _render(job, self.strength)
        return self._repoint(photographs, {job.photo.id: job for job in jobs})

    def _fingerprint(self, name: str, paintings: Sequence[Path]) -> str:
        """Hash of everything that decides how the whole set looks."""
        facts = {
            "set": name,
            "families": self._names,
            "size": tuple(self.size),
            "seed": self.seed,
            "strength": float(self.strength),
            "palettes": [(path.name, path.stat().st_size) for path in paintings],
            "recipe": recipe(),
        }
        return _digest(json.dumps(facts))[:16]

    def _jobs(
        self, stimuli: Mapping[str, Stimulus], paintings: Sequence[Path], folder: Path
    ) -> list[_Job]:
        """One picture an image: family dealt in turn, palette and seed by hash."""
        shuffled = sorted(stimuli, key=lambda i: _digest(f"{self.seed}/{i}"))
        jobs = {}
        for number, image in enumerate(shuffled):
            photo = stimuli[image]
            digest = _digest(f"{self.seed}/{image}/marks")
            palette = paintings[int(digest[8:16], 16) % len(paintings)] if paintings else None
            family = self._names[number % len(self._names)]
            # The name follows whatever may differ between two sources of the same name.
            bytes_of = photo.path.stat().st_size if photo.path.exists() else 0
            tag = _digest(f"{image}/{family}/{photo.size}/{bytes_of}")[:8]
            stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(image).stem)[:60]
            jobs[image] = _Job(
                photo,
                folder / f"{stem}-{tag}.jpg",
                family,
                int(digest[:8], 16),
                _fit(photo.size, (self.size[0], self.size[1])),
                palette,
            )
        return [jobs[image] for image in stimuli]

    def _repoint(self, photographs: GazeSet, jobs: Mapping[str, _Job]) -> GazeSet:
        """The same set on the painted files."""
        colours = "" if self.palettes is None else ", colours after real paintings"
        note = (
            f"painted renditions ({', '.join(self._names)}; seed {self.seed}, strength "
            f"{self.strength:g}{colours}); gaze recorded on the photographs"
        )
        return replace(
            photographs,
            name=f"painted-{photographs.name}",
            stimuli={image: Stimulus(image, job.file, job.size) for image, job in jobs.items()},
            scanpaths=[replace(path, size=jobs[path.image].size) for path in photographs.scanpaths],
            notes=(*photographs.notes, note),
        )


@dataclass(frozen=True)
class _Job:
    """One picture to paint: from which photograph to which file, and how."""

    photo: Stimulus
    file: Path
    family: str
    seed: int
    size: tuple[int, int]
    palette: Path | None


def _render(job: _Job, strength: float) -> None:
    """Paint one picture and move it to its place when it is whole."""
    pixels = read_image(job.photo.path, job.size)
    if pixels.shape[1::-1] != job.size:
        pixels = np.asarray(cv2.resize(pixels, job.size, interpolation=cv2.INTER_AREA), np.uint8)
    palette = None if job.palette is None else read_image(job.palette, (192, 192))
    painted = paint(pixels, job.family, job.seed, strength, palette)
    _write(job.file, _jpeg(painted))


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    """JPEG of quality 95 with full colour resolution: dabs are a few px wide."""
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        95,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise RuntimeError("OpenCV could not encode a JPEG: is it built with libjpeg?")
    return bytes(encoded)


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is never seen unfinished."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _write_index(path: Path, jobs: Sequence[_Job]) -> None:
    """Table of which image was painted how, for tables by family."""
    table = io.StringIO(newline="")
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["image", "file", "family", "seed", "palette"])
    for job in jobs:
        palette = "" if job.palette is None else job.palette.name
        rows.writerow([job.photo.id, job.file.name, job.family, job.seed, palette])
    _write(path, table.getvalue().encode())


def _palettes(folder: str | Path | None) -> list[Path]:
    """Images of a folder of paintings, sorted; none without a folder."""
    if folder is None:
        return []
    found = list_images(folder)
    if not found:
        raise FileNotFoundError(
            f"{folder}: no image in the folder of palettes; put paintings there or leave it out"
        )
    return found


def _fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the same aspect within a box, turned for upright pictures."""
    long, short = max(box), min(box)
    scale = min(1.0, long / max(size), short / min(size))
    return max(16, round(size[0] * scale)), max(16, round(size[1] * scale))


def _digest(text: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
