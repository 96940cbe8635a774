"""Overlay: scanpaths on their image, alone, as a figure with a legend, and on contact sheets."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from spgen_lit.pictures.figure import Pixels, check_rgb, drawn_over, px_axes, px_figure
from spgen_lit.scanpath import Scanpath

#: Time runs through these colors; each is far from both black and white.
TIME = LinearSegmentedColormap.from_list(
    "time", ["#ffdd33", "#ff8c28", "#eb3c5a", "#a03cdc", "#465af5"]
)
TYPICAL_S = 0.25
PAPER, INK, WARNING = "#fafafa", "#191919", "#b3261e"
_NARROWEST = 460
_LEGEND_S = (0.1, 0.3, 0.6)


@dataclass(frozen=True, slots=True)
class Mark:
    """One fixation ready to be drawn.

    Attributes:
        number: Place in the scanpath, from 1.
        centre: x, y in px of the canvas, 0 at the left and top edge of the picture.
        radius: Radius of the disc in px; its area is proportional to the duration.
        color: Red, green and blue in [0, 1].
    """

    number: int
    centre: tuple[float, float]
    radius: float
    color: tuple[float, float, float]


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
    return max(0.35, float(np.sqrt(width * height)) / float(np.sqrt(800 * 600)))


def disc_radius(seconds: float, unit: float) -> float:
    """Radius in px of a fixation's disc: 15 units at 250 ms."""
    return unit * float(np.clip(15 * np.sqrt(seconds / TYPICAL_S), 8, 45))


def marks_of(path: Scanpath, width: int, height: int, color: str | None = None) -> list[Mark]:
    """Marks of a scanpath stretched to a canvas of ``width`` x ``height`` px.

    Without durations every disc has the size of a fixation of 250 ms.
    """
    unit = stroke_unit(width, height)
    last = max(1, len(path) - 1)
    marks = []
    for index, (x, y) in enumerate(path.xy.tolist()):
        seconds = TYPICAL_S if path.durations is None else float(path.durations[index])
        tint = to_rgb(color if color is not None else TIME(index / last))
        # What lies far off the picture is not seen, but its line may be.
        place = (float(np.clip(x, -9, 10)) * width, float(np.clip(y, -9, 10)) * height)
        marks.append(Mark(index + 1, place, disc_radius(seconds, unit), tint))
    return marks


def draw_marks(axes: Axes, marks: Sequence[Mark], unit: float, numbers: bool = True) -> None:
    """Draw fixations as clear discs in cased rings, joined by cased lines from ring to ring.

    The disc itself is a faint tint, so that what was looked at stays visible. The first
    fixation wears a second ring; its number stands beside each fixation.

    Args:
        axes: Axes of a :func:`~spgen_lit.pictures.figure.px_figure`.
        marks: Fixations in order.
        unit: As :func:`stroke_unit` gives it.
        numbers: Whether fixations carry their number.
    """
    if not marks:
        return
    places, radii = np.array([mark.centre for mark in marks]), np.array([m.radius for m in marks])
    colors = [mark.color for mark in marks]
    ends = [_between(*pair, radii[i : i + 2]) for i, pair in enumerate(itertools.pairwise(places))]
    # The casing keeps a whole px on each side, or it would fade on small pictures.
    rim = max(1.0, 1.1 * unit)
    inner = max(1.0, 2.0 * unit)
    rings = [(places, radii)]
    if marks[0].number == 1:
        rings.append((places[:1], radii[:1] + inner + 3 * rim))
    for extra, tint in ((4 * rim, "black"), (2 * rim, "white"), (0.0, None)):
        width = inner + extra
        tints = [to_rgb(tint)] * len(marks) if tint else colors
        axes.add_collection(LineCollection(ends, linewidths=width, colors=tints[:-1], zorder=2))
        for (x, y), sizes in ((centres.T, sizes) for centres, sizes in rings):
            axes.scatter(
                x,
                y,
                s=(2 * sizes) ** 2,
                facecolors="none",
                edgecolors=tints[: len(x)],
                linewidths=width,
                zorder=2,
            )
    axes.scatter(places[:, 0], places[:, 1], (2 * radii) ** 2, colors, alpha=0.22, lw=0, zorder=2)
    size = max(8.0, 13 * unit)
    for mark in marks if numbers else ():
        reach = 0.71 * mark.radius + 0.75 * size + (3 * rim if mark.number == 1 else 0)
        axes.text(
            mark.centre[0] + reach,
            mark.centre[1] - reach,
            str(mark.number),
            size=size,
            weight="bold",
            color="white",
            ha="center",
            va="center",
            clip_on=True,
            path_effects=[withStroke(linewidth=size / 4, foreground="black")],
            zorder=3,
        )


