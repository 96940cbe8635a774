"""Sheets: pictures in rows and columns under headings, and a strip at the foot of one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np

from spgen_lit.pictures.figure import Pixels, draw_over, px_axes, px_figure, render
from spgen_lit.pictures.overlay import PAPER, WARNING, draw_scanpath, write
from spgen_lit.scanpath import Scanpath

_GAP = 8


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
    strip = np.full((2 * letter, picture.shape[1], 3), 250, np.uint8)
    place = (0.5 * letter, 1.0 * letter)
    named = draw_over(strip, lambda axes: write(axes, text, place, letter, color=WARNING))
    return np.concatenate([picture, named])


def side_by_side(
    image: Pixels,
    model: Sequence[Scanpath],
    observers: Sequence[Scanpath],
    *,
    titles: tuple[str, str] = ("model", "observers"),
    rows: int = 3,
    width: int = 600,
) -> Pixels:
    """The model's paths in the left column, observers' in the right, one path a cell.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB.
        model: Sampled scanpaths; the first ``rows`` are shown.
        observers: Observers' scanpaths; the first ``rows`` are shown. May be empty, as on a
            painting that nobody's gaze was recorded on: then there is one column.
        titles: Headings of the two columns.
        rows: Most paths to show in a column.
        width: Width of one cell in px.

    Returns:
        A uint8 RGB picture of at least one row; a cell without a path shows the bare image.
    """
    columns = [model, observers] if observers else [model]
    count = max(1, min(rows, max(map(len, columns))))
    small = fit_width(image, width)
    cells = [
        [draw_scanpath(small, paths[row]) if row < len(paths) else small for paths in columns]
        for row in range(count)
    ]
    return contact_sheet(cells, titles[: len(columns)], cell_width=width)


def contact_sheet(
    rows: Sequence[Sequence[Pixels]], titles: Sequence[str], *, cell_width: int = 480
) -> Pixels:
    """Lay pictures out in rows and columns on white paper.

    Args:
        rows: Pictures ``(H, W, 3)``, uint8 RGB, of any sizes, as many in each row.
        titles: A heading per column.
        cell_width: Width in px that every picture is resized to.
    """
    cells = [[fit_width(cell, cell_width) for cell in row] for row in rows]
    letter = max(11, cell_width // 26)
    heights = [max(len(cell) for cell in row) + _GAP for row in cells]
    tops = list(itertools.accumulate(heights, initial=2 * letter))
    lefts = [_GAP + column * (cell_width + _GAP) for column in range(len(titles) + 1)]
    figure = px_figure(lefts[-1], tops[-1], PAPER)
    sheet = px_axes(figure, 0, 0, lefts[-1], tops[-1])
    for title, left in zip(titles, lefts, strict=False):
        write(sheet, title, (left, 1.1 * letter), letter, weight="bold")
    for row, top in zip(cells, tops, strict=False):
        for cell, left in zip(row, lefts, strict=False):
            px_axes(figure, left, top, cell_width, len(cell), cell)
    return render(figure)
