"""AVAtt as it is published: paintings shown on a canvas, with the ordered gaze of each observer."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from spgen_lit.data.images import image_size, list_files
from spgen_lit.data.readers.base import FileReader, Problems, library, missing, public_set
from spgen_lit.data.readers.guarded import guarded
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.files import atomic
from spgen_lit.scanpath import Scanpath, Viewing

_BOX = ("painting_x0", "painting_y0", "painting_x1", "painting_y1")
_UNUSED = ("fixation_map", "saliency_map")
_GROUPS = ("movement", "century", "movement_group", "genre", "medium", "artist")


@dataclass(frozen=True)
class Avatt(FileReader):
    """AVAtt (Hugging Face, ``Amine-CV/AVAtt``): its Parquet files, or a folder of `datasets`.

    Each row is a painting: ``image_id``, the canvas or the painting itself as ``image``, its
    box on the canvas (``painting_x0`` to ``painting_y1``, px), ``exposure_s`` and ``scanpaths``,
    a list of ``observer``, ``x`` and ``y`` in px of the canvas. The painting is cut out and
    written once below ``root/paintings``. Gaze beside it lies outside [0, 1] and is kept.
    Movement, century, genre, medium and artist come as attributes of the image.

    Attributes:
        root: The folder that holds ``*.parquet`` or ``*.arrow`` at any depth.
        canvas: Width and height of the canvas in px; an image of this size is cut.
        sealed: All images are test images, so that none can be trained on.
        duplicates: Keep paintings that are marked as a duplicate of another.

    Raises:
        FileNotFoundError: From `read`, if there is no such file.
        ImportError: From `read`, without pyarrow.
        ValueError: From `read`, naming file and painting of bad content.
    """

    canvas: tuple[int, int] = (1600, 900)
    sealed: bool = False
    duplicates: bool = True

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        files = [file for file in list_files(root) if file.suffix in (".parquet", ".arrow")]
        if not files:
            raise missing("avatt", f"*.parquet or *.arrow below {root}")
        stimuli: dict[str, Stimulus] = {}
        paths: list[Scanpath] = []
        for file in files:
            for row in guarded(_rows, file, file.suffix[1:]):
                image = str(row.get("image_id", ""))
                where = f"{file}: painting {image}"
                if row.get("duplicate_of") and not self.duplicates:
                    continue
                if image in stimuli:
                    problems.add(where, "the same image_id as a painting before it")
                    continue
                with problems.at(where, "image, box, exposure_s and scanpaths"):
                    stimulus = self._painting(row, image)
                    paths += list(_scanpaths(row, stimulus))
                    stimuli[image] = stimulus
        notes = () if self.duplicates else ("paintings marked as duplicates left out",)
        splits = {"test": tuple(sorted(stimuli))} if self.sealed else {}
        return public_set(GazeSet("", stimuli, paths, splits=splits), "avatt", *notes)

    def _painting(self, row: Mapping[str, Any], image: str) -> Stimulus:
        """The painting, cut out of the canvas into a file."""
        left, top, right, bottom = (float(row[key]) for key in _BOX)
        if not (0 <= left < right <= self.canvas[0] and 0 <= top < bottom <= self.canvas[1]):
            raise ValueError(f"box {[left, top, right, bottom]} leaves the canvas {self.canvas}")
        name = image.replace("/", "_").replace("\\", "_")
        path = Path(self.root) / "paintings" / f"{name}.png"
        if not path.is_file():
            picture = Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")
            if picture.size == tuple(self.canvas):
                picture = picture.crop((round(left), round(top), round(right), round(bottom)))
            with atomic(path) as part:
                picture.save(part, "PNG")
        known = {**row, "century": -(-int(row.get("year") or 0) // 100)}
        groups = {key: str(known[key]) for key in _GROUPS if known.get(key)}
        return Stimulus(image, path, image_size(path), groups)


def _scanpaths(row: Mapping[str, Any], stimulus: Stimulus) -> Iterator[Scanpath]:
    """Gaze on the canvas as shares of the painting's box, in the order of the file."""
    box = np.array([float(row[key]) for key in _BOX])
    corner, sides = box[:2], box[2:] - box[:2]
    exposure = row.get("exposure_s")
    viewing = Viewing(None if exposure is None else float(exposure), task="free")
    for item in row["scanpaths"]:
        pixels = np.column_stack([item["x"], item["y"]]).astype(np.float64)
        xy = (pixels - corner) / sides
        observer = str(item["observer"])
        yield Scanpath(stimulus.id, stimulus.size, xy, None, observer, viewing)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    pyarrow, parquet = (library(n, "tables", file) for n in ("pyarrow", "pyarrow.parquet"))
    if file.suffix == ".parquet":
        table = parquet.ParquetFile(file)
        # Maps are most of the file: they are not decoded.
        columns = [name for name in table.schema_arrow.names if name not in _UNUSED]
        batches = table.iter_batches(16, columns=columns)
    else:
        batches = pyarrow.ipc.open_stream(pyarrow.memory_map(str(file)))
    for batch in batches:
        kept = [name for name in batch.schema.names if name not in _UNUSED]
        yield from batch.select(kept).to_pylist()
