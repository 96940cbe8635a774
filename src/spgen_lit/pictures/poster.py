"""Poster: the project in one picture, people and model on a photograph and model on a painting."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from spgen_lit.pictures.lettering import Pixels
from spgen_lit.pictures.overlay import check_rgb, contact_sheet, draw_scanpath
from spgen_lit.scanpath import Scanpath

TITLES = ("photograph: people", "photograph: model", "painting: model")


def poster(
    photograph: Pixels,
    people: Sequence[Scanpath],
    model: Sequence[Scanpath],
    painting: Pixels,
    painted: Sequence[Scanpath],
    *,
    rows: int = 2,
    cell: tuple[int, int] = (480, 360),
    titles: tuple[str, str, str] = TITLES,
) -> Pixels:
    """Rows of paths under three headings, every picture letterboxed to one cell.

    Args:
        photograph: Picture ``(H, W, 3)``, uint8 RGB.
        people: Observers' paths on it; the first ``rows`` are shown.
        model: Sampled paths on it.
        painting: Another picture.
        painted: Sampled paths on it.
        rows: Paths shown in a column.
        cell: Width and height of a cell in px.
        titles: Headings of the three columns.

    Raises:
        ValueError: For pictures of another type, or fewer than ``rows`` paths in a column.
    """
    columns = ((photograph, people), (photograph, model), (painting, painted))
    for title, (picture, paths) in zip(titles, columns, strict=True):
        check_rgb(picture)
        if len(paths) < rows:
            raise ValueError(f"column {title!r}: {rows} rows need {rows} paths, found {len(paths)}")
    cells = [
        [_boxed(picture, paths[row], cell) for picture, paths in columns] for row in range(rows)
    ]
    return contact_sheet(cells, titles, [], cell_width=cell[0])


def _boxed(picture: Pixels, path: Scanpath, cell: tuple[int, int]) -> Pixels:
    """The path drawn on its picture, brought into the cell with its aspect kept."""
    height, width = picture.shape[:2]
    scale = min(cell[0] / width, cell[1] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)
    left, top = (cell[0] - size[0]) // 2, (cell[1] - size[1]) // 2
    canvas = np.full((cell[1], cell[0], 3), 250, np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = draw_scanpath(small, path)
    return canvas
