"""Interest: an image's regions, how long each is looked at, and where the gaze goes next."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray

from spgen_lit.pictures.figure import COLORS, Pixels, draw_over, render, style, write_cells
from spgen_lit.pictures.overlay import WARNING, stroke_unit, write


def region_color(index: int) -> str:
    """Color of a region, by its place in the list."""
    return COLORS[index % len(COLORS)]


def draw_regions(image: Pixels, names: Sequence[str], labels: NDArray[np.integer]) -> Pixels:
    """Tint, outline and name each region on the picture.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB; left as it is.
        names: One name a region.
        labels: Integers ``(h, w)`` over the whole picture, 0 for none, k for ``names[k - 1]``.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    height, width = image.shape[:2]
    unit = stroke_unit(width, height)
    casing: list[AbstractPathEffect] = [withStroke(linewidth=4 * unit, foreground="white")]
    # A border of nothing closes the outlines of regions that reach the edge.
    padded = np.pad(labels, 1)
    y, x = (np.arange(-0.5, side + 1) / side for side in labels.shape)
    grid = (x * width, y * height)

    def draw(axes: Axes) -> None:
        for index, name in enumerate(names):
            mask = (padded == index + 1).astype(np.uint8)
            if not mask.any():
                continue
            color = region_color(index)
            axes.contourf(*grid, mask, [0.5, 1.5], colors=[color], alpha=0.25)
            lines = axes.contour(*grid, mask, [0.5], colors=[color], linewidths=1.6 * unit)
            lines.set_path_effects(casing)
            # The place deepest inside: the mean of a crescent lies outside it.
            depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
            row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
            place = (float(grid[0][column]), float(grid[1][row]))
            label = write(axes, name, place, max(11, 16 * unit), weight="bold", ha="center")
            label.set_path_effects(casing)

    return draw_over(image, draw)


def interest_sheet(
    image: Pixels,
    names: Sequence[str],
    labels: NDArray[np.integer],
    dwell: Mapping[str, NDArray[np.float64]],
    steps: Mapping[str, NDArray[np.float64]],
    *,
    title: str = "",
    warning: str = "",
    path: str | os.PathLike[str] | None = None,
) -> Pixels:
    """One picture: the regions, dwell shares of each group, and a transition matrix a group.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB.
        names: One name a region.
        labels: As in :func:`draw_regions`.
        dwell: By group (``model``, ``people``), at least one: fraction of its fixated time
            ``(region + 1,)``; the last is everywhere else.
        steps: By group: of its steps from each region, by rows, the fraction to each
            ``((region + 1)²,)``; NaN where there are none.
        title: Heading.
        warning: A line at the foot; empty for none.
        path: Where to save it as PNG.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    columns = max(2, len(dwell))
    side = max(3.2, 0.55 * len(names) + 2.2)
    with style():
        figure = Figure(figsize=(columns * max(4.4, side), 3.6 + side), layout="constrained")
        grid = figure.add_gridspec(2, columns, height_ratios=(3.6, side))
        picture = figure.add_subplot(grid[0, : columns - 1])
        picture.imshow(draw_regions(image, names, labels))
        picture.set_axis_off()
        picture.set_title(title, parse_math=False)
        figure.supxlabel(warning, color=WARNING, size="medium", parse_math=False)
        rows = [*names, "elsewhere"]
        _bars(figure.add_subplot(grid[0, columns - 1]), rows, dwell)
        for index, (name, shares) in enumerate(steps.items()):
            matrix = shares.reshape(len(rows), -1)
            _matrix(figure.add_subplot(grid[1, index]), rows, name, matrix)
        return render(figure, path)


def _bars(axes: Axes, rows: Sequence[str], dwell: Mapping[str, NDArray[np.float64]]) -> None:
    """Fractions of time as bars, the groups' beside each other."""
    thick = 0.8 / len(dwell)
    for index, (name, shares) in enumerate(dwell.items()):
        y = np.arange(len(rows)) + (index - (len(dwell) - 1) / 2) * thick
        axes.barh(y, 100 * shares, height=thick, color=region_color(index), label=name)
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(xlabel="% of fixated time", title="dwell")
    axes.legend()


def _matrix(axes: Axes, rows: Sequence[str], name: str, steps: NDArray[np.float64]) -> None:
    """Where the next fixation goes, in per cent of each row."""
    axes.imshow(np.ma.masked_invalid(steps), cmap="Blues", vmin=0, vmax=1)
    axes.grid(False)
    axes.set_xticks(range(len(rows)), rows, rotation=35, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.set(title=f"{name}: next fixation", xlabel="to", ylabel="from")
    percent = np.where(steps > 0, 100 * steps, np.nan)
    write_cells(axes, percent, ".0f", lambda value: value > 55)
