"""Agreement with people on one image, quick enough for every epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spgen_lit.metrics import cross, energy_score, leave_one_out_energy, scanmatch, within

Array = NDArray[np.float64]
VALUES = ("energy", "scanmatch", "nss", "people_energy", "people_scanmatch", "people_nss")
_SPREAD = 0.045  # of the density's Gaussian, in shares of the height: about one degree
_GRID = 48


class Agreement:
    """Energy score and ScanMatch (16x12, no durations), and NSS of the samples' density.

    The quick look during training; results come from :mod:`spgen_lit.evaluation`.

    Args:
        frame: Width and height of the frame in px.
    """

    def __init__(self, frame: tuple[int, int]) -> None:
        self.screen = (float(frame[0]), float(frame[1]))

    def __call__(self, samples: Sequence[Array], people: Sequence[Array]) -> dict[str, float]:
        """Values of ``VALUES`` for one image; NaN where there are too few paths.

        Args:
            samples: The model's paths, x, y in [0, 1] of the frame ``(fixation, 2)`` each.
            people: Observers' paths, the same way.
        """
        ours = [path * self.screen for path in samples]
        theirs = [path * self.screen for path in people]
        agreement = cross(scanmatch, ours, theirs, screen=self.screen)
        own = 1 - within(scanmatch, ours, screen=self.screen)
        between = 1 - within(scanmatch, theirs, screen=self.screen)
        alone = len(people) < 2
        return {
            "energy": float(energy_score(1 - agreement, own).mean()),
            "scanmatch": float(agreement.mean()),
            "nss": self._nss(samples, people),
            "people_energy": float("nan") if alone else float(leave_one_out_energy(between).mean()),
            "people_scanmatch": float("nan") if alone else float(1 - np.nanmean(between)),
            "people_nss": self._people_nss(people),
        }

    def _density(self, path: Array) -> Array:
        height = _GRID
        width = round(_GRID * self.screen[0] / self.screen[1])
        y = (np.arange(height) + 0.5) / height
        x = (np.arange(width) + 0.5) / width
        aspect = self.screen[0] / self.screen[1]
        across = np.exp(-0.5 * ((path[:, :1] - x) * (aspect / _SPREAD)) ** 2)
        down = np.exp(-0.5 * ((path[:, 1:] - y) / _SPREAD) ** 2)
        density: Array = down.T @ across
        return density

    @staticmethod
    def _at(density: Array, path: Array) -> float:
        deviation = density.std()
        if not deviation or not len(path):
            return float("nan")
        height, width = density.shape
        rows = (path[:, 1] * height).astype(int).clip(0, height - 1)
        columns = (path[:, 0] * width).astype(int).clip(0, width - 1)
        return float(((density[rows, columns] - density.mean()) / deviation).mean())

    def _nss(self, samples: Sequence[Array], people: Sequence[Array]) -> float:
        return self._at(self._density(np.concatenate(samples)), np.concatenate(people))

    def _people_nss(self, people: Sequence[Array]) -> float:
        maps = np.stack([self._density(path) for path in people])
        total = maps.sum(axis=0)
        values = [self._at(total - own, path) for own, path in zip(maps, people, strict=True)]
        return float(np.mean(values)) if len(people) > 1 else float("nan")
