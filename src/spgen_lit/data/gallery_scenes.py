"""Scenes of the gallery: objects on a cluttered background, finished as photo or painting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spgen_lit.data.painting.materials import noise, random_palette, varnish
from spgen_lit.data.painting.painter import strokes
from spgen_lit.data.readers.base import load

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

PATCH = 160  # side in px of the square on which an object is drawn before it is placed
SPECIMENS = 12  # of each kind
_OVERSAMPLING = 2  # scenes are drawn larger and shrunk: smooth edges at any size


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """One kind of object.

    Attributes:
        name: What it depicts.
        attraction: How strongly it attracts gaze, in (0, 1].
        tilt: Largest rotation in degrees, either way.
        scale: Smallest and largest half side, relative to the scene's shorter side.
        frequency: Probability that an object is of this kind.
    """

    name: str
    attraction: float
    tilt: float
    scale: Sequence[float]
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


_CONTENT: dict[str, Any] = load(Path(__file__).with_suffix(".yaml"))
KINDS: tuple[ObjectKind, ...] = tuple(ObjectKind(**kind) for kind in _CONTENT["kinds"])


@cache
def _specimens() -> Picture:
    """Colors and opacity of all specimens: a row a kind. tests/data/draw_objects.py draws them."""
    with Image.open(Path(__file__).with_name("gallery_objects.png")) as image:
        return np.asarray(image.convert("RGBA"))


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
    scene = picture.astype(np.float32) * np.float32(1 / 255)
    painted = strokes(scene, rng, unit, random_palette(rng))
    coated = varnish(painted, rng, float(rng.uniform(0.2, 0.7)), float(rng.uniform(0.1, 0.4)))
    return (coated * 255 + 0.5).clip(0, 255).astype(np.uint8)


def _background(rng: np.random.Generator, width: int, height: int) -> Floats:
    backgrounds = _CONTENT["backgrounds"]
    above, below = backgrounds[int(rng.integers(len(backgrounds)))]
    horizon = round(height * rng.uniform(0.3, 0.62))
    halves = ((*above, horizon), (*below, height - horizon))
    rows = np.concatenate([np.linspace(top, bottom, count) for top, bottom, count in halves])
    canvas = rows.astype(np.float32)[:, None].repeat(width, 1)
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
        smallest, largest = kind.scale
        radius = float(rng.uniform(smallest, largest)) * short
        margin = 0.85 * radius
        x = float(rng.uniform(margin, width - margin))
        y = float(rng.uniform(margin, height - margin))
        if all(np.hypot(x - o.x, y - o.y) > 0.85 * (radius + o.radius) for o in objects):
            larger = radius / (short * (smallest + largest) / 2)
            vivid = float(np.exp(rng.normal(0, 0.15)))
            objects.append(SceneObject(kind, x, y, radius, kind.attraction * larger**0.5 * vivid))
    return sorted(objects, key=lambda item: item.y + item.radius)


def _paste(canvas: Floats, item: SceneObject, rng: np.random.Generator, sun: float) -> None:
    """Take a specimen, shade it from the light's side and lay it on its shadow."""
    row, column = KINDS.index(item.kind), int(rng.integers(SPECIMENS))
    specimen = _specimens()[row * PATCH : (row + 1) * PATCH, column * PATCH : (column + 1) * PATCH]
    scale = 2 * item.radius * _OVERSAMPLING / PATCH
    turn = float(rng.uniform(-1, 1)) * item.kind.tilt
    matrix = np.asarray(cv2.getRotationMatrix2D((PATCH / 2, PATCH / 2), turn, scale), np.float64)
    if rng.random() < 0.5 and item.kind.name != "writing":
        matrix = matrix @ np.array([[-1, 0, PATCH], [0, 1, 0], [0, 0, 1]], np.float64)
    side = int(1.5 * scale * PATCH)
    left = round(item.x * _OVERSAMPLING) - side // 2
    top = round(item.y * _OVERSAMPLING) - side // 2
    matrix[:, 2] += side / 2 - PATCH / 2
    patch = np.asarray(cv2.warpAffine(specimen, matrix, (side, side)), np.float32)
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
