"""A plain folder of images without gaze: paintings, or anything else to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spgen_lit.data.images import SUFFIXES, list_images
from spgen_lit.data.readers.base import FileReader, Problems, measure, need
from spgen_lit.data.records import GazeSet


@dataclass(frozen=True)
class Folder(FileReader):
    """Every image file below a folder, of any size and aspect.

    Image ids are paths relative to the folder, so equal names in two sub-folders differ.

    Attributes:
        root: The folder.
        recursive: Look into sub-folders too.
        name: Name of the set; the folder's own name by default.

    Raises:
        FileNotFoundError: From `read`, if the folder does not exist or holds no image.
        ValueError: From `read`, naming a file that is no readable image.
    """

    root: str | Path
    recursive: bool = True
    name: str | None = None

    def _read(self, problems: Problems) -> GazeSet:
        root = Path(self.root)
        need(root, "folder of images", "Set data.target.<name>.root to a folder that holds some.")
        files = [
            path
            for path in list_images(root)
            if self.recursive or len(path.relative_to(root).parts) == 1
        ]
        if not files:
            depth = "at any depth" if self.recursive else "directly (recursive is off)"
            raise FileNotFoundError(
                f"{root}: the folder holds no image {depth}; looked for files ending in "
                f"{', '.join(sorted(SUFFIXES))}"
            )
        stimuli = measure(((p.relative_to(root).as_posix(), p) for p in files), problems)
        return GazeSet(self.name or root.resolve().name, stimuli)
