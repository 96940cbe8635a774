"""The energy score as a loss: what is measured, optimized directly on sampled scanpaths."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spgen_lit.batch import PathBatch
from spgen_lit.metrics import cross, energy_score, scanmatch, within
from spgen_lit.network.protocol import Encoded, Network


@dataclass(frozen=True)
class Refinement:
    """A second stage of training: REINFORCE on the energy score, beside the likelihood.

    The energy score of samples X against observers y is E d(X, y) - ½ E d(X, X') with
    d = 1 - ScanMatch. Its gradient by the likelihood ratio weighs each sample's
    log-probability by its mean distance to observers minus its mean distance to the other
    samples, with the mean of the others as baseline. Because the score is proper, sameness
    is not rewarded, as it is where ScanMatch itself is optimized (self-critical training).

    Attributes:
        weight: Of this loss beside the scanpath loss; 0 leaves the stage out.
        start: Fraction of training after which the stage begins.
        samples: Scanpaths drawn an image.

    Raises:
        ValueError: For a negative weight, a start out of [0, 1] or fewer than three samples.
    """

    weight: float = 0.0
    start: float = 0.5
    samples: int = 12

    def __post_init__(self) -> None:
        if self.weight < 0 or not 0 <= self.start <= 1 or self.samples < 3:
            raise ValueError(
                "refinement needs weight >= 0, start in [0, 1] and at least 3 samples, "
                f"found {self}"
            )

    def active(self, progress: float) -> bool:
        """Whether the stage has begun at this fraction of training."""
        return self.weight > 0 and progress >= self.start

    def __call__(
        self, network: Network, encoded: Encoded, paths: PathBatch
    ) -> tuple[Tensor, Tensor]:
        """The loss, whose gradient is the energy score's, and the energy score itself.

        Args:
            network: Samples scanpaths and states their likelihood.
            encoded: Encoded images, with gradient.
            paths: What observers did on them.
        """
        images = len(encoded.features)
        seeds = torch.randint(2**62, (images, self.samples)).tolist()
        drawn = network.sample(encoded, seeds, 1.0, paths.viewing[:, 0])
        bits = network.log_prob(encoded, drawn)
        likelihood = (bits.place + bits.end).sum(2) * math.log(2)
        screen = (float(network.frame[0]), float(network.frame[1]))
        scored = [_advantage(drawn, paths, image, screen) for image in range(images)]
        advantage = torch.stack([values for values, _ in scored]).to(likelihood)
        return (advantage * likelihood).mean(), torch.tensor([e for _, e in scored]).mean()


def _advantage(
    drawn: PathBatch, paths: PathBatch, image: int, screen: tuple[float, float]
) -> tuple[Tensor, float]:
    """How much worse each sample is than the others ``(path,)``, and the energy score."""
    samples = [row * screen for row in drawn.arrays(image)]
    observers = [row * screen for row in paths.arrays(image)]
    to_observers = 1 - cross(scanmatch, samples, observers, screen=screen)
    between = 1 - within(scanmatch, samples, screen=screen)
    np.fill_diagonal(between, 0.0)
    cost = to_observers.mean(axis=1) - between.sum(axis=1) / (len(samples) - 1)
    baseline = (cost.sum() - cost) / (len(cost) - 1)
    energy = float(energy_score(to_observers, between).mean())
    return torch.from_numpy(cost - baseline), energy
