"""Le Meur's paintings: pictures with maps of where people looked, but not in which order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.images import list_images, read_image
from spgen_lit.data.readers.base import FileReader, Problems, measure, need
from spgen_lit.data.records import GazeSet


@dataclass(frozen=True)
class LeMeurPaintings(FileReader):
    """Paintings of five movements (Le Meur et al. 2020) with binary fixation maps.

    The set gives places without order or observer, so it has no scanpaths: it serves as an
    unlabelled target, and for measures on maps (NSS, AUC), never for measures on scanpaths.

    Attributes:
        root: The folder that holds both sub-folders.
        stimuli: Folder of the paintings.
        maps: Folder of the fixation maps, one image a painting: named like it, or like it
            with something appended.

    Raises:
        FileNotFoundError: From `read`, for missing folders.
        ValueError: From `read`, for a painting without a map or a map of another size.
    """

    root: str | Path
    stimuli: str = "stimuli"
    maps: str = "fixation_maps"

    def _read(self, problems: Problems) -> GazeSet:
        root, entry = Path(self.root), CATALOGUE["lemeur_paintings"]
        how = f"How to get them: {entry.get}. Set `stimuli` and `maps` to the folders' names."
        images = need(root / self.stimuli, "Le Meur's paintings", how)
        need(root / self.maps, "Le Meur's fixation maps", how)
        names = ((p.relative_to(images).as_posix(), p) for p in list_images(images))
        stimuli = measure(names, problems)
        for stimulus in stimuli.values():
            try:
                shape = self.fixation_map(stimulus.id).shape
            except ValueError as error:
                problems.add(stimulus.path, str(error))
                continue
            if shape != stimulus.size[::-1]:
                problems.add(stimulus.path, f"map of {shape[1]}x{shape[0]} px for {stimulus.size}")
        return GazeSet(
            "lemeur_paintings",
            stimuli,
            citation=entry.citation,
            licence=entry.licence,
            notes=("fixation maps without order: measures on maps only, no scanpaths",),
        )

    def fixation_map(self, image: str) -> NDArray[np.bool_]:
        """Where anybody fixated: ``(height, width)``, True at fixated pixels.

        Raises:
            ValueError: If the painting has no map, or several.
        """
        folder = Path(self.root) / self.maps
        stem = Path(image).stem
        exact = [path for path in list_images(folder) if path.stem == stem]
        found = exact or [path for path in list_images(folder) if path.stem.startswith(f"{stem}_")]
        if len(found) != 1:
            raise ValueError(
                f"needs one fixation map named {stem}.* or {stem}_* in {folder}, found {len(found)}"
            )
        # Maps may be JPEG: half of white parts a mark from the noise around it.
        return read_image(found[0]).max(axis=2) > 127
