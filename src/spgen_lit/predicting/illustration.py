"""Illustration of a prediction: each image's pictures, and the page that shows them all."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np

from spgen_lit.data.images import ImageError, Pixels, image_size, read_image
from spgen_lit.files import shown
from spgen_lit.pictures.density import density_overlay
from spgen_lit.pictures.figure import save_figure, save_png
from spgen_lit.pictures.overlay import Caption, scanpath_figure
from spgen_lit.pictures.page import PageEntry, write_page
from spgen_lit.pictures.replay import save_replay
from spgen_lit.pictures.sheets import fit_width, footed
from spgen_lit.predicting import Settings
from spgen_lit.predicting.outputs import Item, Outputs
from spgen_lit.scanpath import Scanpath

SMALLEST = 600
#: Tables beside the images that name works: ``file``, ``title`` and more.
_CAPTIONS = ("captions.csv", "index.csv")


@dataclass(frozen=True)
class Observers:
    """People's scanpaths by an image's key, or those of simulated observers.

    Attributes:
        gaze: Image name to scanpaths.
        title: What they are called: ``observers``, or ``simulated observers``.
    """

    gaze: Mapping[str, Sequence[Scanpath]] = field(default_factory=dict)
    title: str = "observers"

    def on(self, key: str) -> Sequence[Scanpath]:
        """Paths on an image: by its whole name, else by its file name."""
        return self.gaze.get(key) or self._by_name.get(Path(key).name, ())

    @cached_property
    def _by_name(self) -> dict[str, Sequence[Scanpath]]:
        return {Path(name).name: paths for name, paths in self.gaze.items()}


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


def read_captions(items: Sequence[Item]) -> dict[Path, Caption]:
    """Title, artist and width of works, from tables beside the images.

    Such a table is ``captions.csv`` or ``index.csv`` with the columns ``file``, ``title`` and,
    if known, ``artist`` (or ``author``), ``year`` and ``width_cm``; another one is left alone.
    """
    captions = {}
    for folder in {item.path.parent for item in items}:
        for name in _CAPTIONS:
            with (
                suppress(OSError, UnicodeDecodeError, csv.Error),
                (folder / name).open(newline="", encoding="utf-8-sig") as file,
            ):
                for row in csv.DictReader(file):
                    if row.get("file") and row.get("title"):
                        captions[folder / row["file"]] = _caption(row)
    return captions


def _caption(row: Mapping[str, str]) -> Caption:
    artist = row.get("artist") or row.get("author") or ""
    try:
        width = float(row.get("width_cm") or 0)
    except ValueError:
        width = 0.0
    said = ", ".join(part for part in (artist, row.get("year") or "") if part)
    return Caption(row["title"], said, width if width > 0 else None)


@dataclass(frozen=True)
class Illustrator:
    """Which pictures each image of a prediction gets.

    Attributes:
        outputs: The output folder.
        settings: Which pictures are wanted, and how large; narrower ones than 600 px are
            enlarged.
        captions: Image file to what is written above it; its name where there is none.
        note: The line at the foot of figures: what drew the path.
        warning: What must be known of the model, at the foot of every picture.
    """

    outputs: Outputs
    settings: Settings
    captions: Mapping[Path, Caption] = field(default_factory=dict)
    note: str = ""
    warning: str = ""

    def files(self, item: Item) -> list[Path]:
        """The picture files an image gets."""
        own = self.settings
        kinds = [("overlay", kind) for kind in own.formats if own.overlay]
        kinds += [("density", "png")] if own.density else []
        kinds += [("replay", own.replay)] if own.replay else []
        return [self.outputs.file(kind, item, f".{suffix}") for kind, suffix in kinds]

    def draw(
        self, item: Item, picture: Pixels, paths: Sequence[Scanpath], typical: int | None
    ) -> None:
        """Draw the pictures of one image; ``picture`` may be a reduced copy of it."""
        ground = picture if picture.shape[1] >= SMALLEST else _enlarged(picture)
        path = paths[typical or 0]
        for file in self.files(item):
            kind = file.relative_to(self.outputs.root).parts[0]
            if kind == "density":
                save_png(file, footed(density_overlay(ground, paths), self.warning))
            elif kind == "replay":
                save_replay(file, ground, path, warning=self.warning)
            else:
                caption = self.captions.get(item.path, Caption(shown(item.path.stem)))
                caption = replace(caption, note=self.note, warning=self.warning)
                save_figure(file, scanpath_figure(ground, path, caption))


def _enlarged(picture: Pixels) -> Pixels:
    """The picture made 600 px wide, unless that would make it absurdly tall."""
    height = picture.shape[0] * SMALLEST / picture.shape[1]
    return fit_width(picture, SMALLEST) if height <= 4 * SMALLEST else picture


def illustrate_page(
    illustrator: Illustrator, items: Sequence[Item], observers: Observers, notes: str
) -> Path | None:
    """Write ``index.html`` of the images that are done; None if there are none.

    Past ``page_limit`` images the page shows the first ones and says how many there are.
    """
    outputs, limit = illustrator.outputs, illustrator.settings.page_limit
    if not items[:limit]:
        return None
    if len(items) > limit:
        notes += f" · the first {limit} of {len(items)} images"

    def entries() -> Iterator[PageEntry]:
        for item in items[:limit]:
            paths, typical = outputs.read(item)
            try:
                # Checked here, so that a file that vanished meanwhile costs its place alone.
                size = image_size(item.path)
            except ImageError:
                continue
            ordered = list(paths)
            if typical is not None:
                own = ordered.pop(typical)
                ordered.insert(0, replace(own, observer=f"typical ({own.observer})"))
            groups = {"model": ordered, observers.title: observers.on(item.key)}
            caption = illustrator.captions.get(item.path, Caption(item.key))
            name = shown(" · ".join(text for text in (caption.title, caption.artist) if text))
            yield PageEntry(name, size, partial(read_within, item.path), groups)

    target = outputs.root / "index.html"
    write_page(target, entries(), min(len(items), limit), notes=notes, warning=illustrator.warning)
    return target
