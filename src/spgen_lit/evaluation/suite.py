"""The suite: every measure of a set of scanpaths against every observer, under one protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from spgen_lit.evaluation import measures
from spgen_lit.evaluation.maps import Maps, information_gains, map_values
from spgen_lit.evaluation.measures import CLUSTERED, ENERGIES, FAMILIES, KL_PROTOCOL, MEMBERS
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import Scores
from spgen_lit.evaluation.trials import Array, Mask, Paths, Trial, blocks, groups, halves, trials
from spgen_lit.metrics.distributions import QUANTITIES, scanpath_distributions
from spgen_lit.metrics.energy import energy_score
from spgen_lit.metrics.stochastic import diversity_aware_score, path_recall, score_divergence
from spgen_lit.metrics.strings import FixationClusters

# Amplitudes are shares of the diagonal, so images of any size meet in a frame of diagonal 1000.
_FRAME, _DIAGONAL = (800, 600), 1000.0

Bits = Mapping[str, Sequence[Array]]


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

    def mean(self, image: str) -> float:
        """Mean sequence score of an image."""
        return _mean(self.sequence[image])

    @property
    def threshold(self) -> float:
        """Mean sequence score over images: what RSS calls a match by default."""
        return _mean(np.array([self.mean(image) for image in self.sequence]))


class _Sheet:
    """A table that fills up image by image."""

    def __init__(self, images: Sequence[str], names: Sequence[str]) -> None:
        self._images = {image: i for i, image in enumerate(images)}
        self._names = {name: j for j, name in enumerate(names)}
        self._values = np.full((len(images), len(names)), np.nan)
        self._count: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()

    def add(self, image: str, name: str, values: ArrayLike) -> None:
        """Set an image's value to the mean of its comparisons, those without one counted."""
        if name not in self._names:
            return
        given = np.atleast_1d(np.asarray(values, dtype=np.float64))
        self._count[name] += len(given)
        self._missing[name] += int((~np.isfinite(given)).sum())
        self._values[self._images[image], self._names[name]] = _mean(given)

    def scores(self, whole: Mapping[str, float], notes: Mapping[str, int]) -> Scores:
        """What was collected."""
        names = list(self._names)
        counts = {
            "comparisons": [self._count[name] for name in names],
            "missing": [self._missing[name] for name in names],
        }
        index = pd.Index(list(self._images), name="image")
        return Scores(
            pd.DataFrame(self._values, index, names),
            pd.DataFrame(counts, names),
            whole,
            notes,
        )


