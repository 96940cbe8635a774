"""SALICON, from MATLAB files or JSON: gaze imitated by a mouse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import (
    FileReader,
    Problems,
    SetBuilder,
    load,
    missing,
    need,
    public_set,
)
from spgen_lit.data.readers.matlab import listed, load_matlab, points
from spgen_lit.data.records import GazeSet

# Files of the gaze of a split, the first that are there.
_TABLES = (
    "fixations/{}/*.mat",
    "{}/*.mat",
    "fixations_{}2014.json",
    "annotations/fixations_{}2014.json",
)


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

    Raises:
        FileNotFoundError: From `read`, for missing images or gaze.
        ValueError: From `read`, naming file and worker of bad content.
    """

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        folder = need(root / "images", "salicon")
        files = {path.name: path for path in list_images(folder) if path.parent.name != "test"}
        builder = SetBuilder(files, f"{folder} or below", problems)
        found = False
        for split in ("train", "val"):
            forms = (sorted(root.glob(form.format(split))) for form in _TABLES)
            for table in next(filter(None, forms), []):
                found = True
                (_add_json if table.suffix == ".json" else _add_matlab)(builder, table, split)
        if not found:
            needed = ", ".join(form.format("train") for form in _TABLES)
            raise missing("salicon", f"{needed}, or those of val below {root}")
        return public_set(builder.build(), "salicon")


def _add_matlab(builder: SetBuilder, table: Path, split: str) -> None:
    with builder.problems.at(table):
        content = load_matlab(table)
        image = content.get("image") or table.stem
        image = image if Path(image).suffix else f"{image}.jpg"
        for number, worker in enumerate(listed(content["gaze"]), start=1):
            where = f"{table}: worker {number}"
            with builder.problems.at(where):
                pixels = points(worker["fixations"])[:, :2] - 1
                builder.add(where, image, pixels, None, f"{number:03d}", split)


def _add_json(builder: SetBuilder, table: Path, split: str) -> None:
    content = load(table)
    with builder.problems.at(table, "images and annotations"):
        names = {image["id"]: image["file_name"] for image in content["images"]}
        for number, item in enumerate(content["annotations"]):
            where = f"{table}: annotation {item.get('id', number)}"
            with builder.problems.at(where, "image_id of a listed image and fixations"):
                pixels = np.array(item["fixations"], np.float64).reshape(-1, 2)[:, ::-1] - 1
                observer = str(item.get("worker_id", ""))
                builder.add(where, names[item["image_id"]], pixels, None, observer, split)
