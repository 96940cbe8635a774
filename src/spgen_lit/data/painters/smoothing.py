"""Kuwahara filters: flat regions with crisp borders, the mark of a loaded brush."""

from __future__ import annotations

import cv2
import numpy as np

from spgen_lit.data.painters.flow import Flow, Picture, Plane, blur, grid, luma


def kuwahara(picture: Picture, radius: int) -> Picture:
    """Each pixel becomes the mean of the calmest of its four quadrants (Kuwahara 1976).

    Args:
        picture: RGB picture ``(height, width, 3)``.
        radius: Side of a quadrant in px less one; 0 changes nothing.

    Returns:
        The filtered picture.
    """
    if radius < 1:
        return picture
    near, far = radius // 2, radius - radius // 2
    padded = np.pad(picture, ((far, far), (far, far), (0, 0)), mode="reflect")
    window = (radius + 1, radius + 1)
    # The window of an even side hangs to one side; `near` and `far` make up for it.
    mean = np.asarray(cv2.boxFilter(padded, -1, window, anchor=(near, near)), np.float32)
    grey = luma(padded)
    square = np.asarray(cv2.boxFilter(grey * grey, -1, window, anchor=(near, near)), np.float32)
    spread = square - np.square(luma(mean))
    height, width = picture.shape[:2]
    best: Picture | None = None
    least: Plane | None = None
    for top in (0, far + near):
        for left in (0, far + near):
            place = np.s_[top : top + height, left : left + width]
            if best is None or least is None:
                best, least = mean[place].copy(), spread[place].copy()
                continue
            calmer = spread[place] < least
            np.copyto(least, spread[place], where=calmer)
            np.copyto(best, mean[place], where=calmer[..., None])
    assert best is not None
    return best


def anisotropic_kuwahara(
    picture: Picture, flow: Flow, radius: float, sectors: int = 8, sharpness: float = 4.0
) -> Picture:
    """Kuwahara filter whose eight sectors lie on an ellipse stretched along the flow.

    After Kyprianidis et al. (2009), with each sector's weighted mean and spread taken as
    a Gaussian one centred in the sector. So one blur serves all sectors and the filter
    costs a remap a sector whatever its radius.

    Args:
        picture: RGB picture ``(height, width, 3)``.
        flow: Directions, see `brush_flow`.
        radius: Radius of the ellipse in px where nothing has a direction.
        sectors: How many sectors.
        sharpness: How strongly the calmest sectors win.

    Returns:
        The filtered picture.
    """
    sigma = radius * 0.4
    grey = luma(picture)
    mean = blur(picture, sigma)
    spread = blur(grey * grey, sigma) - np.square(luma(mean))
    stack = np.dstack([mean, np.maximum(spread, 0)])
    stretch = 1 + flow.anisotropy
    along, across = stretch * (0.6 * radius), (0.6 * radius) / stretch
    columns, rows = grid(grey.shape)
    total = np.zeros_like(stack)
    for angle in 2 * np.pi * np.arange(sectors) / sectors:
        forward, sideways = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        a, b = along * forward, across * sideways
        moved = cv2.remap(
            stack,
            columns + a * flow.x - b * flow.y,
            rows + a * flow.y + b * flow.x,
            cv2.INTER_LINEAR,
            None,
            cv2.BORDER_REFLECT_101,
        )
        sector = np.asarray(moved, np.float32)
        calm = 1 / (sector[..., 3] + np.float32(1e-5))
        weight = calm ** np.float32(sharpness / 2) if sharpness != 4 else calm * calm
        sector[..., 3] = 1
        sector *= weight[..., None]
        total += sector
    return total[..., :3] / total[..., 3:]


def refine(photo: Picture, coarse: Picture, fine: Picture, unit: float) -> Picture:
    """Finer paint where coarse paint loses most: a painter spends small brushes on faces.

    Args:
        photo: What is painted.
        coarse: It in broad paint.
        fine: It in finer paint.
        unit: Size of one brush unit in px.

    Returns:
        The two mixed, smoothly from place to place.
    """
    lost = blur(np.abs(luma(photo) - luma(coarse)), 2.5 * unit)
    share = np.clip(14 * lost - 0.35, 0, 1)[..., None]
    return coarse + (fine - coarse) * share
