"""Comparing results: paired by image, under one protocol; differences and a leaderboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from spgen_lit.evaluation import statistics, tables
from spgen_lit.evaluation.measures import MEASURES, heading
from spgen_lit.evaluation.results import OBSERVERS, Results, Scores

# Facts that make two results answers to different questions, beside images and protocol.
_SAME_FACTS = ("data", "set", "gaze")
#: Measures of a leaderboard, the first of which ranks.
HEADLINE = ("energy", "scanmatch", "multimatch_position", "nss", "diversity")
_NAMES = {
    "other_image": "chance: another image's",
    "center_bias": "center bias",
    "center": "stay at center",
    "saliency_wta": "spectral saliency, WTA",
}


def compare(results: Mapping[str, Results], metrics: Iterable[str] | None = None) -> pd.DataFrame:
    """Compare each result with the first, measure by measure.

    Args:
        results: Name to results, two or more.
        metrics: Measures wanted; None for all that every result has.

    Returns:
        A row for each result but the first and each measure: ``result, metric, first, second,
        difference, low, high, p`` (sign flips), ``p_holm`` (corrected for the number of
        measures), ``images, better``: True or False where the interval leaves zero out, the
        corrected p is below .05 and there are images enough, else None.

    Raises:
        ValueError: For fewer than two results, protocols, sample counts, images or data that
            differ (named), or a measure that one lacks.
    """
    if len(results) < 2:
        raise ValueError(f"comparing needs two or more results, found {len(results)}")
    (first_name, first), *others = results.items()
    for name, other in others:
        refuse_mismatch(first, other, first_name, name)
    shared = [m for m in first.model.metrics if all(m in r.model.rows for r in results.values())]
    chosen = shared if metrics is None else list(metrics)
    lacking = [m for m in chosen if m not in shared]
    if lacking:
        raise ValueError(f"not every result has {', '.join(lacking)}; all have {', '.join(shared)}")
    parts = []
    for name, other in others:
        rows = [_difference(first.model, other.model, metric) for metric in chosen]
        part = pd.DataFrame(rows)
        part.insert(0, "result", name)
        part.insert(8, "p_holm", statistics.holm(part["p"]))
        part["better"] = [_better(row) for row in part.to_dict("records")]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _difference(first: Scores, second: Scores, metric: str) -> dict[str, Any]:
    theirs = second.rows[metric].reindex(first.rows.index)
    found = statistics.paired_difference(first.rows[metric], theirs)
    return {
        "metric": metric,
        "first": first.mean(metric),
        "second": second.mean(metric),
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "images": found.n,
    }


def _better(row: Mapping[Any, Any]) -> bool | None:
    """Whether the second is better; None while that is uncertain, or has no meaning."""
    metric = row["metric"]
    way = MEASURES[metric].better if metric in MEASURES else "observers"
    certain = (row["low"] > 0 or row["high"] < 0) and row["p_holm"] < 1 - statistics.LEVEL
    if way == "observers" or not certain or row["images"] < statistics.FEW:
        return None
    return bool((row["difference"] > 0) == (way == "up"))


def comparison_table(rows: pd.DataFrame, name: str, first: str) -> Table:
    """One result's differences, those that are certain marked better or worse."""
    own = rows[rows["result"] == name]
    marks = {True: "better", False: "worse", None: ""}
    shown = pd.DataFrame(
        {
            "measure": own["metric"].map(heading),
            "first": tables.figures(own["first"]),
            "second": tables.figures(own["second"]),
            "diff.": tables.figures(own["difference"]),
            "95 % interval": tables.intervals(own["low"], own["high"]),
            "p Holm": own["p_holm"].map(lambda p: "-" if np.isnan(p) else f"{p:.4f}"),
            "": [marks[better] for better in own["better"]],
        }
    )
    images = int(own["images"].max()) if len(own) else 0
    note = (
        f"difference = second - first; p by sign flips, corrected for {len(own)} measures (Holm); "
        f"{tables.interval_note(images)}"
    )
    return tables.terminal(shown, f"{name}\nagainst {first}, {images} images", note)


def refuse_mismatch(a: Results, b: Results, name_a: str, name_b: str) -> None:
    """Refuse two results that answer different questions.

    Raises:
        ValueError: If protocols, sample counts, data or images differ; what differs is named.
    """
    fields = [d for d in a.protocol.differences(b.protocol) if not d.startswith("samples:")]
    if fields:
        raise ValueError(
            f"{name_a} and {name_b} were scored under different protocols, so their scores do "
            f"not compare: {'; '.join(fields)}. Score one of them again under the other's"
        )
    one, two = (_counts(r) for r in (a, b))
    if one != two and (1, 1) not in (one, two):
        fewest = min(one[0], two[0])
        raise ValueError(
            f"{name_a} and {name_b} were scored with other numbers of samples an image "
            f"({_range(one)} / {_range(two)}), and NSS, RSS and others grow with it; score both "
            f"with samples={fewest}, which takes the first {fewest} of each image"
        )
    for fact in _SAME_FACTS:
        ours, theirs = a.meta.get(fact), b.meta.get(fact)
        if ours is not None and theirs is not None and ours != theirs:
            raise ValueError(f"{name_a} and {name_b} differ in {fact}: {ours} / {theirs}")
    left, right = set(a.model.images), set(b.model.images)
    if left != right:
        raise ValueError(
            f"{name_a} and {name_b} were scored on different images: "
            f"only in {name_a}: {_few(left - right)}; only in {name_b}: {_few(right - left)}"
        )


