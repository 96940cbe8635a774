"""The domain classifier and the features it may see."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.learning.agreement import map_logs
from spgen_lit.learning.reversal import reverse

Level = Literal["shallow", "middle", "deep", "bottleneck", "prediction"]


def features_at(scenes: Any, level: Level) -> Tensor:
    """Maps ``(image, channels, height, width)`` of one level of encoded images.

    ``shallow``, ``middle`` and ``deep`` are the encoder's first, middle and last tap (the
    published network adapts ``deep``); ``bottleneck`` is the decoder's output, and
    ``prediction`` the product of the same with where the network expects gaze: its mean
    over places is the multilinear map of features and prediction that conditional
    adversarial networks classify (CDAN, Long et al. 2018). As there, no gradient passes
    through the prediction.

    Raises:
        ValueError: For an unknown level.
    """
    taps = scenes.taps
    if level == "prediction":
        expected = map_logs(scenes).detach().exp().mean(1, keepdim=True)
        out: Tensor = scenes.features * expected * (expected.shape[-2] * expected.shape[-1])
        return out
    places = {"shallow": 0, "middle": len(taps) // 2, "deep": len(taps) - 1}
    if level in places:
        tap: Tensor = taps[places[level]]
        return tap
    if level == "bottleneck":
        bottleneck: Tensor = scenes.features
        return bottleneck
    raise ValueError(f"adaptation.levels must be from {get_args(Level)}, found {level!r}")


def channels_at(network: Any, level: Level) -> int:
    """Channels of the maps that :func:`features_at` gives for a network.

    Raises:
        ValueError: For an unknown level, or one that the network does not have.
    """
    taps = network.encoder.channels
    places = {"shallow": 0, "middle": len(taps) // 2, "deep": len(taps) - 1}
    if level in places:
        return int(taps[places[level]])
    if level in get_args(Level) and hasattr(network, "channels"):
        return int(network.channels)
    raise ValueError(
        f"adaptation.levels must be from {get_args(Level)}, and for network=published "
        f"from {tuple(places)}; found {level!r}"
    )


class DomainHead(nn.Module):
    """Tells source from target: n → 360 → 2, on pooled features or at every place.

    Args:
        channels: Channels of the maps it sees.
        per_position: Classify each place of the map rather than its mean.
        hidden: Units of the hidden layer; 360 in the released code.
    """

    def __init__(self, channels: int, per_position: bool = False, hidden: int = 360) -> None:
        super().__init__()
        self.per_position = per_position
        self.first = nn.Linear(channels, hidden)
        self.last = nn.Linear(hidden, 2)

    def forward(self, maps: Tensor) -> Tensor:
        """Logits ``(row, 2)``; rows are images, or places of images one after another."""
        flat = maps.flatten(2)
        rows = flat.mT.flatten(0, 1) if self.per_position else flat.mean(2)
        out: Tensor = self.last(self.first(rows).relu())
        return out


def domain_loss(
    head: nn.Module, source: Tensor, target: Tensor, coefficient: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Cross-entropy of the domain classifier behind gradient reversal.

    Both domains weigh the same, whatever their batch sizes.

    Args:
        head: The classifier; it learns at full rate whatever the coefficient.
        source: Maps of source images.
        target: Maps of target images.
        coefficient: λ of the reversal.

    Returns:
        The loss, and the classifier's accuracy on source and on target.
    """
    losses, accuracies = [], []
    for label, maps in enumerate((source, target)):
        # Adding a gradient of zeros is not nothing: it changes the order of rounding.
        logits = head(reverse(maps, coefficient) if coefficient else maps.detach())
        losses.append(F.cross_entropy(logits, logits.new_full((len(logits),), label).long()))
        accuracies.append((logits.detach().argmax(1) == label).float().mean())
    return torch.stack(losses).mean(), accuracies[0], accuracies[1]
