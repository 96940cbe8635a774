"""Draws the objects of the gallery's scenes: what gallery_objects.png in the package holds.

python -m tests.data.draw_objects
"""

from __future__ import annotations

from importlib import resources

import cv2
import numpy as np
from PIL import Image

from spgen_lit.data.gallery_scenes import KINDS, PATCH, SPECIMENS

Color = tuple[int, int, int]


class Brush:
    """Draws shapes in coordinates of [-1, 1] on a patch.

    Attributes:
        rgba: Colors and opacity ``(PATCH, PATCH, 4)``.
        rng: Random generator of the specimen.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.rgba = np.zeros((PATCH, PATCH, 4), np.uint8)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, color: Color, angle: float = 0.0
    ) -> None:
        """Fill an ellipse around (x, y) with half axes rx, ry, turned by degrees."""
        axes = (max(1, round(rx * PATCH / 2)), max(1, round(ry * PATCH / 2)))
        ink = (*color, 255)
        cv2.ellipse(self.rgba, _px(x, y), axes, angle, 0, 360, ink, -1, cv2.LINE_AA)

    def polygon(self, points: list[tuple[float, float]], color: Color) -> None:
        """Fill the polygon through the points."""
        outline = np.array([_px(x, y) for x, y in points], np.int32)
        cv2.fillPoly(self.rgba, [outline], (*color, 255), cv2.LINE_AA)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        """Fill an upright rectangle between two corners."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], color)

    def line(self, x0: float, y0: float, x1: float, y1: float, width: float, color: Color) -> None:
        """Draw a line whose width is given in the patch's units."""
        thick = max(1, round(width * PATCH / 2))
        cv2.line(self.rgba, _px(x0, y0), _px(x1, y1), (*color, 255), thick, cv2.LINE_AA)

    def between(self, low: float, high: float) -> float:
        """A uniform random number."""
        return float(self.rng.uniform(low, high))

    def choose(self, *colors: Color) -> Color:
        """One of the colors, slightly varied."""
        picked = np.array(colors[int(self.rng.integers(len(colors)))])
        return tint(picked + self.rng.normal(0, 9, 3))


def tint(values: np.ndarray | Color, factor: float = 1.0) -> Color:
    """A color made lighter or darker, clipped to 0..255."""
    r, g, b = (int(v) for v in np.clip(np.asarray(values, np.float64) * factor, 0, 255))
    return (r, g, b)


def _px(x: float, y: float) -> tuple[int, int]:
    return round((x + 1) * PATCH / 2), round((y + 1) * PATCH / 2)


def _face(b: Brush) -> None:
    skin = b.choose((236, 196, 164), (214, 164, 126), (168, 116, 82), (112, 74, 52))
    hair = b.choose((40, 28, 22), (96, 62, 34), (176, 130, 64), (142, 138, 134))
    cloth = b.choose((150, 40, 46), (44, 70, 120), (60, 96, 66), (206, 190, 160))
    look = b.between(-0.07, 0.07)
    b.ellipse(0, 1.0, 0.66, 0.34, cloth)
    b.rectangle(-0.14, 0.4, 0.14, 0.8, tint(skin, 0.84))
    b.ellipse(0, -0.16, 0.56, 0.68, hair)
    if b.rng.random() < 0.4:
        b.polygon([(-0.54, -0.2), (0.54, -0.2), (0.6, 0.62), (-0.6, 0.62)], hair)
        b.rectangle(-0.14, 0.4, 0.14, 0.8, tint(skin, 0.84))
    b.ellipse(look, 0.0, 0.44, 0.58, skin)
    b.ellipse(look * 0.8, -0.46, 0.42, 0.18, hair)
    for side in (-1, 1):
        x = side * 0.18 + 1.6 * look
        b.ellipse(side * 0.27 + look, 0.2, 0.11, 0.08, tint(np.array(skin) * (1.03, 0.9, 0.86)))
        b.ellipse(x, -0.06, 0.11, 0.068, (246, 244, 238))
        b.ellipse(x + look, -0.06, 0.058, 0.062, (38, 30, 32))
        b.line(x - 0.1 * side, -0.22, x + 0.11 * side, -0.19, 0.045, tint(hair, 0.8))
    b.ellipse(1.9 * look, 0.13, 0.07, 0.05, tint(skin, 0.82))
    mouth = b.between(0.09, 0.15)
    b.ellipse(1.6 * look, 0.33, mouth, 0.075, (170, 66, 62))
    b.ellipse(1.6 * look, 0.285, mouth * 1.05, 0.05, skin)


def _animal(b: Brush) -> None:
    fur = b.choose((150, 108, 68), (84, 72, 64), (206, 190, 162), (184, 116, 52))
    dark = tint(fur, 0.72)
    for x in (-0.52, -0.3, 0.22, 0.42):
        b.line(x, 0.2, x + b.between(-0.06, 0.06), 0.78, 0.13, dark)
    b.line(-0.62, -0.02, -0.92, b.between(-0.6, -0.2), 0.12, dark)
    b.ellipse(-0.08, 0.1, 0.64, 0.34, fur, b.between(-6, 4))
    b.ellipse(0.3, -0.08, 0.3, 0.34, fur)
    up = b.between(-0.5, -0.3)
    b.polygon([(0.34, up), (0.3, up - 0.42), (0.54, up - 0.14)], dark)
    b.polygon([(0.6, up - 0.12), (0.78, up - 0.42), (0.8, up)], dark)
    b.ellipse(0.56, up + 0.04, 0.3, 0.27, fur)
    b.ellipse(0.8, up + 0.13, 0.16, 0.12, tint(fur, 1.25))
    b.ellipse(0.92, up + 0.1, 0.05, 0.05, (24, 20, 20))
    b.ellipse(0.58, up - 0.02, 0.062, 0.066, (240, 236, 220))
    b.ellipse(0.59, up - 0.02, 0.042, 0.05, (20, 18, 18))
    if b.rng.random() < 0.5:
        for _ in range(5):
            b.ellipse(b.between(-0.5, 0.2), b.between(0, 0.26), 0.08, 0.06, dark)


