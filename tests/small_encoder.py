"""An encoder of five small convolutions: trainings that cost next to nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import nn

from spgen_lit.network.encoders.base import Encoder


class Small(Encoder):
    """Five strided convolutions with random weights."""

    def __init__(self, weights: str = "none", width: int = 8, **options: Any) -> None:
        sizes = [3, width, width, width, width, width]
        stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            )
            for before, after in pairwise(sizes)
        )
        super().__init__(
            stages,
            taps=(2, 3, 4),
            channels=sizes[3:],
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            origin="random (weights: none)",
            **options,
        )
