"""AVAtt: paintings shown in a box on a wider canvas, gaze in px of the canvas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, measure, need, public_set
from spgen_lit.data.readers.rows import Row, load_rows, number, text
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Scanpath

_BOX = ("left", "top", "width", "height")


@dataclass(frozen=True)
class Avatt(FileReader):
    """AVAtt: x and y per observer on a canvas, 1600 px wide, with the painting's box on it.

    One table a fixation a row (``image, observer, x, y`` and, if `time` is given,
    ``duration``), one table a painting a row (``image, left, top, width, height``, the box in
    px of the canvas). Gaze beside the painting lies outside [0, 1] and is kept.

    Attributes:
        root: The folder that holds tables and paintings.
        fixations: Name of the table of fixations.
        boxes: Name of the table of boxes.
        images: Folder of the paintings below `root`.
        canvas: Width of the canvas in px; a box that leaves it is refused.
        time: ``ms`` or ``s`` of the column ``duration``; None where there is none.

    Raises:
        FileNotFoundError: From `read`, for missing files.
        ValueError: From `read`, naming row and column of bad content, a painting without a
            box, or a missing image.
    """

    root: str | Path
    fixations: str = "fixations.csv"
    boxes: str = "boxes.csv"
    images: str = "images"
    canvas: int = 1600
    time: Literal["ms", "s"] | None = None

    def _read(self, problems: Problems) -> GazeSet:
        root, entry = Path(self.root), CATALOGUE["avatt"]
        how = f"How to get it: {entry.get}."
        table = need(root / self.fixations, "AVAtt's fixations", how)
        frames = need(root / self.boxes, "AVAtt's boxes", how)
        folder = need(root / self.images, "AVAtt's paintings", how)
        boxes = self._boxes(frames, problems)
        files = {path.stem: path for path in list_images(folder)}
        files |= {path.name: path for path in list_images(folder)}
        trials: dict[tuple[str, str], list[tuple[int, Row]]] = {}
        for line, row in enumerate(load_rows(table), start=2):
            wanted = ("image", "observer", "x", "y", *(("duration",) if self.time else ()))
            missing = [key for key in wanted if key not in row]
            if missing:
                raise ValueError(f"{table}: no column {', '.join(missing)}; it has {list(row)}")
            trials.setdefault((text(row, "image"), text(row, "observer")), []).append((line, row))
        names = sorted({image for image, _ in trials})
        stimuli = measure(((i, files[i]) for i in names if i in files), problems)
        paths = []
        for (image, observer), members in trials.items():
            where = f"{table}: row {members[0][0]} (image {image}, observer {observer})"
            if image not in files:
                problems.add(where, f"image missing: no file {image} in {folder}")
            elif image not in boxes:
                problems.add(where, f"no box of {image} in {frames}")
            elif image in stimuli:
                try:
                    xy, seconds = self._fixations([row for _, row in members], boxes[image])
                    size = stimuli[image].size
                    paths.append(Scanpath(image, size, xy, seconds, observer))
                except ValueError as error:
                    problems.add(where, str(error))
        return public_set("avatt", stimuli, paths)

    def _boxes(self, frames: Path, problems: Problems) -> dict[str, np.ndarray]:
        boxes = {}
        for line, row in enumerate(load_rows(frames), start=2):
            try:
                box = np.array([number(row, key) for key in _BOX])
                if box[2:].min() <= 0 or box[0] < 0 or box[0] + box[2] > self.canvas:
                    raise ValueError(f"box {box.tolist()} leaves the canvas of {self.canvas} px")
                boxes[text(row, "image")] = box
            except (ValueError, KeyError) as error:
                problems.add(f"{frames}: row {line}", f"needs image, {', '.join(_BOX)} ({error})")
        return boxes

    def _fixations(self, rows: list[Row], box: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        pixels = np.array([[number(row, "x"), number(row, "y")] for row in rows])
        xy = (pixels - box[:2]) / box[2:]
        if self.time is None:
            return xy, None
        scale = 1000.0 if self.time == "ms" else 1.0
        return xy, np.array([number(row, "duration") for row in rows]) / scale
