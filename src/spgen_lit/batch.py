"""Tensors of a training step: padded scanpaths, source batches, target batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from spgen_lit.scanpath import Scanpath


class PathBatch(NamedTuple):
    """Scanpaths of a batch of images, padded to the longest.

    Attributes:
        xy: ``(path, step, 2)`` x, y in [0, 1] of the network's frame; 0 beyond the end.
        durations: ``(path, step)`` seconds; NaN where unknown, 0 beyond the end.
        length: ``(path,)`` number of fixations.
        image: ``(path,)`` index of each path's image in the batch, ascending.
    """

    xy: Tensor
    durations: Tensor
    length: Tensor
    image: Tensor

    @property
    def mask(self) -> Tensor:
        """``(path, step)`` true for fixations that exist."""
        steps = torch.arange(self.xy.shape[1], device=self.xy.device)
        return steps < self.length[:, None]

    def of_image(self, index: int) -> PathBatch:
        """The paths on one image of the batch, cut to the longest of them."""
        rows = self.image == index
        length = self.length[rows]
        steps = int(length.max()) if len(length) else 0
        return PathBatch(
            self.xy[rows, :steps], self.durations[rows, :steps], length, self.image[rows]
        )


class SourceBatch(NamedTuple):
    """Images with gaze.

    Attributes:
        images: ``(batch, 3, height, width)`` uint8 RGB.
        paths: Everything people did on them.
        ids: Identifier of each image.
        weights: ``(batch,)`` weight of each image in the loss.
        originals: Like ``images``, before they were rendered in other styles; None where
            nobody asked for them.
    """

    images: Tensor
    paths: PathBatch
    ids: list[str]
    weights: Tensor
    originals: Tensor | None = None


class TargetBatch(NamedTuple):
    """Images without gaze: there is no field in which gaze could reach training.

    Attributes:
        images: ``(batch, 3, height, width)`` uint8 RGB.
        ids: Identifier of each image.
    """

    images: Tensor
    ids: list[str]


def pad_paths(groups: Sequence[Sequence[Scanpath]], max_fixations: int) -> PathBatch:
    """Pad the scanpaths of each image of a batch.

    Args:
        groups: For each image, its scanpaths in frame coordinates. Fixations off the image
            are left out; empty paths too.
        max_fixations: Longer paths are cut, with their length kept at this number.

    Raises:
        ValueError: If no image has a scanpath with a fixation on it.
    """
    kept = [
        (index, path)
        for index, paths in enumerate(groups)
        for path in (p.on_image() for p in paths)
        if len(path)
    ]
    if not kept:
        raise ValueError("no scanpath of this batch has a fixation on its image")
    steps = min(max(len(path) for _, path in kept), max_fixations)
    xy = np.zeros((len(kept), steps, 2), np.float32)
    durations = np.zeros((len(kept), steps), np.float32)
    length = np.zeros(len(kept), np.int64)
    for row, (_, path) in enumerate(kept):
        n = min(len(path), steps)
        length[row] = n
        xy[row, :n] = path.xy[:n]
        durations[row, :n] = np.nan if path.durations is None else path.durations[:n]
    image = torch.tensor([index for index, _ in kept])
    return PathBatch(
        torch.from_numpy(xy), torch.from_numpy(durations), torch.from_numpy(length), image
    )
