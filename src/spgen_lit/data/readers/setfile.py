"""``set.json``: what a file of scanpaths cannot say about its set, written by `convert`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spgen_lit.data.readers.base import Problems
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath

FILE = "set.json"


@dataclass(frozen=True)
class SetFile:
    """Images, splits, citation and notes of a converted set."""

    stimuli: dict[str, Stimulus]
    content: dict[str, Any]

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
                    item["id"], folder / item["file"], (item["width"], item["height"])
                )
                for item in content["images"]
            }
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: not a set file as convert writes it ({error})") from error
        for stimulus in stimuli.values():
            if not stimulus.path.is_file():
                problems.add(path, f"image missing: no file {stimulus.path}")
        return cls(stimuli, content)

    def gaze_set(self, paths: list[Scanpath]) -> GazeSet:
        """The set with these scanpaths."""
        content = self.content
        return GazeSet(
            content.get("name", ""),
            self.stimuli,
            paths,
            content.get("gaze", "eye"),
            {split: tuple(ids) for split, ids in content.get("splits", {}).items()},
            content.get("citation", ""),
            content.get("licence", ""),
            tuple(content.get("notes", ())),
        )


def set_content(gaze: GazeSet, folder: Path) -> dict[str, Any]:
    """What ``set.json`` holds for a set stored in `folder`; image files by relative path."""
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
            }
            for s in gaze.stimuli.values()
        ],
    }
