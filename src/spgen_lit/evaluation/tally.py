"""Collecting comparisons into one value per image and measure, counting those without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spgen_lit.evaluation.scores import Scores


class Tally:
    """A table that fills up image by image.

    Args:
        images: Image ids.
        metrics: Names of the measures wanted; others given to :meth:`add` are ignored.
    """

    def __init__(self, images: Sequence[str], metrics: Sequence[str]) -> None:
        self._images = {image: i for i, image in enumerate(images)}
        self._metrics = {metric: j for j, metric in enumerate(metrics)}
        self._values: NDArray[np.float64] = np.full((len(images), len(metrics)), np.nan)
        self._nan: Counter[str] = Counter()
        self._count: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.pooled: dict[str, float] = {}

    def add(self, image: str, metric: str, values: ArrayLike) -> None:
        """Set the value of an image to the mean of its comparisons.

        Args:
            image: Image id.
            metric: Name of the measure.
            values: One value a comparison ``(comparison,)``, or a single one; NaN ones
                are left out of the mean and counted.
        """
        if metric not in self._metrics:
            return
        given = np.atleast_1d(np.asarray(values, dtype=np.float64))
        good = given[np.isfinite(given)]
        self._count[metric] += len(given)
        self._nan[metric] += len(given) - len(good)
        if len(good):
            self._values[self._images[image], self._metrics[metric]] = good.mean()

    def scores(self) -> Scores:
        """What was collected."""
        metrics = tuple(self._metrics)
        return Scores(
            tuple(self._images),
            metrics,
            self._values,
            nan={metric: self._nan[metric] for metric in metrics},
            comparisons={metric: self._count[metric] for metric in metrics},
            pooled=dict(self.pooled),
            notes=dict(self.notes),
        )
