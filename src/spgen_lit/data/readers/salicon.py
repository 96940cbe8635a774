"""SALICON, from MATLAB files or JSON: gaze imitated by a mouse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, measure, need, public_set, scanpath
from spgen_lit.data.readers.matlab import listed, load_matlab, points
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath

_SPLITS = ("train", "val")


@dataclass(frozen=True)
class Salicon(FileReader):
    """SALICON (Jiang et al. 2015): COCO photographs of 640x480, mouse-contingent blur.

    Images lie in ``images/`` or ``images/<split>/``. Gaze lies in one MATLAB file an image,
    ``fixations/<split>/<image>.mat`` or ``<split>/<image>.mat`` (``gaze[]`` with ``location``,
    ``timestamp`` and ``fixations``, places counted from 1), or else in
    ``fixations_<split>2014.json`` (``annotations`` with ``image_id``, ``worker_id`` and
    ``fixations`` as rows and columns counted from 1). The images of the test split have no
    public gaze and are left out. Durations are not part of the set.

    Attributes:
        root: The folder that holds images and gaze.
        kind: ``fixations``, as the authors detected them, or every mouse ``samples``
            (MATLAB files only).

    Raises:
        FileNotFoundError: From `read`, for missing images or gaze.
        ValueError: From `read`, naming file and worker of bad content.
    """

    root: str | Path
    kind: Literal["fixations", "samples"] = "fixations"

    def _read(self, problems: Problems) -> GazeSet:
        root = Path(self.root)
        entry = CATALOGUE["salicon"]
        folder = need(root / "images", "SALICON's images", f"How to get them: {entry.get}.")
        files = {path.name: path for path in list_images(folder) if path.parent.name != "test"}
        stimuli: dict[str, Stimulus] = {}
        paths: list[Scanpath | None] = []
        splits: dict[str, tuple[str, ...]] = {}
        for split in _SPLITS:
            trials = self._trials(root, split)
            if trials is None:
                continue
            seen: list[str] = []
            for where, image, observer, pixels in trials:
                if isinstance(pixels, str):
                    problems.add(where, pixels)
                    continue
                if image not in stimuli:
                    if image not in files:
                        problems.add(where, f"image missing: no file {image} below {folder}")
                        continue
                    stimuli.update(measure([(image, files[image])], problems))
                    seen.append(image)
                if image in stimuli:
                    paths.append(scanpath(where, stimuli[image], pixels, None, observer, problems))
            splits[split] = tuple(sorted(image for image in seen if image in stimuli))
        if not splits:
            raise FileNotFoundError(
                f"SALICON's gaze not found: looked below {root} for fixations/train/*.mat, "
                f"train/*.mat and fixations_train2014.json, and the same for val. How to get it: "
                f"{entry.get}."
            )
        notes = ("mouse-contingent viewing: mouse positions, not eye movements",)
        return public_set("salicon", stimuli, paths, splits, notes)

    def _trials(self, root: Path, split: str) -> Iterator[tuple[str, str, str, Any]] | None:
        for folder in (root / "fixations" / split, root / split):
            if any(folder.glob("*.mat")):
                return self._matlab(folder)
        for name in (f"fixations_{split}2014.json", f"annotations/fixations_{split}2014.json"):
            if (root / name).is_file():
                if self.kind == "samples":
                    raise ValueError(f"{root / name}: JSON holds fixations only, not samples")
                return _json(root / name)
        return None

    def _matlab(self, folder: Path) -> Iterator[tuple[str, str, str, Any]]:
        field = "fixations" if self.kind == "fixations" else "location"
        for file in sorted(folder.glob("*.mat")):
            image = f"{file.stem}.jpg"
            try:
                content = load_matlab(file)
                workers = listed(content["gaze"])
                image = content.get("image") or image
                image = image if Path(image).suffix else f"{image}.jpg"
            except (ValueError, KeyError) as error:
                yield str(file), image, "", f"needs the variable gaze ({error})"
                continue
            for number, worker in enumerate(workers, start=1):
                where = f"{file}: worker {number}"
                try:
                    yield where, image, f"{number:03d}", points(worker[field])[:, :2] - 1
                except (KeyError, TypeError, ValueError) as error:
                    yield where, image, "", f"field {field}: {error}"


def _json(file: Path) -> Iterator[tuple[str, str, str, Any]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        names = {image["id"]: image["file_name"] for image in content["images"]}
        annotations = content["annotations"]
    except (ValueError, KeyError, TypeError) as error:
        yield str(file), "", "", f"needs JSON with images and annotations ({error})"
        return
    for number, item in enumerate(annotations):
        where = f"{file}: annotation {item.get('id', number)}"
        try:
            pixels = np.array(item["fixations"], np.float64).reshape(-1, 2)[:, ::-1] - 1
            yield where, names[item["image_id"]], str(item.get("worker_id", "")), pixels
        except (KeyError, ValueError, TypeError) as error:
            yield where, "", "", f"needs image_id of a listed image and fixations ({error})"
