"""MIT1003 as redistributed with FixaTons: fixations already detected."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.readers.base import Problems
from spgen_lit.data.readers.fixatons import FixaTons
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Scanpath


@dataclass(frozen=True)
class Mit1003FixaTons(FixaTons):
    """MIT1003 (Judd et al. 2009): 1003 photographs, 15 observers, 3 s of free viewing.

    Attributes:
        root: The folder that holds ``STIMULI`` and ``SCANPATHS``; any part of the set.
        name: Name of the set.
        first: Keep the first fixation. It began before the image appeared, at the screen's
            centre: 99 % of them lie within a tenth of it. The authors leave it out of their
            maps, and sets such as OSIE hold none.
    """

    name: str | None = "mit1003"
    first: bool = True

    def _read(self, problems: Problems) -> GazeSet:
        entry = CATALOGUE["mit1003"]
        gaze = super()._read(problems)
        paths = gaze.scanpaths
        if not self.first:
            paths = [_later(path) for path in paths if len(path) > 1]
        return replace(
            gaze,
            scanpaths=paths,
            citation=entry.citation,
            licence=entry.licence,
            notes=(*gaze.notes, f"first fixation {'kept' if self.first else 'left out'}"),
        )

    def _how(self) -> str:
        return (
            "MIT1003 in FixaTons form comes with FixaTons (github.com/dariozanca/FixaTons); "
            "the original files come by `python -m spgen_lit.data fetch mit1003` and are read "
            "by spgen_lit.data.readers.mit1003_mat.Mit1003Mat."
        )


def _later(path: Scanpath) -> Scanpath:
    durations = None if path.durations is None else path.durations[1:]
    return replace(path, xy=path.xy[1:], durations=durations)