def _writing(b: Brush) -> None:
    paper = b.choose((238, 232, 212), (226, 204, 90), (188, 46, 44), (40, 84, 150))
    ink: Color = (30, 30, 38) if sum(paper) > 420 else (244, 240, 228)
    half = b.between(0.5, 0.66)
    b.rectangle(-0.96, -half, 0.96, half, tint(paper, 0.72))
    b.rectangle(-0.9, -half + 0.06, 0.9, half - 0.06, paper)
    rows = int(b.rng.integers(2, 4))
    step = (2 * half - 0.2) / rows
    for row in range(rows):
        x, y = -0.78, -half + 0.1 + (row + 0.5) * step
        while x < 0.72:
            wide, tall = b.between(0.05, 0.13), step * 0.3
            if b.rng.random() < 0.86:  # else a space between words
                b.line(x, y - tall, x, y + tall, 0.05, ink)
                for level in b.rng.integers(-1, 2, 2):
                    b.line(x, y + level * tall, x + wide, y + level * tall, 0.05, ink)
            x += wide + 0.1


def _flower(b: Brush) -> None:
    petal = b.choose((206, 58, 84), (232, 158, 40), (150, 88, 178), (240, 232, 224))
    b.line(0, 0, b.between(-0.2, 0.2), 0.98, 0.08, (58, 104, 48))
    b.ellipse(0.22, 0.66, 0.24, 0.09, (70, 122, 56), -30)
    count = int(b.rng.integers(6, 10))
    for number in range(count):
        angle = 2 * np.pi * number / count
        place = (0.36 * np.cos(angle), -0.3 + 0.36 * np.sin(angle))
        b.ellipse(*place, 0.3, 0.16, tint(petal, b.between(0.84, 1.1)), float(np.degrees(angle)))
    b.ellipse(0, -0.3, 0.2, 0.2, (214, 168, 40))
    b.ellipse(0, -0.3, 0.1, 0.1, (120, 76, 24))


def _fruit(b: Brush) -> None:
    peel = b.choose((200, 44, 40), (232, 140, 32), (128, 164, 52), (120, 44, 92))
    b.line(0.02, -0.62, 0.1, -0.92, 0.07, (84, 58, 34))
    b.ellipse(0.3, -0.78, 0.24, 0.1, (74, 128, 58), -20)
    b.ellipse(0, 0.08, 0.78, b.between(0.68, 0.82), peel)
    b.ellipse(0, -0.56, 0.2, 0.08, tint(peel, 0.7))


def _box(b: Brush) -> None:
    side = b.choose((150, 118, 82), (120, 118, 116), (96, 104, 96), (140, 96, 76))
    top, deep = b.between(-0.4, -0.1), b.between(0.24, 0.4)
    b.rectangle(-0.86, top, 0.5, 0.8, side)
    lid = [(-0.86, top), (0.5, top), (0.5 + deep, top - deep), (-0.86 + deep, top - deep)]
    b.polygon(lid, tint(side, 1.2))
    edge = [(0.5, top), (0.5 + deep, top - deep), (0.5 + deep, 0.8 - deep), (0.5, 0.8)]
    b.polygon(edge, tint(side, 0.68))
    if b.rng.random() < 0.5:
        middle = (top + 0.8) / 2
        b.rectangle(-0.86, middle - 0.05, 0.5, middle + 0.05, tint(side, 0.85))


def _stone(b: Brush) -> None:
    gray = b.choose((128, 124, 118), (104, 100, 92), (150, 140, 124))
    turns = np.sort(b.rng.uniform(0, 2 * np.pi, 9))
    reach = b.rng.uniform(0.66, 0.92, 9)
    b.polygon(
        [(r * np.cos(t), 0.68 * r * np.sin(t)) for t, r in zip(turns, reach, strict=True)], gray
    )
    for _ in range(4):
        b.ellipse(b.between(-0.4, 0.4), b.between(-0.3, 0.3), 0.1, 0.05, tint(gray, 0.88))


_DRAWN = {
    "face": _face,
    "animal": _animal,
    "writing": _writing,
    "flower": _flower,
    "fruit": _fruit,
    "box": _box,
    "stone": _stone,
}


def sheet() -> np.ndarray:
    """All specimens, RGBA: a row a kind."""
    rows = []
    for row, kind in enumerate(KINDS):
        brushes = [Brush(np.random.default_rng([row, column])) for column in range(SPECIMENS)]
        for brush in brushes:
            _DRAWN[kind.name](brush)
        rows.append(np.concatenate([brush.rgba for brush in brushes], axis=1))
    assert rows[0].shape == (PATCH, SPECIMENS * PATCH, 4)
    return np.concatenate(rows)


if __name__ == "__main__":
    with resources.as_file(resources.files("spgen_lit.data") / "gallery_objects.png") as file:
        Image.fromarray(sheet()).save(file, optimize=True)
