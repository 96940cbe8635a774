"""CAT2000's training set: 20 kinds of picture, `Art` among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, SetBuilder, need, public_set
from spgen_lit.data.readers.matlab import Struct, Value, load_matlab, points
from spgen_lit.data.records import GazeSet


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

    categories: Sequence[str] | None = None
    gaze: bool = True

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        root = root / "trainSet" if (root / "trainSet").is_dir() else root
        images = need(root / "Stimuli", "cat2000")
        present = sorted(path.name for path in images.iterdir() if path.is_dir())
        categories = present if self.categories is None else list(self.categories)
        unknown = sorted(set(categories) - set(present))
        if unknown:
            raise FileNotFoundError(
                f"CAT2000's category {', '.join(unknown)} not found in {images}; "
                f"there are: {', '.join(present) or 'none'}"
            )
        files = {
            f"{category}/{path.name}": path
            for category in categories
            for path in list_images(images / category)
            if path.parent.name == category  # its folder Output holds pictures of maps
        }
        builder = SetBuilder(files, images, problems)
        builder.measure_all()
        if self.gaze:
            table = need(root / "allFixData.mat", "cat2000")
            content = load_matlab(table)
            maps = [value for value in content.values() if isinstance(value, dict)]
            if len(maps) != 1:
                raise ValueError(
                    f"{table}: needs one containers.Map of images, found {sorted(content)}"
                )
            for image, cells in maps[0].items():
                if image.split("/")[0] in categories:
                    _add_records(builder, table, image, cells)
        return public_set(builder.build(), "cat2000")


def _add_records(builder: SetBuilder, table: Path, image: str, cells: Value) -> None:
    for number, record in enumerate(_leaves(cells), start=1):
        where = f"{table}: image {image}, record {number}"
        with builder.problems.at(where):
            pixels = points(record["data"])[:, :2]
            pixels = pixels[~np.isnan(pixels).any(axis=1)] - 1
            new = np.r_[True, (np.diff(pixels, axis=0) != 0).any(axis=1)][: len(pixels)]
            observer = str(record["name"]).removesuffix(".eye").split("-")[-1]
            builder.add(where, image, pixels[new], None, observer)


def _leaves(cells: Value) -> Iterator[Struct]:
    """Records however deep in cells."""
    if isinstance(cells, dict):
        yield cells
    elif isinstance(cells, list):
        for cell in cells:
            yield from _leaves(cell)
