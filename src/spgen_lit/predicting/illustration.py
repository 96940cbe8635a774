"""Illustration of a prediction: each image's pictures, and the page that shows them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from spgen_lit.data.images import ImageError, Pixels, image_size, read_image
from spgen_lit.pictures.density import density_overlay
from spgen_lit.pictures.overlay import contact_sheet, draw_scanpath, fit_width, save_png
from spgen_lit.pictures.page import PageEntry, write_page
from spgen_lit.pictures.replay import FORMATS, save_replay
from spgen_lit.predicting.outputs import Item, Outputs, from_trials, shown
from spgen_lit.scanpath import Scanpath

SMALLEST = 600

#: An image's key to people's scanpaths on it.
Observers = Callable[[str], Sequence[Scanpath]]


def read_within(path: Path, side: int) -> Pixels:
    """An image at most ``side`` px long, decoded at the scale needed; never enlarged.

    Raises:
        ImageError: If the file cannot be read.
    """
    width, height = image_size(path)
    scale = min(1.0, side / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = read_image(path, size)
    if scale < 1:
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return picture


@dataclass(frozen=True)
class Illustrator:
    """Which pictures each image of a prediction gets.

    Attributes:
        outputs: The output folder.
        overlay: Samples drawn in the overlay picture: 0 for no picture, 1 for one drawn
            large, more for a sheet.
        density: Whether a density picture is drawn.
        replay: ``mp4``, ``gif`` or None.
        side: Longest side of pictures in px; narrower ones than 600 px are enlarged.

    Raises:
        ValueError: For another replay format or a number below zero.
    """

    outputs: Outputs
    overlay: int = 1
    density: bool = True
    replay: str | None = None
    side: int = 1600

    def __post_init__(self) -> None:
        if self.replay is not None and f".{self.replay}" not in FORMATS:
            raise ValueError(f"replay must be mp4, gif or null, found {self.replay!r}")
        if self.overlay < 0:
            raise ValueError(f"overlay must be 0 or more samples, found {self.overlay}")
        if self.side < 16:
            raise ValueError(f"picture_side must be at least 16 px, found {self.side}")

    def files(self, item: Item) -> dict[str, Path]:
        """The picture files an image gets, by kind."""
        wanted = {
            "overlay": ".png" if self.overlay else "",
            "density": ".png" if self.density else "",
            "replay": f".{self.replay}" if self.replay else "",
        }
        return {k: self.outputs.file(k, item, end) for k, end in wanted.items() if end}

    def draw(self, item: Item, picture: Pixels, paths: Sequence[Scanpath]) -> None:
        """Draw the pictures of one image; ``picture`` may be a reduced copy of it."""
        files = self.files(item)
        ground = picture if picture.shape[1] >= SMALLEST else _enlarged(picture)
        if "overlay" in files:
            save_png(files["overlay"], self._overlay(ground, paths))
        if "density" in files:
            save_png(files["density"], density_overlay(ground, paths))
        if "replay" in files and paths:
            save_replay(files["replay"], ground, paths[0])

    def _overlay(self, ground: Pixels, paths: Sequence[Scanpath]) -> Pixels:
        drawn = [draw_scanpath(ground, path) for path in paths[: self.overlay]]
        if len(drawn) <= 1:
            return drawn[0] if drawn else ground
        columns = int(np.ceil(np.sqrt(len(drawn))))
        rows = [drawn[i : i + columns] for i in range(0, len(drawn), columns)]
        width = max(240, min(ground.shape[1], 2400 // columns))
        return contact_sheet(rows, [""] * columns, [""] * len(rows), cell_width=width)


def _enlarged(picture: Pixels) -> Pixels:
    """The picture made 600 px wide, unless that would make it absurdly tall."""
    height = picture.shape[0] * SMALLEST / picture.shape[1]
    return fit_width(picture, SMALLEST) if height <= 4 * SMALLEST else picture


def observers_of(gaze: Mapping[str, Sequence[Scanpath]]) -> Observers:
    """Look-up of people's paths by an image's key: by its whole name, else by its file name."""
    by_name = {Path(key).name: paths for key, paths in gaze.items()}

    def find(key: str) -> Sequence[Scanpath]:
        return gaze.get(key) or by_name.get(Path(key).name, ())

    return find


def illustrate_page(
    outputs: Outputs,
    items: Sequence[Item],
    *,
    observers: Observers,
    notes: str,
    limit: int = 500,
) -> Path | None:
    """Write ``index.html`` of the images that are done; None if there are none.

    Past ``limit`` images the page shows the first ones and says how many there are.
    """
    shown_items = items[:limit]
    if not shown_items:
        return None
    if len(items) > limit:
        notes += f" · the first {limit} of {len(items)} images"

    def entries() -> Iterator[PageEntry]:
        for item in shown_items:
            paths = from_trials(outputs.read(item))
            try:
                size = paths[0].size if paths else image_size(item.path)
                # Checked here, so that a file that vanished meanwhile costs its place alone.
                image_size(item.path)
            except ImageError:
                continue
            groups = {"model": paths, "people": observers(item.key)}
            picture = partial(read_within, item.path)
            yield PageEntry(shown(item.key), size, picture, groups)

    target = outputs.root / "index.html"
    write_page(target, entries(), len(shown_items), title="Scanpaths", notes=notes)
    return target
