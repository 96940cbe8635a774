"""One split of the images of a domain."""

from __future__ import annotations

from dataclasses import dataclass

from spgen_lit.data.records import Stimulus
from spgen_lit.scanpath import Scanpath


@dataclass(frozen=True)
class Part:
    """One split of one or several sets; identifiers carry the set's name if there are several.

    Attributes:
        stimuli: Identifier to image.
        paths: Identifier to scanpaths, relative to the image.
        sets: Identifier to the name of its set.
    """

    stimuli: dict[str, Stimulus]
    paths: dict[str, list[Scanpath]]
    sets: dict[str, str]

    def of_set(self, name: str) -> list[str]:
        """Identifiers of the images of one set, in order."""
        return [key for key in self.stimuli if self.sets[key] == name]
