"""Scenes of the gallery: objects on a cluttered background, finished as photo or painting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painting.filters import noise
from spgen_lit.data.painting.materials import random_palette, varnish
from spgen_lit.data.painting.strokes import strokes

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Color = tuple[int, int, int]

PATCH = 160  # side in px of the square on which an object is drawn before it is placed
_OVERSAMPLING = 2  # scenes are drawn larger and shrunk: smooth edges at any size


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """One kind of object.

    Attributes:
        name: What it depicts.
        attraction: How strongly it attracts gaze, in (0, 1].
        draw: Draws one specimen on an empty patch.
        tilt: Largest rotation in degrees, either way.
        scale: Smallest and largest half side, relative to the scene's shorter side.
        frequency: Probability that an object is of this kind.
    """

    name: str
    attraction: float
    draw: Callable[[Brush], None]
    tilt: float
    scale: tuple[float, float]
    frequency: float


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One object in a scene.

    Attributes:
        kind: Its kind.
        x: Center in px of the scene, to the right.
        y: Center in px of the scene, downwards.
        radius: Half its side in px.
        attraction: How strongly this specimen attracts gaze: the kind's, by size.
    """

    kind: ObjectKind
    x: float
    y: float
    radius: float
    attraction: float


class Brush:
    """Draws shapes in coordinates of [-1, 1] on a patch.

    Attributes:
        rgba: Colors and opacity ``(PATCH, PATCH, 4)``.
        rng: Random generator of the specimen.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.rgba: Picture = np.zeros((PATCH, PATCH, 4), np.uint8)

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


def tint(values: NDArray[np.float64] | Color, factor: float = 1.0) -> Color:
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


KINDS: tuple[ObjectKind, ...] = (
    ObjectKind("face", 1.0, _face, 14, (0.13, 0.22), 0.24),
    ObjectKind("animal", 0.62, _animal, 10, (0.13, 0.2), 0.14),
    ObjectKind("writing", 0.5, _writing, 12, (0.1, 0.18), 0.12),
    ObjectKind("flower", 0.3, _flower, 20, (0.11, 0.17), 0.12),
    ObjectKind("fruit", 0.2, _fruit, 35, (0.08, 0.14), 0.14),
    ObjectKind("box", 0.08, _box, 8, (0.11, 0.2), 0.13),
    ObjectKind("stone", 0.05, _stone, 40, (0.1, 0.2), 0.11),
)


def compose(rng: np.random.Generator, size: tuple[int, int]) -> tuple[list[SceneObject], Picture]:
    """Draw one scene of 3 to 7 objects.

    Args:
        rng: Random generator of the scene.
        size: Width and height in px, at least 32 each.

    Returns:
        The objects in drawing order and the picture ``(height, width, 3)``, RGB, before it is
        finished as a photograph or a painting.
    """
    width, height = (side * _OVERSAMPLING for side in size)
    canvas = _background(rng, width, height)
    objects = _place(rng, size)
    sun = float(rng.uniform(-0.8, 0.8))
    for item in objects:
        _paste(canvas, item, rng, sun)
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    return objects, np.clip(small, 0, 255).astype(np.uint8)


def photograph(picture: Picture, rng: np.random.Generator) -> Picture:
    """Finish a scene as a photograph: exposure, blur at the borders, vignette, sensor noise."""
    height, width = picture.shape[:2]
    image = picture.astype(np.float32)
    blurred = cv2.GaussianBlur(image, (0, 0), 0.006 * min(width, height))
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1.1, 0.9, height, dtype=np.float32)[:, None]
    far = np.hypot(x, y)[..., None] / np.float32(2**0.5)
    image += (blurred - image) * np.clip(far * 1.2 - 0.3, 0, 1)
    image *= 1 - 0.18 * np.clip(far - 0.3, 0, 1) ** 2
    gamma = float(rng.uniform(0.7, 1.0))
    balance = rng.uniform(0.96, 1.04, 3)
    image = np.asarray(255 * (np.clip(image, 0, 255) / 255) ** gamma * balance, np.float32)
    grain = rng.standard_normal((height, width, 3), np.float32)
    image += grain * (2.0 + 2.5 * np.sqrt(np.clip(image, 0, 255) / 255))
    return np.clip(image, 0, 255).astype(np.uint8)


def painting(picture: Picture, rng: np.random.Generator) -> Picture:
    """Finish a scene as a painting: brush strokes in a period's palette under old varnish."""
    unit = min(picture.shape[:2]) / 192
    painted = strokes(
        picture.astype(np.float32) * np.float32(1 / 255), rng, unit, random_palette(rng)
    )
    coated = varnish(painted, rng, float(rng.uniform(0.2, 0.7)), float(rng.uniform(0.1, 0.4)))
    return (coated * 255 + 0.5).clip(0, 255).astype(np.uint8)


# Gradients of the upper and the lower part, each from its top to its bottom.
_BACKGROUNDS: tuple[tuple[tuple[Color, Color], tuple[Color, Color]], ...] = (
    (((112, 168, 222), (214, 230, 236)), ((142, 170, 88), (84, 116, 56))),  # sky, meadow
    (((176, 196, 214), (238, 220, 192)), ((214, 188, 140), (166, 134, 92))),  # haze, sand
    (((222, 212, 190), (206, 192, 168)), ((160, 116, 78), (116, 80, 54))),  # wall, boards
    (((150, 176, 172), (178, 194, 184)), ((146, 142, 140), (100, 98, 102))),  # wall, paving
    (((104, 96, 132), (206, 146, 120)), ((98, 104, 92), (64, 66, 66))),  # dusk, field
)


