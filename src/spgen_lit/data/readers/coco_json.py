"""Any set as COCO-style JSON with sizes: what `convert` writes and other models exchange."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from spgen_lit.data.readers.base import FileReader, Problems, by_image, measure, need
from spgen_lit.data.readers.setfile import SetFile
from spgen_lit.data.readers.trials import load_trials, sort_splits
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath


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
        units: ``px`` of the frame, or ``relative`` (shares of width and height).
        name: Name of the set; the folder's own name by default.

    Raises:
        FileNotFoundError: From `read`, if the JSON file is missing.
        ValueError: From `read`, naming file and trial of bad content, a missing image, or a
            trial without width and height.
    """

    root: str | Path
    file: str = "scanpaths.json"
    images: str | Path = "."
    frame: tuple[int, int] | None = None
    units: Literal["px", "relative"] = "px"
    name: str | None = None

    def _read(self, problems: Problems) -> GazeSet:
        root = Path(self.root)
        table = root if root.suffix == ".json" else root / self.file
        need(table, "JSON file of trials", "Set `root` to its folder, `file` to its name.")
        known = SetFile.load(table.parent, problems)
        folder = table.parent / self.images
        stimuli = known.stimuli if known else {}
        paths: list[Scanpath | None] = []
        members: dict[str, list[str]] = {}
        for trial in load_trials(table, problems):
            if trial.name not in stimuli:
                if known or not (folder / trial.name).is_file():
                    missing = "set.json" if known else str(folder)
                    problems.add(trial.where, f"image missing: no {trial.name} in {missing}")
                    continue
                stimuli.update(measure([(trial.name, folder / trial.name)], problems))
            if trial.name in stimuli:
                members.setdefault(trial.split, []).append(trial.name)
                try:
                    pixels, seconds = trial.fixations()
                    scale = self._scale(trial.content.get("width"), trial.content.get("height"))
                    stimulus: Stimulus = stimuli[trial.name]
                    xy = pixels / scale
                    paths.append(Scanpath(stimulus.id, stimulus.size, xy, seconds, trial.observer))
                except (ValueError, TypeError) as error:
                    problems.add(trial.where, str(error))
        if known:
            return known.gaze_set(by_image(paths))
        splits = sort_splits(members, problems, table)
        name = self.name or table.parent.resolve().name
        return GazeSet(name, stimuli, by_image(paths), "eye", splits)

    def _scale(self, width: object, height: object) -> np.ndarray:
        if self.units == "relative":
            return np.ones(2)
        size = (width, height) if width and height else self.frame
        if size is None:
            raise ValueError(
                "needs width and height of the frame that X and Y count; add them to the "
                "trials, or give `frame`"
            )
        return np.asarray(size, np.float64)
