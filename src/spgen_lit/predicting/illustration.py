"""Illustration of a prediction: each image's pictures, and the page that shows them all."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from spgen_lit.data.images import ImageError, Pixels, image_size, read_image, resize
from spgen_lit.files import shown
from spgen_lit.pictures.density import density_overlay
from spgen_lit.pictures.figure import save_figure, save_png
from spgen_lit.pictures.overlay import Caption, scanpath_figure
from spgen_lit.pictures.page import PageEntry, picture_side, write_page
from spgen_lit.pictures.replay import save_replay
from spgen_lit.pictures.sheets import fit_width, footed
from spgen_lit.predicting.outputs import Item, Outputs
from spgen_lit.scanpath import Scanpath

SMALLEST = 600
#: Tables beside the images that name works: ``file``, ``title`` and more.
_CAPTIONS = ("captions.csv", "index.csv")


@dataclass
class Observers:
    """People's scanpaths by an image's key, or those of simulated observers.

    Attributes:
        gaze: Image name to scanpaths; they are found by its file name alone, too.
        title: What they are called: ``observers``, or ``simulated observers``.
    """

    gaze: Mapping[str, Sequence[Scanpath]] = field(default_factory=dict)
    title: str = "observers"

    def __post_init__(self) -> None:
        names = {Path(image).name: paths for image, paths in self.gaze.items()}
        self.gaze = names | dict(self.gaze)

    def on(self, key: str) -> Sequence[Scanpath]:
        """Paths on an image: by its whole name, else by its file name."""
        return self.gaze.get(key) or self.gaze.get(Path(key).name, ())


def read_within(path: Path, side: int) -> Pixels:
    """An image at most ``side`` px long, decoded at the scale needed; never enlarged.

    Raises:
        ImageError: If the file cannot be read.
    """
    width, height = image_size(path)
    scale = min(1.0, side / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return resize(read_image(path, size), size)


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
    """One row of such a table."""
    artist = row.get("artist") or row.get("author") or ""
    width = float(pd.to_numeric(row.get("width_cm") or 0, errors="coerce"))
    line = ", ".join(text for text in (artist, row.get("year")) if text)
    return Caption(row["title"], line, width if width > 0 else None)


def draw_pictures(
    outputs: Outputs, item: Item, paths: Sequence[Scanpath], typical: int | None
) -> None:
    """Draw the pictures of one image; narrower ones than 600 px are enlarged.

    Raises:
        ImageError: If the image cannot be read.
    """
    settings, warning = outputs.settings, outputs.warning
    picture = read_within(item.path, settings.picture_side)
    height, width = picture.shape[:2]
    if width < SMALLEST and height * SMALLEST / width <= 4 * SMALLEST:
        picture = fit_width(picture, SMALLEST)
    path = paths[typical or 0]
    for kind, file in outputs.pictures(item):
        if kind == "density":
            save_png(file, footed(density_overlay(picture, paths), warning))
        elif kind == "replay":
            save_replay(file, picture, path, warning)
        else:
            how = f"typical of {settings.samples} sampled scanpaths · seed {settings.seed}"
            note = f"{outputs.made_by['model']} · {how}"
            caption = outputs.captions.get(item.path, Caption(shown(item.path.stem)))
            caption = replace(caption, note=note, warning=warning)
            save_figure(file, scanpath_figure(picture, path, caption))


def illustrate_page(
    outputs: Outputs, items: Sequence[Item], observers: Observers, notes: str
) -> Path:
    """Write ``index.html`` of the images that are done, and return its path.

    Past ``page_limit`` images the page shows the first ones and says how many there are.
    """
    limit = outputs.settings.page_limit
    if len(items) > limit:
        notes += f" · the first {limit} of {len(items)} images"

    def entries() -> Iterator[PageEntry]:
        side = picture_side(min(len(items), limit))
        for item in items[:limit]:
            paths, typical = outputs.read(item)
            if typical is not None:
                path = paths.pop(typical)
                paths.insert(0, replace(path, observer=f"typical ({path.observer})"))
            caption = outputs.captions.get(item.path, Caption(item.key))
            name = shown(" · ".join(text for text in (caption.title, caption.artist) if text))
            groups = {"model": paths, observers.title: observers.on(item.key)}
            # A file that vanished meanwhile costs its place alone.
            with suppress(ImageError):
                yield PageEntry(name, paths[0].size, read_within(item.path, side), groups)

    target = outputs.root / "index.html"
    write_page(target, entries(), notes=notes, warning=outputs.warning)
    return target
