"""Sets of photographs as paintings: observers' gaze kept, stimuli rendered and cached."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.progress import track

from spgen_lit.data.images import list_images, read_image, resize
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
        paintings = [] if self.palettes is None else list_images(self.palettes)
        if self.palettes is not None and not paintings:
            raise FileNotFoundError(
                f"{self.palettes}: no image in the folder of palettes; put paintings there or "
                "leave it out"
            )
        folder = Path(self.root) / self._fingerprint(photographs.name, paintings)
        shuffled = sorted(photographs.stimuli, key=lambda image: _digest(f"{self.seed}/{image}"))
        families = dict(zip(shuffled, cycle(self.families), strict=False))
        jobs = [
            self._job(photo, families[image], paintings, folder)
            for image, photo in photographs.stimuli.items()
        ]
        write_csv(folder / "index.csv", [job.row for job in jobs])
        missing = [job for job in jobs if not job.painted.path.exists()]
        console, silent = Console(stderr=True), len(missing) <= _SILENT
        for job in track(missing, f"painting {photographs.name}", console=console, disable=silent):
            job.render(self.strength)
        colors = "" if self.palettes is None else ", colors after real paintings"
        note = (
            f"painted renditions ({', '.join(self.families)}; seed {self.seed}, strength "
            f"{self.strength:g}{colors}); gaze recorded on the photographs"
        )
        stimuli = {job.painted.id: job.painted for job in jobs}
        return replace(
            photographs,
            name=f"painted-{photographs.name}",
            stimuli=stimuli,
            scanpaths=[replace(p, size=stimuli[p.image].size) for p in photographs.scanpaths],
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

    def _job(self, photo: Stimulus, family: str, paintings: Sequence[Path], folder: Path) -> _Job:
        """How one photograph is painted: seed and palette by a hash of its id."""
        digest = _digest(f"{self.seed}/{photo.id}/marks")
        palette = paintings[int(digest[8:16], 16) % len(paintings)] if paintings else None
        # The name follows whatever may differ between two sources of the same name.
        bytes_of = photo.path.stat().st_size if photo.path.exists() else 0
        tag = _digest(f"{photo.id}/{family}/{photo.size}/{bytes_of}")[:8]
        stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(photo.id).stem)[:60]
        # Of the same aspect within the largest size, turned for upright pictures.
        scale = min(1.0, max(self.size) / max(photo.size), min(self.size) / min(photo.size))
        width, height = (max(16, round(side * scale)) for side in photo.size)
        painted = Stimulus(photo.id, folder / f"{stem}-{tag}.jpg", (width, height))
        return _Job(photo, painted, family, int(digest[:8], 16), palette)


@dataclass(frozen=True)
class _Job:
    """One picture to paint: from which photograph to which file, and how."""

    photo: Stimulus
    painted: Stimulus
    family: str
    seed: int
    palette: Path | None

    @property
    def row(self) -> dict[str, object]:
        """Which image is painted how, for tables by family."""
        return {
            "image": self.photo.id,
            "file": self.painted.path.name,
            "family": self.family,
            "seed": self.seed,
            "palette": "" if self.palette is None else self.palette.name,
        }

    def render(self, strength: float) -> None:
        """Paint the picture and write it whole."""
        size = self.painted.size
        pixels = resize(read_image(self.photo.path, size), size)
        palette = None if self.palette is None else read_image(self.palette, (192, 192))
        picture = paint(pixels, self.family, self.seed, strength, palette)
        with atomic(self.painted.path) as part:
            # Full color resolution: marks are a few px wide.
            Image.fromarray(picture).save(part, "JPEG", quality=95, subsampling=0)


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
