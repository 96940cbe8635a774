"""The scorer: samples against observers under a protocol, beside the baseline band."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from spgen_lit.evaluation import tables
from spgen_lit.evaluation.baselines import BASELINES, Images, baseline, computable
from spgen_lit.evaluation.maps import Maps
from spgen_lit.evaluation.measures import MEASURES, SCANNED, Measure, select
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import CHANCE, OBSERVERS, Results, Scores
from spgen_lit.evaluation.suite import Bits, score_set
from spgen_lit.evaluation.trials import Paths
from spgen_lit.scanpath import Scanpath

#: Image id to what it is of, such as its movement: name of the attribute to group.
Attributes = Mapping[str, Mapping[str, str]]
#: Measures of the table by group, of those that were computed.
_GROUPED = ("energy", "scanmatch", "nss", "congruency")


def score(
    samples: Paths,
    observers: Paths,
    protocol: Protocol,
    *,
    metrics: str | Iterable[str] | None = None,
    extra: Sequence[Measure] = (),
    baselines: Sequence[str] | None = None,
    band: Mapping[str, Scores] | None = None,
    training: Sequence[Scanpath] | None = None,
    images: Images | None = None,
    seed: int = 0,
    log_likelihood: Bits | None = None,
    meta: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Results:
    """Score scanpaths against observers, and what they are read against.

    Args:
        samples: Image id to the scanpaths to score, at least one each.
        observers: Image id to the observers' scanpaths; the same images.
        protocol: How paths are compared. Its ``samples`` is replaced by what is found.
        metrics: None or ``"full"`` for all and the distances of distributions, ``"quick"``
            for energy, ScanMatch, NSS and MultiMatch, or names from ``measures.MEASURES``.
        extra: Measures of a user's, beside those of the catalogue.
        baselines: Names from ``baselines.BASELINES``; None for all that can be computed.
        band: Scores of baselines that are known already, in place of computing them.
        training: Scanpaths that baselines, the center bias and the negatives of shuffled AUC
            are taken from; None for the observers of the other images.
        images: Image id to RGB pixels or a function that gives them, for ``saliency_wta``.
        seed: Seed of the baselines.
        log_likelihood: Image id to each observer's log-likelihoods under the model, in bits a
            fixation over a uniform density: makes ``information_gain`` possible.
        meta: Facts for the title and the summary.
        progress: Show a progress bar with the time left (on standard error).

    Raises:
        ValueError: If the two sides have different images, a name is unknown, or a baseline
            cannot be computed.
    """
    measures = {name: MEASURES[name] for name in select(metrics)}
    if log_likelihood is None:
        measures.pop("information_gain", None)
    measures |= {measure.name: measure for measure in extra}
    facts = {"measures": {measure.name: measure.card() for measure in extra}} if extra else {}
    known = dict(band or {})
    others = [] if band is not None else computable(baselines, observers, training, images)
    counts = {len(samples[image]) for image in samples}
    counted = replace(protocol, samples=max(counts, default=1) or 1)
    # A model with one path an image stands for as many copies of it.
    drawing = counted if counted.samples > 1 else protocol
    maps = Maps(observers, protocol, training)
    relative = bool({"rss", "dss"} & measures.keys())
    console = Console(stderr=True)
    with Progress(console=console, disable=not progress, transient=True) as bar:
        task = bar.add_task("scoring", total=len(observers) * (1 + len(others)))

        def run(paths: Paths, **more: Any) -> Any:
            return score_set(
                paths,
                observers,
                counted,
                measures,
                maps,
                advance=partial(bar.advance, task),
                **more,
            )

        among = None
        if OBSERVERS in others or relative:
            known[OBSERVERS], among = run(observers)
        for name in (name for name in others if name != OBSERVERS):
            drawn = baseline(name, observers, drawing, training=training, images=images, seed=seed)
            known[name], _ = run(drawn, among=among)
        model, _ = run(samples, among=among, log_likelihood=log_likelihood)
    kept = {name: known[name] for name in BASELINES if name in known}
    if band is None and OBSERVERS not in others:
        kept.pop(OBSERVERS, None)
    return Results(model, kept, counted, {**(meta or {}), **facts})


def score_temperatures(
    draw: Callable[[float], Paths],
    temperatures: Iterable[float],
    observers: Paths,
    protocol: Protocol,
    training: Sequence[Scanpath] | None = None,
) -> pd.DataFrame:
    """Score samples at several temperatures of sampling, in the measures of ``SCANNED``.

    Args:
        draw: Gives the samples at a temperature, image id to scanpaths.
        temperatures: 0 or more each.
        observers: Image id to observers' scanpaths.
        protocol: How paths are compared.
        training: As for :func:`score`.

    Returns:
        The frames of the results below each other, with a column ``temperature``.

    Raises:
        ValueError: For a temperature that is negative or not finite.
    """
    # Chance needs another image.
    baselines = (OBSERVERS, CHANCE) if len(observers) > 1 else (OBSERVERS,)
    options: dict[str, Any] = {"metrics": SCANNED, "baselines": baselines, "training": training}
    frames: dict[float, pd.DataFrame] = {}
    band = None
    for temperature in check_temperatures(temperatures):
        results = score(draw(temperature), observers, protocol, band=band, **options)
        band, frames[temperature] = results.band, results.frame
    table = pd.concat(frames, names=["temperature"]).reset_index()
    return table if CHANCE in table else table.assign(**{CHANCE: float("nan")})


def score_folds(
    samples: Paths,
    observers: Paths,
    protocol: Protocol,
    folds: int | str,
    **options: Any,
) -> pd.DataFrame:
    """Score part by part, to see how much a small set's figures depend on its parts.

    Args:
        samples: Image id to the scanpaths to score.
        observers: Image id to the observers' scanpaths.
        protocol: How paths are compared.
        folds: A number of folds of images: each is scored alone, with baselines and center
            bias from the others. Or ``observers``: each observer is left out in turn.
        options: Passed to :func:`score`.

    Returns:
        The frames of the results below each other, with a column ``fold``.

    Raises:
        ValueError: For fewer than two folds, or more than there are images.
    """
    parts: dict[str, Results] = {}
    if folds == "observers":
        for name in sorted({path.observer for paths in observers.values() for path in paths}):
            rest = {i: [p for p in paths if p.observer != name] for i, paths in observers.items()}
            rest = {image: paths for image, paths in rest.items() if paths}
            kept = {image: samples[image] for image in rest}
            parts[f"without {name}"] = score(kept, rest, protocol, **options)
    else:
        count = int(folds)
        if not 2 <= count <= len(observers):
            raise ValueError(f"folds={folds}: from 2 to the number of images ({len(observers)})")
        order = np.random.default_rng(0).permutation(sorted(observers))
        for number, fold in enumerate(np.array_split(order, count), start=1):
            kept = {str(image): samples[image] for image in fold}
            within = {image: observers[image] for image in kept}
            others = [p for i, paths in observers.items() if i not in within for p in paths]
            options["training"] = others
            parts[f"fold {number}"] = score(kept, within, protocol, **options)
    frames = {name: results.frame for name, results in parts.items()}
    return pd.concat(frames, names=["fold"]).reset_index()


def folds_table(frame: pd.DataFrame) -> Table:
    """Mean over the parts, their standard deviation, least and most."""
    groups = frame.groupby("metric", sort=False)
    values = groups["value"].agg(["mean", "std", "min", "max"])
    shown = pd.DataFrame(
        {"measure": groups["label"].first(), **{c: values[c].map(tables.figure) for c in values}}
    )
    parts = frame["fold"].unique()
    return tables.terminal(shown, f"{len(parts)} parts: {parts[0]} to {parts[-1]}")


def grouped_by(attributes: Attributes, name: str | None = None) -> list[str]:
    """The attributes that results are shown by: the one asked for, else the first two.

    Raises:
        ValueError: If no image has the attribute asked for.
    """
    known = list(dict.fromkeys(key for found in attributes.values() for key in found))
    if name and name not in known:
        raise ValueError(f"group={name}: the images have {', '.join(known) or 'no attributes'}")
    return [name] if name else known[:2]


def score_groups(results: Results, attributes: Attributes, attribute: str) -> pd.DataFrame:
    """Results by what images are of, such as the movement of a painting.

    Args:
        results: Of all images.
        attributes: Image id to its attributes.
        attribute: Name of one of them; images without it are left out.

    Returns:
        The frames of the groups' results below each other, with a column ``group``.
    """
    images = pd.Series({image: attributes[image].get(attribute) for image in results.model.images})
    frames = {}
    for group, members in images.groupby(images):
        rows = list(members.index)
        band = {who: Scores(scores.rows.loc[rows]) for who, scores in results.band.items()}
        part = replace(results, model=Scores(results.model.rows.loc[rows]), band=band)
        frames[str(group)] = part.frame
    return pd.concat(frames, names=["group"]).reset_index()


def groups_table(frames: Mapping[str, pd.DataFrame]) -> Table:
    """A few measures by attributes, each beside observers and chance.

    Args:
        frames: Attribute to what :func:`score_groups` gives; at least one.
    """
    metrics = next(iter(frames.values()))["metric"].unique()
    chosen = [name for name in _GROUPED if name in metrics] or list(metrics[:1])
    parts, fewest = [], math.inf
    for attribute, frame in frames.items():
        rows = frame[frame["metric"] == chosen[0]]
        fewest = min(fewest, rows["images"].min())
        shown = pd.DataFrame({"group": rows["group"], "images": rows["images"].astype(str)})
        for name in chosen:
            rows = frame[frame["metric"] == name].set_axis(shown.index)
            marks = [tables.figures(rows[who]) for who in (OBSERVERS, CHANCE) if who in rows]
            beside = " (" + marks[0].str.cat(marks[1:], sep=", ") + ")" if marks else ""
            shown[str(rows["label"].iloc[0])] = tables.figures(rows["value"]) + beside
        parts += [pd.DataFrame([{"group": f"by {attribute}"}], index=["title"]), shown]
    words = f"in brackets: observers, chance; {tables.interval_note(int(fewest))} in by_*.csv"
    return tables.terminal(pd.concat(parts).fillna(""), "by group", words, bold={"title"})


def save_groups(
    folder: Path, results: Results, attributes: Attributes, names: Sequence[str]
) -> Table | None:
    """Write ``by_<attribute>.csv`` of the named attributes; their table, None without any."""
    frames = {name: score_groups(results, attributes, name) for name in names}
    for name, frame in frames.items():
        tables.write(folder / f"by_{name}.csv", frame)
    return groups_table(frames) if frames else None


def check_temperatures(temperatures: Iterable[float]) -> list[float]:
    """Temperatures as numbers.

    Raises:
        ValueError: For one that is negative or not finite.
    """
    values = [float(temperature) for temperature in temperatures]
    wrong = [t for t in values if not (math.isfinite(t) and t >= 0)]
    if wrong:
        raise ValueError(f"temperatures must be finite and >= 0, found {wrong}")
    return values
