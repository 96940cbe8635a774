"""The suite: every measure of a set of scanpaths against every observer, under one protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from spgen_lit.evaluation.energy import diversity, energy
from spgen_lit.evaluation.map_measures import Ground, map_values
from spgen_lit.evaluation.measures import FULL, MEASURES, select
from spgen_lit.evaluation.path_measures import MEMBERS, pair_rows, within_rows
from spgen_lit.evaluation.pooled import pooled_distances
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.scores import Scores
from spgen_lit.evaluation.tally import Tally
from spgen_lit.evaluation.trials import Trial, blocks, trials
from spgen_lit.scanpath import Scanpath

Array = NDArray[np.float64]
_ON_MATRICES = {"energy", "diversity"}
_ON_MAPS = {"nss", "maps"}


def evaluate(
    samples: Mapping[str, Sequence[Scanpath]],
    people: Mapping[str, Sequence[Scanpath]],
    protocol: Protocol,
    *,
    metrics: str | Iterable[str] | None = None,
    progress: bool = False,
    training: Sequence[Scanpath] | None = None,
    label: str = "scoring",
) -> Scores:
    """Score scanpaths against people.

    Each image is scored with every observer by every sample, averaged within the image.
    A sample that is an observer's own path, place by place, does not meet that observer: so
    people given as samples are scored leave-one-out.

    Args:
        samples: Image id to the scanpaths to score, at least one each.
        people: Image id to the observers' scanpaths; the same images.
        protocol: How paths are compared.
        metrics: None or ``"full"`` for all and the distances of distributions, ``"quick"``
            for energy, ScanMatch, NSS and MultiMatch, or names from ``measures.MEASURES``.
        progress: Show a progress bar with the time left (on standard error).
        training: Scanpaths whose fixations make the baseline of information gain and the
            negatives of shuffled AUC; None takes the people of the other images.
        label: Words beside the progress bar.

    Returns:
        A value for each image and measure, in the catalogue's order.

    Raises:
        ValueError: If the two sides have different images, or a name is unknown.
    """
    names = select(metrics)
    families = {MEASURES[name].family for name in names}
    everything = trials(samples, people, protocol)
    tally = Tally([trial.image for trial in everything], names)
    for trial in everything:
        tally.notes["self_pairs"] += int((~trial.allowed).sum())
        tally.notes["off_image_fixations"] += trial.off_image
        tally.notes["observers_off_image_fixations"] += trial.observers_off_image
    ground = Ground(people, protocol, training) if families & _ON_MAPS else None
    with _bar(progress) as bar:
        task = bar.add_task(label, total=len(everything) * len(families))
        for block in blocks(everything):
            for family in _score_paths(block, families, protocol, tally):
                bar.advance(task, len(block) * len(family))
            if ground is not None:
                for trial in block:
                    for name, values in map_values(trial, ground, names).items():
                        tally.add(trial.image, name, values)
                    bar.advance(task, len(families & _ON_MAPS))
    if names == FULL:
        tally.pooled = pooled_distances(everything)
    return tally.scores()


def _score_paths(
    block: Sequence[Trial], families: set[str], protocol: Protocol, tally: Tally
) -> Iterator[set[str]]:
    """Score one block, family by family; yields the families that are done."""
    on_matrices = families & _ON_MATRICES
    for family, names in MEMBERS.items():
        if family not in families and not (family == "scanmatch" and on_matrices):
            continue
        rows = pair_rows(family, block, protocol)
        for trial, values in zip(block, rows, strict=True):
            for column, name in enumerate(names):
                # A trial without a pair (one observer against nobody) has no columns.
                tally.add(trial.image, name, values[:, column] if len(values) else [])
        if family == "scanmatch" and on_matrices:
            _score_matrices(block, rows, protocol, tally)
            yield on_matrices
        yield families & {family}


def _score_matrices(
    block: Sequence[Trial], rows: Sequence[Array], protocol: Protocol, tally: Tally
) -> None:
    """Energy score and diversity with d = 1 - ScanMatch, from the ScanMatch of the pairs."""
    within = within_rows("scanmatch", block, protocol)
    for trial, values, similar in zip(block, rows, within, strict=True):
        distance = np.full(trial.allowed.shape, np.nan)
        distance[trial.allowed] = 1 - values[:, 0]
        tally.add(trial.image, "energy", energy(distance, 1 - similar, trial.allowed))
        tally.add(trial.image, "diversity", diversity(1 - similar))


def _bar(show: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not show,
        transient=True,
    )
