"""Features that do not depend on how a scene is painted, learned without gaze."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from spgen_lit.network.encoders.base import Encoder
from spgen_lit.network.encoders.feature_store import FeatureStore


class Distillation:
    """Draws the encoder's features of a rendition to an untouched encoder's of its original.

    A photograph and its renditions show the same scene, so the features of the photograph are
    a target at every place of every rendition: far more to learn from than where a few
    observers looked. The teacher is the encoder as it was before training (feature
    distillation, Romero et al. 2015, between views that differ in style). It is no part of
    the module: a checkpoint holds no copy of it.

    Args:
        encoder: The encoder with the weights that training begins with.
        weight: Of this loss beside the scanpath loss.
        store: Where the teacher's features are kept; None computes them at every step.

    Raises:
        ValueError: For a weight that is not positive, or an encoder that cannot learn.
    """

    def __init__(
        self, encoder: Encoder, weight: float = 3.0, store: FeatureStore | None = None
    ) -> None:
        if not weight > 0:
            raise ValueError(f"distillation.weight must be above 0, found {weight}")
        if encoder.frozen:
            raise ValueError(
                "distillation needs an encoder that is trained, and network.encoder is frozen; "
                "lower network.encoder.frozen_stages, or set distillation.weight=0"
            )
        self.weight = weight
        self.teacher = encoder.frozen_copy(store)

    def __call__(self, taps: Sequence[Tensor], originals: Tensor) -> Tensor:
        """Squared distance to the teacher's features, in units of each channel's variance.

        Args:
            taps: The encoder's maps of the images shown, each ``(image, channel, h, w)``.
            originals: What they are renditions of, uint8 ``(image, 3, height, width)``;
                images shown as they are count too, and hold the encoder where it was.

        Returns:
            Scalar: 0 where all agree, 1 for what no better than guesses the mean.
        """
        self.teacher.to(originals.device)
        with torch.no_grad():
            targets = self.teacher(originals)
        losses = []
        for tap, target in zip(taps, targets, strict=True):
            variance = target.float().var((0, 2, 3), keepdim=True)
            # Channels that hardly vary on this batch must not outweigh the others.
            # Random weights may give maps of nothing, at no distance from one another.
            scale = variance + 0.1 * variance.mean() + 1e-12
            losses.append(((tap.float() - target).square() / scale).mean())
        return torch.stack(losses).mean()
