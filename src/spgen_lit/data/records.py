"""What a reader gives: stimuli, the scanpaths on them, and what is known about the set."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from spgen_lit.scanpath import Scanpath

Gaze = Literal["eye", "mouse", "simulated", "none"]
Level = Literal["error", "warning"]
_SAMPLE = 1 << 16  # bytes of an image file


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One image of a set.

    Attributes:
        id: Identifier, unique in its set; ``Scanpath.image`` refers to it.
        path: The image file.
        size: Width and height in px as displayed (EXIF orientation applied).
        attributes: What results can be grouped by, such as ``movement``: name to value.
    """

    id: str
    path: Path
    size: tuple[int, int]
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class GazeSet:
    """Images of one data set with the gaze on them, if any.

    Attributes:
        name: Short name of the set, e.g. ``osie``.
        stimuli: Image id to stimulus.
        scanpaths: Every scanpath, ordered by image, then by observer. Empty for a set
            of images without gaze.
        gaze: How gaze was recorded; ``simulated`` is said on every table.
        splits: Official splits, name (``train``, ``val``, ``test``) to image ids, as far
            as the set defines them. Images in no official split are divided at random by
            the data module.
        citation: Reference to cite.
        licence: Licence or terms.
        notes: Facts a reader of results must know (for example "mouse-contingent").
    """

    name: str
    stimuli: dict[str, Stimulus]
    scanpaths: list[Scanpath] = field(default_factory=list)
    gaze: Gaze = "none"
    splits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    citation: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()

    @property
    def observers_title(self) -> str:
        """What its observers are called beside a model: simulated ones are named so."""
        return "simulated observers" if self.gaze == "simulated" else "observers"

    def by_image(self) -> dict[str, list[Scanpath]]:
        """Scanpaths by image id, told which set they are of; images nobody looked at are absent."""
        groups: dict[str, list[Scanpath]] = defaultdict(list)
        for path in self.scanpaths:
            viewing = replace(path.viewing, dataset=self.name)
            groups[path.image].append(replace(path, viewing=viewing))
        return dict(groups)

    def checksum(self) -> str:
        """A word that changes when images or gaze change: which data a run saw.

        Every scanpath counts to the last bit, and of every image file its size and its first
        and last 64 KiB: reading all of a large set would take minutes at the start of a run.

        Raises:
            OSError: If an image file is missing.
        """
        digest = hashlib.blake2b(digest_size=12)
        for name, stimulus in sorted(self.stimuli.items()):
            digest.update(f"{name}|{stimulus.size}".encode())
            digest.update(_fingerprint(stimulus.path))
        for path in self.scanpaths:
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


@dataclass(frozen=True)
class Finding:
    """One thing that is, or looks, wrong with a set.

    Attributes:
        level: ``error`` makes `check` fail, ``warning`` does not.
        kind: What kind of fault, in a word or three.
        where: File, image and observer.
        what: What was found.
    """

    level: Level
    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Reader(Protocol):
    """A configured reader: constructed from config, read once.

    Implementations raise ``FileNotFoundError`` naming the folder or file looked for and
    how to get it, and ``ValueError`` naming the trial and field for bad content.
    """

    def read(self) -> GazeSet:
        """Read the set from disk."""
        ...


@dataclass(frozen=True)
class Split:
    """One split of one or several sets; identifiers carry the set's name if there are several.

    Attributes:
        stimuli: Identifier to image.
        paths: Identifier to scanpaths, relative to the image.
        sets: Identifier to the name of its set.
    """

    stimuli: dict[str, Stimulus]
    paths: dict[str, list[Scanpath]]
    sets: dict[str, str]

    def of_set(self, name: str) -> list[str]:
        """Identifiers of the images of one set, in order."""
        return [key for key in self.stimuli if self.sets[key] == name]
