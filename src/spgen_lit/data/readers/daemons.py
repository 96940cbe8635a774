"""DAEMONS, the Potsdam data set of eye movements on natural scenes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spgen_lit.data.readers.base import FileReader, Problems, need, public_set
from spgen_lit.data.readers.table import Table
from spgen_lit.data.records import GazeSet


@dataclass(frozen=True)
class Daemons(FileReader):
    """DAEMONS (Schwetlick et al. 2024): 2,400 photographs 1920x1080, 250 observers.

    ``SAC_train.csv`` and ``SAC_val.csv`` at any depth, one row a saccade and the fixation after
    it: ``VP``, ``trial``, ``Img``, ``x`` and ``y`` in degrees from the bottom left, ``fixdur`` in
    ms, ``forced_fix`` for fixations on the marker before the image appeared. Gaze on the test
    images is not public. Images carry EXIF orientations that they were not shown in: a file
    that comes out upright is refused by name.

    Attributes:
        root: The folder that holds tables and images.
        first: Keep fixations on the marker.
    """

    first: bool = False

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        need(root, "daemons")
        kept = {"forced_fix": "*"} if self.first else None
        gaze = Table(root, tracker="daemons", keep=kept)._read(root, problems)
        for stimulus in gaze.stimuli.values():
            if stimulus.size != (1920, 1080):
                problems.add(
                    stimulus.path,
                    f"{stimulus.size[0]}x{stimulus.size[1]} px, shown at 1920x1080: remove its "
                    "EXIF orientation (exiftool -Orientation= FILE)",
                )
        return public_set(gaze, "daemons", first=self.first)
