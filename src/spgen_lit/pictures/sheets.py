"""Sheets: pictures in rows and columns under headings, and a strip at the foot of one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.axes import Axes

from spgen_lit.pictures.figure import Pixels, check_rgb, drawn_over
from spgen_lit.pictures.overlay import WARNING, draw_scanpath, write
from spgen_lit.scanpath import Scanpath

_PAPER = 250


def fit_width(image: Pixels, width: int) -> Pixels:
    """The picture resized to ``width`` px, its aspect kept."""
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    method = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.uint8)


def footed(picture: Pixels, text: str) -> Pixels:
    """The picture with a warning in a strip at its foot; as it is where there is none."""
    if not text:
        return picture
    letter = max(9, picture.shape[1] // 60)
    strip = np.full((2 * letter, picture.shape[1], 3), _PAPER, np.uint8)
    place = (0.5 * letter, 1.0 * letter)
    named = drawn_over(strip, lambda axes: write(axes, text, place, letter, color=WARNING))
    return np.concatenate([picture, named])


def side_by_side(
    image: Pixels,
    model: Sequence[Scanpath],
    people: Sequence[Scanpath],
    *,
    titles: tuple[str, str] = ("model", "observers"),
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
    return contact_sheet(cells, [title for title, _ in columns], cell_width=width)


def contact_sheet(
    rows: Sequence[Sequence[Pixels]],
    titles: Sequence[str] = (),
    *,
    cell_width: int = 480,
    gap: int = 8,
) -> Pixels:
    """Lay pictures out in rows and columns on white paper.

    Args:
        rows: Pictures ``(H, W, 3)``, uint8 RGB, of any sizes; rows may be shorter than
            the longest.
        titles: A heading per column; empty for none.
        cell_width: Width in px that every picture is resized to.
        gap: Space between pictures in px.

    Raises:
        ValueError: If there is no picture, or titles and columns differ in number.
    """
    if not any(len(row) for row in rows):
        raise ValueError("a contact sheet needs at least one picture, found none")
    columns = max(len(row) for row in rows)
    if titles and len(titles) != columns:
        raise ValueError(f"{columns} columns need {columns} titles, found {len(titles)}")
    fitted = [[fit_width(cell, cell_width) for cell in row] for row in rows]
    letter = max(11, cell_width // 26)
    head = 2 * letter if any(titles) else gap
    heights = [max((cell.shape[0] for cell in row), default=0) + gap for row in fitted]
    lefts = [gap + column * (cell_width + gap) for column in range(columns)]
    sheet = np.full((head + sum(heights), lefts[-1] + cell_width + gap, 3), _PAPER, np.uint8)
    top = head
    for row, height in zip(fitted, heights, strict=True):
        for cell, left in zip(row, lefts, strict=False):
            sheet[top : top + cell.shape[0], left : left + cell_width] = cell
        top += height
    if not any(titles):
        return sheet

    def head_columns(axes: Axes) -> None:
        for title, left in zip(titles, lefts, strict=True):
            write(axes, title, (left, 1.1 * letter), letter, weight="bold")

    return drawn_over(sheet, head_columns)
