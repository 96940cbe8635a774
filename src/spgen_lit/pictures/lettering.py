"""Lettering: cased text on pictures, in any script that DejaVu Sans (shipped by matplotlib) has."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
Anchor = Literal["centre", "left"]


@lru_cache(maxsize=64)
def _font(height: int) -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / "DejaVuSans-Bold.ttf"), height)


@lru_cache(maxsize=512)
def _masks(text: str, height: int, casing: int) -> tuple[Pixels, Pixels]:
    """Coverage of the letters and of letters with their casing, both ``(h, w)`` uint8."""
    font = _font(height)
    left, top, right, bottom = font.getbbox(text, stroke_width=casing)
    size = (max(1, int(right - left)), max(1, int(bottom - top)))
    masks = []
    for stroke in (0, casing):
        mask = Image.new("L", size)
        # PIL anchors text at the unstroked origin, so both masks share one place.
        place = (-left, -top)
        ImageDraw.Draw(mask).text(place, text, fill=255, font=font, stroke_width=stroke)
        masks.append(np.asarray(mask))
    return masks[0], masks[1]


def text_width(text: str, height: int) -> int:
    """Width in px of ``text`` set at ``height`` px, without casing."""
    return int(_font(height).getlength(text))


def shorten(text: str, height: int, width: int) -> str:
    """``text``, cut with an ellipsis where needed to fit ``width`` px at ``height`` px."""
    if text_width(text, height) <= width:
        return text
    while text and text_width(text + "…", height) > width:
        text = text[:-1]
    return text + "…"


def write(
    canvas: Pixels,
    text: str,
    place: tuple[float, float],
    height: int,
    colour: Colour = (255, 255, 255),
    casing: Colour | None = (0, 0, 0),
    anchor: Anchor = "centre",
) -> None:
    """Write cased text into an RGB picture ``(H, W, 3)`` in place; what falls outside is cut.

    Args:
        canvas: The picture, uint8.
        text: What to write, one line.
        place: x, y in px of the text's centre, or of the middle of its left edge.
        height: Font size in px.
        colour: RGB of the letters.
        casing: RGB of the outline, or None for no outline.
        anchor: What ``place`` means.
    """
    if not text:
        return
    stroke = max(1, round(height / 8)) if casing is not None else 0
    letters, cased = _masks(text, height, stroke)
    rows, columns = letters.shape
    x0 = round(place[0] - columns / 2) if anchor == "centre" else round(place[0])
    y0 = round(place[1] - rows / 2)
    x1, y1 = max(0, x0), max(0, y0)
    x2, y2 = min(canvas.shape[1], x0 + columns), min(canvas.shape[0], y0 + rows)
    if x1 >= x2 or y1 >= y2:
        return
    inside = (slice(y1 - y0, y2 - y0), slice(x1 - x0, x2 - x0))
    area = canvas[y1:y2, x1:x2].astype(np.float32)
    for mask, tint in ((cased, casing), (letters, colour)):
        if tint is not None:
            cover = mask[inside][..., None].astype(np.float32) / 255
            area += cover * (np.asarray(tint, np.float32) - area)
    canvas[y1:y2, x1:x2] = np.rint(area)
