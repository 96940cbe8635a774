"""Colour and light: pigments of periods, and taking over a painting's palette."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painters.flow import Picture

# Pigments as RGB with the share of a picture they cover: what stands in for a real
# painting where none is given. Dark to light.
_PIGMENTS: tuple[tuple[tuple[int, int, int, float], ...], ...] = (
    # Dutch seventeenth century: bone black, umber, ochre, lead white.
    ((30, 24, 18, 5), (66, 48, 30, 5), (112, 80, 46, 4), (168, 128, 76, 3), (226, 204, 160, 2)),
    # Venetian: azurite, verdigris, vermilion, warm flesh.
    ((34, 34, 46, 3), (52, 76, 108, 3), (92, 88, 56, 3), (166, 70, 48, 2), (214, 172, 122, 4)),
    # Plein air: cobalt violet shadows, chrome yellow lights.
    (
        (62, 66, 104, 3),
        (86, 120, 148, 4),
        (128, 152, 106, 3),
        (204, 182, 128, 3),
        (240, 230, 208, 3),
    ),
    # Nordic: slate, sea green, grey light.
    ((36, 46, 54, 3), (78, 98, 104, 4), (126, 140, 134, 4), (176, 176, 160, 3), (226, 220, 204, 2)),
    # Romantic landscape: bitumen, olive, golden sky.
    ((38, 30, 20, 4), (78, 70, 40, 4), (130, 112, 66, 3), (206, 160, 90, 3), (244, 222, 168, 2)),
)


def to_lab(picture: Picture) -> Picture:
    """CIE Lab ``(height, width, 3)`` (L in [0, 100]) of an RGB picture in [0, 1]."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2Lab), dtype=np.float32)


def to_rgb(lab: Picture) -> Picture:
    """RGB picture in [0, 1] of a CIE Lab one; colours out of gamut are cut off."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), dtype=np.float32).clip(0, 1)


def invented_palette(rng: np.random.Generator) -> NDArray[np.uint8]:
    """An RGB picture ``(48, 48, 3)`` of one period's pigments, mixed and varied."""
    pigments = np.asarray(_PIGMENTS[rng.integers(len(_PIGMENTS))], np.float32)
    shares = pigments[:, 3] * rng.uniform(0.6, 1.4, len(pigments))
    picks = rng.choice(len(pigments), size=(2, 48 * 48), p=shares / shares.sum())
    mix = rng.beta(0.5, 0.5, (48 * 48, 1))
    colours = mix * pigments[picks[0], :3] + (1 - mix) * pigments[picks[1], :3]
    colours += rng.normal(0, 9, (48 * 48, 1)) + rng.normal(0, 4, (48 * 48, 3))
    return colours.reshape(48, 48, 3).clip(0, 255).astype(np.uint8)


def transfer(picture: Picture, palette: NDArray[np.uint8], colour: float, light: float) -> Picture:
    """Give a picture the colours and the light of a painting.

    Colours move by the linear optimal-transport map between the two Gaussians in Lab
    (Pitié and Kokaram 2007), light by matching the quantiles of L. Both keep the order of
    what they map, so no edge turns over.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        palette: RGB painting in uint8, any size.
        colour: Share of the way to its colours, 0 to 1.
        light: Share of the way to its lights and darks, 0 to 1.

    Returns:
        The recoloured picture.
    """
    lab = to_lab(picture)
    thumbnail = cv2.resize(palette, (96, 96), interpolation=cv2.INTER_AREA)
    colours = thumbnail.astype(np.float32) * np.float32(1 / 255)
    goal = to_lab(colours).reshape(-1, 3).astype(np.float64)
    small = cv2.resize(lab, (96, 96), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    own = small.astype(np.float64)
    matrix = _transport(np.cov(own[:, 1:].T), np.cov(goal[:, 1:].T))
    shift = goal[:, 1:].mean(0) - matrix @ own[:, 1:].mean(0)
    ab = lab[..., 1:] @ matrix.T.astype(np.float32) + shift.astype(np.float32)
    steps = np.linspace(0, 1, 33)
    low, high = np.quantile(own[:, 0], steps), np.quantile(goal[:, 0], steps)
    # A curve of bounded slope: banded skies and crushed shadows come from steep ones.
    levels = np.linspace(0, 100, 65)
    curve = np.interp(levels, low + np.arange(33) * 1e-6, high)
    curve = 0.6 * curve + 0.4 * (high.mean() + (levels - low.mean()) * _ratio(high, low))
    rows = np.maximum.accumulate(cv2.GaussianBlur(curve.reshape(1, -1), (9, 1), 2).ravel())
    index = lab[..., 0] * np.float32(64 / 100)
    base = np.clip(index.astype(np.int32), 0, 63)
    part = index - base
    table = rows.astype(np.float32)
    lightness = table[base] * (1 - part) + table[base + 1] * part
    lab[..., 0] += np.float32(light) * (lightness - lab[..., 0])
    lab[..., 1:] += np.float32(colour) * (ab - lab[..., 1:])
    return to_rgb(lab)


def _ratio(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """Contrast of the goal over one's own, held between a half and one and a half."""
    return float(np.clip(high.std() / max(low.std(), 1e-3), 0.5, 1.5))


def _transport(own: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Symmetric matrix that turns covariance ``own`` into ``goal``, stretch at most 3."""
    # Grey photographs have next to no colour to stretch: the ridge keeps noise from it.
    own = own + 20 * np.eye(2)
    values, vectors = np.linalg.eigh(own)
    root = vectors * np.sqrt(values) @ vectors.T
    inverse = vectors / np.sqrt(values) @ vectors.T
    between = root @ (goal + 1e-3 * np.eye(2)) @ root
    inner, basis = np.linalg.eigh(between)
    matrix = inverse @ (basis * np.sqrt(np.maximum(inner, 0)) @ basis.T) @ inverse
    inner, basis = np.linalg.eigh((matrix + matrix.T) / 2)
    return (basis * np.clip(inner, 0.15, 3)) @ basis.T


def warm(picture: Picture, amount: float) -> Picture:
    """Shift the white point: above zero towards candlelight, below towards moonlight."""
    return mix(picture, np.diag([1 + amount, 1.0, 1 - 1.3 * amount]))


def saturate(picture: Picture, factor: float) -> Picture:
    """Multiply the distance of each colour from its grey by a factor."""
    matrix = factor * np.eye(3) + (1 - factor) / 3
    return mix(picture, matrix)


def mix(picture: Picture, matrix: NDArray[np.float64]) -> Picture:
    """Multiply every colour by a matrix ``(3, 3)``, rows giving red, green and blue."""
    return np.asarray(cv2.transform(picture, matrix), np.float32).clip(0, 1)