def _background(rng: np.random.Generator, width: int, height: int) -> Floats:
    above, below = _BACKGROUNDS[int(rng.integers(len(_BACKGROUNDS)))]
    horizon = round(height * rng.uniform(0.3, 0.62))
    canvas = np.concatenate(
        [
            np.linspace(np.array(start), np.array(end), rows)[:, None].repeat(width, 1)
            for rows, (start, end) in ((horizon, above), (height - horizon, below))
        ]
    ).astype(np.float32)
    canvas += rng.normal(0, 7, 3).astype(np.float32)
    canvas += 5 * noise((height, width), rng, width / 3, 5)[..., None]
    canvas[horizon:] += 4 * noise((height - horizon, width), rng, width / 24, 3)[..., None]
    _clutter(canvas, rng, horizon)
    return canvas


def _clutter(canvas: Floats, rng: np.random.Generator, horizon: int) -> None:
    """Marks that attract nobody: clouds, bushes at the horizon, pebbles, grass."""
    height, width = canvas.shape[:2]
    unit = min(width, height) / 100
    # How many, between which rows, half width, half height, brightness.
    marks = (
        (30, (0, horizon), (2, 9), (0.5, 2), (0.93, 1.07)),
        (7, (horizon - 2 * unit, horizon + 2 * unit), (4, 16), (3, 9), (0.6, 0.95)),
        (20, (horizon, height), (0.5, 3), (0.5, 2), (0.7, 1.25)),
        (60, (horizon, height), (0.2, 0.5), (2, 6), (0.7, 1.25)),
    )
    for count, rows, wide, tall, bright in marks:
        for _ in range(int(rng.uniform(0.6, 1.4) * count)):
            x, y = int(rng.uniform(0, width)), int(rng.uniform(*rows))
            axes = (round(rng.uniform(*wide) * unit), round(rng.uniform(*tall) * unit))
            color = canvas[min(height - 1, y + 2), x] * rng.uniform(*bright)
            angle = float(rng.normal(0, 12))
            cv2.ellipse(canvas, (x, y), axes, angle, 0, 360, color.clip(0, 255).tolist(), -1)


def _place(rng: np.random.Generator, size: tuple[int, int]) -> list[SceneObject]:
    """Kinds and positions of 3 to 7 objects that hardly overlap, far ones first."""
    width, height = size
    short = min(size)
    objects: list[SceneObject] = []
    count = int(rng.integers(3, 8))
    for _ in range(count * 12):
        if len(objects) == count:
            break
        kind = KINDS[int(rng.choice(len(KINDS), p=[kind.frequency for kind in KINDS]))]
        radius = float(rng.uniform(*kind.scale)) * short
        margin = 0.85 * radius
        x = float(rng.uniform(margin, width - margin))
        y = float(rng.uniform(margin, height - margin))
        if all(np.hypot(x - o.x, y - o.y) > 0.85 * (radius + o.radius) for o in objects):
            larger = radius / (short * sum(kind.scale) / 2)
            vivid = float(np.exp(rng.normal(0, 0.15)))
            objects.append(SceneObject(kind, x, y, radius, kind.attraction * larger**0.5 * vivid))
    return sorted(objects, key=lambda item: item.y + item.radius)


def _paste(canvas: Floats, item: SceneObject, rng: np.random.Generator, sun: float) -> None:
    """Draw a specimen, shade it from the light's side and lay it on its shadow."""
    brush = Brush(rng)
    item.kind.draw(brush)
    scale = 2 * item.radius * _OVERSAMPLING / PATCH
    turn = float(rng.uniform(-1, 1)) * item.kind.tilt
    matrix = np.asarray(cv2.getRotationMatrix2D((PATCH / 2, PATCH / 2), turn, scale), np.float64)
    if rng.random() < 0.5 and item.kind.name != "writing":
        matrix = matrix @ np.array([[-1, 0, PATCH], [0, 1, 0], [0, 0, 1]], np.float64)
    side = int(1.5 * scale * PATCH)
    left = round(item.x * _OVERSAMPLING) - side // 2
    top = round(item.y * _OVERSAMPLING) - side // 2
    matrix[:, 2] += side / 2 - PATCH / 2
    patch = np.asarray(cv2.warpAffine(brush.rgba, matrix, (side, side)), np.float32)
    opacity = patch[..., 3:] / 255

    axis = np.linspace(-1.5, 1.5, side, dtype=np.float32)
    slope = -axis[None] * sun - 0.6 * axis[:, None]
    lit = patch[..., :3] * (0.94 + 0.22 * slope)[..., None]
    spot = np.exp(-((axis[None] + 0.35 * sun) ** 2 + (axis[:, None] + 0.38) ** 2) / 0.06)
    lit = lit + (85.0 if item.kind.name == "fruit" else 16.0) * spot[..., None]

    shift = np.array([[1, 0, -0.13 * sun * side], [0, 1, 0.05 * side]])
    cast = np.asarray(cv2.warpAffine(opacity, shift, (side, side)), np.float32)
    shadow = cv2.GaussianBlur(cast, (0, 0), max(1.0, 0.03 * side))[..., None]

    height, width = canvas.shape[:2]
    x0, x1, y0, y1 = max(0, left), min(width, left + side), max(0, top), min(height, top + side)
    inside = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    behind = canvas[y0:y1, x0:x1] * (1 - 0.42 * shadow[inside])
    canvas[y0:y1, x0:x1] = behind + (lit[inside] - behind) * opacity[inside]
