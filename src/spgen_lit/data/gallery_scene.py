"""Gallery scenes: objects composed on a cluttered background and finished as a photograph."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.gallery_objects import KINDS, PATCH, Brush, Colour, Kind, Picture

Floats = NDArray[np.float32]

_OVERSAMPLING = 2  # scenes are drawn larger and shrunk: smooth edges at any size
_FREQUENCY = (0.24, 0.14, 0.12, 0.12, 0.14, 0.13, 0.11)  # of KINDS, in their order


@dataclass(frozen=True, slots=True)
class Thing:
    """One object in a scene.

    Attributes:
        kind: Its kind.
        x: Centre in px of the scene, to the right.
        y: Centre in px of the scene, downwards.
        radius: Half its side in px.
        attraction: How strongly this specimen attracts gaze: the kind's, by size.
    """

    kind: Kind
    x: float
    y: float
    radius: float
    attraction: float


def compose(rng: np.random.Generator, size: tuple[int, int]) -> tuple[list[Thing], Picture]:
    """Draw one scene of 3 to 7 objects.

    Args:
        rng: Source of all variety.
        size: Width and height in px, at least 32 each.

    Returns:
        The objects in drawing order and the picture ``(height, width, 3)``, RGB, before the
        finish that makes a photograph or a painting of it.
    """
    width, height = (side * _OVERSAMPLING for side in size)
    canvas = _background(rng, width, height)
    things = _place(rng, size)
    sun = float(rng.uniform(-0.8, 0.8))
    for thing in things:
        _paste(canvas, thing, rng, sun)
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    return things, np.clip(small, 0, 255).astype(np.uint8)


def photograph(picture: Picture, rng: np.random.Generator) -> Picture:
    """Finish a scene as a photograph: exposure, depth blur at the borders, vignette, noise."""
    height, width = picture.shape[:2]
    image = picture.astype(np.float32)
    blurred = cv2.GaussianBlur(image, (0, 0), 0.006 * min(width, height))
    far = _distance_from(width, height, width / 2, height * 0.55)[..., None]
    image += (blurred - image) * np.clip(far * 1.2 - 0.3, 0, 1)
    image *= 1 - 0.18 * np.clip(far - 0.3, 0, 1) ** 2
    gamma = float(rng.uniform(0.7, 1.0))
    balance = rng.uniform(0.96, 1.04, 3)
    image = np.asarray(255 * (np.clip(image, 0, 255) / 255) ** gamma * balance, np.float32)
    grain = rng.standard_normal((height, width, 3), np.float32)
    image += grain * (2.0 + 2.5 * np.sqrt(np.clip(image, 0, 255) / 255))
    return np.clip(image, 0, 255).astype(np.uint8)


def octaves(
    rng: np.random.Generator, width: int, height: int, coarse: int = 3, fine: int = 48
) -> Floats:
    """Smooth noise ``(height, width)`` of mean 0 and about unit range, in octaves.

    Args:
        rng: Source of the noise.
        width: Width in px.
        height: Height in px.
        coarse: Cells across the coarsest octave.
        fine: Cells across beyond which octaves stop.
    """
    total = np.zeros((height, width), np.float32)
    cells, weight = coarse, 0.5
    while cells <= fine:
        grid = rng.standard_normal((cells, cells), np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, weight = cells * 2, weight * 0.6
    return total


def _distance_from(width: int, height: int, x: float, y: float) -> Floats:
    """Distance of every px from a place, as a share of half the diagonal."""
    across = (np.arange(width, dtype=np.float32) - x)[None]
    down = (np.arange(height, dtype=np.float32) - y)[:, None]
    return np.asarray(np.hypot(across, down) / (0.5 * np.hypot(width, height)), np.float32)


_PLACES: tuple[tuple[tuple[Colour, Colour], tuple[Colour, Colour]], ...] = (
    (((112, 168, 222), (214, 230, 236)), ((142, 170, 88), (84, 116, 56))),  # sky, meadow
    (((176, 196, 214), (238, 220, 192)), ((214, 188, 140), (166, 134, 92))),  # haze, sand
    (((222, 212, 190), (206, 192, 168)), ((160, 116, 78), (116, 80, 54))),  # wall, boards
    (((150, 176, 172), (178, 194, 184)), ((146, 142, 140), (100, 98, 102))),  # wall, paving
    (((104, 96, 132), (206, 146, 120)), ((98, 104, 92), (64, 66, 66))),  # dusk, field
)


def _background(rng: np.random.Generator, width: int, height: int) -> Floats:
    above, below = _PLACES[int(rng.integers(len(_PLACES)))]
    horizon = round(height * rng.uniform(0.3, 0.62))
    canvas = np.empty((height, width, 3), np.float32)
    for rows, (start, end) in ((slice(0, horizon), above), (slice(horizon, height), below)):
        part = canvas[rows]
        part[:] = np.linspace(np.array(start), np.array(end), len(part))[:, None]
    canvas += rng.normal(0, 7, 3).astype(np.float32)
    canvas += 11 * octaves(rng, width, height)[..., None]
    canvas[horizon:] += 10 * octaves(rng, width, height - horizon, 24, 96)[..., None]
    _clutter(canvas, rng, horizon)
    return canvas


def _clutter(canvas: Floats, rng: np.random.Generator, horizon: int) -> None:
    """Marks that attract nobody: bushes at the horizon, blades, pebbles, cracks, clouds."""
    height, width = canvas.shape[:2]
    unit = min(width, height) / 100
    for _ in range(int(rng.integers(4, 11))):
        x, y = int(rng.uniform(0, width)), horizon + int(rng.normal(0, 2 * unit))
        axes = (int(rng.uniform(4, 16) * unit), int(rng.uniform(3, 9) * unit))
        colour = canvas[min(height - 1, horizon + 2), min(width - 1, x)] * rng.uniform(0.6, 0.95)
        cv2.ellipse(canvas, (x, y), axes, 0, 0, 360, colour.tolist(), -1)
    for _ in range(int(rng.integers(60, 160))):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        near = 0.5 + 1.3 * y / height
        colour = np.clip(canvas[y, x] * rng.uniform(0.7, 1.25), 0, 255).tolist()
        if y < horizon:
            axes = (int(rng.uniform(2, 9) * unit), int(rng.uniform(0.5, 2) * unit))
            mixed = (0.75 * canvas[y, x] + 0.25 * np.asarray(colour)).tolist()
            cv2.ellipse(canvas, (x, y), axes, 0, 0, 360, mixed, -1)
        elif rng.random() < 0.7:
            tip = (
                x + int(rng.normal(0, 2) * unit * near),
                y - int(rng.uniform(2, 6) * unit * near),
            )
            cv2.line(canvas, (x, y), tip, colour, max(1, round(0.6 * unit * near)))
        else:
            axes = (int((0.5 + rng.uniform(0, 2)) * unit * near), int((0.5 + near) * unit))
            cv2.ellipse(canvas, (x, y), axes, 0, 0, 360, colour, -1)


def _place(rng: np.random.Generator, size: tuple[int, int]) -> list[Thing]:
    """Kinds and places of 3 to 7 objects that hardly overlap, far ones first."""
    width, height = size
    short = min(size)
    things: list[Thing] = []
    wanted = int(rng.integers(3, 8))
    for _ in range(wanted * 12):
        if len(things) == wanted:
            break
        kind = KINDS[int(rng.choice(len(KINDS), p=_FREQUENCY))]
        radius = float(rng.uniform(*kind.scale)) * short
        margin = 0.85 * radius
        x = float(rng.uniform(margin, width - margin))
        y = float(rng.uniform(margin, height - margin))
        clear = all(np.hypot(x - t.x, y - t.y) > 0.85 * (radius + t.radius) for t in things)
        if clear:
            larger = radius / (short * sum(kind.scale) / 2)
            vivid = float(np.exp(rng.normal(0, 0.15)))
            things.append(Thing(kind, x, y, radius, kind.attraction * larger**0.5 * vivid))
    return sorted(things, key=lambda thing: thing.y + thing.radius)


def _paste(canvas: Floats, thing: Thing, rng: np.random.Generator, sun: float) -> None:
    """Draw a specimen, shade it from the light's side and lay it on its shadow."""
    brush = Brush(rng)
    thing.kind.draw(brush)
    scale = 2 * thing.radius * _OVERSAMPLING / PATCH
    turn = float(rng.uniform(-1, 1)) * thing.kind.tilt
    matrix = np.asarray(cv2.getRotationMatrix2D((PATCH / 2, PATCH / 2), turn, scale), np.float64)
    if rng.random() < 0.5 and thing.kind.name != "writing":
        matrix = matrix @ np.array([[-1, 0, PATCH], [0, 1, 0], [0, 0, 1]], np.float64)
    reach = int(1.5 * scale * PATCH)
    left = round(thing.x * _OVERSAMPLING) - reach // 2
    top = round(thing.y * _OVERSAMPLING) - reach // 2
    matrix[:, 2] += reach / 2 - PATCH / 2
    rgb = cv2.warpAffine(brush.rgb, matrix, (reach, reach), flags=cv2.INTER_LINEAR)
    alpha = cv2.warpAffine(brush.alpha, matrix, (reach, reach), flags=cv2.INTER_LINEAR)
    opacity = alpha.astype(np.float32)[..., None] / 255

    axis = np.linspace(-1.5, 1.5, reach, dtype=np.float32)
    slope = -axis[None] * sun - 0.6 * axis[:, None]
    lit: Floats = rgb * (0.94 + 0.22 * slope).astype(np.float32)[..., None]
    spot = np.exp(-((axis[None] + 0.35 * sun) ** 2 + (axis[:, None] + 0.38) ** 2) / 0.06)
    gloss = 85.0 if thing.kind.name == "fruit" else 16.0
    lit = lit + np.asarray(gloss * spot[..., None], np.float32)

    drop = np.array([[1, 0, -0.13 * sun * reach], [0, 1, 0.05 * reach]])
    cast = np.asarray(cv2.warpAffine(alpha, drop, (reach, reach)), np.float32)
    shadow = cv2.GaussianBlur(cast, (0, 0), max(1.0, 0.03 * reach))[..., None] / 255

    height, width = canvas.shape[:2]
    x0, x1, y0, y1 = max(0, left), min(width, left + reach), max(0, top), min(height, top + reach)
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    ground = canvas[y0:y1, x0:x1] * np.asarray(1 - 0.42 * shadow[part], np.float32)
    canvas[y0:y1, x0:x1] = ground + (lit[part] - ground) * opacity[part]
