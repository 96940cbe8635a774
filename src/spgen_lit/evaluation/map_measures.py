"""Measures on maps: densities of samples and of people, and fixations falling on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spgen_lit.evaluation.pools import Pools
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.trials import Trial
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

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Screen = tuple[int, int]

_BY_OBSERVER = ("nss", "auc", "sauc", "information_gain")
_BY_DENSITY = ("cc", "kl", "sim")
# Enough negatives that shuffled AUC is exact to three digits; a set may hold half a million.
_NEGATIVES = 10_000


class Ground:
    """The maps' size and width, and where people look in other images.

    Args:
        people: Image id to the observers' scanpaths.
        protocol: Side and blur of maps.
        training: Scanpaths that the centre bias is taken from; None for the other images.
    """

    def __init__(
        self,
        people: Mapping[str, Sequence[Scanpath]],
        protocol: Protocol,
        training: Sequence[Scanpath] | None = None,
    ) -> None:
        self.protocol = protocol
        self._pools = Pools(people, training)

    def size(self, screen: Screen) -> Screen:
        """Columns and rows of a map of a screen: its aspect, so that blur stays round."""
        scale = self.protocol.map_side / max(screen)
        return max(1, round(screen[0] * scale)), max(1, round(screen[1] * scale))

    def places(self, paths: Sequence[Array], screen: Screen) -> Array:
        """Fixations of all paths ``(fixation, 2)`` in cells of the map."""
        rows = [path[:, :2] for path in paths if len(path)]
        xy = np.concatenate(rows) / np.asarray(screen) if rows else np.zeros((0, 2))
        return self._cells(xy, screen)

    def density(self, places: Array, screen: Screen) -> Array:
        """Density ``(row, column)`` of fixations in cells, summing to 1."""
        size = self.size(screen)
        return fixation_density(places, size, self.protocol.map_sigma * float(np.hypot(*size)))

    def floored(self, density: Array) -> Array:
        """The same density with a little everywhere, as logarithms need it."""
        floor = self.protocol.density_floor
        return normalized((1 - floor) * density + floor / density.size)

    def elsewhere(self, image: str, screen: Screen) -> Array:
        """Fixations on other images ``(fixation, 2)`` in cells of this one's map."""
        xy = self._pools.fixations(image)
        return self._cells(xy[:: max(1, -(-len(xy) // _NEGATIVES))], screen)

    def _cells(self, xy: Array, screen: Screen) -> Array:
        # The right and lower border belong to the image: they fall into the last cell.
        return np.where(xy == 1, np.nextafter(1, 0), xy) * np.asarray(self.size(screen))


def map_values(trial: Trial, ground: Ground, names: Collection[str]) -> dict[str, Array]:
    """Measures of one image on maps.

    NSS, AUC, shuffled AUC and information gain take the density of the samples at each
    observer's fixations. Congruency takes each sample's fixations on the region where
    observers looked. CC, KL and SIM compare the density of the samples with that of all
    observers; where samples are the observers themselves, one half with the other half.

    Args:
        trial: The image.
        ground: Sizes, and other images' fixations.
        names: Measures wanted; others are not computed.

    Returns:
        Name to values: one per observer, per sample (congruency) or per density.
    """
    screen = trial.screen
    observers = [ground.places([path], screen) for path in trial.observers]
    samples = [ground.places([path], screen) for path in trial.samples]
    values = {name: np.full(len(observers), np.nan) for name in _BY_OBSERVER if name in names}
    if values:
        elsewhere = ground.elsewhere(trial.image, screen)
        prior = ground.floored(ground.density(elsewhere, screen))
        for keep, whose in _groups(trial.allowed):
            density = ground.density(_join(samples, keep), screen)
            for observer in whose if keep.any() else ():
                for name in values:
                    values[name][observer] = _at_fixations(
                        name, observers[observer], density, elsewhere, prior, ground
                    )
    if "congruency" in names:
        inside = np.full(len(samples), np.nan)
        for keep, whose in _groups(trial.allowed.T):
            density = ground.density(_join(observers, keep), screen)
            for sample in whose if keep.any() else ():
                area = ground.protocol.congruency_area
                inside[sample] = congruency(samples[sample], density, area=area)
        values["congruency"] = inside
    if any(name in names for name in _BY_DENSITY):
        rows = [
            _between(ground, ground.density(a, screen), ground.density(b, screen))
            for a, b in _sides(trial, samples, observers)
        ]
        columns = np.array(rows).reshape(-1, len(_BY_DENSITY)).T
        values |= {n: c for n, c in zip(_BY_DENSITY, columns, strict=True) if n in names}
    return values


def _at_fixations(
    name: str, xy: Array, density: Array, elsewhere: Array, prior: Array, ground: Ground
) -> float:
    if name == "nss":
        return nss(xy, density)
    if name == "auc":
        return auc_judd(xy, density)
    if name == "sauc":
        return shuffled_auc(xy, density, elsewhere)
    return information_gain(xy, ground.floored(density), prior)


def _between(ground: Ground, samples: Array, people: Array) -> tuple[float, float, float]:
    return cc(samples, people), kl(ground.floored(samples), people), sim(samples, people)


def _sides(
    trial: Trial, samples: list[Array], observers: list[Array]
) -> Iterator[tuple[Array, Array]]:
    """Fixations of samples and of the observers that they are compared with."""
    if not trial.leaves_out:
        yield np.concatenate(samples), np.concatenate(observers)
        return
    odd: Mask = np.arange(len(observers)) % 2 == 1
    for half in (odd, np.logical_not(odd)):
        keep = np.asarray(trial.allowed[:, half].all(axis=1))
        if half.any() and keep.any():
            yield _join(samples, keep), _join(observers, half)


def _groups(allowed: Mask) -> Iterator[tuple[Mask, NDArray[np.intp]]]:
    """Columns that allow the same rows, so that each density is made once."""
    groups, member = np.unique(allowed, axis=1, return_inverse=True)
    member = np.asarray(member).reshape(-1)
    for group in range(groups.shape[1]):
        yield groups[:, group], np.flatnonzero(member == group)


def _join(places: list[Array], keep: Mask) -> Array:
    chosen = [rows for rows, wanted in zip(places, keep, strict=True) if wanted]
    return np.concatenate(chosen) if chosen else np.zeros((0, 2))
