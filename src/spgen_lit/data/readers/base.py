"""What every reader of files does alike: find folders, size images, report bad content."""

from __future__ import annotations

import errno
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import yaml
from numpy.typing import ArrayLike
from PIL import UnidentifiedImageError

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.images import image_size
from spgen_lit.data.records import Finding, GazeSet, Stimulus
from spgen_lit.instantiation import built
from spgen_lit.scanpath import Scanpath, Viewing

FILE = "set.json"  # beside the files of a converted set
# What content that is not as it should be leads to.
_FAULTS = (ValueError, LookupError, TypeError, AttributeError, UnidentifiedImageError)
_SPLITS = ("train", "val", "test")
_TEXTS = ("name", "gaze", "citation", "licence")


class BadContentError(ValueError):
    """Bad content, reported with its place."""


@dataclass
class Problems:
    """Where readers report bad content.

    By default the first problem raises ``BadContentError``; with ``collect`` all are kept, the
    trial concerned is left out, and reading goes on.
    """

    collect: bool = False
    found: list[Finding] = field(default_factory=list)

    def add(self, where: str | Path, what: str) -> None:
        """Report one problem; raises ``BadContentError`` unless collecting."""
        problem = Finding("error", "bad content", str(where), what)
        if not self.collect:
            raise BadContentError(str(problem))
        self.found.append(problem)

    @contextmanager
    def at(self, where: str | Path, needed: str = "") -> Iterator[None]:
        """Report what goes wrong inside as bad content of this place; what follows goes on."""
        try:
            yield
        except BadContentError:
            raise
        except _FAULTS as error:
            found = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
            found = found.removeprefix(f"{where}: ")
            self.add(where, f"needs {needed} ({found})" if needed else found)


