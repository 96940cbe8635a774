"""The energy score as a loss: what is measured, optimised directly on sampled scanpaths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from spgen_lit.batch import PathBatch
from spgen_lit.metrics import cross, energy_score, scanmatch, within
from spgen_lit.network.fixation import soft_targets
from spgen_lit.network.spgen import Drawn, Scenes, StepOutputs


@dataclass(frozen=True)
class Refinement:
    """A second stage of training: REINFORCE on the energy score, beside the likelihood.

    The energy score of samples X against people y is E d(X, y) - ½ E d(X, X') with
    d = 1 - ScanMatch. Its gradient by the likelihood ratio weighs each sample's
    log-probability by its mean distance to people minus its mean distance to the other
    samples, with the mean of the others as baseline. Because the score is proper, sameness
    is not rewarded, as it is where ScanMatch itself is optimised (self-critical training).

    Attributes:
        weight: Of this loss beside the scanpath loss; 0 leaves the stage out.
        start: Share of training after which the stage begins.
        samples: Scanpaths drawn an image.
        spread: Deviation in cells within which a sampled place counts as the same choice.

    Raises:
        ValueError: For a negative weight, a start out of [0, 1] or fewer than three samples.
    """

    weight: float = 0.0
    start: float = 0.5
    samples: int = 12
    spread: float = 0.35

    def __post_init__(self) -> None:
        if self.weight < 0 or not 0 <= self.start <= 1 or self.samples < 3:
            raise ValueError(
                "refinement needs weight >= 0, start in [0, 1] and at least 3 samples, "
                f"found {self}"
            )

    def active(self, progress: float) -> bool:
        """Whether the stage has begun at this share of training."""
        return self.weight > 0 and progress >= self.start

    def __call__(self, network: Any, scenes: Scenes, paths: PathBatch) -> tuple[Tensor, Tensor]:
        """The loss, whose gradient is the energy score's, and the energy score itself.

        Args:
            network: Samples and scores scanpaths; :class:`~spgen_lit.network.spgen.SPGen`.
            scenes: Encoded images, with gradient.
            paths: What people did on them.
        """
        images = len(scenes.features)
        seeds = torch.randint(2**62, (images, self.samples)).tolist()
        drawn = network.sample(scenes, seeds, 1.0)
        batch = _pad(drawn, scenes.features.device)
        screen = (float(network.frame[0]), float(network.frame[1]))
        losses, energies = [], []
        for index, output in enumerate(network(scenes, batch)):
            own, theirs = batch.of_image(index), paths.of_image(index)
            advantage, energy = self._advantage(own, theirs, screen)
            likelihood = self._log_probability(output, own, screen[0] / screen[1])
            losses.append((advantage.to(likelihood) * likelihood).mean())
            energies.append(energy)
        return torch.stack(losses).mean(), torch.tensor(energies).mean()

    def _advantage(
        self, own: PathBatch, theirs: PathBatch, screen: tuple[float, float]
    ) -> tuple[Tensor, float]:
        ours, people = _arrays(own, screen), _arrays(theirs, screen)
        to_people = 1 - cross(scanmatch, ours, people, screen=screen)
        between = 1 - within(scanmatch, ours, screen=screen)
        np.fill_diagonal(between, 0.0)
        cost = to_people.mean(axis=1) - between.sum(axis=1) / (len(ours) - 1)
        baseline = (cost.sum() - cost) / (len(cost) - 1)
        energy = float(energy_score(to_people, between).mean())
        return torch.from_numpy(cost - baseline), energy

    def _log_probability(self, out: StepOutputs, paths: PathBatch, aspect: float) -> Tensor:
        """Log-probability ``(path,)`` of each path's places and of its end."""
        height, width = out.grid
        target = soft_targets(paths.xy, height, width, self.spread, aspect * height / width)
        places = (target * out.logits.log_softmax(-1)).sum(-1)
        last = F.one_hot(paths.length - 1, places.shape[1]).to(places.dtype)
        end = -F.binary_cross_entropy_with_logits(out.end, last, reduction="none")
        return torch.where(paths.mask, places + end, 0.0).sum(1)


def _arrays(paths: PathBatch, screen: tuple[float, float]) -> list[np.ndarray]:
    xy = paths.xy.cpu().double().numpy() * screen
    return [row[:n] for row, n in zip(xy, paths.length.tolist(), strict=True)]


def _pad(drawn: list[list[Drawn]], device: torch.device) -> PathBatch:
    flat = [(image, path) for image, paths in enumerate(drawn) for path in paths]
    length = torch.tensor([len(path.xy) for _, path in flat], device=device)
    steps = int(length.max())
    xy = torch.zeros(len(flat), steps, 2, device=device)
    durations = torch.zeros(len(flat), steps, device=device)
    for row, (_, path) in enumerate(flat):
        xy[row, : len(path.xy)] = path.xy.clamp(0, 1)
        if path.durations is not None:
            durations[row, : len(path.xy)] = path.durations
    image = torch.tensor([image for image, _ in flat], device=device)
    return PathBatch(xy, durations, length, image)
