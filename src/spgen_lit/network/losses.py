"""Scanpath losses: pure functions of a network's outputs and what observers did."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from spgen_lit.batch import PathBatch
from spgen_lit.network.fixation import soft_targets


def mean_of_image(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the fixations of each image ``(image,)`` of values ``(image, path, step)``."""
    total = torch.where(mask, values, 0.0).sum((1, 2))
    return total / mask.sum((1, 2)).clamp_min(1)


def weighted(parts: dict[str, Tensor], weights: Tensor) -> dict[str, Tensor]:
    """Means over images of parts ``(image,)`` by the images' weights.

    Averaging within the image first makes a batch's loss the mean of its images', so that
    the same images give the same gradient however they lie on devices.
    """
    return {name: (values * weights).sum() / len(weights) for name, values in parts.items()}


def place_loss(
    logits: Tensor, paths: PathBatch, grid: tuple[int, int], sigma: float, aspect: float
) -> Tensor:
    """Cross-entropy ``(image,)`` of the places, against a Gaussian around each fixation.

    Args:
        logits: ``(image, path, step, cell)``.
        paths: What observers did.
        grid: Height and width of the grid of places.
        sigma: Of the Gaussian in cells: tracker error, and observers who land beside the same
            thing; 0 for the fixation's cell alone.
        aspect: Width of the frame over its height.
    """
    height, width = grid
    target = soft_targets(paths.xy, height, width, sigma, aspect * height / width)
    # Fused: the log-probabilities of all cells are never kept.
    cross = F.cross_entropy(logits.flatten(0, 2), target.flatten(0, 2), reduction="none")
    return mean_of_image(cross.view(paths.durations.shape), paths.mask)


def end_loss(end: Tensor, paths: PathBatch) -> Tensor:
    """Binary cross-entropy ``(image,)`` of the decision after each fixation whether it is last.

    Args:
        end: Logits ``(image, path, step)``.
        paths: What observers did.
    """
    values = F.binary_cross_entropy_with_logits(end, last_steps(paths).to(end), reduction="none")
    return mean_of_image(values, paths.mask)


def last_steps(paths: PathBatch) -> Tensor:
    """True at the last fixation of each path ``(image, path, step)``."""
    steps = torch.arange(paths.xy.shape[2], device=paths.xy.device)
    return steps == paths.length[..., None] - 1


def regression_loss(xy: Tensor, keep: Tensor, paths: PathBatch) -> dict[str, Tensor]:
    """Squared error of the k-th place against every observer's k-th, as in the first paper.

    Args:
        xy: Places ``(image, fixation, 2)``.
        keep: Probability ``(image, fixation)`` that the fixation is in the path.
        paths: What observers did.
    """
    steps = min(paths.xy.shape[2], xy.shape[1])
    mask = paths.mask[:, :, :steps]
    error = (xy[:, None, :steps] - paths.xy[:, :, :steps]).square().sum(-1)
    real = (paths.length > 0).sum(1).clamp_min(1)
    present = F.pad(mask.sum(1) / real[:, None], (0, keep.shape[1] - steps))
    decision = F.binary_cross_entropy(keep.clamp(1e-6, 1 - 1e-6), present, reduction="none")
    parts = {"fixation": mean_of_image(error, mask), "end": decision.mean(1)}
    return {**parts, "total": parts["fixation"] + 0.1 * parts["end"]}
