"""The released SPGen network under its own names, and the importer of its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from spgen_lit.network.encoders.mobilenet import mobilenet_v2_features
from spgen_lit.network.encoders.weights import load_strictly, read_weights
from spgen_lit.network.fixation import soft_argmax
from spgen_lit.network.priors import gaussian_maps, published_layout

FIXATIONS = 20
FEATURES = 1280


class ReleasedOutput(NamedTuple):
    """What the released forward pass gives.

    Attributes:
        coordinates: ``(batch, 20, 2)``: for ``faithful=True`` as released, expected column
            over the grid's height and expected row over its width; otherwise x, y from 0
            to 1 of the image's width and height.
        mask: ``(batch, 20)`` bool: which of the 20 fixations are in the scanpath.
        domain: ``(batch, 2)``: log-probabilities of the two domains.
    """

    coordinates: Tensor
    mask: Tensor
    domain: Tensor


def decoder(inputs: int, fixations: int) -> nn.Sequential:
    """Eight 3x3 convolutions from the bottleneck to one map a fixation, ReLU between."""
    widths = [inputs, 648, 648, 324, 324, 162, 162, fixations, fixations]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        conv = nn.Conv2d(before, after, 3, padding=1)
        nn.init.xavier_normal_(conv.weight)
        conv.bias = nn.Parameter(torch.zeros(after))
        layers += [conv, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class ChannelGate(nn.Module):
    """Differentiable fixation selection: one gate in (0, 1) for each map.

    Min-max, batch norm, global average and maximum, each through its own small MLP, joined.

    Args:
        channels: Number of maps.
        batch_wide: Take the minimum and maximum over the whole batch, as released, so that
            an image's gates depend on its batch-mates; otherwise over each image alone.
    """

    def __init__(self, channels: int = FIXATIONS, batch_wide: bool = False) -> None:
        super().__init__()
        narrow = max(channels // 4, 1)
        self.batch_wide = batch_wide
        self.bn2d = nn.BatchNorm2d(channels)
        self.mlp_avgp = self._mlp(channels, narrow)
        self.mlp_maxgp = self._mlp(channels, narrow)
        self.merge = nn.Sequential(
            nn.Flatten(), nn.Linear(2 * narrow, channels), nn.Dropout(0.2), nn.Sigmoid()
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight)

    @staticmethod
    def _mlp(wide: int, narrow: int) -> nn.Sequential:
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in ((wide, wide), (wide, narrow), (narrow, narrow)):
            layers += [nn.Linear(before, after), nn.ReLU()]
        return nn.Sequential(*layers)

    def forward(self, maps: Tensor) -> Tensor:
        """Gates ``(batch, fixation)`` of maps ``(batch, fixation, height, width)``."""
        if self.batch_wide:
            low, high = maps.min(), maps.max()
        else:
            low, high = maps.amin((1, 2, 3), keepdim=True), maps.amax((1, 2, 3), keepdim=True)
        scaled = self.bn2d((maps - low) / (high - low + 1e-7))
        mean = self.mlp_avgp(scaled.mean((2, 3)))
        peak = self.mlp_maxgp(scaled.amax((2, 3)))
        gates: Tensor = self.merge(torch.cat([mean, peak], dim=1))
        return gates


class ReleasedSPGen(nn.Module):
    """The released network (kmamine/SP_Gen, ``ScanPathModel``) with its parameter names.

    Reproduces the released forward pass to float precision, its order of random draws
    included. The gradient reversal before the domain classifier, which leaves the forward
    pass as it is, is left out. Encoder and priors are frozen, as released.

    Args:
        faithful: Keep the batch-wide min-max and threshold, the released coordinates and
            the sign flip above temperature 1; see :func:`load_published` for the rest.
    """

    def __init__(self, faithful: bool = True) -> None:
        super().__init__()
        self.faithful = faithful
        self.encoder = mobilenet_v2_features("torch").requires_grad_(False)
        self.gaussians = nn.Parameter(published_layout(), requires_grad=False)
        self.scanpath_decoder = decoder(FEATURES + len(self.gaussians), FIXATIONS)
        self.ChannelGate = ChannelGate(FIXATIONS, batch_wide=faithful)
        self.ChannelGate.bn1d = nn.BatchNorm1d(FIXATIONS)  # stored in checkpoints, never used
        self.domain_classifier = nn.Sequential(
            nn.Linear(FEATURES, 360), nn.ReLU(), nn.Linear(360, 2), nn.LogSoftmax(dim=1)
        )
        self.rand_mul = nn.Parameter(torch.rand(1))  # stored in checkpoints, never used

    def forward(
        self,
        images: Tensor,
        temperature: float = 0.5,
        *,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> ReleasedOutput:
        """One scanpath for each image.

        Args:
            images: BGR in 0 to 255 ``(batch, 3, height, width)``; released at 240x320.
            temperature: Fraction T of noise in the maps: (1 - T)·maps + T·noise.
            generator: CPU generator of the noise; torch's global one without it.
            noise: Noise ``(batch, 20, ⌈height/32⌉, ⌈width/32⌉)`` in place of drawn noise.

        Raises:
            ValueError: For images or noise of another shape.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(
                f"images must be (batch, 3, height, width), found {tuple(images.shape)}"
            )
        features = self.encoder(images.to(self.gaussians.dtype))
        height, width = features.shape[-2:]
        priors = gaussian_maps(self.gaussians, height, width).expand(len(images), -1, -1, -1)
        maps = self.scanpath_decoder(torch.cat([features, priors], dim=1))
        if noise is None:
            # Drawn on the CPU at every temperature, as released, so that what is drawn
            # afterwards (dropout in training mode) is the same too.
            noise = torch.randn(maps.shape, generator=generator)
        elif noise.shape != maps.shape:
            raise ValueError(f"noise must be {tuple(maps.shape)}, found {tuple(noise.shape)}")
        fraction = 1 - temperature if self.faithful else max(1 - temperature, 0.0)
        maps = fraction * maps + temperature * noise.to(maps)
        gates = self.ChannelGate(maps)
        mask = gates > (gates.mean() if self.faithful else gates.mean(1, keepdim=True))
        gated = maps * gates[:, :, None, None]
        coordinates = soft_argmax(gated)
        if self.faithful:
            cells = coordinates * gated.new_tensor([width, height]) - 0.5
            coordinates = cells / gated.new_tensor([height, width])
        return ReleasedOutput(coordinates, mask, self.domain_classifier(features.mean((2, 3))))


