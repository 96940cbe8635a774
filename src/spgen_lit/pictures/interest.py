"""Interest: an image's regions, how long each is looked at, and where the gaze goes next."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spgen_lit.pictures.figure import COLOURS, render, style
from spgen_lit.pictures.lettering import Colour, Pixels, write
from spgen_lit.pictures.overlay import check_rgb

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


def region_colour(index: int) -> Colour:
    """RGB of a region, by its place in the list."""
    code = COLOURS[index % len(COLOURS)].lstrip("#")
    red, green, blue = (int(code[i : i + 2], 16) for i in (0, 2, 4))
    return red, green, blue


def draw_regions(image: Pixels, names: Sequence[str], labels: NDArray[np.integer]) -> Pixels:
    """Tint, outline and name each region on the picture.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB; left as it is.
        names: One name a region.
        labels: Integers ``(h, w)`` over the whole picture, 0 for none, k for ``names[k - 1]``.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    check_rgb(image)
    height, width = image.shape[:2]
    fitted = cv2.resize(labels.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    canvas = image.copy()
    line = max(1, round(width / 400))
    letter = max(11, round(width / 38))
    for index, name in enumerate(names):
        mask = (np.asarray(fitted) == index + 1).astype(np.uint8)
        colour = region_colour(index)
        canvas[mask > 0] = np.rint(0.75 * canvas[mask > 0] + 0.25 * np.asarray(colour))
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for thick, tint in ((3 * line, (255, 255, 255)), (line, colour)):
            cv2.drawContours(canvas, outlines, -1, tint, thick, cv2.LINE_AA)
        if outlines:
            # The place deepest inside: the mean of a crescent lies outside it.
            depth = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 3)
            row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
            write(canvas, name, (float(column) - 1, float(row) - 1), letter)
    return canvas


def interest_sheet(
    image: Pixels,
    names: Sequence[str],
    labels: NDArray[np.integer],
    groups: Mapping[str, Interest],
    *,
    title: str = "",
    path: str | os.PathLike[str] | None = None,
) -> Pixels:
    """One picture: the regions, dwell shares of each group, and a transition matrix a group.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB.
        names: One name a region.
        labels: As in :func:`draw_regions`.
        groups: Group's name to what it does.
        title: Heading.
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
        shown.set_title(title)
        _bars(figure.add_subplot(grid[0, columns - 1]), places, groups)
        for index, (name, group) in enumerate(groups.items()):
            _matrix(figure.add_subplot(grid[1, index]), places, name, group.steps)
        return render(figure, path)


def _bars(axes: Axes, places: Sequence[str], groups: Mapping[str, Interest]) -> None:
    thick = 0.8 / len(groups)
    for index, (name, group) in enumerate(groups.items()):
        at = np.arange(len(places)) + (index - (len(groups) - 1) / 2) * thick
        shade = COLOURS[index] if index < len(COLOURS) else REST
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
    for (row, column), share in np.ndenumerate(steps):
        if np.isfinite(share) and share > 0:
            colour = "white" if share > 0.55 else "black"
            axes.text(
                column,
                row,
                f"{100 * share:.0f}",
                ha="center",
                va="center",
                fontsize=8,
                color=colour,
            )
