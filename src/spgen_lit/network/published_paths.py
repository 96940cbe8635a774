"""The published network behind the interface that training and prediction speak to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spgen_lit.batch import PathBatch
from spgen_lit.network.encoders.base import Domain, Encoder
from spgen_lit.network.published import PublishedSPGen
from spgen_lit.network.spgen import Drawn


@dataclass(frozen=True)
class PublishedScenes:
    """Encoded images: the encoder's last maps and the decoder's noise-free maps."""

    taps: list[Tensor]
    features: Tensor
    maps: Tensor


@dataclass(frozen=True)
class RegressionOutputs:
    """What the published design says of one image: the same for every observer.

    Attributes:
        xy: Places ``(fixation, 2)``, x, y in [0, 1].
        keep: Selection gates ``(fixation,)`` in (0, 1).
    """

    xy: Tensor
    keep: Tensor


class PublishedPaths(nn.Module):
    """``network=published``: coordinates by soft-argmax, regressed; noise by blending.

    Args:
        encoder: As released it is MobileNetV2, frozen whole.
        frame: Width and height in px; the released test script used 320x240.
        fixations: Maps, and so the most fixations of a path.
        priors: Number of learnable Gaussian priors.
        temperature: Default temperature of sampling.
    """

    def __init__(
        self,
        encoder: Encoder,
        frame: tuple[int, int] = (320, 224),
        fixations: int = 20,
        priors: int = 16,
        temperature: float = 0.5,
    ) -> None:
        super().__init__()
        self.frame = (int(frame[0]), int(frame[1]))
        self.max_fixations = fixations
        self.temperature = temperature
        self.design = PublishedSPGen(encoder, fixations, priors)
        self.encoder = encoder

    def encode(self, images: Tensor, domain: Domain = "source") -> PublishedScenes:
        """Encode RGB images ``(image, 3, height, width)`` once: uint8, or float in [0, 1]."""
        features, maps = self.design.encode(images, domain)
        return PublishedScenes([features], features, maps)

    def forward(self, scenes: PublishedScenes, paths: PathBatch) -> list[RegressionOutputs]:
        """Places and gates of every image; paths are not seen by this design."""
        xy, keep = self.design.decode(scenes.maps)
        return [RegressionOutputs(*row) for row in zip(xy, keep, strict=True)]

    @torch.no_grad()
    def sample(
        self,
        scenes: PublishedScenes,
        seeds: Sequence[Sequence[int]],
        temperature: float | None = None,
    ) -> list[list[Drawn]]:
        """Draw scanpaths; each depends on its image, its seed and the temperature alone."""
        chosen = self.temperature if temperature is None else temperature
        return [
            [self._one(maps, seed, chosen) for seed in own]
            for maps, own in zip(scenes.maps, seeds, strict=True)
        ]

    def _one(self, maps: Tensor, seed: int, temperature: float) -> Drawn:
        return Drawn(self.design.sample_maps(maps, 1, temperature, seed).paths[0], None)
