"""A set as `convert` wrote it, whichever form that was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spgen_lit.data.readers.base import FileReader, Problems, missing
from spgen_lit.data.readers.coco import CocoJson
from spgen_lit.data.readers.pysaliency import Pysaliency
from spgen_lit.data.readers.table import Table
from spgen_lit.data.records import GazeSet


@dataclass(frozen=True)
class Converted(FileReader):
    """Reads ``scanpaths.json``, ``scanpaths.csv`` or ``fixations.hdf5`` with ``set.json``.

    Attributes:
        root: The folder that `convert` wrote.

    Raises:
        FileNotFoundError: From `read`, if none of the files is there.
        ValueError: From `read`, as the form's own reader.
    """

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        forms: dict[str, FileReader] = {
            "scanpaths.json": CocoJson(root),
            "scanpaths.csv": Table(root, tracker="converted"),
            "fixations.hdf5": Pysaliency(root),
        }
        for name, reader in forms.items():
            if (root / name).is_file():
                return reader._read(root, problems)
        raise missing("converted", f"{', '.join(forms)} in {root}")
