"""Metrics with torchmetrics' states, for training: sums and counts only, exact across processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torchmetrics import Metric

from spgen_lit.metrics.pairs import PairMetric, PathLike
from spgen_lit.metrics.saliency import nss
from spgen_lit.metrics.scanmatch import Convention, scanmatch


class Mean(Metric):
    """Sum, count and NaN count of rows of values: what the classes below share.

    The states are sums of fixed size, so any number of updates on any number of processes gives
    the same result, and a process without data does no harm.

    Attributes:
        total, count, missing: Per column: sum and number of values, number of NaN ``(size,)``.
    """

    full_state_update = False
    is_differentiable = False
    total: Tensor
    count: Tensor
    missing: Tensor

    def __init__(self, size: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        zeros = torch.zeros(size, dtype=torch.float64)
        self.add_state("total", zeros, dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(size, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("missing", torch.zeros(size, dtype=torch.int64), dist_reduce_fx="sum")

    def _add(self, values: ArrayLike | Tensor) -> None:
        rows = torch.as_tensor(values, dtype=torch.float64, device=self.total.device)
        size = len(self.total)
        if rows.ndim > 2 or (rows.ndim == 2 and rows.shape[1] != size) or rows.numel() % size:
            raise ValueError(f"rows must have {size} values, found shape {tuple(rows.shape)}")
        rows = rows.reshape(-1, size)
        known = ~rows.isnan()
        self.total += torch.where(known, rows, 0.0).sum(0)
        self.count += known.sum(0)
        self.missing += (~known).sum(0)

    def compute(self) -> Tensor:
        """Mean, a scalar or ``(size,)``; NaN where there was no value."""
        mean = self.total / self.count
        return mean[0] if len(mean) == 1 else mean


class ValueMean(Mean):
    """Mean of values without NaN, which are counted.

    Args:
        size: Values per row: 1 for a scalar metric, k for one of k dimensions.
    """

    def update(self, values: ArrayLike | Tensor) -> None:
        """Add rows ``(row,)`` or ``(row, size)``.

        Raises:
            ValueError: For rows of another width.
        """
        self._add(values)


class PairMean(Mean):
    """Mean of any pair metric over all pairs given.

    Args:
        function: A pair metric of this package.
        size: Values it gives per pair.
        options: Passed to it (``screen=...``).
    """

    def __init__(self, function: PairMetric, size: int = 1, **options: Any) -> None:
        super().__init__(size)
        self.function = function
        self.options = options

    def update(self, a: Sequence[PathLike], b: Sequence[PathLike]) -> None:
        """Add the pairs ``a[i], b[i]`` of paths ``(fixation, 2 or 3)`` in px and s."""
        self._add(self.function(a, b, **self.options))


class MeanScanMatch(PairMean):
    """Mean ScanMatch over pairs; arguments as for `spgen_lit.metrics.scanmatch`."""

    higher_is_better = True

    def __init__(
        self,
        screen: tuple[float, float],
        bins: tuple[int, int] = (16, 12),
        threshold: float = 3.5,
        gap: float = 0.0,
        temp_bin: float | None = None,
        convention: Convention = "ports",
    ) -> None:
        super().__init__(
            scanmatch,
            screen=screen,
            bins=bins,
            threshold=threshold,
            gap=gap,
            temp_bin=temp_bin,
            convention=convention,
        )


class MeanNSS(Mean):
    """Mean NSS over images, each image once whatever its number of fixations."""

    higher_is_better = True

    def update(self, xy: ArrayLike, saliency: ArrayLike) -> None:
        """Add one image: fixations ``(fixation, 2)`` in px and its map ``(height, width)``."""
        self._add([nss(xy, saliency)])
