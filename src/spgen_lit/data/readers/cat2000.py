"""CAT2000's training set: 20 kinds of picture, `Art` among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, measure, need, public_set, scanpath
from spgen_lit.data.readers.matlab import load_matlab, points
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Scanpath


@dataclass(frozen=True)
class Cat2000(FileReader):
    """CAT2000 (Borji & Itti 2015): ``Stimuli/<category>/<id>.jpg`` and ``allFixData.mat``.

    The MATLAB file maps ``<category>/<id>.jpg`` to records of ``name`` (the last part, as in
    ``24-53-ak.eye``, is the observer) and ``data``, rows of x, y in px counted from 1. Rows
    that repeat the row before them, which happens thousands of times, and rows without
    numbers are left out. Durations are not part of the set. Image ids are
    ``<category>/<file>``.

    Attributes:
        root: The folder ``trainSet``, or the one that holds it.
        categories: Read these only, e.g. ``[Art]``; None for all.
        gaze: Read scanpaths; without, the images alone (for an unlabelled target).

    Raises:
        FileNotFoundError: From `read`, for missing folders or an unknown category.
        ValueError: From `read`, naming file, image and record of bad content.
    """

    root: str | Path
    categories: Sequence[str] | None = None
    gaze: bool = True

    def _read(self, problems: Problems) -> GazeSet:
        root = Path(self.root)
        root = root / "trainSet" if (root / "trainSet").is_dir() else root
        how = "`spgen data fetch cat2000` downloads and unpacks it."
        images = need(root / "Stimuli", "CAT2000's images", how)
        present = sorted(path.name for path in images.iterdir() if path.is_dir())
        wanted = list(self.categories) if self.categories is not None else present
        unknown = sorted(set(wanted) - set(present))
        if unknown:
            raise FileNotFoundError(
                f"CAT2000's category {', '.join(unknown)} not found in {images}; "
                f"there are: {', '.join(present) or 'none'}"
            )
        files = {
            f"{category}/{path.name}": path
            for category in wanted
            for path in list_images(images / category)
            if path.parent.name == category  # its folder Output holds pictures of maps
        }
        stimuli = measure(files.items(), problems)
        paths: list[Scanpath | None] = []
        if self.gaze:
            table = need(root / "allFixData.mat", "CAT2000's fixations", how)
            for where, image, observer, data in _records(table, problems):
                if image.split("/")[0] not in wanted:
                    continue
                if image not in files:
                    problems.add(where, f"image missing: no file {image} in {images}")
                elif image in stimuli:
                    paths.append(scanpath(where, stimuli[image], data, None, observer, problems))
        notes = ("images lie on grey bars up to 1920x1080",)
        return public_set("cat2000", stimuli, paths, notes=notes)


def _records(
    table: Path, problems: Problems
) -> Iterator[tuple[str, str, str, NDArray[np.float64]]]:
    content = load_matlab(table)
    maps = [value for value in content.values() if isinstance(value, dict)]
    if len(maps) != 1:
        raise ValueError(f"{table}: needs one containers.Map of images, found {sorted(content)}")
    for image, value in maps[0].items():
        for number, record in enumerate(_leaves(value), start=1):
            where = f"{table}: image {image}, record {number}"
            try:
                data = points(record["data"])[:, :2]
                observer = str(record["name"]).removesuffix(".eye").split("-")[-1]
            except (ValueError, KeyError) as error:
                problems.add(where, f"needs name and data ({error})")
                continue
            data = data[~np.isnan(data).any(axis=1)] - 1
            fresh = np.r_[True, (np.diff(data, axis=0) != 0).any(axis=1)][: len(data)]
            yield where, image, observer, data[fresh]


def _leaves(value: Any) -> Iterator[dict[str, Any]]:
    """Records however deep in cells."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
