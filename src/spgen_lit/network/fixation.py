"""From maps to fixations: cells of a grid, soft-argmax and its local form."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cell_centers(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Centers ``(height·width, 2)`` of a grid's cells as x, y in [0, 1], row by row."""
    y = (torch.arange(height, device=device) + 0.5) / height
    x = (torch.arange(width, device=device) + 0.5) / width
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([grid_x.flatten(), grid_y.flatten()], dim=1)


def cell_of(xy: Tensor, height: int, width: int) -> Tensor:
    """Index of the cell that holds each place; places off the image go to its edge.

    Args:
        xy: ``(…, 2)`` x, y in [0, 1].

    Returns:
        Integers ``(…)`` in [0, height·width).
    """
    column = (xy[..., 0] * width).long().clamp(0, width - 1)
    row = (xy[..., 1] * height).long().clamp(0, height - 1)
    return row * width + column


def soft_argmax(logits: Tensor) -> Tensor:
    """Expected place under the softmax of a map (the published decoder's coordinates).

    Args:
        logits: ``(…, height, width)``.

    Returns:
        ``(…, 2)``: x, y in [0, 1]; a map with one sharp peak gives that cell's center.
    """
    height, width = logits.shape[-2:]
    weights = logits.flatten(-2).softmax(-1)
    return weights @ cell_centers(height, width, logits.device).to(weights.dtype)


def local_soft_argmax(logits: Tensor, index: Tensor, height: int, width: int) -> Tensor:
    """Sub-cell place around a cell: the soft-argmax of its 3x3 neighborhood.

    Unlike the global form it cannot pull a fixation towards the mean of distant modes.

    Args:
        logits: ``(…, height·width)``.
        index: The cell ``(…)``.

    Returns:
        ``(…, 2)``: x, y in [0, 1], within one and a half cells of the cell's center.
    """
    offsets = torch.tensor([-1, 0, 1], device=logits.device)
    row = (index // width)[..., None, None] + offsets[:, None]
    column = (index % width)[..., None, None] + offsets
    inside = ((row >= 0) & (row < height) & (column >= 0) & (column < width)).flatten(-2)
    near = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).flatten(-2)
    values = logits.gather(-1, near).masked_fill(~inside, float("-inf"))
    centers = cell_centers(height, width, logits.device).to(logits.dtype)
    return (values.softmax(-1)[..., None] * centers[near]).sum(-2)


def soft_targets(xy: Tensor, height: int, width: int, sigma: float, aspect: float = 1.0) -> Tensor:
    """Target distributions: a Gaussian around each fixation, summing to one on the grid.

    Sigma stands for the eye tracker's error and for observers landing beside the same
    thing; it is label smoothing by distance.

    Args:
        xy: ``(…, 2)`` x, y in [0, 1].
        sigma: In cells (of the grid's height); 0 puts all on the fixation's cell.
        aspect: Width of a cell over its height.

    Returns:
        ``(…, height·width)``.
    """
    if sigma <= 0:
        return F.one_hot(cell_of(xy, height, width), height * width).to(xy.dtype)
    x = (torch.arange(width, device=xy.device) + 0.5) / width
    y = (torch.arange(height, device=xy.device) + 0.5) / height
    # A softmax of the exponents: the plain ratio is 0/0 for a sigma far below a cell.
    dx = (xy[..., 0:1].clamp(0, 1) - x) * (width * aspect / sigma)
    dy = (xy[..., 1:2].clamp(0, 1) - y) * (height / sigma)
    across, down = (-0.5 * dx * dx).softmax(-1), (-0.5 * dy * dy).softmax(-1)
    return (down[..., :, None] * across[..., None, :]).flatten(-2)
