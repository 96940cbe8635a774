"""What every reader of files does alike: find folders, size images, report bad content."""

from __future__ import annotations

import csv
import errno
import json
import os
import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.images import ImageError, image_size
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import FirstFixation, Scanpath, Viewing


@dataclass(frozen=True)
class Problem:
    """Bad content: the file and trial it was found in, and what is wrong."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass
class Problems:
    """Where readers report bad content.

    By default the first problem raises ``ValueError``; with ``collect`` all are kept, the
    trial concerned is left out, and reading goes on.
    """

    collect: bool = False
    found: list[Problem] = field(default_factory=list)

    def add(self, where: str | Path, what: str) -> None:
        """Report one problem; raises ``ValueError`` unless collecting."""
        problem = Problem(str(where), what)
        if not self.collect:
            raise ValueError(str(problem))
        self.found.append(problem)


# What bad content leads to where nobody foresaw it: in indexing, arithmetic, libraries.
_UNFORESEEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    UnicodeError,
    csv.Error,
    struct.error,
    zlib.error,
)


class FileReader(ABC):
    """A reader that can stop at the first fault (`read`) or list all of them (`survey`)."""

    def read(self) -> GazeSet:
        """Read the set from disk.

        Raises:
            FileNotFoundError: Naming the folder or file looked for and how to get it.
            ValueError: Naming the file, trial and field of the first bad content.
        """
        with self._named():
            return self._read(Problems())

    def survey(self) -> tuple[GazeSet, list[Problem]]:
        """Read what can be read, with every problem met on the way.

        Raises:
            FileNotFoundError: As `read`: without the set there is nothing to survey.
            ValueError: If a file is so unlike its format that nothing can be read.
        """
        problems = Problems(collect=True)
        with self._named():
            return self._read(problems), problems.found

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn what unforeseen content leads to into the documented error."""
        try:
            yield
        except _UNFORESEEN as error:
            if isinstance(error, FileNotFoundError | PermissionError):
                raise
            if isinstance(error, OSError) and error.errno == errno.EIO:
                raise  # the disk's fault; a name that is too long, say, is the content's
            place = getattr(self, "root", getattr(self, "file", ""))
            lines = str(error).splitlines() or [""]
            raise ValueError(
                f"{place}: not as {type(self).__name__} files are written "
                f"({type(error).__name__}: {lines[0][:200]}); fetch or convert the set again"
            ) from error

    @abstractmethod
    def _read(self, problems: Problems) -> GazeSet: ...


def need(path: Path, what: str, how: str) -> Path:
    """The path if it exists.

    Raises:
        FileNotFoundError: Saying what was looked for, where, and how to get it.
    """
    if not path.exists():
        raise FileNotFoundError(f"{what} not found: looked for {path}. {how}")
    return path


def measure(images: Iterable[tuple[str, Path]], problems: Problems) -> dict[str, Stimulus]:
    """Stimuli of image ids and files, each with its size from the file's header."""
    stimuli: dict[str, Stimulus] = {}
    for identity, path in images:
        try:
            stimuli[identity] = Stimulus(identity, path, image_size(path))
        except ImageError as error:
            problems.add(path, str(error).removeprefix(f"{path}: "))
    return stimuli


def scanpath(
    where: str,
    stimulus: Stimulus,
    pixels: ArrayLike,
    durations: ArrayLike | None,
    observer: str,
    problems: Problems,
) -> Scanpath | None:
    """A scanpath from px and seconds, or None where the content was reported as bad."""
    try:
        return Scanpath.from_pixels(stimulus.id, stimulus.size, pixels, durations, observer)
    except (ValueError, TypeError) as error:
        problems.add(where, str(error))
        return None


def by_image(paths: Iterable[Scanpath | None]) -> list[Scanpath]:
    """Scanpaths without the gaps, ordered by image, then observer, else as read."""
    return sorted((p for p in paths if p is not None), key=lambda p: (p.image, p.observer))


def public_set(
    name: str,
    stimuli: dict[str, Stimulus],
    paths: Iterable[Scanpath | None] = (),
    splits: dict[str, tuple[str, ...]] | None = None,
    notes: tuple[str, ...] = (),
    first_fixation: FirstFixation | None = None,
) -> GazeSet:
    """A set of the catalogue, with its citation, licence and viewing conditions.

    Args:
        name: Its name in the catalogue.
        stimuli: Image id to stimulus; kept in the order of their ids.
        paths: Scanpaths without gaps or with; put in order of image and observer. Those that
            say how their picture was shown keep it.
        splits: Official splits.
        notes: Facts a reader of results must know.
        first_fixation: Where it differs from what the catalogue says.
    """
    entry = CATALOGUE[name]
    viewing = entry.viewing
    if first_fixation is not None:
        viewing = replace(viewing, first_fixation=first_fixation)
    viewed = [
        path if path.viewing != Viewing() else replace(path, viewing=viewing.viewing(path.size))
        for path in by_image(paths)
    ]
    return GazeSet(
        name,
        dict(sorted(stimuli.items())),
        viewed,
        entry.gaze if viewed else "none",
        splits or {},
        entry.citation,
        entry.licence,
        notes,
    )


