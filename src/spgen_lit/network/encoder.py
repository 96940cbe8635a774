"""The encoder: features of MobileNetV2 at several depths, some of its layers frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.network.feature_store import FeatureStore, signature
from spgen_lit.network.mobilenet import CHANNELS, LAYERS, Padding, mobilenet_v2_features

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)


def normalise(images: Tensor) -> Tensor:
    """ImageNet mean and deviation taken out of RGB images.

    Args:
        images: ``(batch, 3, height, width)``, uint8 in 0-255 or float in [0, 1].

    Returns:
        Float tensor of the same shape.

    Raises:
        ValueError: For another shape than ``(batch, 3, height, width)``.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must be (batch, 3, height, width), found {tuple(images.shape)}")
    values = images.float() / 255 if images.dtype == torch.uint8 else images
    mean = torch.tensor(IMAGE_MEAN, device=images.device, dtype=values.dtype).view(3, 1, 1)
    std = torch.tensor(IMAGE_STD, device=images.device, dtype=values.dtype).view(3, 1, 1)
    return (values - mean) / std


def smoothed(images: Tensor, deviation: float) -> Tensor:
    """Images ``(batch, channels, height, width)`` blurred by a Gaussian.

    Args:
        images: Of any range.
        deviation: Of the Gaussian in px; 0 gives the images themselves.
    """
    if not deviation:
        return images
    radius = max(round(3 * deviation), 1)
    places = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (places / deviation) ** 2)
    channels = images.shape[1]
    row = (weights / weights.sum()).expand(channels, 1, 1, -1)
    wide = F.pad(images, (radius, radius, radius, radius), mode="reflect")
    across = F.conv2d(wide, row, groups=channels)
    return F.conv2d(across, row.transpose(2, 3), groups=channels)


class Encoder(nn.Module):
    """MobileNetV2 features at several depths.

    Args:
        padding: See :func:`mobilenet_v2_features`.
        taps: Layers (0 to 18) whose outputs are given, in ascending order.
        frozen_stages: This many first layers stay as they are (weights and statistics);
            19 freezes all.
        freeze_batch_norm: Keep the statistics of the trained layers' batch norms too;
            with batches of a few images re-estimating them does harm.
        smooth: Deviation in px of a Gaussian that blurs the images first; at most 8.
        two_scales: Encode the images at half their size too. A receptive field then covers four
            times the scene, and strokes and grain are lost in half.

    Attributes:
        store: Where the frozen layers' outputs are kept; None computes them every time.

    Raises:
        ValueError: For taps, a number of frozen stages or a blur out of range.
    """

    def __init__(
        self,
        padding: Padding = "torch",
        taps: Sequence[int] = (13, 18),
        frozen_stages: int = 4,
        freeze_batch_norm: bool = True,
        smooth: float = 0.0,
        two_scales: bool = False,
    ) -> None:
        super().__init__()
        if not taps or list(taps) != sorted(set(taps)) or not 0 <= taps[0] <= taps[-1] < LAYERS:
            raise ValueError(f"taps must be ascending layers within 0 to 18, found {list(taps)}")
        if not 0 <= frozen_stages <= LAYERS:
            raise ValueError(f"frozen_stages must be within 0 to 19, found {frozen_stages}")
        if not 0 <= smooth <= 8:
            raise ValueError(f"smooth must be from 0 to 8 px, found {smooth}")
        self.features = mobilenet_v2_features(padding)
        self.smooth = smooth
        self.two_scales = two_scales
        self.padding = padding
        self.taps = tuple(taps)
        self.channels = tuple(CHANNELS[tap] for tap in taps) * (1 + two_scales)
        self.frozen_stages = frozen_stages
        self.freeze_batch_norm = freeze_batch_norm
        self.store: FeatureStore | None = None
        self._name = ""
        for layer in list(self.features)[:frozen_stages]:
            layer.requires_grad_(False)
        # Modules begin in training mode, and the trainer leaves modes as they are.
        self.train()

    def train(self, mode: bool = True) -> Encoder:
        """Training mode, but for the batch norms that are to keep their statistics."""
        super().train(mode)
        for index, layer in enumerate(self.features):
            for module in layer.modules():
                if isinstance(module, nn.BatchNorm2d) and (
                    self.freeze_batch_norm or index < self.frozen_stages
                ):
                    module.eval()
        return self

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps ``(batch, channels, height/stride, width/stride)`` of every tap.

        With ``two_scales``, those of the images at half their size follow.

        Args:
            images: Normalised RGB ``(batch, 3, height, width)``.
        """
        maps = self._maps(images)
        return [*maps, *self._maps(F.avg_pool2d(images, 2))] if self.two_scales else maps

    def _maps(self, images: Tensor) -> list[Tensor]:
        if self.store is not None and self.frozen_stages:
            # Named late: by then the weights are those that training goes on with.
            self._name = self._name or self._frozen_name()
            kept = self.store(self._name, images, self._frozen)
            out = [part.contiguous(memory_format=torch.channels_last) for part in kept]
        else:
            out = self._frozen(images)
        # What the first trained layer takes: the last frozen layer's output, a tap or not.
        last = self.frozen_stages - 1
        x = out[-1] if last in self.taps or last > self.taps[-1] else out.pop()
        for index in range(self.frozen_stages, self.taps[-1] + 1):
            x = self.features[index](x)
            if index in self.taps:
                out.append(x)
        return out

    @torch.no_grad()
    def _frozen(self, images: Tensor) -> list[Tensor]:
        """The taps among the frozen layers, then what the first trained layer takes if other."""
        # Channels last is a fifth faster on CPUs, and what tensor cores want.
        x = smoothed(images, self.smooth).contiguous(memory_format=torch.channels_last)
        out = []
        for index in range(min(self.frozen_stages, self.taps[-1] + 1)):
            x = self.features[index](x)
            if index in self.taps:
                out.append(x)
        last = self.frozen_stages - 1
        return out if last in self.taps or last > self.taps[-1] else [*out, x]

    def _frozen_name(self) -> str:
        state = self.features[: self.frozen_stages].state_dict().values()
        return signature((self.padding, self.taps, self.frozen_stages, self.smooth), state)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Load a classification checkpoint with torchvision's names; its classifier is left.

        Raises:
            ValueError: Naming the first missing, unexpected or differently shaped entry.
        """
        found = {k: v for k, v in state.items() if k.startswith("features.")}
        # Branches for the target begin as the source's, which the checkpoint holds.
        wanted = {k: v for k, v in self.state_dict().items() if ".target_" not in k}
        for name in sorted(wanted.keys() | found.keys()):
            if name not in found or name not in wanted:
                kind = "lacks" if name not in found else "has the unexpected entry"
                raise ValueError(f"MobileNetV2 checkpoint {kind} {name!r} ({len(found)} features)")
            if found[name].shape != wanted[name].shape:
                raise ValueError(
                    f"MobileNetV2 checkpoint: {name!r} has shape {tuple(found[name].shape)}, "
                    f"needed {tuple(wanted[name].shape)}"
                )
        self.load_state_dict(found)
