"""Oil on canvas: brushed wet (`oil`) and laid in flat patches (`patches`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.painters.colour import invented_palette, saturate, transfer, warm
from spgen_lit.data.painters.flow import Picture, brush_flow, smear
from spgen_lit.data.painters.smoothing import anisotropic_kuwahara, kuwahara, refine
from spgen_lit.data.painters.surface import relief, weave


def oil(
    photo: Picture, rng: np.random.Generator, unit: float, palette: NDArray[np.uint8] | None
) -> Picture:
    """Anisotropic Kuwahara filter under bristle marks that follow the form.

    Args:
        photo: RGB picture ``(height, width, 3)``.
        rng: Stroke size, warmth, impasto.
        unit: Size of one brush unit in px (1 for a picture 384 px high).
        palette: Painting to take some colour from, or None.

    Returns:
        The painted picture.
    """
    radius = rng.uniform(3.5, 6) * unit
    warmth, chroma = rng.uniform(-0.02, 0.1), rng.uniform(1.05, 1.35)
    depth, bristles = rng.uniform(0.035, 0.075), rng.uniform(10, 20) * unit
    if palette is not None:
        photo = transfer(photo, palette, colour=rng.uniform(0.4, 0.8), light=0.5)
    flow = brush_flow(photo, rng, 2.5 * unit)
    broad = anisotropic_kuwahara(photo, flow, 1.2 * radius, sectors=6)
    close = anisotropic_kuwahara(photo, flow, 0.4 * radius, sectors=4)
    paint = refine(photo, broad, close, unit)
    paint = saturate(warm(paint, warmth), chroma)
    noise = rng.standard_normal(paint.shape[:2], dtype=np.float32)
    ridges = smear(noise, flow, bristles)
    ridges /= ridges.std()
    # Bristles also carry unevenly mixed paint.
    paint = paint * (1 + 0.03 * ridges[..., None])
    return relief(paint.clip(0, 1), ridges, depth)


def patches(
    photo: Picture, rng: np.random.Generator, unit: float, palette: NDArray[np.uint8] | None
) -> Picture:
    """Kuwahara filter twice, the colours of a painting, canvas grain.

    Arguments and result as for `oil`; without a palette an invented one is taken.
    """
    first = max(2, round(rng.uniform(2.6, 5) * unit))
    second = max(1, round(rng.uniform(2, 3.5) * unit))
    colour, light = rng.uniform(0.6, 0.95), rng.uniform(0.4, 0.8)
    depth, pitch = rng.uniform(0.025, 0.05), rng.uniform(3, 4.5) * max(unit, 0.8)
    goal = invented_palette(rng) if palette is None else palette
    paint = kuwahara(kuwahara(photo, first), second)
    paint = transfer(paint, goal, colour, light)
    return relief(paint, weave(paint.shape[:2], rng, pitch), depth)