def _counts(results: Results) -> tuple[int, int]:
    return results.model.samples or (results.protocol.samples, results.protocol.samples)


def _range(counts: tuple[int, int]) -> str:
    fewest, most = counts
    return str(most) if fewest == most else f"{fewest} to {most}"


def _few(images: Iterable[str]) -> str:
    listed = sorted(images)
    more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return ", ".join(listed[:5]) + more if listed else "none"


def leaderboard(results: Mapping[str, Results], metrics: Sequence[str] = HEADLINE) -> pd.DataFrame:
    """Results and the band they share, ranked by the first measure.

    A rank is one more than the number of entries that are certainly better: entries whose
    paired difference has zero in its interval share a rank, and below 20 images all do.
    Results with one path an image go beside any: they stand for a model that always gives it.

    Args:
        results: Name to results, one or more, over the same images under one protocol.
        metrics: Measures shown.

    Returns:
        A row an entry, best first: ``rank, entry, samples``, for each measure the mean under
        its name with ``<name>_low`` and ``<name>_high``; ``kind`` is ``result`` or ``band``.

    Raises:
        ValueError: If the results do not compare, or none has the first measure.
    """
    entries = list(results.items())
    for name, one in entries:
        for other_name, other in entries:
            refuse_mismatch(one, other, name, other_name)
    most = max(results.values(), key=lambda one: _counts(one)[1])
    scores = {name: (one.model, "result") for name, one in entries}
    for who, band in most.band.items():
        scores.setdefault(_NAMES.get(who, who), (band, "band"))
    metrics = [m for m in metrics if all(m in entry.rows for entry, _ in scores.values())]
    if not metrics:
        raise ValueError("the results have no measure in common that the leaderboard shows")
    rows = []
    for name, (entry, kind) in scores.items():
        row: dict[str, Any] = {"entry": name, "samples": _range(entry.samples or (0, 0))}
        for metric in metrics:
            low, high = statistics.interval(entry.rows[metric])
            row |= {metric: entry.mean(metric), f"{metric}_low": low, f"{metric}_high": high}
        rows.append({**row, "kind": kind})
    frame = pd.DataFrame(rows)
    frame.insert(0, "rank", _ranks([entry for entry, _ in scores.values()], metrics[0]))
    way = MEASURES[metrics[0]].better
    return frame.sort_values(
        ["rank", metrics[0]], ascending=[True, way == "down"], ignore_index=True
    )


def _ranks(scores: Sequence[Scores], metric: str) -> list[int]:
    """1 + number of entries that are better with certainty; ties share a rank."""
    ranks = []
    for one in scores:
        better = 0
        for other in scores:
            row = _difference(one, other, metric) if other is not one else None
            better += row is not None and _better({**row, "p_holm": 0.0}) is True
        ranks.append(1 + better)
    return ranks


def leaderboard_text(frame: pd.DataFrame, detailed: bool = True) -> pd.DataFrame:
    """A leaderboard as text: means with intervals, the best of each measure in the table."""
    metrics = [name for name in frame if f"{name}_low" in frame]
    shown = pd.DataFrame({"rank": frame["rank"].map(str), "entry": frame["entry"]})
    if detailed:
        shown["samples"] = frame["samples"]
    for metric in metrics:
        means = tables.figures(frame[metric])
        if detailed:
            ranges = tables.intervals(frame[f"{metric}_low"], frame[f"{metric}_high"])
            both = zip(means, ranges, strict=True)
            means = pd.Series([m if m == "-" else f"{m} [{r}]" for m, r in both])
        # On the terminal a word a line, so that eight entries fit eighty columns.
        shown[heading(metric) if detailed else heading(metric).replace(" ", "\n")] = means
    return shown


def leaderboard_note(results: Mapping[str, Results], frame: pd.DataFrame) -> tuple[str, str]:
    """Title and note of a leaderboard: data, images, protocol, how ranks were made."""
    one = next(iter(results.values()))
    images = len(one.model.rows)
    facts = [str(one.meta[key]) for key in ("data", "split") if one.meta.get(key)]
    title = f"Leaderboard: {', '.join([*facts, f'{images} images'])}"
    first = next(heading(name) for name in frame if f"{name}_low" in frame)
    note = (
        f"protocol {one.protocol.name}; ranked by {first}, entries whose paired difference has "
        f"zero in its interval share a rank; {tables.interval_note(images)}"
    )
    if OBSERVERS in one.band:
        note += "; observers are scored leave-one-out"
    return title + tables.kind_of_gaze(one.meta.get("gaze")), note
