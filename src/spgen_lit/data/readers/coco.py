"""COCO-style trials in JSON: any set with sizes, Scene, COCO-FreeView and COCO-Search18."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from spgen_lit.data.images import Frame, list_images
from spgen_lit.data.readers.base import (
    FileReader,
    Problems,
    SetBuilder,
    load,
    missing,
    need,
    public_set,
)
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Array

_SPLITS = {"train": "train", "valid": "val", "val": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class Trial:
    """One trial of a file.

    Attributes:
        where: File, number and name of the trial, for messages.
        name: File name of the image.
        observer: The person; numbers get two digits, so that they sort.
        split: ``train``, ``val``, ``test``, or empty.
        xy: Places ``(fixation, 2)`` in the file's px.
        seconds: Durations, if there are any.
        frame: Width and height that places count, if the trial says so.
        content: Every field of the trial.
    """

    where: str
    name: str
    observer: str
    split: str
    xy: Array
    seconds: Array | None
    frame: Array | None
    content: dict[str, Any]

    @classmethod
    def of(cls, where: str, name: str, observer: str, content: dict[str, Any]) -> Trial:
        """The trial that these fields make.

        Raises:
            KeyError: For a field that is missing.
            ValueError: Naming a field that is not numeric, of another length or unknown value.
        """
        split = str(content.get("split") or "")
        if split and split not in _SPLITS:
            raise ValueError(f"split must be one of {', '.join(_SPLITS)}, found {split!r}")
        try:
            x, y = (np.asarray(content[key], np.float64).ravel() for key in ("X", "Y"))
            t = content.get("T")
            seconds = None if t is None else np.asarray(t, np.float64).ravel() / 1000
        except (TypeError, ValueError) as error:
            raise ValueError(f"X, Y and T must be lists of numbers ({error})") from error
        found = {"X": len(x), "Y": len(y)} | ({} if seconds is None else {"T": len(seconds)})
        if "length" in content:
            found["length"] = int(content["length"])
        if len(set(found.values())) > 1:
            raise ValueError(f"fields must be equally long, found {found}")
        sides = [content.get(key) for key in ("width", "height")]
        frame = None if None in sides else checked_frame("width and height", sides)
        xy = np.column_stack([x, y])
        return cls(where, name, observer, _SPLITS.get(split, ""), xy, seconds, frame, content)


def checked_frame(name: str, sides: Sequence[Any]) -> Array:
    """Width and height of a frame as numbers.

    Raises:
        ValueError: Unless they are two positive numbers.
    """
    frame = np.asarray(sides, np.float64)
    if frame.shape != (2,) or not (np.isfinite(frame).all() and (frame > 0).all()):
        raise ValueError(f"{name} must be positive numbers, found {list(sides)}"[:200])
    return frame


def load_trials(table: Path, problems: Problems) -> list[Trial]:
    """Trials of a JSON file, in its order; what is no trial is reported.

    Raises:
        ValueError: If the file is no JSON list.
    """
    content = load(table)
    if not isinstance(content, list):
        raise ValueError(f"{table}: needs a list of trials, found {type(content).__name__}")
    trials = []
    for number, item in enumerate(content):
        where = f"{table}: trial {number}"
        if not isinstance(item, dict) or not item.get("name"):
            problems.add(where, "needs an object with the field name (the image's file)")
            continue
        name, subject = str(item["name"]), item.get("subject", "")
        observer = f"{subject:02d}" if isinstance(subject, int) else str(subject)
        where += f" ({name}, subject {subject})"
        with problems.at(where):
            trials.append(Trial.of(where, name, observer, item))
    return trials


@dataclass(frozen=True)
class CocoJson(FileReader):
    """A list of trials: ``name, subject, X, Y, T, length, width, height, split``.

    ``width`` and ``height`` are the frame that X and Y count in px (or give `frame` for a
    file without them); the image is stretched over it. T is in milliseconds. A file
    ``set.json`` beside it, as `convert` writes, adds images without gaze, splits and
    citation, and then images are found where it says.

    Attributes:
        root: The folder, or the JSON file itself.
        file: Name of the JSON file in the folder.
        images: Folder of the images, relative to `root`'s folder or absolute.
        frame: Width and height for trials that have none of their own.

    Raises:
        FileNotFoundError: From `read`, if the JSON file is missing.
        ValueError: From `read`, naming file and trial of bad content, a missing image, or a
            trial without width and height.
    """

    file: str = "scanpaths.json"
    images: str | Path = "."
    frame: tuple[int, int] | None = None

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        table = root if root.suffix == ".json" else root / self.file
        need(table, "JSON file of trials", "Set `root` to its folder, `file` to its name.")
        folder = table.parent / self.images
        files = {path.relative_to(folder).as_posix(): path for path in list_images(folder)}
        builder = SetBuilder(files, folder, problems, table.parent)
        given = None if self.frame is None else checked_frame("frame", self.frame)
        for t in load_trials(table, problems):
            frame = given if t.frame is None else t.frame
            if frame is None:
                needed = "needs width and height of the frame that X and Y count; add them to the"
                problems.add(t.where, f"{needed} trials, or give `frame`")
            else:
                builder.add(t.where, t.name, t.xy, t.seconds, t.observer, t.split, frame)
        return builder.build(table.parent.resolve().name)


@dataclass(frozen=True)
class Scene(CocoJson):
    """Scene (Liang et al. 2018): 500 scenes of SUN, about 15 observers, 3 s of free viewing.

    Attributes:
        root: The folder that holds ``scanpaths.json`` and ``images/``.
        images: Folder of the images in it.
    """

    images: str | Path = "images"

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        return public_set(super()._read(root, problems), "scene")


@dataclass(frozen=True)
class CocoFreeView(FileReader):
    """COCO-FreeView (Chen et al. 2022): ten people look freely at COCO photographs.

    Trials come from every ``*.json`` in the folder (lists of ``name, subject, X, Y, T[ms],
    split``), images from any depth below it. Coordinates count px of the screen on which the
    photographs were shown, fitted to it in their own aspect and centred; images that fill the
    screen's aspect (as the authors distribute them) and original COCO photographs both work.

    Attributes:
        root: The folder that holds JSON and images.
        screen: Width and height in px that X and Y count: 1680x1050 in the authors' files,
            512x320 in the files of several models' repositories. Never inferred.

    Raises:
        FileNotFoundError: From `read`, if no JSON file is there.
        ValueError: From `read`, naming file and trial of bad content or a missing image.
    """

    screen: tuple[int, int] = (1680, 1050)
    _name: ClassVar[str] = "coco_freeview"

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        tables = sorted(root.glob("*.json"))
        if not tables:
            raise missing(self._name, f"*.json in {root}")
        files: dict[str, Path] = {}
        for path in list_images(root):
            files.setdefault(path.name, path)
            files[f"{path.parent.name}/{path.name}"] = path  # COCO-Search18: a folder a target
        builder = SetBuilder(files, f"{root} or below", problems)
        for trial in (t for table in tables for t in load_trials(table, problems)):
            image = self._image(trial)
            if image is None:
                continue
            if trial.name in files:
                files.setdefault(image, files[trial.name])
            stimulus = builder.stimulus(image, trial.where)
            if stimulus is None:
                continue
            on_screen = trial.xy / np.asarray(self.screen, np.float64)
            xy = Frame(self.screen, "letterbox").inverse(on_screen, stimulus.size)
            builder.add(trial.where, image, xy, trial.seconds, trial.observer, trial.split, (1, 1))
        return public_set(builder.build(), self._name)

    def _image(self, trial: Trial) -> str | None:
        """The id of a trial's image, or None for a trial that is not read."""
        return trial.name


@dataclass(frozen=True)
class CocoSearch18(CocoFreeView):
    """COCO-Search18 (Chen et al. 2021): ten people search COCO photographs for 18 targets.

    As `CocoFreeView`; image ids are ``<target>/<file>``, since what people search for
    changes where they look.

    Attributes:
        root: The folder that holds JSON and images.
        screen: Width and height in px that X and Y count.
        condition: ``present``, ``absent``, or ``both`` kinds of trial.
        correct: Leave out trials that were answered wrongly.
    """

    condition: Literal["present", "absent", "both"] = "both"
    correct: bool = True
    _name: ClassVar[str] = "coco_search18"

    def _image(self, trial: Trial) -> str | None:
        target, content = trial.content.get("task", ""), trial.content
        read = self.condition in ("both", content.get("condition")) and (
            not self.correct or content.get("correct", 1) == 1
        )
        return f"{target}/{trial.name}" if read else None