@contextmanager
def placed(
    place: str | Path, kind: str, next_step: str = "fetch or convert the set again"
) -> Iterator[None]:
    """Turn what unforeseen content leads to into the documented error, which names the place.

    Args:
        place: File or folder that is read.
        kind: What it should hold.
        next_step: What to do about damaged content, for the message.

    Raises:
        ValueError: For whatever bad content leads to.
    """
    try:
        yield
    except (ImportError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # of indexing, arithmetic and libraries; nobody can foresee all
        if isinstance(error, OSError) and error.errno == errno.EIO:
            raise  # the disk's fault; a name that is too long, say, is the content's
        message = " ".join(str(error).splitlines())
        if isinstance(error, UnicodeError) or not isinstance(error, ValueError):
            named = f"{type(error).__name__}: {message[:200]}"
            if isinstance(error, KeyError):
                named = f"the field {message[:200]} is missing"
            message = f"not as {kind} files are written ({named}); {next_step}"
        elif message == str(error) and str(place) in message:
            raise
        raise ValueError(message if str(place) in message else f"{place}: {message}") from error


@dataclass(frozen=True)
class FileReader(ABC):
    """A reader that can stop at the first fault (`read`) or list all of them (`survey`).

    Attributes:
        root: The set's folder, or its file.
    """

    root: str | Path

    def read(self) -> GazeSet:
        """Read the set from disk.

        Raises:
            FileNotFoundError: Naming the folder or file looked for and how to get it.
            ValueError: Naming the file, trial and field of the first bad content.
        """
        return self._guided(Problems())

    def survey(self) -> tuple[GazeSet, list[Finding]]:
        """Read what can be read, with every problem met on the way.

        Raises:
            FileNotFoundError: As `read`: without the set there is nothing to survey.
            ValueError: If a file is so unlike its format that nothing can be read.
        """
        problems = Problems(collect=True)
        return self._guided(problems), problems.found

    def _guided(self, problems: Problems) -> GazeSet:
        with placed(self.root, type(self).__name__):
            require_words(self, self.root)
            return self._read(Path(self.root), problems)

    @abstractmethod
    def _read(self, root: Path, problems: Problems) -> GazeSet: ...


def library(name: str, extra: str, path: Path) -> ModuleType:
    """A library that only some files need.

    Raises:
        ImportError: Naming the file and the extra of this package that brings it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        message = f"{path}: needs {name}; pip install 'spgen-lit[{extra}]'"
        raise ImportError(message) from error


def require_words(settings: object, where: str | Path, *needed: str) -> None:
    """Check every attribute whose type is a `Literal` of words.

    Args:
        settings: A dataclass.
        where: For the message.
        needed: Attributes that may not be None, whatever their type says.

    Raises:
        ValueError: Naming the attribute, its value and the words that it may be.
    """
    for name, hint in get_type_hints(type(settings)).items():
        kinds = [hint] if get_origin(hint) is Literal else get_args(hint)
        if not all(get_origin(kind) is Literal or kind is NoneType for kind in kinds):
            continue
        words = [word for kind in kinds for word in get_args(kind)]
        value = getattr(settings, name)
        free = value is None and NoneType in kinds and name not in needed
        if words and not free and value not in words:
            allowed = " or ".join(map(str, words))
            raise ValueError(f"{where}: {name} must be {allowed}, found {value!r}")


def missing(what: str, looked_for: object, how: str = "") -> FileNotFoundError:
    """The error that says what was looked for, where, and how to get it.

    Args:
        what: What was looked for: words, or the name of a set of the catalogue.
        looked_for: Where.
        how: How to get it; what the catalogue says by default.
    """
    how = how or f"How to get it: {CATALOGUE[what].get}."
    return FileNotFoundError(f"{what} not found: looked for {looked_for}. {how}")


def need(path: Path, what: str, how: str = "") -> Path:
    """The path if it exists.

    Raises:
        FileNotFoundError: If it does not, as `missing` says it.
    """
    if not path.exists():
        raise missing(what, path, how)
    return path


def load(path: Path) -> Any:
    """What a YAML file, or any other one as JSON, holds.

    Raises:
        ValueError: If it is not YAML or JSON, naming the file.
    """
    kind, parse = ("YAML", yaml.safe_load) if path.suffix == ".yaml" else ("JSON", json.loads)
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise ValueError(f"{path}: not readable as {kind} ({line})") from error


@dataclass
class SetBuilder:
    """Images and scanpaths of a set while its files are read; bad content is reported.

    Attributes:
        files: Image id to file, of every image that is there.
        place: Where they were looked for, for messages.
        problems: Where bad content is reported.
        converted: Folder that may hold the ``set.json`` of a converted set.
        viewing: Image id to viewing conditions, of a converted set.
        known: What ``set.json`` says, if it is there.
        paths: Scanpaths so far.
        split_of: Image id to its official split.
    """

    files: dict[str, Path]
    place: str | Path
    problems: Problems
    converted: Path | None = None

    def __post_init__(self) -> None:
        self.known: GazeSet | None = None
        self.viewing: dict[str, Viewing] = {}
        if self.converted is not None and (self.converted / FILE).is_file():
            self.known, self.viewing = load_set(self.converted / FILE, self.problems)
        self.paths: list[Scanpath] = []
        self.split_of: dict[str, str] = {}
        self._measured: dict[str, Stimulus | None] = dict(self.known.stimuli if self.known else {})

    def measure_all(self) -> None:
        """Take all images into the set, looked at or not."""
        for image, file in self.files.items():
            self.stimulus(image, file)

    def stimulus(self, image: str, where: str | Path) -> Stimulus | None:
        """An image of the set; None, reported once, if it is missing or cannot be read."""
        if image not in self._measured:
            self._measured[image] = None
            file = self.files.get(image)
            if file is None:
                self.problems.add(where, f"image missing: no file {image} in {self.place}")
            else:
                with self.problems.at(file):
                    self._measured[image] = Stimulus(image, file, image_size(file))
        return self._measured[image]

    def add(
        self,
        where: str | Path,
        image: str,
        pixels: ArrayLike,
        seconds: ArrayLike | None = None,
        observer: str = "",
        split: str = "",
        frame: ArrayLike | None = None,
        viewing: Viewing | None = None,
    ) -> None:
        """Take a scanpath into the set.

        Args:
            where: File and trial, for messages.
            image: The image's id.
            pixels: Fixations ``(fixation, 2)`` in px of `frame`.
            seconds: Durations ``(fixation,)``.
            observer: Who looked.
            split: Official split of the image.
            frame: Width and height that `pixels` count; the image's own by default.
            viewing: How the image was shown.
        """
        stimulus = self.stimulus(image, where)
        if stimulus is None:
            return
        known = self.split_of.setdefault(image, split) if split in _SPLITS else split
        if known != split:
            self.problems.add(where, f"image {image} is in both splits {known} and {split}")
            # An image once tested on is never trained on.
            self.split_of[image] = max(known, split, key=_SPLITS.index)
        with self.problems.at(where):
            xy = np.asarray(pixels, np.float64).reshape(-1, 2)
            xy = xy / np.asarray(stimulus.size if frame is None else frame, np.float64)
            times = None if seconds is None else np.asarray(seconds, np.float64)
            path = Scanpath(image, stimulus.size, xy, times, observer, viewing or Viewing())
            self.paths.append(path)

    @property
    def stimuli(self) -> dict[str, Stimulus]:
        """Images so far, ordered by id."""
        return {image: stimulus for image, stimulus in sorted(self._measured.items()) if stimulus}

    def build(self, name: str = "") -> GazeSet:
        """The set of this name, of people's gaze; a converted one with all of ``set.json``."""
        if self.known:
            paths = [replace(p, viewing=self.viewing[p.image]) for p in self.paths]
            return replace(self.known, scanpaths=_by_image(paths))
        splits = {
            split: tuple(sorted(i for i, its in self.split_of.items() if its == split))
            for split in _SPLITS
            if split in self.split_of.values()
        }
        return GazeSet(name, self.stimuli, _by_image(self.paths), "eye", splits)


def public_set(gaze: GazeSet, name: str, *notes: str, first: bool | None = None) -> GazeSet:
    """A set with what the catalogue says of it; scanpaths that say how they were made keep it.

    Args:
        gaze: The set.
        name: Its name in the catalogue.
        notes: Facts a reader of results must know, beside those of the catalogue.
        first: Whether the first fixation, which the experiment gave, was kept; None where it
            was the observer's own.
    """
    entry = CATALOGUE[name]
    if first is not None:
        viewing = replace(entry.viewing, first_fixation="given" if first else "free")
        entry = replace(entry, viewing=viewing)
        notes += (f"first fixation {'kept' if first else 'left out'}",)
    viewed = [
        path if path.viewing != Viewing() else replace(path, viewing=entry.viewing_at(path.size))
        for path in _by_image(gaze.scanpaths)
    ]
    # Empty where those images are held elsewhere: no others take their place.
    test = tuple(f"{number}.jpg" for number in entry.test if f"{number}.jpg" in gaze.stimuli)
    return replace(
        gaze,
        name=name,
        scanpaths=viewed,
        splits={"test": test} if entry.test else gaze.splits,
        gaze=entry.gaze if viewed else "none",
        citation=entry.citation,
        licence=entry.licence,
        notes=(*entry.notes, *notes),
    )


def _by_image(paths: Iterable[Scanpath]) -> list[Scanpath]:
    return sorted(paths, key=lambda path: (path.image, path.observer))


def load_set(path: Path, problems: Problems) -> tuple[GazeSet, dict[str, Viewing]]:
    """Images, splits, citation and notes of a converted set, and viewing conditions by image.

    Raises:
        ValueError: If it is not what `convert` writes.
    """
    content = load(path)
    stimuli: dict[str, Stimulus] = {}
    viewing: dict[str, Viewing] = {}
    with placed(path, "set"):
        for item in content["images"]:
            image, file = item["id"], path.parent / item["file"]
            size, attributes = (item["width"], item["height"]), item.get("attributes", {})
            if not all(0 < side < 10**6 for side in size):
                raise ValueError(f"width and height of {image} must be positive, found {size}")
            about = {"id": image, "size": size, "attributes": attributes}
            stimuli[image] = built(Stimulus, about, f"image {image}", path=file)
            viewing[image] = built(Viewing, item.get("viewing", {}), f"viewing of {image}")
            if not file.is_file():
                problems.add(path, f"image missing: no file {file}")
        splits = {split: tuple(ids) for split, ids in content.get("splits", {}).items()}
        texts = {"name": "", "gaze": "eye"} | {k: v for k, v in content.items() if k in _TEXTS}
        notes = tuple(content.get("notes", ()))
        if not all(isinstance(image, str) for ids in splits.values() for image in ids):
            raise ValueError("ids of splits must be text")
        return built(GazeSet, texts, "set", stimuli=stimuli, splits=splits, notes=notes), viewing


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
        **{key: getattr(gaze, key) for key in (*_TEXTS, "notes", "splits")},
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
