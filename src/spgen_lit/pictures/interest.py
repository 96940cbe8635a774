"""Interest: an image's regions, how long each is looked at, and where the gaze goes next."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray

from spgen_lit.pictures.figure import COLORS, Pixels, drawn_over, render, style, write_cells
from spgen_lit.pictures.overlay import WARNING, stroke_unit

REST = "#9a9a9a"


@dataclass(frozen=True)
class Interest:
    """What one group of scanpaths (``model``, ``people``) does with the regions.

    Attributes:
        dwell: Share of fixated time ``(region + 1,)``; the last is everywhere else.
        steps: Share of each row's steps that go to each column ``(region + 1, region + 1)``;
            NaN in rows without a step.
    """

    dwell: NDArray[np.float64]
    steps: NDArray[np.float64]


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

    def draw(axes: Axes) -> None:
        # A border of nothing closes the outlines of regions that reach the edge.
        padded = np.pad(labels, 1)
        rows, columns = (np.arange(-0.5, side + 1) for side in labels.shape)
        grid = (columns * width / labels.shape[1], rows * height / labels.shape[0])
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
            axes.text(
                float(grid[0][column]),
                float(grid[1][row]),
                name,
                size=max(11, 16 * unit),
                weight="bold",
                ha="center",
                va="center",
                clip_on=True,
                parse_math=False,
                path_effects=casing,
            )
        axes.set(xlim=(0, width), ylim=(height, 0))

    return drawn_over(image, draw)


def interest_sheet(
    image: Pixels,
    names: Sequence[str],
    labels: NDArray[np.integer],
    groups: Mapping[str, Interest],
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
        groups: Group's name to what it does.
        title: Heading.
        warning: A line at the foot; empty for none.
        path: Where to save it as PNG.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array or there is no group.
    """
    if not groups:
        raise ValueError("a sheet of interest needs at least one group of scanpaths")
    marked = draw_regions(image, names, labels)
    places = [*names, "elsewhere"]
    columns = max(2, len(groups))
    side = max(3.2, 0.55 * len(places) + 1.6)
    with style():
        figure = Figure(figsize=(columns * max(4.4, side), 3.6 + side), layout="constrained")
        grid = figure.add_gridspec(2, columns, height_ratios=(3.6, side))
        shown = figure.add_subplot(grid[0, : columns - 1])
        shown.imshow(marked)
        shown.set_axis_off()
        shown.set_title(title, parse_math=False)
        figure.supxlabel(warning, color=WARNING, size="medium", parse_math=False)
        _bars(figure.add_subplot(grid[0, columns - 1]), places, groups)
        for index, (name, group) in enumerate(groups.items()):
            _matrix(figure.add_subplot(grid[1, index]), places, name, group.steps)
        return render(figure, path)


def _bars(axes: Axes, places: Sequence[str], groups: Mapping[str, Interest]) -> None:
    thick = 0.8 / len(groups)
    for index, (name, group) in enumerate(groups.items()):
        at = np.arange(len(places)) + (index - (len(groups) - 1) / 2) * thick
        shade = COLORS[index] if index < len(COLORS) else REST
        axes.barh(at, 100 * group.dwell, height=thick, color=shade, label=name)
    axes.set_yticks(range(len(places)), places)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(xlabel="% of fixated time", title="dwell")
    if len(groups) > 1:
        axes.legend()


def _matrix(axes: Axes, places: Sequence[str], name: str, steps: NDArray[np.float64]) -> None:
    axes.imshow(np.ma.masked_invalid(steps), cmap="Blues", vmin=0, vmax=1)
    axes.grid(False)
    axes.set_xticks(range(len(places)), places, rotation=35, ha="right")
    axes.set_yticks(range(len(places)), places)
    axes.set(title=f"{name}: next fixation", xlabel="to", ylabel="from")
    shown = np.where(steps > 0, 100 * steps, np.nan)
    write_cells(axes, shown, ".0f", lambda percent: percent > 55)