def score_set(
    samples: Paths,
    observers: Paths,
    protocol: Protocol,
    names: Sequence[str],
    maps: Maps | None = None,
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
        names: Measures from the catalogue.
        maps: Sizes of maps and the center bias, where a measure needs them.
        among: The pairs of the observers among themselves, for RSS, DSS and the KL protocol;
            None where the samples are the observers.
        log_likelihood: See :func:`spgen_lit.evaluation.maps.information_gains`.
        advance: Told the number of images each time some are done.

    Returns:
        A value for each image and measure, and the pairs.

    Raises:
        ValueError: If the two sides have different images.
    """
    everything = trials(samples, observers, protocol)
    families = {measures.MEASURES[name].family for name in names}
    sheet, pairs = _Sheet([trial.image for trial in everything], names), Pairs()
    for block in blocks(everything):
        clusters = [FixationClusters.fit(t.observers) for t in block if CLUSTERED in families]
        for family in (family for family in MEMBERS if family in families):
            _score_family(family, block, protocol, clusters, sheet, pairs, names)
        for trial in block:
            if maps is not None and families & {"nss", "maps"}:
                gained = map_values(trial, maps, names)
                for name, values in gained.items():
                    sheet.add(trial.image, name, values)
                if among is None and log_likelihood is None:
                    # What a model is read against: the other observers' density, without
                    # order (Kuemmerer et al. 2015: the gold standard).
                    known = gained.get("density_information_gain", np.nan)
                    sheet.add(trial.image, "information_gain", known)
            if maps is not None and log_likelihood is not None:
                gains = information_gains(trial, maps, log_likelihood[trial.image])
                sheet.add(trial.image, "information_gain", gains)
        advance(len(block))
    reference = among or pairs
    threshold = protocol.rss_threshold or reference.threshold
    for image, matrix in pairs.sequence.items():
        sheet.add(image, "rss", path_recall(matrix, threshold))
        inside = pairs.inside.get(image, np.nan)
        dss = diversity_aware_score(pairs.mean(image), inside, reference.mean(image))
        sheet.add(image, "dss", dss)
    return sheet.scores(
        _whole(everything, pairs, among, protocol, names), _notes(everything)
    ), pairs


def _score_family(
    family: str,
    block: Sequence[Trial],
    protocol: Protocol,
    clusters: Sequence[FixationClusters],
    sheet: _Sheet,
    pairs: Pairs,
    names: Sequence[str],
) -> None:
    """Score one block in one family, with the energies that are made from its pairs."""

    def compare(places: Sequence[Sequence[NDArray[Any]]], which: str) -> list[Array]:
        """Values of the pairs of paths at the places of each trial, in one call."""
        a, b = [], []
        for trial, own in zip(block, places, strict=True):
            other = trial.observers if which == "observers" else trial.samples
            a += [trial.samples[i] for i in own[0]]
            b += [other[j] for j in own[1]]
        counts = [len(own[0]) for own in places]
        if family == CLUSTERED:
            each = [one for one, n in zip(clusters, counts, strict=True) for _ in range(n)]
            values = measures.clustered(a, b, each)
        else:
            values = FAMILIES[family](a, b, block[0].screen, protocol)
        # No pair at all (a single observer) still has columns.
        table = values.reshape(len(a), -1) if a else np.zeros((0, len(MEMBERS[family])))
        return np.split(table, np.cumsum(counts)[:-1])

    rows = compare([np.nonzero(trial.allowed) for trial in block], "observers")
    made = [n for n in names if measures.MEASURES[n].family == family]
    inside: Sequence[Array | None] = [None] * len(block)
    if set(made) & {*ENERGIES, "diversity", "dss"}:
        upper = [np.triu_indices(len(trial.samples), 1) for trial in block]
        inside = compare(upper, "samples")
    if family in KL_PROTOCOL:
        pairs.values.setdefault(family, []).extend(rows)
    for trial, values, within in zip(block, rows, inside, strict=True):
        for column, name in enumerate(MEMBERS[family]):
            sheet.add(trial.image, name, values[:, column])
        for name in made:
            distance = ENERGIES.get(name)
            if distance is None or within is None:
                continue
            own = _square(distance(within), len(trial.samples))
            to_observers = _filled(trial.allowed, distance(values))
            sheet.add(trial.image, name, _energies(to_observers, own, trial.allowed))
        if "diversity" in made and within is not None:
            sheet.add(trial.image, "diversity", _mean(1 - within[:, 0]))
        if family == CLUSTERED:
            pairs.sequence[trial.image] = _filled(trial.allowed, values[:, 0])
        if "dss" in made and within is not None:
            # A single sample stands for a model that always gives it: it is like itself.
            pairs.inside[trial.image] = _mean(within[:, 0]) if len(trial.samples) > 1 else 1.0


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
    names: Sequence[str],
) -> dict[str, float]:
    """Figures of the whole set; they go with the full list of measures only."""
    if not set(measures.FULL) - {"information_gain"} <= set(names):
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


def _notes(everything: Sequence[Trial]) -> dict[str, int]:
    counts = [len(trial.samples) for trial in everything]
    return {
        "fewest_samples": min(counts),
        "most_samples": max(counts),
        "self_pairs": sum(int((~trial.allowed).sum()) for trial in everything),
        "off_image_fixations": sum(trial.off_image for trial in everything),
        "observers_off_image_fixations": sum(t.observers_off_image for t in everything),
    }


def _filled(allowed: Mask, values: Array) -> Array:
    matrix = np.full(allowed.shape, np.nan)
    matrix[allowed] = values
    return matrix


def _square(upper: Array, size: int) -> Array:
    """A symmetric matrix from the values above its diagonal, which stays NaN."""
    matrix = np.full((size, size), np.nan)
    matrix[np.triu_indices(size, 1)] = upper
    return np.where(np.isfinite(matrix), matrix, matrix.T)


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
