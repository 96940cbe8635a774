"""The random noise sampler in latent space: what makes scanpaths stochastic."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

NoiseKind = Literal["gumbel", "gaussian", "uniform"]
_GUMBEL_DEVIATION = 1.2825498301618641  # π/√6
_TINY = 1e-20


def path_seed(seed: int, image: str, sample: int) -> int:
    """The seed of one sampled path: the same alone, in any batch, on any device.

    Args:
        seed: Seed of the run.
        image: Identifier of the image.
        sample: Index of the sample on that image.

    Returns:
        An integer in [0, 2⁶³).
    """
    digest = hashlib.blake2b(
        f"{seed}\n{image}\n{sample}".encode("utf-8", "surrogateescape"), digest_size=8
    ).digest()
    return int.from_bytes(digest, "big") >> 1


def normal_from_gumbel(one: Tensor, other: Tensor) -> Tensor:
    """Standard normal draws from two independent standard Gumbel draws, of any shape.

    Both are functions of uniform draws, -log u = exp(-g), which Box and Muller (1958) turn
    into a normal one; every operation exists in ONNX.
    """
    radius = (2 * torch.exp(-one)).sqrt()
    return radius * torch.cos(2 * math.pi * torch.exp(-torch.exp(-other)))


class NoiseSampler(nn.Module):
    """Noise added to the logits of the next fixation, scaled by the temperature.

    ``logits + T · noise``: T = 0 gives the most likely path, and with Gumbel noise T = 1
    draws exactly from the learned distribution; larger T explores. Gaussian and uniform
    noise have the deviation of Gumbel's, so that one temperature means the same spread.

    Args:
        kind: ``gumbel``, ``gaussian`` or ``uniform``.

    Raises:
        ValueError: For another kind.
    """

    def __init__(self, kind: NoiseKind = "gumbel") -> None:
        super().__init__()
        if kind not in get_args(NoiseKind):
            raise ValueError(f"noise must be one of {get_args(NoiseKind)}, found {kind!r}")
        self.kind = kind

    def draw(self, shape: Sequence[int], seeds: Sequence[int]) -> Tensor:
        """Noise ``(path, *shape)`` on the CPU, one generator a path.

        Drawn on the CPU whatever the device, so that a seed means the same path everywhere.
        """
        out = torch.empty(len(seeds), *shape)
        for row, seed in zip(out, seeds, strict=True):
            generator = torch.Generator().manual_seed(seed)
            if self.kind == "gaussian":
                row.normal_(generator=generator)
            else:
                row.uniform_(generator=generator)
        if self.kind == "gumbel":
            return -(-out.clamp_min(_TINY).log()).clamp_min(_TINY).log()
        if self.kind == "uniform":
            return (2 * out - 1) * (3**0.5 * _GUMBEL_DEVIATION)
        return out * _GUMBEL_DEVIATION

    def forward(self, logits: Tensor, noise: Tensor, temperature: float) -> Tensor:
        """Logits with noise: ``(path, place)`` both.

        Raises:
            ValueError: For a temperature below zero or not finite.
        """
        if not 0 <= temperature < float("inf"):
            raise ValueError(f"temperature must be finite and at least 0, found {temperature}")
        return logits + temperature * noise if temperature else logits
