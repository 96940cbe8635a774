"""Gallery scenes finished as paintings: strokes, palette, contours, canvas and varnish."""

from __future__ import annotations

import cv2
import numpy as np

from spgen_lit.data.gallery_objects import Picture
from spgen_lit.data.gallery_scene import Floats, octaves

# Spacing, length and width of strokes in px of a scene 192 px high, and the local contrast
# from which a layer is laid: broad strokes everywhere, fine ones where there is detail.
_LAYERS = ((6.0, 15.0, 6.0, -1), (4.0, 9.0, 3.2, 6), (2.3, 4.5, 1.5, 18))


def painting(picture: Picture, rng: np.random.Generator) -> Picture:
    """Finish a scene as an oil painting under old varnish.

    Args:
        picture: The composed scene ``(height, width, 3)``, RGB.
        rng: Source of the hand's variety: stroke length, palette, warmth, grain.

    Returns:
        The painting, same shape.
    """
    painted = _strokes(_palette(picture, rng), rng)
    return _varnish(_contours(painted, picture, float(rng.uniform(0.3, 0.6))), rng)


def _palette(picture: Picture, rng: np.random.Generator) -> Picture:
    """Turn colours towards earth pigments and gather values into a few steps."""
    image = picture.astype(np.float64)
    grey = image @ np.array([0.299, 0.587, 0.114])
    image = grey[..., None] + (image - grey[..., None]) * rng.uniform(0.65, 1.0)
    pigments = np.array([[42, 34, 34], [158, 110, 66], [250, 232, 188]])
    pigments = pigments + rng.normal(0, 10, pigments.shape)
    level = np.clip((grey - 20) / 215, 0, 1) ** 0.85
    toned = np.stack([np.interp(level, (0, 0.5, 1), pigments[:, c]) for c in range(3)], -1)
    image += (toned - image) * rng.uniform(0.25, 0.5)
    step = float(rng.uniform(20, 32))
    return np.clip(np.round(image / step) * step, 0, 255).astype(np.uint8)


def _strokes(image: Picture, rng: np.random.Generator) -> Picture:
    """Repaint in three layers, broad to fine, strokes running along the edges."""
    height, width = image.shape[:2]
    unit = min(width, height) / 192
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 3 * unit)
    gx = cv2.GaussianBlur(cv2.Sobel(grey, cv2.CV_32F, 1, 0), (0, 0), 2.5 * unit)
    gy = cv2.GaussianBlur(cv2.Sobel(grey, cv2.CV_32F, 0, 1), (0, 0), 2.5 * unit)
    along = np.arctan2(gy, gx) + np.pi / 2
    flat = np.hypot(gx, gy) < 2.0
    sway = np.pi * 0.3 * octaves(rng, width, height, 2, 4) + rng.uniform(0, np.pi)
    along[flat] = sway[flat]
    detail = cv2.absdiff(image, cv2.GaussianBlur(image, (0, 0), 3 * unit)).max(-1)
    detail = cv2.GaussianBlur(detail, (0, 0), 1.5 * unit)

    canvas = cv2.GaussianBlur(image, (0, 0), 4 * unit)
    hand = float(rng.uniform(0.85, 1.25))
    for spacing, long, thick, needed in _LAYERS:
        gap = max(2.0, spacing * unit)
        grid = np.mgrid[0:height:gap, 0:width:gap].reshape(2, -1)
        ys, xs = (grid + rng.uniform(-0.6, 0.6, grid.shape) * gap).astype(int)
        ys, xs = np.clip(ys, 0, height - 1), np.clip(xs, 0, width - 1)
        keep = rng.permutation(np.flatnonzero(detail[ys, xs] > needed))
        ys, xs = ys[keep], xs[keep]
        colours = image[ys, xs] * rng.normal(1, 0.055, (len(xs), 1))
        colours = np.clip(colours + rng.normal(0, 3, (len(xs), 3)), 0, 255)
        angles = along[ys, xs] + rng.normal(0, 0.22, len(xs))
        reach = 0.5 * long * unit * hand * rng.uniform(0.6, 1.3, len(xs))
        dx, dy = reach * np.cos(angles), reach * np.sin(angles)
        ends = np.stack([xs - dx, ys - dy, xs + dx, ys + dy], -1).round().astype(int)
        wide = max(1, round(thick * unit * hand))
        for (x0, y0, x1, y1), ink in zip(ends.tolist(), colours.tolist(), strict=True):
            cv2.line(canvas, (x0, y0), (x1, y1), ink, wide, cv2.LINE_AA)
    return np.asarray(canvas, np.uint8)


def _contours(image: Picture, picture: Picture, strength: float) -> Floats:
    """Darken along the scene's edges, as drawing shows through thin paint."""
    smooth = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 1.2)
    gx, gy = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    edge = np.clip(np.hypot(gx, gy) / 160, 0, 1)
    return np.asarray(image.astype(np.float32) * (1 - strength * edge)[..., None], np.float32)


def _varnish(image: Floats, rng: np.random.Generator) -> Picture:
    """Relief of paint and weave, darkened borders, a warm film over all."""
    height, width = image.shape[:2]
    grey = image.mean(-1)
    relief = np.roll(grey, 1, (0, 1)) - grey
    image = image + 0.22 * np.clip(relief, -60, 60)[..., None]
    period = max(2.0, min(width, height) / 72)
    across = np.sin(2 * np.pi * np.arange(width, dtype=np.float32) / period)[None]
    down = np.sin(2 * np.pi * np.arange(height, dtype=np.float32) / period)[:, None]
    weave = across * down + 0.5 * rng.standard_normal((height, width), np.float32)
    image *= 1 + float(rng.uniform(0.02, 0.045)) * weave[..., None]
    image *= 1 + 0.05 * octaves(rng, width, height, 2, 8)[..., None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    image *= (1 - 0.22 * np.clip(x**2 + y**2 - 0.6, 0, 1.4))[..., None]
    warmth = float(rng.uniform(0.4, 1))
    film = np.array([1.08, 1.02, 0.88]) ** warmth
    return np.clip(image * film, 0, 255).astype(np.uint8)
