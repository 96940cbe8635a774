"""Scores of one model or baseline: a value per image and measure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spgen_lit.evaluation import statistics

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """What a set of scanpaths scored.

    Attributes:
        images: Image ids, in the order of the rows of ``values``.
        metrics: Names of measures, in the order of its columns.
        values: ``(image, metric)``, each the mean over the comparisons of that image;
            NaN where none of them has a value.
        nan: Measure to number of single comparisons without a value (for example
            MultiMatch of a path shorter than three fixations).
        comparisons: Measure to number of single comparisons, those included.
        pooled: Figures of the whole set, not of images: Wasserstein distances between
            the distributions of amplitude, direction, length and duration.
        notes: What else was counted, for example ``self_pairs`` or ``off_image``.

    Raises:
        ValueError: If the shape of ``values`` does not fit the names.
    """

    images: tuple[str, ...]
    metrics: tuple[str, ...]
    values: Array
    nan: dict[str, int] = field(default_factory=dict)
    comparisons: dict[str, int] = field(default_factory=dict)
    pooled: dict[str, float] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        needed = (len(self.images), len(self.metrics))
        if self.values.shape != needed:
            raise ValueError(f"scores need values of shape {needed}, found {self.values.shape}")

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.images)

    @property
    def rows(self) -> list[tuple[str, str, float]]:
        """(image, metric, value), image by image."""
        return [
            (image, metric, float(self.values[i, j]))
            for i, image in enumerate(self.images)
            for j, metric in enumerate(self.metrics)
        ]

    def column(self, metric: str) -> Array:
        """Values ``(image,)`` of one measure.

        Raises:
            KeyError: For a measure that was not computed; those that were are listed.
        """
        if metric not in self.metrics:
            raise KeyError(f"{metric!r} was not computed; there are {', '.join(self.metrics)}")
        return self.values[:, self.metrics.index(metric)]

    def mean(self, metric: str) -> float:
        """Mean over the images that have a value; NaN if none has."""
        column = self.column(metric)
        column = column[np.isfinite(column)]
        return float(column.mean()) if len(column) else float("nan")

    def interval(self, metric: str, level: float = statistics.LEVEL) -> tuple[float, float]:
        """Bootstrap interval over images of the mean."""
        return statistics.interval(self.column(metric), level)

    def images_with(self, metric: str) -> int:
        """Number of images that have a value of this measure."""
        return int(np.isfinite(self.column(metric)).sum())

    def as_dict(self) -> dict[str, float]:
        """Measure to mean."""
        return {metric: self.mean(metric) for metric in self.metrics}
