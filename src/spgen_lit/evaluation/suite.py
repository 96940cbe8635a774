"""The suite: every measure of a set of scanpaths against every observer, under one protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from spgen_lit.evaluation.maps import Maps, information_gains, map_values
from spgen_lit.evaluation.measures import (
    CLUSTERED,
    ENERGIES,
    FAMILIES,
    FULL,
    KL_PROTOCOL,
    MEMBERS,
    Measure,
)
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import Scores
from spgen_lit.evaluation.trials import Array, Mask, Paths, Trial, blocks, groups, halves, trials
from spgen_lit.metrics.distributions import QUANTITIES, scanpath_distributions
from spgen_lit.metrics.energy import (
    diversity_aware_score,
    energy_score,
    finite_mean,
    path_recall,
    score_divergence,
)
from spgen_lit.metrics.strings import FixationClusters, fed, sequence_score

# Amplitudes are shares of the diagonal, so images of any size meet in a frame of diagonal 1000.
_FRAME, _DIAGONAL = (800, 600), 1000.0

Bits = Mapping[str, Sequence[Array]]
Indices = Sequence[NDArray[np.intp]]


@dataclass
class Pairs:
    """What scales that look at whole distributions need of all pairs of a set.

    Attributes:
        values: Family of the KL protocol to the values of all pairs, image by image.
        sequence: Image to the sequence scores ``(sample, observer)``, NaN where not allowed.
        inside: Image to the mean sequence score between two of its samples.
    """

    values: dict[str, list[Array]] = field(default_factory=dict)
    sequence: dict[str, Array] = field(default_factory=dict)
    inside: dict[str, float] = field(default_factory=dict)

    @property
    def threshold(self) -> float:
        """Mean sequence score over images: what RSS calls a match by default."""
        return finite_mean(np.array([finite_mean(matrix) for matrix in self.sequence.values()]))


def score_set(
    samples: Paths,
    observers: Paths,
    protocol: Protocol,
    measures: Mapping[str, Measure],
    maps: Maps,
    among: Pairs | None = None,
    log_likelihood: Bits | None = None,
    advance: Callable[[int], None] = lambda images: None,
) -> tuple[Scores, Pairs]:
    """Score one set of scanpaths.

    Each image is scored with every observer by every sample, averaged within the image. A
    sample that is an observer's own path, place by place, does not meet that observer: so
    observers given as samples are scored leave-one-out.

    Args:
        samples: Image id to the scanpaths to score, at least one each.
        observers: Image id to the observers' scanpaths; the same images.
        protocol: How paths are compared.
        measures: Name to measure.
        maps: Sizes of maps and the center bias.
        among: The pairs of the observers among themselves, for RSS, DSS and the KL protocol;
            None where the samples are the observers.
        log_likelihood: See :func:`spgen_lit.evaluation.maps.information_gains`.
        advance: Called with the number of images each time some are done.

    Returns:
        A value for each image and measure, and the pairs.

    Raises:
        ValueError: If the two sides have different images.
    """
    everything = trials(samples, observers, protocol)
    found: dict[str, dict[str, Array]] = {name: {} for name in measures}
    of_maps = {"nss", "maps", "likelihood"} & {measure.family for measure in measures.values()}
    of_pairs = [name for name, measure in measures.items() if measure.compare is not None]
    of_pairs += dict.fromkeys(m.family for m in measures.values() if m.family in MEMBERS)
    pairs = Pairs()
    for block in blocks(everything):
        for family in of_pairs:
            for image, values in _Family(family, block, protocol, measures).score(pairs):
                for name in values.keys() & found.keys():
                    found[name][image] = values[name]
        for trial in block if of_maps else ():
            gained = map_values(trial, maps, measures)
            if log_likelihood is not None:
                bits = log_likelihood[trial.image]
                gained["information_gain"] = information_gains(trial, maps, bits)
            elif among is None and "density_information_gain" in gained:
                # What a model is read against: the other observers' density, without order
                # (Kuemmerer et al. 2015: the gold standard).
                gained["information_gain"] = gained["density_information_gain"]
            for name in gained.keys() & found.keys():
                found[name][trial.image] = gained[name]
        advance(len(block))
    for image, single in _from_sequences(pairs, among or pairs, protocol).items():
        for name in single.keys() & found.keys():
            found[name][image] = np.array([single[name]])
    whole = _whole(everything, pairs, among, protocol, measures)
    return _scores(everything, found, whole), pairs


def _scores(
    everything: Sequence[Trial], found: Mapping[str, Mapping[str, Array]], whole: dict[str, float]
) -> Scores:
    """Means over the comparisons of each image, those without a value counted."""
    images = pd.Index([trial.image for trial in everything], name="image")
    means = {name: {i: finite_mean(v) for i, v in values.items()} for name, values in found.items()}
    every = {name: np.concatenate([[], *values.values()]) for name, values in found.items()}
    counts = {
        "comparisons": {name: len(values) for name, values in every.items()},
        "missing": {name: int((~np.isfinite(values)).sum()) for name, values in every.items()},
    }
    drawn = [len(trial.samples) for trial in everything]
    notes = {
        "fewest_samples": min(drawn),
        "most_samples": max(drawn),
        "self_pairs": sum(int((~trial.allowed).sum()) for trial in everything),
        "off_image_fixations": sum(trial.off_image for trial in everything),
        "observers_off_image_fixations": sum(t.observers_off_image for t in everything),
    }
    rows = pd.DataFrame(means, images, list(found), dtype=np.float64)
    return Scores(rows, pd.DataFrame(counts), whole, notes)


@dataclass(frozen=True)
class _Family:
    """One family of measures on one block of trials."""

    name: str
    block: Sequence[Trial]
    protocol: Protocol
    measures: Mapping[str, Measure]

    def score(self, pairs: Pairs) -> list[tuple[str, dict[str, Array]]]:
        """Image and name to values; what whole distributions need is added to the pairs."""
        columns = MEMBERS.get(self.name, (self.name,))
        rows = self._compare([np.nonzero(trial.allowed) for trial in self.block], "observers")
        made = {name for name, m in self.measures.items() if m.family == self.name}
        inner = bool(made & {*ENERGIES, "diversity", "dss"})
        upper = [np.triu_indices(inner * len(trial.samples), 1) for trial in self.block]
        within = self._compare(upper, "samples")
        if self.name in KL_PROTOCOL:
            pairs.values.setdefault(self.name, []).extend(rows)
        results = []
        for trial, values, inside in zip(self.block, rows, within, strict=True):
            found = {name: values[:, column] for column, name in enumerate(columns)}
            for name in made & ENERGIES.keys():
                to_observers = _filled(trial.allowed, ENERGIES[name](values))
                square = squareform(ENERGIES[name](inside), checks=False)
                found[name] = _energies(to_observers, square, trial.allowed)
            if "diversity" in made:
                found["diversity"] = np.array([finite_mean(1 - inside[:, 0])])
            if self.name == CLUSTERED:
                pairs.sequence[trial.image] = _filled(trial.allowed, values[:, 0])
                # A single sample stands for a model that always gives it: it is like itself.
                pairs.inside[trial.image] = finite_mean(inside[:, 0]) if len(inside) else 1.0
            results.append((trial.image, found))
        return results

    @cached_property
    def clusters(self) -> list[FixationClusters]:
        """Clusters of the observers' fixations on each image."""
        return [FixationClusters.fit(trial.observers) for trial in self.block]

    def _compare(self, indices: Sequence[Indices], which: str) -> list[Array]:
        """Values ``(pair, column)`` of the pairs of each trial, by one call for all."""
        a, b = [], []
        for trial, (left, right) in zip(self.block, indices, strict=True):
            other = trial.observers if which == "observers" else trial.samples
            a += [trial.samples[i] for i in left]
            b += [other[j] for j in right]
        counts = [len(left) for left, _ in indices]
        screen, columns = self.block[0].screen, MEMBERS.get(self.name, (self.name,))
        compare = self.measures[columns[0]].compare if columns[0] in self.measures else None
        if not a:  # a single observer still has columns
            values = np.zeros((0, len(columns)))
        elif compare is not None:
            values = np.asarray(compare(a, b, screen), dtype=np.float64)
        elif self.name == CLUSTERED:
            each = [one for one, n in zip(self.clusters, counts, strict=True) for _ in range(n)]
            values = np.column_stack([sequence_score(a, b, each), fed(a, b, each)])
        else:
            values = FAMILIES[self.name](a, b, screen, self.protocol)
        return np.split(values.reshape(len(a), len(columns)), np.cumsum(counts)[:-1])


