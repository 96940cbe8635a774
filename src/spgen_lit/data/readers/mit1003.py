"""MIT1003 as redistributed with FixaTons: fixations already detected."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.readers.base import Problems
from spgen_lit.data.readers.fixatons import FixaTons
from spgen_lit.data.records import GazeSet


@dataclass(frozen=True)
class Mit1003FixaTons(FixaTons):
    """MIT1003 (Judd et al. 2009): 1003 photographs, 15 observers, 3 s of free viewing.

    Attributes:
        root: The folder that holds ``STIMULI`` and ``SCANPATHS``; any part of the set.
        name: Name of the set.
    """

    name: str | None = "mit1003"

    def _read(self, problems: Problems) -> GazeSet:
        entry = CATALOGUE["mit1003"]
        return replace(super()._read(problems), citation=entry.citation, licence=entry.licence)

    def _how(self) -> str:
        return (
            "MIT1003 in FixaTons form comes with FixaTons (github.com/dariozanca/FixaTons); "
            "the original files come by `python -m spgen_lit.data fetch mit1003` and are read "
            "by spgen_lit.data.readers.mit1003_mat.Mit1003Mat."
        )
