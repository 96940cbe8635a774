"""The bottleneck: encoder features of several depths and Gaussian priors on one grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.network.encoders.base import Domain
from spgen_lit.network.priors import GaussianPriors


class Neck(nn.Module):
    """Projects each tap, brings all to one grid, joins the priors, and decodes by 3x3.

    Args:
        inputs: Channels of the encoder's taps.
        channels: Channels of each projection and of the output.
        priors: Number of learnable Gaussian priors.
        layers: Number of 3x3 convolutions.
        dropout: Share of channels dropped after the projection.
        domain_priors: Give the target priors of its own.
    """

    def __init__(
        self,
        inputs: Sequence[int],
        channels: int = 64,
        priors: int = 16,
        layers: int = 2,
        dropout: float = 0.25,
        domain_priors: bool = False,
    ) -> None:
        super().__init__()
        self.project = nn.ModuleList(
            nn.Sequential(nn.Conv2d(n, channels, 1), nn.GroupNorm(8, channels), nn.ReLU())
            for n in inputs
        )
        self.priors = GaussianPriors(priors, domains=domain_priors)
        self.dropout = nn.Dropout2d(dropout)
        width = channels * len(inputs) + priors
        blocks: list[nn.Module] = []
        for _ in range(layers):
            blocks += [
                nn.Conv2d(width, channels, 3, padding=1),
                nn.GroupNorm(8, channels),
                nn.ReLU(),
            ]
            width = channels
        self.decode = nn.Sequential(*blocks)

    def forward(
        self, taps: Sequence[Tensor], height: int, width: int, domain: Domain = "source"
    ) -> Tensor:
        """Bottleneck features ``(batch, channels, height, width)``."""
        maps = [
            self._resize(project(tap), height, width)
            for project, tap in zip(self.project, taps, strict=True)
        ]
        priors = self.priors(height, width, domain).expand(len(taps[0]), -1, -1, -1)
        joined = self.dropout(torch.cat(maps, dim=1))
        out: Tensor = self.decode(torch.cat([joined, priors.to(joined.dtype)], dim=1))
        return out

    @staticmethod
    def _resize(maps: Tensor, height: int, width: int) -> Tensor:
        if maps.shape[-2:] == (height, width):
            return maps
        if maps.shape[-2] > height:
            return F.adaptive_avg_pool2d(maps, (height, width))
        return F.interpolate(maps, (height, width), mode="bilinear", align_corners=False)
