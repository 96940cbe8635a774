"""FIGRIM: scenes looked at while being memorised and recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spgen_lit.data.images import list_files, list_images
from spgen_lit.data.readers.base import FileReader, Problems, SetBuilder, missing, public_set
from spgen_lit.data.readers.coco import CocoJson
from spgen_lit.data.readers.matlab import Value, listed, load_matlab, points
from spgen_lit.data.records import GazeSet

_TABLES = ("allImages_release.mat", "allImages_fillers.mat")
_PHASES = ("enc", "rec", "rec2")


@dataclass(frozen=True)
class Figrim(FileReader):
    """FIGRIM (Bylinskii et al. 2015): 1000x1000 px, a repeat-recognition task, 2 s.

    ``allImages_release.mat`` (targets) and ``allImages_fillers.mat`` at any depth below the
    folder, each a struct array ``allImages`` of ``filename`` and ``userdata``, one a person
    with ``trial`` and ``fixations`` of ``enc``, ``rec`` and ``rec2`` (rows of x, y in px).
    Images are found by name at any depth. Or COCO-style trials, ``scanpaths.json`` beside
    ``images/``. Durations are not part of the set.

    Attributes:
        root: The folder that holds both.
        phases: Which viewings to read: ``enc`` (first), ``rec``, ``rec2`` (repeats).

    Raises:
        FileNotFoundError: From `read`, if neither MATLAB file is there.
        ValueError: From `read`, naming image and observer of bad content, or for unknown
            phases.
    """

    phases: Sequence[str] = ("enc",)

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        if not self.phases or set(self.phases) - set(_PHASES):
            raise ValueError(f"phases must be among {_PHASES}, found {self.phases}")
        if (root / "scanpaths.json").is_file():
            return public_set(CocoJson(root, images="images")._read(root, problems), "figrim")
        tables = [path for path in list_files(root) if path.name in _TABLES]
        if not tables:
            raise missing("figrim", f"{', '.join(_TABLES)} or scanpaths.json below {root}")
        files = {path.name: path for path in list_images(root)}
        builder = SetBuilder(files, f"{root} or below", problems)
        for table in tables:
            for item in listed(load_matlab(table, "allImages")):
                image = str(item.get("filename", ""))
                if builder.stimulus(image, f"{table}: image {image}") is not None:
                    self._add_viewings(builder, table, image, listed(item.get("userdata", [])))
        return public_set(builder.build(), "figrim", f"viewings read: {', '.join(self.phases)}")

    def _add_viewings(
        self, builder: SetBuilder, table: Path, image: str, people: list[Value]
    ) -> None:
        for number, person in enumerate(people, start=1):
            fixations = person.get("fixations") if isinstance(person, dict) else None
            if not isinstance(fixations, dict):
                continue  # this person did not see this image
            for phase in self.phases:
                where = f"{table}: image {image}, observer {number:02d}, {phase}"
                with builder.problems.at(where):
                    pixels = points(fixations.get(phase, []))[:, :2]
                    if len(pixels):
                        builder.add(where, image, pixels, observer=f"{number:02d}")
