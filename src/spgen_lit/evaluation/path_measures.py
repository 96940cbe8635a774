"""Measures of pairs of paths, called once for a whole block of trials under a protocol."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from spgen_lit.evaluation.measures import MEASURES
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.trials import Trial
from spgen_lit.metrics.multimatch import multimatch
from spgen_lit.metrics.scanmatch import scanmatch
from spgen_lit.metrics.strings import FixationClusters, fed, sequence_score, string_edit_distance
from spgen_lit.metrics.trajectories import (
    disc_iou,
    dtw,
    eyenalysis,
    frechet,
    hausdorff,
    recurrence,
    stde,
    tde,
)

Array = NDArray[np.float64]
Paths = Sequence[Array]
Screen = tuple[int, int]
Compare = Callable[[Paths, Paths, Screen, Protocol], Array]


def pair_rows(family: str, block: Sequence[Trial], protocol: Protocol) -> list[Array]:
    """Values of every allowed pair of each trial, in one call for the block.

    Args:
        family: Name in ``MEMBERS``.
        block: Trials of one screen.
        protocol: Grids, radii and conventions.

    Returns:
        For each trial ``(pair, measure)``, pairs in row-major order of ``allowed``, measures
        as in ``MEMBERS``.
    """
    a, b = [], []
    for trial in block:
        for sample, observer in np.argwhere(trial.allowed):
            a.append(trial.samples[sample])
            b.append(trial.observers[observer])
    counts = [trial.pairs for trial in block]
    if family == CLUSTERED:
        return _split(_clusters(block, a, b), counts)
    return _split(FAMILIES[family](a, b, block[0].screen, protocol), counts)


def within_rows(family: str, block: Sequence[Trial], protocol: Protocol) -> list[Array]:
    """A symmetric measure among the samples of each trial.

    Returns:
        For each trial ``(sample, sample)`` of the family's first measure, diagonal NaN.
    """
    a, b, counts, corners = [], [], [], []
    for trial in block:
        upper = np.triu_indices(len(trial.samples), 1)
        corners.append(upper)
        counts.append(len(upper[0]))
        a += [trial.samples[i] for i in upper[0]]
        b += [trial.samples[j] for j in upper[1]]
    rows = _split(FAMILIES[family](a, b, block[0].screen, protocol), counts)
    matrices = []
    for trial, upper, values in zip(block, corners, rows, strict=True):
        matrix = np.full((len(trial.samples),) * 2, np.nan)
        matrix[upper] = values[:, 0]
        matrix.T[upper] = values[:, 0]
        matrices.append(matrix)
    return matrices


def _split(values: Array, counts: list[int]) -> list[Array]:
    # No pair at all (a single observer) still has one column of nothing.
    table = values.reshape(len(values), -1) if len(values) else np.zeros((0, 1))
    return np.split(table, np.cumsum(counts)[:-1])


def _scanmatch(a: Paths, b: Paths, screen: Screen, protocol: Protocol) -> Array:
    return scanmatch(
        a,
        b,
        screen=screen,
        bins=protocol.scanmatch_bins,
        threshold=protocol.scanmatch_threshold,
        convention=protocol.scanmatch_convention,
    )


def _scanmatch_duration(a: Paths, b: Paths, screen: Screen, protocol: Protocol) -> Array:
    return scanmatch(
        a,
        b,
        screen=screen,
        bins=protocol.scanmatch_bins,
        threshold=protocol.scanmatch_threshold,
        temp_bin=protocol.temp_bin,
        convention=protocol.scanmatch_convention,
    )


def _multimatch(a: Paths, b: Paths, screen: Screen, protocol: Protocol) -> Array:
    simplify = protocol.multimatch_simplify
    return multimatch(a, b, screen=screen, simplify=None if simplify is None else dict(simplify))


def _recurrence(a: Paths, b: Paths, screen: Screen, protocol: Protocol) -> Array:
    rows = recurrence(a, b, _radius(protocol.recurrence_radius, screen))
    # A lag one way and a lag the other way must not cancel into a perfect mean.
    return np.column_stack([rows[:, :3], np.abs(rows[:, 3])])


def _clusters(block: Sequence[Trial], a: Paths, b: Paths) -> Array:
    each = [FixationClusters.fit(trial.observers) for trial in block]
    clusters = [one for one, trial in zip(each, block, strict=True) for _ in range(trial.pairs)]
    return np.column_stack([sequence_score(a, b, clusters), fed(a, b, clusters)])


def _radius(share: float, screen: Screen) -> float:
    return share * math.hypot(*screen)


FAMILIES: dict[str, Compare] = {
    "scanmatch": _scanmatch,
    "scanmatch_duration": _scanmatch_duration,
    "multimatch": _multimatch,
    "sed": lambda a, b, screen, protocol: string_edit_distance(
        a, b, screen, grid=protocol.sed_grid
    ),
    "stde": lambda a, b, screen, protocol: stde(a, b, screen, convention=protocol.stde_convention),
    "tde": lambda a, b, screen, protocol: tde(
        a, b, screen, k=protocol.tde_window, convention=protocol.stde_convention
    ),
    "dtw": lambda a, b, screen, protocol: dtw(a, b),
    "hausdorff": lambda a, b, screen, protocol: hausdorff(a, b),
    "frechet": lambda a, b, screen, protocol: frechet(a, b),
    "eyenalysis": lambda a, b, screen, protocol: eyenalysis(a, b),
    "recurrence": _recurrence,
    "disc_iou": lambda a, b, screen, protocol: disc_iou(
        a, b, _radius(protocol.disc_radius, screen)
    ),
}
"""Families of measures that need nothing but two paths, cheapest to read first."""

CLUSTERED = "clusters"
"""The family that also needs the clusters of each image's observers."""

MEMBERS: dict[str, tuple[str, ...]] = {
    family: tuple(name for name, measure in MEASURES.items() if measure.family == family)
    for family in (*FAMILIES, CLUSTERED)
}
"""Family to names of its measures, in the order of the columns it gives."""
