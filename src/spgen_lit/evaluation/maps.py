"""Measures on maps: densities of samples and of observers, and fixations falling on them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import compress

import numpy as np

from spgen_lit.evaluation.baselines import Elsewhere
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.trials import Array, Mask, Trial, groups, halves
from spgen_lit.metrics.saliency import (
    auc_judd,
    cc,
    congruency,
    fixation_density,
    information_gain,
    kl,
    normalized,
    nss,
    shuffled_auc,
    sim,
)
from spgen_lit.scanpath import Scanpath

Screen = tuple[int, int]
_BY_OBSERVER = ("nss", "auc", "sauc", "density_information_gain")
_BY_DENSITY = ("cc", "kl", "sim")
# Enough negatives that shuffled AUC is exact to three digits; a set may hold half a million.
_NEGATIVES = 10_000


class Maps:
    """The maps' size and blur, and where observers look on other images.

    Args:
        observers: Image id to the observers' scanpaths.
        protocol: Side and blur of maps.
        training: Scanpaths that the center bias is taken from; None for the other images.
    """

    def __init__(
        self,
        observers: Mapping[str, Sequence[Scanpath]],
        protocol: Protocol,
        training: Sequence[Scanpath] | None = None,
    ) -> None:
        self.protocol = protocol
        self._elsewhere = Elsewhere(observers, training)

    def size(self, screen: Screen) -> Screen:
        """Columns and rows of a map of a screen: its aspect, so that blur stays round."""
        scale = self.protocol.map_side / max(screen)
        return max(1, round(screen[0] * scale)), max(1, round(screen[1] * scale))

    def cells(self, path: Array, screen: Screen) -> Array:
        """Fixations of a path ``(fixation, 2)`` in cells of the map."""
        return self._cells(path[:, :2] / np.asarray(screen), screen)

    def density(self, cells: Array, screen: Screen) -> Array:
        """Density ``(row, column)`` of fixations in cells, summing to 1."""
        size = self.size(screen)
        return fixation_density(cells, size, self.protocol.map_sigma * float(np.hypot(*size)))

    def floored(self, density: Array) -> Array:
        """The same density with a little everywhere, as logarithms need it."""
        floor = self.protocol.density_floor
        return normalized((1 - floor) * density + floor / density.size)

    def elsewhere(self, image: str, screen: Screen) -> Array:
        """Fixations on training or other images ``(fixation, 2)`` in cells of this map."""
        xy = self._elsewhere.fixations(image)
        return self._cells(xy[:: max(1, -(-len(xy) // _NEGATIVES))], screen)

    def center_bias(self, image: str, screen: Screen) -> Array:
        """Density ``(row, column)`` of fixations on training or other images, nowhere 0."""
        return self.floored(self.density(self.elsewhere(image, screen), screen))

    def _cells(self, xy: Array, screen: Screen) -> Array:
        # The right and lower border belong to the image: they fall into the last cell.
        return np.where(xy == 1, np.nextafter(1, 0), xy) * np.asarray(self.size(screen))


def map_values(trial: Trial, maps: Maps, names: Collection[str]) -> dict[str, Array]:
    """Measures of one image on maps.

    NSS, AUC, shuffled AUC and density information gain take the density of the samples at each
    observer's fixations. Congruency takes each sample's fixations on the region where
    observers looked. CC, KL and SIM compare the density of the samples with that of all
    observers; where samples are the observers themselves, one half with the other half.

    Args:
        trial: The image.
        maps: Sizes, and other images' fixations.
        names: Measures to compute.

    Returns:
        Name to values: one per observer, per sample (congruency) or per density.
    """
    screen = trial.screen
    observers = [maps.cells(path, screen) for path in trial.observers]
    samples = [maps.cells(path, screen) for path in trial.samples]
    values = {name: np.full(len(observers), np.nan) for name in _BY_OBSERVER if name in names}
    if values:
        elsewhere = maps.elsewhere(trial.image, screen)
        prior = maps.floored(maps.density(elsewhere, screen))
        for keep, whose in groups(trial.allowed):
            density = maps.density(_join(samples, keep), screen)
            floored = maps.floored(density)
            at_fixations: dict[str, Callable[[Array], float]] = {
                "nss": partial(nss, saliency=density),
                "auc": partial(auc_judd, saliency=density),
                "sauc": partial(shuffled_auc, saliency=density, others=elsewhere),
                "density_information_gain": partial(
                    information_gain, density=floored, baseline=prior
                ),
            }
            for observer in whose if keep.any() else ():
                for name, found in values.items():
                    found[observer] = at_fixations[name](observers[observer])
    if "congruency" in names:
        inside = np.full(len(samples), np.nan)
        for keep, whose in groups(trial.allowed.T):
            density = maps.density(_join(observers, keep), screen)
            for sample in whose if keep.any() else ():
                area = maps.protocol.congruency_area
                inside[sample] = congruency(samples[sample], density, area=area)
        values["congruency"] = inside
    if any(name in names for name in _BY_DENSITY):
        rows = []
        for keep, half in halves(trial):
            if half.any() and keep.any():
                ours = maps.density(_join(samples, keep), screen)
                theirs = maps.density(_join(observers, half), screen)
                rows.append((cc(ours, theirs), kl(maps.floored(ours), theirs), sim(ours, theirs)))
        columns = np.array(rows).reshape(-1, len(_BY_DENSITY)).T
        values |= {n: c for n, c in zip(_BY_DENSITY, columns, strict=True) if n in names}
    return values


def information_gains(trial: Trial, maps: Maps, bits: Sequence[Array]) -> Array:
    """Exact information gain of a model over the center bias, bits per fixation ``(observer,)``.

    Args:
        trial: The image.
        maps: Where the center bias comes from.
        bits: For each observer the model's log2 density at each fixation ``(fixation,)``, given
            the fixations before, relative to a uniform density over the image; NaN for a
            fixation that was given and not predicted.

    Raises:
        ValueError: If an observer's fixations are not all given.
    """
    prior = maps.center_bias(trial.image, trial.screen)
    gains = np.full(len(trial.observers), np.nan)
    for number, (path, known) in enumerate(zip(trial.observers, bits, strict=True)):
        values = np.asarray(known, dtype=np.float64)[: len(path)]
        if len(values) != len(path):
            raise ValueError(
                f"image {trial.image!r}: {len(path)} fixations of observer {number} need as many "
                f"log-likelihoods, found {len(values)}"
            )
        column, row = np.floor(maps.cells(path, trial.screen)).astype(int).T
        on = (column >= 0) & (row >= 0) & (column < prior.shape[1]) & (row < prior.shape[0])
        on &= np.isfinite(values)
        if on.any():
            base = np.log2(prior[row[on], column[on]] * prior.size)
            gains[number] = (values[on] - base).mean()
    return gains


def _join(paths: list[Array], keep: Mask) -> Array:
    return np.concatenate([np.zeros((0, 2)), *compress(paths, keep)])
