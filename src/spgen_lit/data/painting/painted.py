"""Sets of photographs as paintings: observers' gaze kept, stimuli rendered and cached."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from spgen_lit.data.images import list_images, read_image
from spgen_lit.data.painting.painter import FAMILIES, TEST_FAMILIES, TRAIN_FAMILIES, paint
from spgen_lit.data.records import GazeSet, Reader, Stimulus
from spgen_lit.files import atomic, write_csv

StyleReaders = Mapping[str, Reader | Sequence[Reader]]

_GROUPS = {"train": TRAIN_FAMILIES, "test": TEST_FAMILIES, "all": FAMILIES}
_RECIPE = "6219c4910209a16b"  # another word whenever the painter gives other pictures
_SILENT = 20  # pictures painted without a progress bar: some seconds' work


@dataclass(frozen=True)
class Painted:
    """Reader of ``painted-<set>``: another reader's set with every photograph painted.

    The gaze is that of the observers of the photographs, the best known stand-in for gaze
    on a painting of the same scene. Files lie under ``root/<hash of the settings and of
    the painter's version>`` and are painted once. An interrupted build leaves only whole pictures.

    Attributes:
        source: Reader of the photographs.
        root: Folder of the cache.
        families: Painter families to use in turn, by name; or ``train``, ``test`` or
            ``all`` for the groups of `spgen_lit.data.painting.painter`. Images are shuffled by
            the seed and dealt to the families one after the other.
        size: Largest width and height in px of a painted picture (turned for upright
            ones); smaller photographs keep their size. Scanpaths are relative to it.
        seed: Deals families, palettes and the painter's own seeds.
        strength: Of the painting, see `paint`.
        palettes: Folder of real paintings to take colors from, or None.

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
        object.__setattr__(self, "families", tuple(names))

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
        paintings = [] if self.palettes is None else _paintings(self.palettes)
        folder = Path(self.root) / self._fingerprint(photographs.name, paintings)
        folder.mkdir(parents=True, exist_ok=True)
        jobs = self._jobs(photographs.stimuli, paintings, folder)
        write_csv(folder / "index.csv", [job.row() for job in jobs.values()])
        missing = [job for job in jobs.values() if not job.file.exists()]
        for job in track(
            missing,
            description=f"painting {photographs.name}",
            console=Console(stderr=True),
            disable=len(missing) <= _SILENT,
        ):
            _render(job, self.strength)
        colors = "" if self.palettes is None else ", colors after real paintings"
        note = (
            f"painted renditions ({', '.join(self.families)}; seed {self.seed}, strength "
            f"{self.strength:g}{colors}); gaze recorded on the photographs"
        )
        return replace(
            photographs,
            name=f"painted-{photographs.name}",
            stimuli={image: Stimulus(image, job.file, job.size) for image, job in jobs.items()},
            scanpaths=[replace(path, size=jobs[path.image].size) for path in photographs.scanpaths],
            notes=(*photographs.notes, note),
        )

    def _fingerprint(self, name: str, paintings: Sequence[Path]) -> str:
        """Hash of everything that decides how the whole set looks."""
        facts = {
            "set": name,
            "families": self.families,
            "size": tuple(self.size),
            "seed": self.seed,
            "strength": float(self.strength),
            "palettes": [(path.name, path.stat().st_size) for path in paintings],
            "recipe": _RECIPE,
        }
        return _digest(json.dumps(facts))[:16]

    def _jobs(
        self, stimuli: Mapping[str, Stimulus], paintings: Sequence[Path], folder: Path
    ) -> dict[str, _Job]:
        """One picture per image, in the order of the set: families in turn, seed by hash."""
        shuffled = sorted(stimuli, key=lambda i: _digest(f"{self.seed}/{i}"))
        jobs = {}
        for number, image in enumerate(shuffled):
            photo = stimuli[image]
            digest = _digest(f"{self.seed}/{image}/marks")
            palette = paintings[int(digest[8:16], 16) % len(paintings)] if paintings else None
            family = self.families[number % len(self.families)]
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
        return {image: jobs[image] for image in stimuli}


@dataclass(frozen=True)
class _Job:
    """One picture to paint: from which photograph to which file, and how."""

    photo: Stimulus
    file: Path
    family: str
    seed: int
    size: tuple[int, int]
    palette: Path | None

    def row(self) -> dict[str, object]:
        """Which image is painted how, for tables by family."""
        return {
            "image": self.photo.id,
            "file": self.file.name,
            "family": self.family,
            "seed": self.seed,
            "palette": "" if self.palette is None else self.palette.name,
        }


def _render(job: _Job, strength: float) -> None:
    """Paint one picture and write it whole."""
    pixels = read_image(job.photo.path, job.size)
    if pixels.shape[1::-1] != job.size:
        pixels = np.asarray(cv2.resize(pixels, job.size, interpolation=cv2.INTER_AREA), np.uint8)
    palette = None if job.palette is None else read_image(job.palette, (192, 192))
    painted = paint(pixels, job.family, job.seed, strength, palette)
    with atomic(job.file) as part:
        # Full color resolution: marks are a few px wide.
        Image.fromarray(painted).save(part, "JPEG", quality=95, subsampling=0)


def _paintings(folder: str | Path) -> list[Path]:
    """Images of a folder of paintings, sorted."""
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


def renditions(
    readers: StyleReaders, stimuli: Mapping[str, Stimulus], sets: Mapping[str, str]
) -> dict[str, list[Stimulus]]:
    """Every training image's renditions, from readers of the same images in other styles.

    Args:
        readers: Source set's name to one or several readers, such as `Painted`; the
            image ids are the source's.
        stimuli: The training images by their identifiers.
        sets: Identifier to the name of its set.

    Returns:
        Identifier to renditions, one of each reader of its set; images of sets without
        readers are absent.

    Raises:
        ValueError: If a reader leaves out images.
    """
    found: dict[str, list[Stimulus]] = {}
    for name, several in readers.items():
        keys = [key for key, set_name in sets.items() if set_name == name]
        for reader in several if isinstance(several, Iterable) else [several]:
            rendered = reader.read()
            missing = [key for key in keys if stimuli[key].id not in rendered.stimuli]
            if missing:
                raise ValueError(
                    f"data.styles {name!r}: {rendered.name} lacks {len(missing)} of the "
                    f"{len(keys)} training images, {', '.join(missing[:3])} among them; "
                    "render the set that data.source reads"
                )
            for key in keys:
                found.setdefault(key, []).append(rendered.stimuli[stimuli[key].id])
    return found
