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

Array = NDArray[np.float64]
Paths = Sequence[Array]
Screen = tuple[int, int]
Compare = Callable[[Paths, Paths, Screen, Protocol], Array]


def pair_rows(compare: Compare, block: Sequence[Trial], protocol: Protocol) -> list[Array]:
    """Values of every allowed pair of each trial, in one call for the block.

    Args:
        compare: Function of two equally long sequences of paths, giving ``(pair, k)`` or
            ``(pair,)``.
        block: Trials of one screen.
        protocol: Passed on.

    Returns:
        For each trial ``(pair, k)``, pairs in row-major order of ``allowed``.
    """
    a, b = [], []
    for trial in block:
        for sample, observer in np.argwhere(trial.allowed):
            a.append(trial.samples[sample])
            b.append(trial.observers[observer])
    return _split(compare, a, b, [trial.pairs for trial in block], block[0].screen, protocol)


def within_rows(compare: Compare, block: Sequence[Trial], protocol: Protocol) -> list[Array]:
    """Symmetric distances among the samples of each trial.

    Returns:
        For each trial ``(sample, sample)`` of the first value of ``compare``, diagonal NaN.
    """
    a, b, counts, corners = [], [], [], []
    for trial in block:
        upper = np.triu_indices(len(trial.samples), 1)
        corners.append(upper)
        counts.append(len(upper[0]))
        a += [trial.samples[i] for i in upper[0]]
        b += [trial.samples[j] for j in upper[1]]
    rows = _split(compare, a, b, counts, block[0].screen, protocol)
    matrices = []
    for trial, upper, values in zip(block, corners, rows, strict=True):
        matrix = np.full((len(trial.samples),) * 2, np.nan)
        matrix[upper] = values[:, 0]
        matrix.T[upper] = values[:, 0]
        matrices.append(matrix)
    return matrices


def _split(
    compare: Compare,
    a: Paths,
    b: Paths,
    counts: list[int],
    screen: Screen,
    protocol: Protocol,
) -> list[Array]:
    values = compare(a, b, screen, protocol)
    values = values.reshape(len(a), -1) if len(a) else np.zeros((0, 1))
    return np.split(values, np.cumsum(counts)[:-1])


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


def radius(share: float, screen: Screen) -> float:
    """A share of the screen's diagonal in px."""
    return share * math.hypot(*screen)


FAMILIES: dict[str, Compare] = {
    "scanmatch": _scanmatch,
    "scanmatch_duration": _scanmatch_duration,
    "multimatch": _multimatch,
}
MEMBERS: dict[str, tuple[str, ...]] = {
    family: tuple(name for name, measure in MEASURES.items() if measure.family == family)
    for family in FAMILIES
}
