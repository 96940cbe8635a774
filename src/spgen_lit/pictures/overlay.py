"""Overlay: a scanpath on its image, alone or as a figure with a legend."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from numpy.typing import NDArray

from spgen_lit.pictures.figure import Pixels, draw_over, px_axes, px_figure
from spgen_lit.scanpath import Array, Scanpath

#: Time runs through these colors; each is far from both black and white.
TIME = LinearSegmentedColormap.from_list(
    "time", ["#ffdd33", "#ff8c28", "#eb3c5a", "#a03cdc", "#465af5"]
)
TYPICAL_S = 0.25
PAPER, INK, WARNING = "#fafafa", "#191919", "#b3261e"
_NARROWEST = 460
_LEGEND_S = np.array([0.1, 0.3, 0.6])


class Discs(NamedTuple):
    """Fixations ready to be drawn.

    Attributes:
        centers: ``(fixation, 2)`` x, y in px of the canvas, from its left and top edge.
        radii: ``(fixation,)`` in px; a disc's area is proportional to the duration.
        colors: Red, green and blue in [0, 1] of each.
    """

    centers: Array
    radii: Array
    colors: Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class Caption:
    """What a figure says beside its picture.

    Attributes:
        title: The work's title, set in bold above the picture; empty for none.
        artist: A second line: artist, year, collection.
        width_cm: Width of the work, for the scale bar; None where it is not known.
        note: The line at the foot: which model drew the path.
        warning: A sentence at the foot in red: what must be known of that model.
    """

    title: str = ""
    artist: str = ""
    width_cm: float | None = None
    note: str = ""
    warning: str = ""


def stroke_unit(width: float, height: float) -> float:
    """The px by which lines and discs scale on a canvas: 1 at 800 x 600."""
    return max(0.35, float(np.sqrt(width * height / (800 * 600))))


def disc_radius(seconds: Array, unit: float) -> Array:
    """Radius in px of fixations' discs: 15 units at 250 ms."""
    return unit * np.clip(15 * np.sqrt(seconds / TYPICAL_S), 8, 45)


def discs_of(path: Scanpath, width: int, height: int) -> Discs:
    """Discs of a scanpath stretched to a canvas of ``width`` x ``height`` px.

    Without durations every disc has the size of a fixation of 250 ms.
    """
    seconds = np.full(len(path), TYPICAL_S) if path.durations is None else path.durations
    radii = disc_radius(seconds, stroke_unit(width, height))
    # What lies far off the picture is not seen, but its line may be.
    centers = np.clip(path.xy, -9, 10) * (width, height)
    return Discs(centers, radii, [to_rgb(color) for color in TIME(np.linspace(0, 1, len(path)))])


def draw_discs(
    axes: Axes, discs: Discs, unit: float, *, numbers: bool = True, first: bool = True
) -> None:
    """Draw fixations as clear discs in cased rings, joined by cased lines from ring to ring.

    The disc itself is a faint tint, so that what was looked at stays visible.

    Args:
        axes: Axes of a :func:`~spgen_lit.pictures.figure.px_figure`.
        discs: Fixations in order.
        unit: As :func:`stroke_unit` gives it.
        numbers: Whether a number stands beside each fixation.
        first: Whether the first fixation wears a second ring.
    """
    centers, radii, colors = discs
    if not len(centers):
        return
    # The casing keeps a whole px on each side, or it would fade on small pictures.
    rim, inner = max(1.0, 1.1 * unit), max(1.0, 2.0 * unit)
    rings = [(centers, radii)]
    if first:
        rings.append((centers[:1], radii[:1] + inner + 3 * rim))
    lines = _lines(centers, radii)
    for extra, tint in ((4 * rim, "black"), (2 * rim, "white"), (0.0, None)):
        width = inner + extra
        tints = [to_rgb(tint)] * len(centers) if tint else colors
        axes.add_collection(LineCollection(lines, linewidths=width, colors=tints[:-1], zorder=2))
        for places, sizes in rings:
            axes.scatter(
                places[:, 0],
                places[:, 1],
                s=(2 * sizes) ** 2,
                facecolors="none",
                edgecolors=tints[: len(places)],
                linewidths=width,
                zorder=2,
            )
    x, y = centers.T
    axes.scatter(x, y, s=(2 * radii) ** 2, c=colors, alpha=0.22, lw=0, zorder=2)
    size = max(8.0, 13 * unit)
    casing = [withStroke(linewidth=size / 4, foreground="black")]
    for index in range(len(centers) if numbers else 0):
        reach = 0.71 * radii[index] + 0.75 * size + (3 * rim if index == 0 else 0)
        place = centers[index] + (reach, -reach)
        text = write(axes, str(index + 1), place, size, color="white", weight="bold", ha="center")
        text.set(path_effects=casing, zorder=3)


def _lines(centers: Array, radii: Array) -> list[NDArray[np.float64]]:
    """Lines between discs, each from rim to rim; a point where two discs meet."""
    lines = []
    for index, (start, end) in enumerate(itertools.pairwise(centers)):
        near = radii[index : index + 2]
        length = np.hypot(*(end - start))
        low, high = near / length if length > near.sum() else (0.5, 0.5)
        lines.append(np.array([start + low * (end - start), end - high * (end - start)]))
    return lines


