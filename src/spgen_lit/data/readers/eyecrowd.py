"""EyeCrowd: photographs of crowds, in OSIE's layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.readers.base import FileReader, Problems, need
from spgen_lit.data.readers.osie import read_layout
from spgen_lit.data.records import GazeSet


@dataclass(frozen=True)
class EyeCrowd(FileReader):
    """EyeCrowd (Jiang et al. 2014): 500 photographs, 1024x768, 16 observers, 5 s.

    Attributes:
        root: The folder that holds ``data/stimuli/<id>.jpg`` and ``data/eye/fixations.mat``.

    Raises:
        FileNotFoundError: From `read`, for missing folders or images.
        ValueError: From `read`, naming image and observer of bad content.
    """

    root: str | Path

    def _read(self, problems: Problems) -> GazeSet:
        data, entry = Path(self.root) / "data", CATALOGUE["eyecrowd"]
        how = "`python -m spgen_lit.data fetch eyecrowd` downloads and unpacks it."
        need(data / "stimuli", "EyeCrowd's images", how)
        need(data / "eye" / "fixations.mat", "EyeCrowd's gaze", how)
        stimuli, paths = read_layout(self.root, problems=problems)
        return GazeSet(
            "eyecrowd",
            stimuli,
            paths,
            "eye",
            citation=entry.citation,
            licence=entry.licence,
            notes=("free viewing for 5 s at 1024x768 px",),
        )
