"""Scores of sampled scanpaths for training, with torchmetrics' states: exact across processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

from spgen_lit.metrics.energy import energy_score, leave_one_out_energy
from spgen_lit.metrics.pairs import cross, within
from spgen_lit.metrics.saliency import fixation_density, nss
from spgen_lit.metrics.scanmatch import scanmatch

Array = NDArray[np.float64]
VALUES = ("energy", "scanmatch", "nss", "spread")
#: The same of each observer against the others.
OBSERVERS = ("observers_energy", "observers_scanmatch", "observers_nss")
_SIGMA = 0.045  # of the density's Gaussian, in shares of the height: about one degree
_ROWS = 48


def image_scores(
    samples: Sequence[Array], observers: Sequence[Array], screen: tuple[float, float]
) -> dict[str, float]:
    """Energy score, ScanMatch (16x12, no durations), NSS and spread on one image, quick to compute.

    Args:
        samples: The model's paths, x, y in [0, 1] ``(fixation, 2)`` each.
        observers: Observers' paths, the same way.
        screen: Width and height in px that they are compared in.

    Returns:
        Values of ``VALUES`` and ``OBSERVERS``, the mean over each observer against the others;
        NaN where there are too few paths. ``spread`` is the standard deviation of the samples'
        fixations over that of the observers'.
    """
    size = np.asarray(screen, dtype=np.float64)
    ours, theirs = ([path * size for path in side] for side in (samples, observers))
    to_observers = cross(scanmatch, ours, theirs, screen=screen)
    inside = 1 - within(scanmatch, ours, symmetric=True, screen=screen)
    among = 1 - within(scanmatch, theirs, symmetric=True, screen=screen)
    grid = (round(_ROWS * screen[0] / screen[1]), _ROWS)
    cells = [path * grid for path in observers]
    density = fixation_density(np.concatenate([*samples]) * grid, grid, _SIGMA * _ROWS)
    values = {
        "energy": float(energy_score(1 - to_observers, inside).mean()),
        "scanmatch": float(to_observers.mean()),
        "nss": nss(np.concatenate(cells), density),
        "spread": _spread(samples) / max(_spread(observers), 1e-6),
    }
    if len(observers) < 2:
        return values | dict.fromkeys(OBSERVERS, float("nan"))
    maps = [fixation_density(path, grid, _SIGMA * _ROWS) * len(path) for path in cells]
    left_out = [nss(path, sum(maps) - density) for path, density in zip(cells, maps, strict=True)]
    return values | {
        "observers_energy": float(leave_one_out_energy(among).mean()),
        "observers_scanmatch": float(1 - np.nanmean(among)),
        "observers_nss": float(np.mean(left_out)),
    }


def _spread(paths: Sequence[Array]) -> float:
    return float(np.concatenate([*paths]).std(axis=0).mean())


class ImageScores(Metric):
    """Means over images of named values, those without a value left out.

    The states are sums and counts of fixed size, so any number of updates on any number of
    processes gives the same result, and a process without data does no harm.

    Args:
        names: Names of the values.
        kwargs: Passed to torchmetrics.

    >>> scores = ImageScores(("energy", "nss"))
    >>> scores.update({"energy": 0.25, "nss": float("nan")})
    >>> scores.update({"energy": 0.75, "nss": 2.0})
    >>> {name: value.item() for name, value in scores.compute().items()}
    {'energy': 0.5, 'nss': 2.0}
    """

    full_state_update = False
    is_differentiable = False
    total: Tensor
    count: Tensor

    def __init__(self, names: Sequence[str] = (*VALUES, *OBSERVERS), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.names = tuple(names)
        zeros = torch.zeros(len(self.names), dtype=torch.float64)
        self.add_state("total", zeros, dist_reduce_fx="sum")
        self.add_state("count", zeros.clone(), dist_reduce_fx="sum")

    def update(self, values: Mapping[str, float]) -> None:
        """Add one image's values."""
        row = torch.tensor([values[name] for name in self.names], dtype=torch.float64)
        row = row.to(self.total.device)
        self.total += row.nan_to_num(nan=0.0)
        self.count += row.isfinite()

    def compute(self) -> dict[str, Tensor]:
        """Name to mean; NaN where no image had a value."""
        return dict(zip(self.names, self.total / self.count, strict=True))
