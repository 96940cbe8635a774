"""Overlay: scanpaths drawn on their image, alone, side by side, and on contact sheets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from spgen_lit.pictures.lettering import Colour, Pixels, shorten, write
from spgen_lit.pictures.marks import blend, draw_disc, draw_lines, marks_of
from spgen_lit.scanpath import Scanpath

PAPER = 250
INK: Colour = (25, 25, 25)


def check_rgb(image: Pixels) -> None:
    """Raise ``ValueError`` unless ``image`` is a non-empty uint8 array ``(H, W, 3)``."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(
            "a picture must be a uint8 RGB array of shape (height, width, 3), "
            f"found {image.dtype} of shape {image.shape}"
        )


def fit_width(image: Pixels, width: int) -> Pixels:
    """The picture resized to ``width`` px, its aspect kept."""
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    shrink = width < image.shape[1]
    method = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.uint8)


def draw_scanpath(
    image: Pixels,
    path: Scanpath,
    *,
    colour: Colour | None = None,
    numbers: bool = True,
    min_width: int | None = None,
) -> Pixels:
    """Draw a scanpath on its image: numbered discs sized by duration, joined by cased lines.

    The path is stretched to the picture, so a resized copy of the image serves as well.
    A fixation at x, y in px of the image is centred there: 0, 0 is the outer corner of the
    first pixel. Small discs are drawn above large ones so that none is hidden whole.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB; left as it is.
        path: The scanpath; its fixations off the image are drawn as far as they show.
        colour: One RGB colour for the whole path; None for a gradient over time from
            yellow to blue.
        numbers: Whether fixations carry their number.
        min_width: Enlarge a narrower picture to this many px before drawing, so that
            numbers stay legible; None leaves the size as it is.

    Returns:
        A new uint8 RGB picture.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    check_rgb(image)
    enlarge = min_width is not None and image.shape[1] < min_width
    canvas = fit_width(image, min_width) if enlarge and min_width else image.copy()
    marks = marks_of(path, canvas.shape[1], canvas.shape[0], colour)
    drawn = canvas.copy()
    draw_lines(drawn, marks)
    for mark in sorted(marks, key=lambda mark: -mark.radius):
        draw_disc(drawn, mark, numbers)
    return blend(canvas, drawn, 0.92)


def side_by_side(
    image: Pixels,
    model: Sequence[Scanpath],
    people: Sequence[Scanpath],
    *,
    titles: tuple[str, str] = ("model", "people"),
    rows: int = 3,
    width: int = 600,
) -> Pixels:
    """The model's paths in the left column, people's in the right, one path a cell.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB.
        model: Sampled scanpaths; the first ``rows`` are shown.
        people: Observers' scanpaths; the first ``rows`` are shown. May be empty, as on a
            painting that nobody's gaze was recorded on: then there is one column.
        titles: Headings of the two columns.
        rows: Most paths to show in a column.
        width: Width of one cell in px.

    Returns:
        A uint8 RGB picture of at least one row; a cell without a path shows the bare image.
    """
    check_rgb(image)
    columns = [(titles[0], model)] + ([(titles[1], people)] if people else [])
    count = max(1, min(rows, max(len(model), len(people))))
    ground = fit_width(image, width)
    cells = [
        [draw_scanpath(ground, paths[row]) if row < len(paths) else ground for _, paths in columns]
        for row in range(count)
    ]
    return contact_sheet(cells, [title for title, _ in columns], [""] * count, cell_width=width)


def contact_sheet(
    rows: Sequence[Sequence[Pixels]],
    column_titles: Sequence[str],
    row_titles: Sequence[str],
    *,
    cell_width: int = 480,
    gap: int = 8,
) -> Pixels:
    """Lay pictures out in rows and columns under headings, on white paper.

    Args:
        rows: Pictures ``(H, W, 3)``, uint8 RGB, of any sizes; rows may be shorter than
            the list of columns.
        column_titles: A heading per column; empty for none.
        row_titles: A line above each row; empty strings for none.
        cell_width: Width in px that every picture is resized to.
        gap: Space between pictures in px.

    Raises:
        ValueError: If there is no picture, or titles and rows differ in number.
    """
    if not any(len(row) for row in rows):
        raise ValueError("a contact sheet needs at least one picture, found none")
    columns = max(len(row) for row in rows)
    for name, titles, needed in (
        ("column", column_titles, columns),
        ("row", row_titles, len(rows)),
    ):
        if titles and len(titles) != needed:
            raise ValueError(f"{needed} {name}s need {needed} {name} titles, found {len(titles)}")
    letter = max(11, cell_width // 26)
    total = columns * cell_width + (columns + 1) * gap
    strips = [_strip(column_titles, cell_width, gap, total, letter)] if any(column_titles) else []
    for index, row in enumerate(rows):
        if row_titles and row_titles[index]:
            strips.append(_strip([row_titles[index]], total - 2 * gap, gap, total, letter))
        strips.append(_row([fit_width(cell, cell_width) for cell in row], cell_width, gap, total))
    strips.append(np.full((gap, total, 3), PAPER, np.uint8))
    return np.concatenate(strips)


def _strip(titles: Sequence[str], cell: int, gap: int, total: int, letter: int) -> Pixels:
    strip = np.full((letter * 2, total, 3), PAPER, np.uint8)
    for index, title in enumerate(titles):
        left = gap + index * (cell + gap)
        write(strip, shorten(title, letter, cell), (left, letter * 1.2), letter, INK, None, "left")
    return strip


def _row(cells: Sequence[Pixels], cell: int, gap: int, total: int) -> Pixels:
    height = max((picture.shape[0] for picture in cells), default=0)
    strip = np.full((height + gap, total, 3), PAPER, np.uint8)
    for index, picture in enumerate(cells):
        left = gap + index * (cell + gap)
        strip[: picture.shape[0], left : left + cell] = picture
    return strip


def save_png(path: str | os.PathLike[str], rgb: Pixels) -> None:
    """Write an RGB picture as PNG under its final name only once it is whole.

    Missing folders are made.

    Raises:
        ValueError: If ``rgb`` is not a uint8 RGB array.
    """
    check_rgb(rgb)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    done, code = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not done:
        raise OSError(f"{target}: the picture of shape {rgb.shape} could not be encoded as PNG")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(code.tobytes())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
