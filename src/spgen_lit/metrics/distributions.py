"""Distributions of saccade amplitude and direction, path length and fixation duration."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import wasserstein_distance

from spgen_lit.metrics.pairs import Paths, Screen, Values, as_rows

QUANTITIES = ("amplitude", "direction", "length", "duration")


def path_quantities(paths: Paths, screen: Screen) -> dict[str, Values]:
    """What the distributions are made of.

    Args:
        paths: Paths, see `PathLike`.
        screen: Width and height in px.

    Returns:
        ``amplitude`` of every saccade relative to the diagonal, ``direction`` of every saccade
        that has one in radians (-pi, pi], y downwards, ``length`` of every path in fixations,
        ``duration`` of every fixation in seconds (none for paths without).

    >>> found = path_quantities([np.array([[0.0, 0.0, 0.2], [0.0, 250.0, 0.3]])], (300, 400))
    >>> {name: values.round(2).tolist() for name, values in found.items()}
    {'amplitude': [0.5], 'direction': [1.57], 'length': [2.0], 'duration': [0.2, 0.3]}
    """
    rows = [as_rows(path, f"paths[{i}]", screen) for i, path in enumerate(paths)]
    steps = np.concatenate([np.empty((0, 2)), *(np.diff(path[:, :2], axis=0) for path in rows)])
    timed = [path[:, 2] for path in rows if path.shape[1] == 3]
    amplitude = np.hypot(steps[:, 0], steps[:, 1])
    directed = steps[amplitude > 0]
    return {
        "amplitude": amplitude / math.hypot(*screen),
        "direction": np.arctan2(directed[:, 1], directed[:, 0]),
        "length": np.array([len(path) for path in rows], dtype=np.float64),
        "duration": np.concatenate([np.empty(0), *timed]),
    }


def scanpath_distributions(
    model: Paths, observers: Paths, screen: Screen
) -> dict[str, dict[str, float]]:
    """Distances between the model's and the observers' distributions; 0 is equal.

    Args:
        model: Any number of paths, see `PathLike`.
        observers: Any number of paths.
        screen: Width and height in px.

    Returns:
        For each of amplitude, direction, length and duration: ``wasserstein`` in the quantity's
        unit (fraction of the diagonal, radians round the circle, fixations, seconds) and ``kl``,
        the divergence of the observers from the model in nats over the observers' bins. NaN where
        a side has no such values.

    >>> observers = [np.array([[0.0, 0.0, 0.2], [0.0, 250.0, 0.3]])]
    >>> model = [np.array([[0.0, 0.0, 0.4], [0.0, 200.0, 0.3]])]
    >>> found = scanpath_distributions(model, observers, (300, 400))
    >>> {name: round(values["wasserstein"], 3) for name, values in found.items()}
    {'amplitude': 0.1, 'direction': 0.0, 'length': 0.0, 'duration': 0.1}
    """
    ours, theirs = path_quantities(model, screen), path_quantities(observers, screen)
    result = {}
    for name in QUANTITIES:
        modeled, observed = ours[name], theirs[name]
        if not len(modeled) or not len(observed):
            result[name] = {"wasserstein": math.nan, "kl": math.nan}
            continue
        distance = circular_wasserstein if name == "direction" else wasserstein_distance
        result[name] = {
            "wasserstein": float(distance(modeled, observed)),
            "kl": divergence(modeled, observed, _edges(name, observed)),
        }
    return result


def circular_wasserstein(a: Values, b: Values) -> float:
    """Wasserstein-1 distance of two samples of angles in radians, along the circle.

    The integral of |F - G - c| with c the weighted median of F - G (Rabin, Delon & Gousseau
    2011); at most pi / 2 on average.
    """
    if not (len(a) and len(b)):
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


def divergence(model: Values, observers: Values, edges: Values) -> float:
    """Kullback-Leibler divergence of the observers from the model in nats, over bins.

    Values beyond the outer edges count to the outer bins; half a count is added to every bin of
    both, so that it is finite.
    """
    if not (len(model) and len(observers)):
        return math.nan
    mass = []
    for values in (observers, model):
        counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] + 0.5
        mass.append(counts / counts.sum())
    return float((mass[0] * np.log(mass[0] / mass[1])).sum())


def _edges(name: str, observers: Values) -> Values:
    """Bins: 36 of 10 degrees, whole fixations, or 20 quantiles of the observers."""
    if name == "direction":
        return np.linspace(-math.pi, math.pi, 37)
    if name == "length":
        return np.arange(observers.min() - 0.5, observers.max() + 1.0)
    edges = np.unique(np.quantile(observers, np.linspace(0, 1, 21)))
    return edges if len(edges) > 1 else edges[0] + np.array([-0.5, 0.5])
