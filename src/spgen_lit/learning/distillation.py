"""Features that do not depend on how a scene is painted, learned without gaze."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from spgen_lit.network.encoders.base import Encoder
from spgen_lit.network.encoders.feature_store import FeatureStore


class Distillation:
    """Draws the encoder's features of a rendition to an untouched encoder's of its original.

    A photograph and its renditions show the same scene, so the features of the photograph are
    a target at every place of every rendition: far more to learn from than where a few people
    looked. The teacher is the encoder as it was before training (feature distillation, Romero
    et al. 2015, between views that differ in style).

    Args:
        weight: Of this loss beside the scanpath loss; 0 leaves it out.

    Raises:
        ValueError: For a negative weight.
    """

    def __init__(self, weight: float = 0.0) -> None:
        if not weight >= 0:
            raise ValueError(f"distillation.weight must be at least 0, found {weight}")
        self.weight = weight
        self.teacher: Encoder | None = None

    def attach(self, network: Any, store: FeatureStore | None = None) -> Distillation:
        """Keep the network's encoder as it now is for a teacher; returns itself.

        Args:
            network: :class:`~spgen_lit.network.spgen.SPGen` with its initial weights.
            store: Where the teacher's features are kept; None computes them at every step.

        Raises:
            ValueError: If the encoder is frozen, so that it could not learn.
        """
        if not self.weight:
            return self
        if network.encoder.frozen:
            raise ValueError(
                "distillation.weight is above 0 and the encoder is frozen; lower "
                "network.encoder.frozen_stages, or set distillation.weight=0"
            )
        self.teacher = network.encoder.frozen_copy(store)
        return self

    def __call__(self, taps: Sequence[Tensor], originals: Tensor) -> Tensor:
        """Squared distance to the teacher's features, in units of each channel's variance.

        Args:
            taps: The encoder's maps of the images shown, each ``(image, channel, h, w)``.
            originals: What they are renditions of, uint8 ``(image, 3, height, width)``;
                images shown as they are count too, and hold the encoder where it was.

        Returns:
            Scalar: 0 where all agree, 1 for what no better than guesses the mean.
        """
        if self.teacher is None:
            raise RuntimeError("attach() a network first")
        self.teacher.to(originals.device)
        with torch.no_grad():
            aims = self.teacher(originals)
        losses = []
        for tap, aim in zip(taps, aims, strict=True):
            variance = aim.float().var((0, 2, 3), keepdim=True)
            # Channels that hardly vary on this batch must not outweigh the others.
            # Random weights may give maps of nothing, at no distance from one another.
            scale = variance + 0.1 * variance.mean() + 1e-12
            losses.append(((tap.float() - aim).square() / scale).mean())
        return torch.stack(losses).mean()
