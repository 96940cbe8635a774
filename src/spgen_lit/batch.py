"""Tensors of a training step: padded scanpaths, source batches, target batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spgen_lit.scanpath import Scanpath, Task, Viewing

#: Columns of ``PathBatch.viewing``.
VIEWING = ("seconds", "degrees", "given", "task", "dataset")


class PathBatch(NamedTuple):
    """Scanpaths of a batch of images, padded to the most paths and the longest of them.

    Attributes:
        xy: ``(image, path, step, 2)`` x, y in [0, 1] of the network's frame; 0 beyond the end.
        durations: ``(image, path, step)`` seconds; NaN where unknown, 0 beyond the end.
        length: ``(image, path)`` number of fixations; 0 for a path that does not exist.
        viewing: ``(image, path, 5)`` conditions by the columns of ``VIEWING``: seconds of
            viewing, height of the image in degrees, 1 where the first fixation was given,
            index of the task, index of the data set; NaN where unknown.
    """

    xy: Tensor
    durations: Tensor
    length: Tensor
    viewing: Tensor

    @property
    def mask(self) -> Tensor:
        """``(image, path, step)`` true for fixations that exist."""
        steps = torch.arange(self.xy.shape[2], device=self.xy.device)
        return steps < self.length[..., None]

    def arrays(self, image: int) -> list[NDArray[np.float64]]:
        """Places ``(fixation, 2)`` of every path on one image that exists."""
        return self._rows(self.xy, image)

    def seconds(self, image: int) -> list[NDArray[np.float64] | None]:
        """Durations ``(fixation,)`` of the paths of :meth:`arrays`; None where unknown."""
        return [None if np.isnan(row).any() else row for row in self._rows(self.durations, image)]

    def _rows(self, values: Tensor, image: int) -> list[NDArray[np.float64]]:
        rows = values[image].double().cpu().numpy()
        return [row[:n] for row, n in zip(rows, self.length[image].tolist(), strict=True) if n]


class SourceBatch(NamedTuple):
    """Images with gaze.

    Attributes:
        images: ``(batch, 3, height, width)`` uint8 RGB.
        paths: Everything observers did on them.
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


def viewing_row(viewing: Viewing, height: int, datasets: Sequence[str] = ()) -> list[float]:
    """Viewing conditions by the columns of ``VIEWING``; NaN for what is not known.

    Args:
        viewing: How the picture was shown.
        height: Of the picture in px, at the size that its px per degree refer to.
        datasets: Names of the data sets that the network has parameters for.
    """
    nan = float("nan")
    scale, first, task = viewing.px_per_degree, viewing.first_fixation, viewing.task
    dataset = viewing.dataset
    return [
        nan if viewing.seconds is None else viewing.seconds,
        nan if scale is None else height / scale,
        nan if first is None else float(first == "given"),
        nan if task is None else float(get_args(Task).index(task)),
        float(datasets.index(dataset)) if dataset in datasets else nan,
    ]


def viewing_rows(
    viewings: Sequence[Viewing], heights: Sequence[int], datasets: Sequence[str] = ()
) -> Tensor:
    """Conditions ``(image, 5)`` of images shown in one way each; see :func:`viewing_row`."""
    rows = [viewing_row(v, height, datasets) for v, height in zip(viewings, heights, strict=True)]
    return torch.tensor(rows, dtype=torch.float32)


def pad_paths(
    groups: Sequence[Sequence[Scanpath]], max_fixations: int, datasets: Sequence[str] = ()
) -> PathBatch:
    """Pad the scanpaths of each image of a batch.

    Args:
        groups: For each image, its scanpaths in frame coordinates. Fixations off the image
            are left out; empty paths too.
        max_fixations: Longer paths are cut, with their length kept at this number.
        datasets: Names of the data sets that the network has parameters for.

    Raises:
        ValueError: If no image has a scanpath with a fixation on it.
    """
    kept = [[path for path in (p.on_image() for p in paths) if len(path)] for paths in groups]
    longest = max((len(path) for paths in kept for path in paths), default=0)
    if not longest:
        raise ValueError("no scanpath of this batch has a fixation on its image")
    shape = len(kept), max(len(paths) for paths in kept), min(longest, max_fixations)
    xy = np.zeros((*shape, 2), np.float32)
    durations = np.zeros(shape, np.float32)
    length = np.zeros(shape[:2], np.int64)
    viewing = np.full((*shape[:2], len(VIEWING)), np.nan, np.float32)
    for image, paths in enumerate(kept):
        for row, path in enumerate(paths):
            n = min(len(path), shape[2])
            length[image, row] = n
            xy[image, row, :n] = path.xy[:n]
            durations[image, row, :n] = np.nan if path.durations is None else path.durations[:n]
            viewing[image, row] = viewing_row(path.viewing, path.size[1], datasets)
    return PathBatch(*(torch.from_numpy(array) for array in (xy, durations, length, viewing)))
