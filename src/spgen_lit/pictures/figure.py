"""Figure: the one style of the package's plots, their rendering to pixels, and PNG files."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from spgen_lit.files import atomic

Pixels = NDArray[np.uint8]

_STYLE = str(Path(__file__).with_name("plots.mplstyle"))
#: Context manager: the plots' style is in force only inside its ``with`` block.
style = partial(matplotlib.style.context, _STYLE)
with style():
    COLORS = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
LEVEL_COLOR = "#222222"


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1
) -> tuple[Figure, list[Axes]]:
    """A figure of ``width`` x ``height`` inches and its axes, row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, list(grid.ravel())


def render(figure: Figure, path: str | os.PathLike[str] | None = None) -> Pixels:
    """The figure as a uint8 RGB picture ``(H, W, 3)``, also saved as PNG where a path is given."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    rgb = np.ascontiguousarray(np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[..., :3])
    if path is not None:
        save_png(path, rgb)
    return rgb


def check_rgb(image: Pixels) -> None:
    """Raise ``ValueError`` unless ``image`` is a non-empty uint8 array ``(H, W, 3)``."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(
            "a picture must be a uint8 RGB array of shape (height, width, 3), "
            f"found {image.dtype} of shape {image.shape}"
        )


def save_png(path: str | os.PathLike[str], rgb: Pixels) -> None:
    """Write an RGB picture as PNG under its final name only once it is whole; folders are made.

    Raises:
        ValueError: If ``rgb`` is not a uint8 RGB array.
    """
    check_rgb(rgb)
    with atomic(Path(path)) as part:
        Image.fromarray(rgb).save(part, format="PNG", compress_level=1)


def save_figure(path: str | os.PathLike[str], figure: Figure) -> None:
    """Write a figure in the format that its suffix names (png, svg, pdf), whole or not at all.

    Raises:
        ValueError: For a suffix that matplotlib does not know.
    """
    with atomic(Path(path)) as part:
        figure.savefig(part, dpi=72, facecolor=figure.get_facecolor())


def px_figure(width: float, height: float, paper: str = "none") -> Figure:
    """A figure of so many px, in which a point is a px."""
    # The hundredth keeps 799.999… from losing a row.
    size = ((width + 0.01) / 72, (height + 0.01) / 72)
    return Figure(figsize=size, dpi=72, facecolor=paper)


def px_axes(
    figure: Figure,
    left: float,
    top: float,
    width: float,
    height: float,
    image: Pixels | None = None,
) -> Axes:
    """Axes without a frame over an area of a :func:`px_figure`, measured in px from its top.

    Args:
        figure: The figure.
        left: Left edge of the area.
        top: Its top edge.
        width: Its width.
        height: Its height.
        image: A picture ``(height, width, 3)``, uint8 RGB, shown there px by px.
    """
    wide, high = (side * 72 for side in figure.get_size_inches())
    box = (left / wide, 1 - (top + height) / high, width / wide, height / high)
    axes = figure.add_axes(box)
    axes.set_axis_off()
    if image is not None:
        check_rgb(image)
        axes.imshow(image, extent=(0, width, height, 0), interpolation="none", aspect="auto")
    axes.set(xlim=(0, width), ylim=(height, 0), autoscale_on=False)
    return axes


def draw_over(image: Pixels, draw: Callable[[Axes], object]) -> Pixels:
    """The picture with a drawing over it.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB; left as it is.
        draw: Draws on axes whose units are the picture's px, 0, 0 being the outer corner of
            the first one.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    height, width = image.shape[:2]
    figure = px_figure(width, height)
    draw(px_axes(figure, 0, 0, width, height, image))
    return render(figure)


def write_cells(axes: Axes, grid: ArrayLike, figures: str, dark: Callable[[float], bool]) -> None:
    """Write each finite value of a grid into its cell; white where the cell is dark.

    Args:
        axes: Axes that show the grid by ``imshow``.
        grid: Values ``(row, column)``.
        figures: Format of a value, such as ``.3f``.
        dark: Whether a value's cell is dark.
    """
    for (row, column), value in np.ndenumerate(np.asarray(grid, dtype=float)):
        if math.isfinite(value):
            tint = "white" if dark(value) else "black"
            text = f"{value:{figures}}"
            axes.text(column, row, text, ha="center", va="center", fontsize=9, color=tint)
