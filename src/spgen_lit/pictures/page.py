"""Page: one self-contained HTML file in which scanpaths are played over their images."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from spgen_lit.files import atomic
from spgen_lit.pictures.density import density_overlay
from spgen_lit.pictures.figure import Pixels
from spgen_lit.pictures.overlay import draw_scanpath
from spgen_lit.scanpath import Scanpath

THUMBNAIL = 360
#: Bytes that the pictures of one page may take together; their width follows from it.
BUDGET = 40_000_000
WIDEST, NARROWEST = 1280, 480


@dataclass(frozen=True)
class PageEntry:
    """One image of a page.

    Attributes:
        name: What it is called on the page.
        size: Width and height of the original image in px.
        picture: The image, uint8 RGB ``(H, W, 3)``, at most :func:`picture_side` px long.
        groups: Title (``model``, ``people``) to scanpaths; groups stand side by side. The
            thumbnail shows the first group's density and its first path.
    """

    name: str
    size: tuple[int, int]
    picture: Pixels
    groups: Mapping[str, Sequence[Scanpath]] = field(default_factory=dict)


def picture_side(count: int) -> int:
    """Long side in px of each picture on a page of ``count`` images, within the budget."""
    # A JPEG of quality 80 takes about a quarter of a byte per px, base64 a third more.
    pixels = BUDGET / max(1, count) / 0.34 / 0.75
    return int(min(WIDEST, max(NARROWEST, pixels**0.5)))


def write_page(
    target: str | os.PathLike[str],
    entries: Iterable[PageEntry],
    *,
    notes: str = "",
    warning: str = "",
) -> None:
    """Write the page, one entry at a time, under its final name only once it is whole.

    It works without a network: script, style and pictures are inside, and its content
    policy forbids every request. Pictures are decoded when an image is opened, thumbnails
    when they scroll into view.

    Args:
        target: HTML file to write; missing folders are made.
        entries: The images, in order; taken one at a time.
        notes: A line under the heading: what was predicted, by what, with which settings.
        warning: A sentence that stands out: what must be known of the model; may be empty.
    """
    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    page = jinja2.Environment(loader=folder, autoescape=True).get_template("page.html")
    parts = page.generate(notes=notes, warning=warning, entries=map(_entry, entries))
    # Names that are not UTF-8 arrive as surrogates; the page shows a question mark.
    with atomic(Path(target)) as part, part.open("w", encoding="utf-8", errors="replace") as file:
        file.writelines(parts)


def _entry(entry: PageEntry) -> dict[str, str]:
    """What the template writes of an image: its name, its record as JSON, and the picture."""
    record = {
        "name": entry.name,
        "width": entry.size[0],
        "height": entry.size[1],
        "thumb": _data_uri(_thumbnail(entry), 76),
        "groups": [
            {"title": title, "paths": [_path_record(path, i) for i, path in enumerate(paths, 1)]}
            for title, paths in entry.groups.items()
            if paths
        ],
    }
    # "<" inside a script element could end it.
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return {"name": entry.name, "record": text, "picture": _data_uri(entry.picture, 80)}


def _path_record(path: Scanpath, number: int) -> dict[str, Any]:
    """Name and fixations (x, y in [0, 1], seconds or null) with the figures that show."""
    seconds = [None] * len(path) if path.durations is None else path.durations.round(3).tolist()
    rows = path.xy.round(5).tolist()
    fixations = [[x, y, s] for (x, y), s in zip(rows, seconds, strict=True)]
    return {"n": path.observer or str(number), "p": fixations}


def _thumbnail(entry: PageEntry) -> Pixels:
    """A small picture that shows at a glance where gaze gathers, and one path."""
    image = Image.fromarray(entry.picture)
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    small = np.asarray(image)
    paths = next((paths for paths in entry.groups.values() if paths), ())
    if not paths:
        return small
    return draw_scanpath(density_overlay(small, paths), paths[0], numbers=False)


def _data_uri(picture: Pixels, quality: int) -> str:
    code = io.BytesIO()
    Image.fromarray(picture).save(code, format="JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(code.getvalue()).decode("ascii")
