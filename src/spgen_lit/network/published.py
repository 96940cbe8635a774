"""The published SPGen design as a trainable network, without its faults of use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from spgen_lit.batch import VIEWING, PathBatch
from spgen_lit.network.encoders.base import Domain, Encoder
from spgen_lit.network.fixation import soft_argmax
from spgen_lit.network.losses import regression_loss, weighted
from spgen_lit.network.noise import generator
from spgen_lit.network.priors import GaussianPriors
from spgen_lit.network.protocol import Encoded, Network
from spgen_lit.network.released import ChannelGate, decoder
from spgen_lit.network.spgen import checked_temperature


class PublishedSPGen(nn.Module, Network):
    """Encoder, Gaussian priors, convolutional decoder, noise, selection and soft-argmax.

    The design of arXiv 2209.11338 and 2602.22049 and of the released code, with the faults
    of use mended: coordinates are x, y from 0 to 1 of the image, min-max and selection run
    over each image alone, sampling has random numbers of its own for each path, and above
    T = 1 the maps fade to nothing in place of turning negative. What is published stays:
    squared error on soft-argmax coordinates draws its fixations to the center, and noise
    draws them further. Viewing conditions are not seen by this design, and since coordinates
    are regressed no path has a likelihood.

    Args:
        encoder: Gives feature maps, of which the last is used. Frozen, as released, no
            gradient reaches it, so that adaptation by gradient reversal cannot either.
        frame: Width and height in px; the released test script used 320x240.
        max_fixations: Maps, and so the most fixations that a path can have.
        priors: Number of learnable Gaussian priors.
        freeze_priors: Keep the priors as they are, as released.
        temperature: Default temperature of sampling: the fraction of noise in the maps.

    Raises:
        ValueError: For fewer than one fixation, or what encoder and priors refuse.
    """

    def __init__(
        self,
        encoder: Encoder,
        frame: tuple[int, int] = (320, 256),
        max_fixations: int = 20,
        priors: int = 16,
        freeze_priors: bool = False,
        temperature: float = 0.5,
    ) -> None:
        super().__init__()
        if max_fixations < 1:
            raise ValueError(f"network.max_fixations must be at least 1, found {max_fixations}")
        self.frame = (int(frame[0]), int(frame[1]))
        self.max_fixations = max_fixations
        self.datasets: tuple[str, ...] = ()
        self.temperature = checked_temperature(temperature)
        self.encoder = encoder
        self.channels = encoder.channels[-1]
        self.priors = GaussianPriors(priors).requires_grad_(not freeze_priors)
        self.decoder = decoder(self.channels + priors, max_fixations)
        self.gate = ChannelGate(max_fixations)

    def encode(self, images: Tensor, domain: Domain = "source") -> Encoded:
        """Encode RGB images ``(image, 3, height, width)``, uint8 or float in [0, 1], once.

        The maps ``(image, fixation, h, w)`` are those of the decoder, without noise.
        """
        taps = self.encoder(images, domain)
        features = taps[-1]
        priors = self.priors(*features.shape[-2:], domain).expand(len(images), -1, -1, -1)
        return Encoded(taps, features, self.decoder(torch.cat([features, priors], dim=1)))

    def decode(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Places ``(row, fixation, 2)`` and gates ``(row, fixation)`` of maps."""
        keep = self.gate(maps)
        return soft_argmax(maps * keep[:, :, None, None]), keep

    def forward(self, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Places ``(image, fixation, 2)`` and gates ``(image, fixation)`` without noise."""
        return self.decode(encoded.maps)

    def loss(self, encoded: Encoded, paths: PathBatch, weights: Tensor) -> dict[str, Tensor]:
        """Squared error against every observer's path; weights ``(image,)``."""
        xy, keep = self(encoded)
        return weighted(regression_loss(xy, keep, paths), weights)

    @torch.no_grad()
    def sample(
        self,
        encoded: Encoded,
        seeds: Sequence[Sequence[int]],
        temperature: float | None = None,
        viewing: Tensor | None = None,
    ) -> PathBatch:
        """Draw scanpaths without durations; see :class:`~spgen_lit.network.protocol.Network`.

        Raises:
            ValueError: For a temperature that is negative or not finite.
        """
        chosen = self.temperature if temperature is None else checked_temperature(temperature)
        maps, shape = encoded.maps, (len(seeds), len(seeds[0]))
        flat = (generator(seed) for row in seeds for seed in row)
        drawn = np.stack([one.standard_normal(maps.shape[1:], np.float32) for one in flat])
        noise = chosen * torch.from_numpy(drawn).to(maps)
        fraction = max(1 - chosen, 0.0)
        xy, keep = self.decode(fraction * maps.repeat_interleave(shape[1], 0) + noise)
        chosen_ones = selected(keep)
        # The selected fixations first, in their order; the rest is padding.
        order = (~chosen_ones).to(torch.uint8).argsort(dim=1, stable=True)
        length = chosen_ones.sum(1)
        mask = torch.arange(xy.shape[1], device=xy.device) < length[:, None]
        xy = xy.gather(1, order[..., None].expand_as(xy)) * mask[..., None]
        durations = torch.where(mask, float("nan"), 0.0)
        given = torch.full((*shape, len(VIEWING)), float("nan"), device=xy.device)
        return PathBatch(
            xy.unflatten(0, shape), durations.unflatten(0, shape), length.view(shape), given
        )


def selected(keep: Tensor) -> Tensor:
    """Gates ``(row, fixation)`` above their path's mean; the highest where all are equal."""
    chosen = keep > keep.mean(-1, keepdim=True)
    first = torch.zeros_like(chosen).scatter_(-1, keep.argmax(-1, keepdim=True), True)
    return torch.where(chosen.any(-1, keepdim=True), chosen, first)