def load_published(
    path_or_state_dict: str | Path | Mapping[str, Tensor], faithful: bool = True
) -> ReleasedSPGen:
    """The released network with the weights of a released checkpoint, in evaluation mode.

    The released script never calls ``eval()``, so its dropout and batch statistics stay on
    and a scanpath at T = 0 is still random: ``.train()`` gives that behavior back.

    With ``faithful=False`` the same weights are used without the faults of use:

    - min-max and selection threshold run over each image alone, not over the batch;
    - coordinates are x, y at cell centers, from 0 to 1 of the image's width and height; as
      released, x is divided by the grid's height, y by its width, and both by the corner;
    - above T = 1 the maps' weight stays 0 in place of turning negative.

    Args:
        path_or_state_dict: File saved by ``torch.save(model.state_dict(), …)``, or that
            mapping itself.
        faithful: Reproduce the released outputs to float precision.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no state_dict, or naming the first missing, unexpected or
            mis-shaped entry.
    """
    if isinstance(path_or_state_dict, Mapping):
        state, where = path_or_state_dict, "state_dict"
    else:
        state, where = read_weights(path_or_state_dict), str(path_or_state_dict)
    model = ReleasedSPGen(faithful)
    load_strictly(model, state, f"{where}, read as a released SPGen checkpoint")
    return model.eval()
