"""The published SPGen design as a trainable network, without its faults of use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from spgen_lit.network.encoders.base import Domain, Encoder
from spgen_lit.network.fixation import soft_argmax
from spgen_lit.network.priors import GaussianPriors
from spgen_lit.network.published_faithful import (
    ChannelGate,
    ReleasedOutput,
    ReleasedSPGen,
    decoder,
    load_published,
)

__all__ = [
    "PublishedOutput",
    "PublishedSPGen",
    "PublishedSamples",
    "ReleasedOutput",
    "ReleasedSPGen",
    "load_published",
]


def _selected(keep: Tensor) -> Tensor:
    """Gates above their own path's mean; the highest one where all are equal."""
    chosen = keep > keep.mean(-1, keepdim=True)
    first = torch.zeros_like(chosen).scatter_(-1, keep.argmax(-1, keepdim=True), True)
    return torch.where(chosen.any(-1, keepdim=True), chosen, first)


@dataclass(frozen=True)
class PublishedOutput:
    """What training sees.

    Attributes:
        xy: Places ``(batch, fixation, 2)``, x, y in shares of width and height.
        keep: Selection gates ``(batch, fixation)`` in (0, 1).
        features: The encoder's last maps ``(batch, 1280, height/32, width/32)``, which the
            domain head pools.
    """

    xy: Tensor
    keep: Tensor
    features: Tensor

    @property
    def selected(self) -> Tensor:
        """Which fixations are in the scanpath: ``(batch, fixation)`` bool, at least one each."""
        return _selected(self.keep)


class PublishedSamples(NamedTuple):
    """Scanpaths sampled for one image.

    Attributes:
        xy: Places ``(sample, fixation, 2)``, x, y in shares of width and height.
        selected: Which of them are in the scanpath: ``(sample, fixation)`` bool.
    """

    xy: Tensor
    selected: Tensor

    @property
    def paths(self) -> list[Tensor]:
        """The selected places of each sample: tensors ``(n, 2)``, n of at least 1."""
        return [xy[chosen] for xy, chosen in zip(self.xy, self.selected, strict=True)]


class PublishedSPGen(nn.Module):
    """MobileNetV2, Gaussian priors, convolutional decoder, noise, selection and soft-argmax.

    The design of arXiv 2209.11338 and 2602.22049 and of the released code, with the faults
    of use mended: coordinates are x, y in shares of the image, min-max and selection run
    over each image alone, sampling is always in evaluation mode with a generator for each
    image, and above T = 1 the maps fade to nothing in place of turning negative. What is
    published stays: squared error on soft-argmax coordinates draws its fixations to the
    centre, and noise draws them further.

    Args:
        encoder: Its last maps are decoded. As released it is MobileNetV2, frozen whole: no
            gradient reaches it, so adaptation by gradient reversal cannot either.
        fixations: Maps, and so the most fixations that a path can have.
        gaussians: Number of learnable priors.
        freeze_priors: Keep the priors as they are, as released.

    Raises:
        ValueError: For fewer than one fixation, or what encoder and priors refuse.
    """

    def __init__(
        self,
        encoder: Encoder,
        fixations: int = 20,
        gaussians: int = 16,
        freeze_priors: bool = False,
    ) -> None:
        super().__init__()
        if fixations < 1:
            raise ValueError(f"fixations must be at least 1, found {fixations}")
        self.fixations = fixations
        self.encoder = encoder
        self.priors = GaussianPriors(gaussians).requires_grad_(not freeze_priors)
        self.decoder = decoder(encoder.channels[-1] + gaussians, fixations)
        self.gate = ChannelGate(fixations)

    def encode(self, images: Tensor, domain: Domain = "source") -> tuple[Tensor, Tensor]:
        """Features and noise-free maps, the part that samples of an image share.

        Args:
            images: RGB ``(batch, 3, height, width)``, uint8 or float in [0, 1].

        Returns:
            Features ``(batch, 1280, h, w)`` and maps ``(batch, fixation, h, w)``, where h
            and w are a 32nd of the image's, rounded up.
        """
        features = self.encoder(images, domain)[-1]
        priors = self.priors(*features.shape[-2:]).expand(len(images), -1, -1, -1)
        return features, self.decoder(torch.cat([features, priors], dim=1))

    def decode(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Places ``(batch, fixation, 2)`` and gates ``(batch, fixation)`` of the maps."""
        keep = self.gate(maps)
        return soft_argmax(maps * keep[:, :, None, None]), keep

    def forward(
        self, images: Tensor, temperature: float = 0.0, noise: Tensor | None = None
    ) -> PublishedOutput:
        """Places and gates for training.

        Args:
            images: RGB ``(batch, 3, height, width)``, uint8 or float in [0, 1].
            temperature: Share of noise in the maps; 0 trains without.
            noise: Noise of the maps' shape; drawn from torch's global generator without it.

        Raises:
            ValueError: For a temperature that is negative or not finite.
        """
        _check_temperature(temperature)
        features, maps = self.encode(images)
        if temperature > 0:
            given = torch.randn_like(maps) if noise is None else noise.to(maps)
            maps = _blend(maps, given, temperature)
        xy, keep = self.decode(maps)
        return PublishedOutput(xy, keep, features)

    @torch.no_grad()
    def sample(
        self,
        images: Tensor,
        samples: int = 1,
        temperature: float = 1.0,
        seeds: Sequence[int] | None = None,
    ) -> list[PublishedSamples]:
        """Scanpaths for each image, encoded once, in evaluation mode whatever the mode is.

        Args:
            images: RGB ``(batch, 3, height, width)``, uint8 or float in [0, 1].
            samples: Scanpaths an image; the first ones stay the same when more are asked.
            temperature: Share of noise: 0 gives the same path every time, 1 noise alone.
            seeds: One seed an image; 0, 1, … without. A path depends on its image, seed and
                temperature alone.

        Returns:
            One :class:`PublishedSamples` for each image, on the images' device.

        Raises:
            ValueError: For fewer than one sample, another number of seeds than images, or
                a temperature that is negative or not finite.
        """
        _check_temperature(temperature)
        given = range(len(images)) if seeds is None else seeds
        if samples < 1:
            raise ValueError(f"samples must be at least 1, found {samples}")
        if len(given) != len(images):
            raise ValueError(f"{len(images)} images need as many seeds, found {len(given)}")
        training = self.training
        self.eval()
        try:
            _, maps = self.encode(images)
            return [
                self.sample_maps(image_maps, samples, temperature, int(seed))
                for image_maps, seed in zip(maps, given, strict=True)
            ]
        finally:
            self.train(training)

    def sample_maps(
        self, maps: Tensor, samples: int, temperature: float, seed: int
    ) -> PublishedSamples:
        """Scanpaths of one image from its noise-free maps ``(fixation, h, w)``."""
        # Drawn on the CPU, one sample at a time: the same paths on every device and for
        # every number of samples.
        generator = torch.Generator().manual_seed(seed)
        noise = torch.stack([torch.randn(maps.shape, generator=generator) for _ in range(samples)])
        xy, keep = self.decode(_blend(maps[None], noise.to(maps), temperature))
        return PublishedSamples(xy, _selected(keep))


def _blend(maps: Tensor, noise: Tensor, temperature: float) -> Tensor:
    return max(1 - temperature, 0.0) * maps + temperature * noise


def _check_temperature(temperature: float) -> None:
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be finite and at least 0, found {temperature}")
