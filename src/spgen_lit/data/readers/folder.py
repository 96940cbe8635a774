"""Images without scanpaths: any folder, and Le Meur's paintings with their fixation maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.images import SUFFIXES, list_images, read_image
from spgen_lit.data.readers.base import FileReader, Problems, SetBuilder, missing, need, public_set
from spgen_lit.data.records import GazeSet

_HOW = "Set data.target.<name>.root to a folder that holds some."


@dataclass(frozen=True)
class Folder(FileReader):
    """Every image file below a folder, of any size and aspect.

    Image ids are paths relative to the folder, so equal names in two sub-folders differ.

    Attributes:
        root: The folder.

    Raises:
        FileNotFoundError: From `read`, if the folder does not exist or holds no image.
        ValueError: From `read`, naming a file that is no readable image.
    """

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        need(root, "folder of images", _HOW)
        files = {file.relative_to(root).as_posix(): file for file in list_images(root)}
        if not files:
            raise missing("image", f"{', '.join(sorted(SUFFIXES))} at any depth in {root}", _HOW)
        builder = SetBuilder(files, root, problems)
        builder.measure_all()
        return GazeSet(root.resolve().name, builder.stimuli)


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

    stimuli: str = "stimuli"
    maps: str = "fixation_maps"

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        images = need(root / self.stimuli, "lemeur_paintings")
        need(root / self.maps, "lemeur_paintings")
        paintings = Folder(images)._read(images, problems)
        for stimulus in paintings.stimuli.values():
            with problems.at(stimulus.path):
                shape = self.fixation_map(stimulus.id).shape
                if shape != stimulus.size[::-1]:
                    raise ValueError(f"map of {shape[1]}x{shape[0]} px for {stimulus.size}")
        return public_set(paintings, "lemeur_paintings")

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
