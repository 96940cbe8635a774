"""COCO-FreeView and COCO-Search18: JSON trials on a screen that photographs are fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.frame import Frame
from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, by_image, measure
from spgen_lit.data.readers.trials import Trial, load_trials, sort_splits
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath


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

    root: str | Path
    screen: tuple[int, int] = (1680, 1050)
    _name = "coco_freeview"

    def _read(self, problems: Problems) -> GazeSet:
        root, entry = Path(self.root), CATALOGUE[self._name]
        tables = sorted(root.glob("*.json"))
        if not tables:
            raise FileNotFoundError(
                f"{self._name}'s trials not found: looked for *.json in {root}. "
                f"How to get them: {entry.get}."
            )
        files: dict[str, Path] = {}
        for path in list_images(root):
            files.setdefault(path.name, path)
            files[f"{path.parent.name}/{path.name}"] = path  # COCO-Search18: a folder a target
        stimuli: dict[str, Stimulus] = {}
        paths: list[Scanpath | None] = []
        members: dict[str, list[str]] = {}
        for trial in (t for table in tables for t in load_trials(table, problems)):
            if not self._wanted(trial.content):
                continue
            image = self._image(trial)
            file = files.get(image) or files.get(trial.name)
            if file is None:
                problems.add(trial.where, f"image missing: no file {trial.name} below {root}")
                continue
            if image not in stimuli:
                stimuli.update(measure([(image, file)], problems))
            if image in stimuli:
                paths.append(self._scanpath(trial, stimuli[image], problems))
                members.setdefault(trial.split, []).append(image)
        return GazeSet(
            self._name,
            dict(sorted(stimuli.items())),
            by_image(paths),
            "eye",
            sort_splits(members, problems, root),
            entry.citation,
            entry.licence,
            self._notes(),
        )

    def _scanpath(self, trial: Trial, stimulus: Stimulus, problems: Problems) -> Scanpath | None:
        try:
            pixels, seconds = trial.fixations()
            on_screen = pixels / np.asarray(self.screen, np.float64)
            xy = Frame(self.screen, "letterbox").inverse(on_screen, stimulus.size)
            return Scanpath(stimulus.id, stimulus.size, xy, seconds, trial.observer)
        except ValueError as error:
            problems.add(trial.where, str(error))
            return None

    def _wanted(self, content: dict[str, Any]) -> bool:
        return True

    def _image(self, trial: Trial) -> str:
        return trial.name

    def _notes(self) -> tuple[str, ...]:
        return ("the first fixation is at the centre, where a cross was shown",)


@dataclass(frozen=True)
class CocoSearch18(CocoFreeView):
    """COCO-Search18 (Chen et al. 2021): ten people search COCO photographs for 18 targets.

    As `CocoFreeView`; image ids are ``<target>/<file>``, since what people search for
    changes where they look.

    Attributes:
        root: The folder that holds JSON and images.
        screen: Width and height in px that X and Y count.
        condition: ``present``, ``absent``, or ``both`` kinds of trial.
        targets: Read these targets only; None for all.
        correct: Leave out trials that were answered wrongly.
    """

    condition: Literal["present", "absent", "both"] = "both"
    targets: Sequence[str] | None = None
    correct: bool = True
    _name = "coco_search18"

    def _wanted(self, content: dict[str, Any]) -> bool:
        return (
            (self.condition == "both" or content.get("condition") == self.condition)
            and (self.targets is None or content.get("task") in self.targets)
            and (not self.correct or content.get("correct", 1) == 1)
        )

    def _image(self, trial: Trial) -> str:
        return f"{trial.content.get('task', '')}/{trial.name}"

    def _notes(self) -> tuple[str, ...]:
        return ("visual search, not free viewing", *super()._notes())