def _between(
    start: np.ndarray, end: np.ndarray, radii: np.ndarray
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The part of a line that lies outside the discs at its ends; a point where none does."""
    step = end - start
    length = float(np.hypot(*step))
    low, high = (radii / length) if length > radii.sum() else np.array([0.5, 0.5])
    one, two = start + low * step, end - high * step
    return (float(one[0]), float(one[1])), (float(two[0]), float(two[1]))


def draw_scanpath(
    image: Pixels, path: Scanpath, *, color: str | None = None, numbers: bool = True
) -> Pixels:
    """Draw a scanpath on its image: numbered discs sized by duration, joined by cased lines.

    The path is stretched to the picture, so a resized copy of the image serves as well.
    A fixation at x, y in px of the image is centred there: 0, 0 is the outer corner of the
    first pixel.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB; left as it is.
        path: The scanpath; its fixations off the image are drawn as far as they show.
        color: One color for the whole path; None for a gradient over time from yellow to blue.
        numbers: Whether fixations carry their number.

    Returns:
        A new uint8 RGB picture.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    check_rgb(image)
    height, width = image.shape[:2]
    marks = marks_of(path, width, height, color)
    return drawn_over(
        image, lambda axes: draw_marks(axes, marks, stroke_unit(width, height), numbers)
    )


def scanpath_figure(image: Pixels, path: Scanpath, caption: Caption = Caption()) -> Figure:
    """A figure for a slide: the scanpath, title and artist above, legend and scale bar below.

    Args:
        image: The picture ``(H, W, 3)``, uint8 RGB, shown px by px.
        path: The scanpath.
        caption: What is written.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    check_rgb(image)
    height, width = image.shape[:2]
    wide, unit = max(width, _NARROWEST), stroke_unit(width, height)
    letter = float(np.clip(wide / 60, 10, 26))
    above = [text for text in (caption.title, caption.artist) if text]
    below = [text for text in (caption.warning, caption.note) if text]
    head = letter * (1.8 * len(above) + 0.5) if above else 0.0
    legend = 2 * disc_radius(_LEGEND_S[-1], unit) + 3.6 * letter
    tall = head + height + legend + letter * (1.5 * len(below))
    figure = px_figure(wide, tall)
    figure.patch.set_facecolor(PAPER)
    sheet = px_axes(figure, 0, 0, wide, tall)
    for row, text in enumerate(above):
        weight = "bold" if text == caption.title else "normal"
        place = (0.5 * letter, letter * (1.2 + 1.8 * row))
        write(sheet, text, place, 1.15 * letter, weight=weight)
    for row, text in enumerate(below):
        tint = WARNING if text == caption.warning else "#666666"
        place = (0.5 * letter, head + height + legend + letter * (0.4 + 1.5 * row))
        write(sheet, text, place, 0.85 * letter, color=tint)
    _legend(sheet, path, caption, (wide, head + height), letter, (width, unit))
    sheet.set(xlim=(0, wide), ylim=(tall, 0))
    ground = px_axes(figure, (wide - width) / 2, head, width, height)
    ground.imshow(image, extent=(0, width, height, 0), interpolation="none", aspect="auto")
    draw_marks(ground, marks_of(path, width, height), unit)
    ground.set(xlim=(0, width), ylim=(height, 0))
    return figure


def _legend(
    sheet: Axes,
    path: Scanpath,
    caption: Caption,
    corner: tuple[float, float],
    letter: float,
    picture: tuple[int, float],
) -> None:
    """Time as a bar of the gradient, durations as discs, lengths as a bar.

    Args:
        sheet: Axes of the whole figure.
        path: What is explained.
        caption: Its width in cm, if known.
        corner: x, y of the picture's lower right corner.
        letter: Size of the text in px.
        picture: Width of the picture, and the unit of its discs.
    """
    wide, top = corner
    width, unit = picture
    largest = disc_radius(_LEGEND_S[-1], unit)
    middle = top + largest + 0.9 * letter
    label = middle + largest + 1.3 * letter
    timed = path.durations is not None
    last = f"{path.durations.sum():.1f} s" if path.durations is not None else f"{len(path)}"
    left, right = 0.5 * letter, 0.5 * letter + 0.2 * wide
    bar = (left, right, middle + 0.3 * letter, middle - 0.3 * letter)
    sheet.imshow([np.linspace(0, 1, 256)], cmap=TIME, extent=bar, aspect="auto")
    write(sheet, "time 0 s" if timed else "fixation 1", (left, label), 0.85 * letter)
    write(sheet, last, (right, label), 0.85 * letter, ha="right")
    at = right + 1.5 * letter
    for seconds in _LEGEND_S if timed else ():
        radius = disc_radius(seconds, unit)
        at += max(radius, 1.8 * letter)
        mark = Mark(2, (at, middle), radius, (0.45, 0.45, 0.45))
        draw_marks(sheet, [mark], unit, numbers=False)
        write(sheet, f"{1000 * seconds:.0f} ms", (at, label), 0.85 * letter, ha="center")
        at += max(radius, 1.8 * letter) + 0.8 * letter
    length, share, name = _round_length(path, caption.width_cm)
    right = wide - 0.5 * letter
    sheet.plot([right - share * width, right], [middle] * 2, color=INK, lw=0.22 * letter)
    write(sheet, f"{length:g}{name}", (right, label), 0.85 * letter, ha="right")


def _round_length(path: Scanpath, width_cm: float | None) -> tuple[float, float, str]:
    """A round length of at most a fifth of the image: its figure, its share, its unit."""
    if width_cm:
        whole, name = width_cm, " cm"
    elif path.viewing.px_per_degree:
        whole, name = path.size[0] / path.viewing.px_per_degree, "°"
    else:
        whole, name = float(path.size[0]), " px"
    rounded = 10 ** np.floor(np.log10(whole / 5))
    length = float(max(rounded * step for step in (1, 2, 5) if rounded * step <= whole / 5))
    return length, length / whole, name


def write(axes: Axes, text: str, place: tuple[float, float], size: float, **style: str) -> None:
    """One line of text whose left middle stands at a place; ``$`` means itself."""
    drawn = axes.text(*place, text, size=size, va="center", parse_math=False, clip_on=True)
    drawn.set(**{"color": INK, **style})
