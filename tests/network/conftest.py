"""Small networks, with every parameter stirred so that no term is zero by its start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from spgen_lit.network.encoders.mobilenet import MobileNetV2
from spgen_lit.network.spgen import SPGen


@pytest.fixture
def small() -> Callable[..., SPGen]:
    """A network for 128x64 px images; 8x4 cells of 16 px."""

    def build(stirred: float = 0.2, **settings: Any) -> SPGen:
        torch.manual_seed(3)
        encoder = MobileNetV2(weights="none", taps=(6, 13), frozen_stages=0)
        defaults = {"frame": (128, 64), "channels": 8, "priors": 4, "max_fixations": 6}
        network = SPGen(encoder, **{**defaults, **settings})
        with torch.no_grad():
            for parameter in network.head.parameters():
                parameter.add_(torch.randn_like(parameter) * stirred)
        return network.eval()

    return build


@pytest.fixture
def images() -> torch.Tensor:
    """Three different images of 128x64 px, float in [0, 1]."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(3, 3, 8, 16, generator=generator)
    return torch.nn.functional.interpolate(coarse, (64, 128), mode="bilinear")
