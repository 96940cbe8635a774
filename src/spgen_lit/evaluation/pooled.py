"""Figures of a whole set: how far distributions of the samples lie from people's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spgen_lit.evaluation.trials import Trial
from spgen_lit.metrics.distributions import QUANTITIES, scanpath_distributions

Array = NDArray[np.float64]

# Amplitudes are shares of the diagonal, so images of any size meet in a frame of diagonal 1000.
_FRAME = (800, 600)
_DIAGONAL = 1000.0

WASSERSTEIN: tuple[str, ...] = tuple(f"{name}_wasserstein" for name in QUANTITIES)
"""Names of the Wasserstein distances, which tables show; ``…_kl`` are saved beside them."""


def pooled_distances(trials: Sequence[Trial]) -> dict[str, float]:
    """Distances between all samples and all observers of a set, image by image equally used.

    Where samples are the observers themselves, the two halves of each image's observers are
    compared: people's split-half distance, which a perfect model of this many paths reaches.

    Args:
        trials: One for each image.

    Returns:
        ``amplitude_wasserstein`` (share of the diagonal), ``direction_wasserstein``
        (radians), ``length_wasserstein`` (fixations), ``duration_wasserstein`` (seconds),
        and the same with ``_kl`` (nats); NaN where a side has no such values.
    """
    ours: list[Array] = []
    theirs: list[Array] = []
    for trial in trials:
        scale = np.array([_DIAGONAL / np.hypot(*trial.screen)] * 2 + [1.0])
        keep, half = _sides(trial)
        ours += [path * scale[: path.shape[1]] for path in _chosen(trial.samples, keep)]
        theirs += [path * scale[: path.shape[1]] for path in _chosen(trial.observers, half)]
    found = scanpath_distributions(ours, theirs, _FRAME)
    return {
        f"{name}_{distance}": value
        for distance in ("wasserstein", "kl")
        for name, value in ((name, found[name][distance]) for name in QUANTITIES)
    }


def _sides(trial: Trial) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which samples and which observers are compared: no path may be on both sides."""
    if not trial.leaves_out:
        return np.ones(len(trial.samples), bool), np.ones(len(trial.observers), bool)
    odd = np.arange(len(trial.observers)) % 2 == 1
    return np.asarray(trial.allowed[:, odd].all(axis=1)), odd


def _chosen(paths: Sequence[Array], keep: NDArray[np.bool_]) -> list[Array]:
    return [path for path, wanted in zip(paths, keep, strict=True) if wanted]
