"""Distributions of amplitude, direction, length and duration, and the diversity of samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from spgen_lit.metrics.pairing import PairMetric, within
from spgen_lit.metrics.paths import Path, pair_up
from spgen_lit.metrics.scanmatch import scanmatch

QUANTITIES = ("amplitude", "direction", "length", "duration")


def path_quantities(
    paths: Sequence[Path], screen: tuple[float, float]
) -> dict[str, NDArray[np.float64]]:
    """What the distributions are made of.

    Args:
        paths: Paths ``(fixation, 2 or 3)``: x, y in px, duration in s.
        screen: Width and height in px.

    Returns:
        ``amplitude`` of every saccade as a share of the diagonal, ``direction`` of every saccade
        that has one in radians (-pi, pi], y downwards, ``length`` of every path in fixations,
        ``duration`` of every fixation in seconds (none for paths without).
    """
    table = pair_up(paths, paths)
    lengths = table.lengths[table.first]
    starts = (np.cumsum(table.lengths) - table.lengths)[table.first]
    rows = np.concatenate(
        [table.rows[s : s + n] for s, n in zip(starts, lengths, strict=True)] or [table.rows[:0]]
    )
    steps = np.delete(np.diff(rows[:, :2], axis=0), np.cumsum(lengths[lengths > 0])[:-1] - 1, 0)
    amplitude = np.hypot(steps[:, 0], steps[:, 1])
    moved = steps[amplitude > 0]
    return {
        "amplitude": amplitude / math.hypot(*screen),
        "direction": np.arctan2(moved[:, 1], moved[:, 0]),
        "length": lengths.astype(np.float64),
        "duration": rows[np.isfinite(rows[:, 2]), 2],
    }


def scanpath_distributions(
    model: Sequence[Path], people: Sequence[Path], screen: tuple[float, float]
) -> dict[str, dict[str, float]]:
    """Distances between the model's and people's distributions; 0 is equal.

    Args:
        model, people: Paths ``(fixation, 2 or 3)``, of any numbers: x, y in px, duration in s.
        screen: Width and height in px.

    Returns:
        For each of amplitude, direction, length and duration: ``wasserstein`` in the quantity's
        unit (share of the diagonal, radians round the circle, fixations, seconds) and ``kl``, the
        divergence of people from the model in nats over people's own bins. NaN where a side has
        no such values.
    """
    ours, theirs = path_quantities(model, screen), path_quantities(people, screen)
    result = {}
    for name in QUANTITIES:
        distance = circular_wasserstein if name == "direction" else wasserstein
        result[name] = {
            "wasserstein": distance(ours[name], theirs[name]),
            "kl": divergence(ours[name], theirs[name], _edges(name, theirs[name])),
        }
    return result


def wasserstein(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Wasserstein-1 distance of two samples ``(value,)``; NaN if one is empty."""
    return float(wasserstein_distance(a, b)) if len(a) and len(b) else math.nan


def circular_wasserstein(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Wasserstein-1 distance of two samples of angles in radians, along the circle.

    The integral of |F - G - c| with c the weighted median of F - G (Rabin, Delon & Gousseau
    2011); at most pi / 2 on average. NaN if one is empty.
    """
    if not len(a) or not len(b):
        return math.nan
    turn = 2 * math.pi
    a, b = np.sort(np.mod(a, turn)), np.sort(np.mod(b, turn))
    knots = np.sort(np.concatenate([[0.0], a, b, [turn]]))
    widths = np.diff(knots)
    ours = np.searchsorted(a, knots[:-1], side="right") / len(a)
    theirs = np.searchsorted(b, knots[:-1], side="right") / len(b)
    gap = np.asarray(ours - theirs)
    order = np.argsort(gap)
    half = int(np.searchsorted(np.cumsum(widths[order]), turn / 2))
    shift = float(gap[order[min(half, len(gap) - 1)]])
    return float((np.abs(gap - shift) * widths).sum())


def divergence(
    model: NDArray[np.float64], people: NDArray[np.float64], edges: NDArray[np.float64]
) -> float:
    """Kullback-Leibler divergence of people from the model in nats, over bins.

    Values beyond the outer edges count to the outer bins; half a count is added to every bin of
    both, so that it is finite. NaN if a sample ``(value,)`` is empty.
    """
    if not len(model) or not len(people):
        return math.nan
    shares = []
    for values in (people, model):
        counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] + 0.5
        shares.append(counts / counts.sum())
    return float((shares[0] * np.log(shares[0] / shares[1])).sum())


def _edges(name: str, people: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bins: 36 of 10 degrees, whole fixations, or people's own 20 quantiles."""
    if name == "direction" or not len(people):
        return np.linspace(-math.pi, math.pi, 37)
    if name == "length":
        return np.arange(people.min() - 0.5, people.max() + 1.0)
    edges = np.unique(np.quantile(people, np.linspace(0, 1, 21)))
    return edges if len(edges) > 1 else edges[0] + np.array([-0.5, 0.5])


def scanmatch_distance(a: Sequence[Path], b: Sequence[Path], **options: Any) -> NDArray[np.float64]:
    """1 - ScanMatch ``(pair,)``: the distance behind the headline; options of ``scanmatch``."""
    return 1.0 - scanmatch(a, b, **options)


def diversity(
    samples: Sequence[Path], distance: PairMetric = scanmatch_distance, **options: Any
) -> float:
    """Mean distance between the samples of one image; compare with that of its observers.

    Args:
        samples: Paths ``(fixation, 2 or 3)``: x, y in px, duration in s.
        distance: A pair metric that gives one distance per pair, larger for less alike.
        options: Passed to it (``screen=...``).

    Returns:
        Mean over pairs of distinct samples, without NaN; NaN where no pair has a value.
    """
    values = within(distance, samples, **options)
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan
