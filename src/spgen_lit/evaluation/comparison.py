"""Comparing results: paired by image, under one protocol; differences and a leaderboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from rich.table import Table

from spgen_lit.evaluation import statistics, tables
from spgen_lit.evaluation.baselines import LABELS
from spgen_lit.evaluation.results import OBSERVERS, Results, Scores
from spgen_lit.evaluation.trials import few

# Facts that make two results answers to different questions, beside images and protocol.
_SAME_FACTS = ("data", "set", "gaze")
#: Measures of a leaderboard, the first of which ranks.
HEADLINE = ("energy", "scanmatch", "multimatch_position", "nss", "diversity")


def compare(results: Mapping[str, Results], metrics: Iterable[str] | None = None) -> pd.DataFrame:
    """Compare each result with the first, measure by measure.

    Args:
        results: Name to results, two or more.
        metrics: Measures to compare; None for all that every result has.

    Returns:
        A row for each result but the first and each measure: ``result, metric, label, first,
        second, difference, low, high, p`` (sign flips), ``images, p_holm`` (corrected for the
        number of measures), ``better``: True or False where the interval leaves zero out, the
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
    rows = []
    for name, other in others:
        found = [_difference(first.model, other.model, metric) for metric in chosen]
        holm = statistics.holm([each.p for each in found])
        for metric, each, p in zip(chosen, found, holm, strict=True):
            measure = first.measure(metric)
            row: dict[str, object] = {"result": name, "metric": metric, "label": measure.heading}
            row |= {"first": first.model.mean(metric), "second": other.model.mean(metric)}
            row |= {**asdict(each), "p_holm": p, "better": _better(each, p, measure.better)}
            rows.append(row)
    frame = pd.DataFrame(rows).rename(columns={"mean": "difference", "n": "images"})
    return frame.astype({"better": object})


def _difference(first: Scores, second: Scores, metric: str) -> statistics.Difference:
    theirs = second.rows[metric].reindex(first.rows.index)
    return statistics.paired_difference(first.rows[metric], theirs)


def _better(difference: statistics.Difference, p: float, way: str) -> bool | None:
    """Whether the second is better; None while that is uncertain, or has no meaning."""
    certain = difference.certain and p < 1 - statistics.LEVEL
    if way == "observers" or not certain or difference.n < statistics.FEW:
        return None
    return (difference.mean > 0) == (way == "up")


def comparison_table(rows: pd.DataFrame, name: str, first: str) -> Table:
    """One result's differences, those that are certain marked better or worse."""
    rows = rows[rows["result"] == name]
    marks = {True: "better", False: "worse", None: ""}
    shown = pd.DataFrame(
        {
            "measure": rows["label"],
            "first": tables.figures(rows["first"]),
            "second": tables.figures(rows["second"]),
            "diff.": tables.figures(rows["difference"]),
            "95 % interval": tables.intervals(rows["low"], rows["high"]),
            "p Holm": rows["p_holm"].map(lambda p: "-" if np.isnan(p) else f"{p:.4f}"),
            "": [marks[better] for better in rows["better"]],
        }
    )
    images = int(rows["images"].max())
    note = (
        f"difference = second - first; p by sign flips, corrected for {len(rows)} measures (Holm); "
        f"{tables.interval_note(images)}"
    )
    return tables.terminal(shown, f"{name}\nagainst {first}, {images} images", note)


def refuse_mismatch(a: Results, b: Results, name_a: str, name_b: str) -> None:
    """Refuse two results that answer different questions.

    Raises:
        ValueError: If protocols, sample counts, data or images differ; what differs is named.
    """
    both = f"{name_a} and {name_b}"
    fields = [d for d in a.protocol.differences(b.protocol) if not d.startswith("samples:")]
    if fields:
        raise ValueError(
            f"{both} were scored under different protocols, so their scores do not compare: "
            f"{'; '.join(fields)}. Score one of them again under the other's"
        )
    one, two = a.samples, b.samples
    if one != two and (1, 1) not in (one, two):
        fewest = min(one[0], two[0])
        raise ValueError(
            f"{both} were scored with other numbers of samples an image ({_range(one)} / "
            f"{_range(two)}), and NSS, RSS and others grow with it; score both with "
            f"samples={fewest}, which takes the first {fewest} of each image"
        )
    for fact in _SAME_FACTS:
        ours, theirs = a.meta.get(fact), b.meta.get(fact)
        if ours is not None and theirs is not None and ours != theirs:
            raise ValueError(f"{both} differ in {fact}: {ours} / {theirs}")
    left, right = set(a.model.images), set(b.model.images)
    if left != right:
        raise ValueError(
            f"{both} were scored on different images: "
            f"only in {name_a}: {few(sorted(left - right))}; "
            f"only in {name_b}: {few(sorted(right - left))}"
        )


def _range(counts: tuple[int, int]) -> str:
    return "-".join(str(count) for count in dict.fromkeys(counts))


@dataclass(frozen=True)
class Leaderboard:
    """Results and the band they share, ranked by the first measure.

    Attributes:
        frame: A row an entry, best first: ``rank, entry, samples``, for each measure the mean
            under its name with ``<name>_low`` and ``<name>_high``; ``kind`` is ``result`` or
            ``band``.
        headings: Measure to its heading, the one that ranks first.
        title: Data and number of images.
        note: Protocol, and how ranks were made.
    """

    frame: pd.DataFrame
    headings: Mapping[str, str]
    title: str
    note: str

    def text(self, detailed: bool = True) -> pd.DataFrame:
        """The board as text: means, and in detail their intervals and the number of samples."""
        shown = self.frame[["rank", "entry", "samples"]].astype(str)
        for metric, heading in self.headings.items():
            shown[heading] = tables.figures(self.frame[metric])
            if detailed:
                ranges = tables.intervals(self.frame[f"{metric}_low"], self.frame[f"{metric}_high"])
                shown[heading] += ["" if r == "-" else f" [{r}]" for r in ranges]
        if detailed:
            return shown
        # On the terminal a word a line, so that eight entries fit eighty columns.
        return shown.drop(columns="samples").rename(columns=lambda h: h.replace(" ", "\n"))


def leaderboard(results: Mapping[str, Results], metrics: Sequence[str] = HEADLINE) -> Leaderboard:
    """Rank results and their band.

    A rank is one more than the number of entries that are certainly better: entries whose
    paired difference has zero in its interval share a rank, and below 20 images all do.
    Results with one path an image go beside any: they stand for a model that always gives it.

    Args:
        results: Name to results, one or more, over the same images under one protocol.
        metrics: Measures shown.

    Raises:
        ValueError: If the results do not compare, or have no measure in common.
    """
    for (name, one), (other_name, other) in combinations(results.items(), 2):
        refuse_mismatch(one, other, name, other_name)
    most = max(results.values(), key=lambda one: (one.samples[1], len(one.band)))
    scores = {name: (one.model, "result") for name, one in results.items()}
    for who, band in most.band.items():
        scores.setdefault(LABELS.get(who, who), (band, "band"))
    metrics = [m for m in metrics if all(m in entry.rows for entry, _ in scores.values())]
    if not metrics:
        raise ValueError("the results have no measure in common that the leaderboard shows")
    way = most.measure(metrics[0]).better
    rows = []
    for name, (entry, kind) in scores.items():
        others = [_difference(entry, one, metrics[0]) for one, _ in scores.values()]
        rank = 1 + sum(_better(each, 0.0, way) is True for each in others)
        samples = _range(entry.samples or (0, 0))
        row: dict[str, object] = {"rank": rank, "entry": name, "samples": samples, "kind": kind}
        for metric in metrics:
            low, high = statistics.interval(entry.rows[metric])
            row |= {metric: entry.mean(metric), f"{metric}_low": low, f"{metric}_high": high}
        rows.append(row)
    ascending = [True, way == "down"]
    frame = pd.DataFrame(rows).sort_values(["rank", metrics[0]], ascending=ascending)
    frame = frame.reset_index(drop=True)
    images = len(most.model.rows)
    facts = [str(most.meta[key]) for key in ("data", "split") if most.meta.get(key)]
    headings = {metric: most.measure(metric).heading for metric in metrics}
    note = (
        f"protocol {most.protocol.name}; ranked by {headings[metrics[0]]}, entries whose paired "
        f"difference has zero in its interval share a rank; {tables.interval_note(images)}"
    )
    if OBSERVERS in most.band:
        note += "; observers are scored leave-one-out"
    title = f"Leaderboard: {', '.join([*facts, f'{images} images'])}"
    return Leaderboard(frame, headings, title + tables.kind_of_gaze(most.meta.get("gaze")), note)
