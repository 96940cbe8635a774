"""Learnable Gaussian priors: maps of where people look whatever the image shows."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from spgen_lit.network.encoders.base import Domain

_PEAK = 6.0  # height of every map


def published_layout() -> Tensor:
    """The 16 initial priors of the published network: ``(16, axis, 2)``.

    Axis 0 is y and 1 is x; the last entry holds (mean, log sigma), from 0 to 1 of
    the image: nine round ones at {.25, .5, .75} squared, three wide bars each way, one broad.
    """
    places = (0.25, 0.5, 0.75)
    rows = [[(y, -1.5), (x, -1.5)] for y in places for x in places]
    rows += [[(0.5, 0.0), (x, -1.5)] for x in places]
    rows += [[(y, -1.5), (0.5, 0.0)] for y in places]
    rows += [[(0.5, 0.0), (0.5, 0.0)]]
    return torch.tensor(rows)


def prior_layout(count: int) -> Tensor:
    """Initial means and log sigmas ``(count, axis, 2)`` for any number of priors.

    Sixteen gives the published layout. Otherwise the first is broad and central, and the
    others lie on the smallest centered grid that holds them, as wide as its spacing.
    """
    if count == 16:
        return published_layout()
    rows = [[(0.5, 0.0), (0.5, 0.0)]] if count else []
    side = math.ceil(math.sqrt(max(count - 1, 1)))
    spacing = 1 / (side + 1)
    cells = [(i, j) for i in range(side) for j in range(side)]
    # Nearest to the center first, so that a partly filled grid stays centered.
    cells.sort(key=lambda c: (abs(c[0] - (side - 1) / 2) + abs(c[1] - (side - 1) / 2), c))
    spread = math.log(spacing)
    for i, j in cells[: max(count - 1, 0)]:
        rows.append([((i + 1) * spacing, spread), ((j + 1) * spacing, spread)])
    return torch.tensor(rows).reshape(count, 2, 2)


def gaussian_maps(gaussians: Tensor, height: int, width: int) -> Tensor:
    """Gaussian maps ``(map, height, width)`` of means and log sigmas ``(map, axis, 2)``."""
    y = torch.linspace(0, 1, height, device=gaussians.device, dtype=gaussians.dtype)
    x = torch.linspace(0, 1, width, device=gaussians.device, dtype=gaussians.dtype)

    def bell(grid: Tensor, axis: int) -> Tensor:
        mean, sigma = gaussians[:, axis, 0:1], gaussians[:, axis, 1:2].exp()
        return torch.exp(-0.5 * ((grid - mean) / sigma) ** 2)

    return _PEAK * bell(y, 0)[:, :, None] * bell(x, 1)[:, None, :]


class GaussianPriors(nn.Module):
    """Gaussian maps with learned centers and widths, joined to the bottleneck's features.

    Map k at (y, x) is ``6 · exp(-½((y-my)/sy)²) · exp(-½((x-mx)/sx)²)`` on a grid from
    0 to 1, with learned m and log s (SPGen, arXiv 2209.11338: 16 maps of height 6).

    Args:
        count: Number of maps; 0 gives none.
        domains: Give the target priors of its own, which begin as the source's.

    Raises:
        ValueError: For a negative count.
    """

    def __init__(self, count: int = 16, domains: bool = False) -> None:
        super().__init__()
        if count < 0:
            raise ValueError(f"count of priors must be at least 0, found {count}")
        self.gaussians = nn.Parameter(prior_layout(count))
        self.target_gaussians = nn.Parameter(prior_layout(count)) if domains else None

    def forward(self, height: int, width: int, domain: Domain = "source") -> Tensor:
        """The maps ``(count, height, width)``."""
        values = self.gaussians
        if self.target_gaussians is not None and domain == "target":
            values = self.target_gaussians
        return gaussian_maps(values, height, width)