def draw_scanpath(image: Pixels, path: Scanpath, *, numbers: bool = True) -> Pixels:
    """Draw a scanpath on its image: discs sized by duration, colored by time, joined by lines.

    The path is stretched to the picture, so a resized copy of the image serves as well.
    A fixation at x, y in px of the image is centered there: 0, 0 is the outer corner of the
    first pixel.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB; left as it is.
        path: The scanpath; its fixations off the image are drawn as far as they show.
        numbers: Whether fixations carry their number.

    Returns:
        A new uint8 RGB picture.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    height, width = image.shape[:2]
    discs, unit = discs_of(path, width, height), stroke_unit(width, height)
    return draw_over(image, lambda axes: draw_discs(axes, discs, unit, numbers=numbers))


def scanpath_figure(image: Pixels, path: Scanpath, caption: Caption = Caption()) -> Figure:
    """A figure for a slide: the scanpath, title and artist above, legend and scale bar below.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB, shown px by px.
        path: The scanpath.
        caption: What is written.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    height, width = image.shape[:2]
    wide, unit = max(width, _NARROWEST), stroke_unit(width, height)
    letter = float(np.clip(wide / 60, 10, 26))
    above = [line for line in ((caption.title, "bold"), (caption.artist, "normal")) if line[0]]
    below = [line for line in ((caption.warning, WARNING), (caption.note, "#666666")) if line[0]]
    head = letter * (1.8 * len(above) + 0.5) if above else 0.0
    largest = float(disc_radius(_LEGEND_S, unit)[-1])
    foot = head + height + 2 * largest + 3.6 * letter
    tall = foot + 1.5 * letter * len(below)
    figure = px_figure(wide, tall, PAPER)
    sheet = px_axes(figure, 0, 0, wide, tall)
    left, right = 0.5 * letter, wide - 0.5 * letter
    for row, (text, weight) in enumerate(above):
        write(sheet, text, (left, letter * (1.2 + 1.8 * row)), 1.15 * letter, weight=weight)
    for row, (text, tint) in enumerate(below):
        write(sheet, text, (left, foot + letter * (0.4 + 1.5 * row)), 0.85 * letter, color=tint)
    middle = head + height + largest + 0.9 * letter
    lines = middle, middle + largest + 1.3 * letter
    _legend(sheet, path, lines, letter, unit)
    length, share, unit_name = _round_length(path, caption.width_cm)
    sheet.plot([right - share * width, right], [middle] * 2, color=INK, lw=0.22 * letter)
    write(sheet, f"{length:g}{unit_name}", (right, lines[1]), 0.85 * letter, ha="right")
    sheet.set(xlim=(0, wide), ylim=(tall, 0))
    picture = px_axes(figure, (wide - width) / 2, head, width, height, image)
    draw_discs(picture, discs_of(path, width, height), unit)
    return figure


def _legend(
    sheet: Axes, path: Scanpath, lines: tuple[float, float], letter: float, unit: float
) -> None:
    """Time as a bar of the gradient, durations as discs.

    Args:
        sheet: Axes of the whole figure.
        path: What is explained.
        lines: Heights in px of the middle of the discs and of the words below.
        letter: Size of the text in px.
        unit: Of the picture's discs.
    """
    middle, label = lines
    left, right = 0.5 * letter, 0.5 * letter + 0.2 * sheet.get_xlim()[1]
    bar = (left, right, middle + 0.3 * letter, middle - 0.3 * letter)
    sheet.imshow([np.linspace(0, 1, 256)], cmap=TIME, extent=bar, aspect="auto")
    ends, radii = ("fixation 1", f"{len(path)}"), np.array([])
    if path.durations is not None:
        ends, radii = ("time 0 s", f"{path.durations.sum():.1f} s"), disc_radius(_LEGEND_S, unit)
    write(sheet, ends[0], (left, label), 0.85 * letter)
    write(sheet, ends[1], (right, label), 0.85 * letter, ha="right")
    x = right + 1.5 * letter
    for seconds, radius in zip(_LEGEND_S, radii, strict=False):
        half = max(radius, 1.8 * letter)
        disc = Discs(np.array([[x + half, middle]]), np.array([radius]), [(0.45, 0.45, 0.45)])
        draw_discs(sheet, disc, unit, numbers=False, first=False)
        write(sheet, f"{1000 * seconds:.0f} ms", (x + half, label), 0.85 * letter, ha="center")
        x += 2 * half + 0.8 * letter


def _round_length(path: Scanpath, width_cm: float | None) -> tuple[float, float, str]:
    """A round length of at most a fifth of the image: its figure, its fraction, its unit."""
    if width_cm:
        whole, name = width_cm, " cm"
    elif path.viewing.px_per_degree:
        whole, name = path.size[0] / path.viewing.px_per_degree, "°"
    else:
        whole, name = float(path.size[0]), " px"
    rounded = 10 ** np.floor(np.log10(whole / 5))
    length = float(max(rounded * step for step in (1, 2, 5) if rounded * step <= whole / 5))
    return length, length / whole, name


def write(axes: Axes, text: str, place: tuple[float, float], size: float, **style: str) -> Text:
    """One line of text whose left middle stands at a place; ``$`` means itself."""
    line = axes.text(*place, text, size=size, va="center", parse_math=False, clip_on=True)
    line.set(**{"color": INK, **style})
    return line