def _from_sequences(
    pairs: Pairs, reference: Pairs, protocol: Protocol
) -> dict[str, dict[str, float]]:
    """Image to RSS and DSS, from the sequence scores of the samples and of the observers."""
    threshold = protocol.rss_threshold or reference.threshold
    return {
        image: {
            "rss": path_recall(matrix, threshold),
            "dss": diversity_aware_score(
                finite_mean(matrix), pairs.inside[image], finite_mean(reference.sequence[image])
            ),
        }
        for image, matrix in pairs.sequence.items()
    }


def _energies(to_observers: Array, within: Array, allowed: Mask) -> Array:
    """Energy score against each observer ``(observer,)``.

    NaN where fewer than two samples may meet the observer. An image with a single sample in
    all is taken as a forecast that always gives this path, and scores its plain distance.
    """
    result = np.full(to_observers.shape[1], np.nan)
    for keep, whose in groups(allowed):
        if keep.any():
            distances = to_observers[np.ix_(keep, whose)]
            single = len(allowed) == 1
            result[whose] = energy_score(distances, within[np.ix_(keep, keep)], biased=single)
    return result


def _whole(
    everything: Sequence[Trial],
    pairs: Pairs,
    among: Pairs | None,
    protocol: Protocol,
    measures: Mapping[str, Measure],
) -> dict[str, float]:
    """Figures of the whole set; they go with the full list of measures only."""
    if not set(FULL) - {"information_gain"} <= set(measures):
        return {}
    ours: list[Array] = []
    theirs: list[Array] = []
    for trial in everything:
        scale = np.array([_DIAGONAL / np.hypot(*trial.screen)] * 2 + [1.0])
        # Observers: one half against the other, which a perfect model of as many paths reaches.
        keep, half = halves(trial)[0]
        for paths, mask, into in ((trial.samples, keep, ours), (trial.observers, half, theirs)):
            into += [p * scale[: p.shape[1]] for p, w in zip(paths, mask, strict=True) if w]
    found = scanpath_distributions(ours, theirs, _FRAME)
    out = {
        f"{name}_{distance}": found[name][distance]
        for distance in ("wasserstein", "kl")
        for name in QUANTITIES
    }
    for family in KL_PROTOCOL if among is not None else ():
        people, model = (np.concatenate(side.values[family]) for side in (among, pairs) if side)
        columns = range(people.shape[1]) if family == "multimatch" else (0,)
        values = [score_divergence(people[:, c], model[:, c], protocol.kl_bins) for c in columns]
        out[f"kl_{family}"] = float(np.mean(values))
    return out


def _filled(allowed: Mask, values: Array) -> Array:
    matrix = np.full(allowed.shape, np.nan)
    matrix[allowed] = values
    return matrix