def sort_splits(
    members: Mapping[str, list[str]], problems: Problems, where: str | Path
) -> dict[str, tuple[str, ...]]:
    """Image ids of each split, sorted; an image in two splits is reported, and kept in one."""
    splits: dict[str, tuple[str, ...]] = {}
    taken: dict[str, str] = {}
    for split in ("test", "val", "train"):  # an image once tested on is never trained on
        ids = sorted(set(members.get(split, [])))
        for image in ids:
            if image in taken:
                problems.add(where, f"image {image} is in both splits {taken[image]} and {split}")
        kept = tuple(image for image in ids if image not in taken)
        taken.update(dict.fromkeys(kept, split))
        if kept:
            splits[split] = kept
    return dict(reversed(splits.items()))


FILE = "set.json"


@dataclass(frozen=True)
class SetFile:
    """Images, splits, citation and notes of a converted set."""

    stimuli: dict[str, Stimulus]
    content: dict[str, Any]
    viewing: dict[str, Viewing]

    @classmethod
    def load(cls, folder: Path, problems: Problems) -> SetFile | None:
        """Read ``set.json`` of a folder, or None where there is none.

        Raises:
            ValueError: If it is not what `convert` writes.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            stimuli = {
                item["id"]: Stimulus(
                    item["id"],
                    folder / item["file"],
                    (item["width"], item["height"]),
                    item.get("attributes", {}),
                )
                for item in content["images"]
            }
            viewing = {
                item["id"]: Viewing(**item["viewing"])
                for item in content["images"]
                if "viewing" in item
            }
            splits = content.get("splits", {})
            texts = [content.get(key, "") for key in ("name", "gaze", "citation", "licence")]
            texts += [*stimuli, *(image for ids in splits.values() for image in ids)]
            sizes = [side for stimulus in stimuli.values() for side in stimulus.size]
            if not all(isinstance(text, str) for text in texts) or not all(
                type(side) is int and 0 < side < 10**6 for side in sizes
            ):
                raise TypeError("names and ids must be text, widths and heights whole numbers")
            missing = [s.path for s in stimuli.values() if not s.path.is_file()]
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise ValueError(f"{path}: not a set file as convert writes it ({error})") from error
        for file in missing:
            problems.add(path, f"image missing: no file {file}")
        return cls(stimuli, content, viewing)

    def gaze_set(self, paths: list[Scanpath]) -> GazeSet:
        """The set with these scanpaths."""
        content = self.content
        return GazeSet(
            content.get("name", ""),
            self.stimuli,
            [replace(p, viewing=self.viewing.get(p.image, Viewing())) for p in paths],
            content.get("gaze", "eye"),
            {split: tuple(ids) for split, ids in content.get("splits", {}).items()},
            content.get("citation", ""),
            content.get("licence", ""),
            tuple(content.get("notes", ())),
        )


def set_content(gaze: GazeSet, folder: Path) -> dict[str, Any]:
    """What ``set.json`` holds for a set stored in `folder`; image files by relative path.

    Raises:
        ValueError: If an image was shown in two ways, which the form cannot hold.
    """
    viewing: dict[str, Viewing] = {}
    for path in gaze.scanpaths:
        if viewing.setdefault(path.image, path.viewing) != path.viewing:
            raise ValueError(
                f"{gaze.name}: image {path.image} was shown in two ways ({path.viewing} and "
                f"{viewing[path.image]}); convert one of them at a time"
            )
    return {
        "name": gaze.name,
        "gaze": gaze.gaze,
        "citation": gaze.citation,
        "licence": gaze.licence,
        "notes": list(gaze.notes),
        "splits": {split: list(ids) for split, ids in gaze.splits.items()},
        "images": [
            {
                "id": s.id,
                "file": os.path.relpath(s.path, folder),
                "width": s.size[0],
                "height": s.size[1],
                "attributes": dict(s.attributes),
                "viewing": asdict(viewing.get(s.id, Viewing())),
            }
            for s in gaze.stimuli.values()
        ],
    }
