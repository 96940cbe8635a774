"""Comparing results: paired bootstrap over the same images, under the same protocol."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from spgen_lit.evaluation.measures import MEASURES
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.statistics import Difference, paired_difference

_FEW = 5
# Facts that make two results answers to different questions, beside images and protocol.
_SAME_FACTS = ("data", "set", "gaze")


@dataclass(frozen=True)
class Row:
    """One measure of one result against the first.

    Attributes:
        metric: Name of the measure.
        name: Name of the result compared with the first.
        first: Mean of the first result.
        second: Mean of this one.
        difference: Second minus first, paired by image.
    """

    metric: str
    name: str
    first: float
    second: float
    difference: Difference

    @property
    def better(self) -> bool | None:
        """Whether the second is better; None while the interval holds zero, or unknown."""
        way = MEASURES[self.metric].better if self.metric in MEASURES else "people"
        if way == "people" or not (self.difference.low > 0 or self.difference.high < 0):
            return None
        return (self.difference.mean > 0) == (way == "up")


def compare(
    results: Sequence[Results], names: Sequence[str], metrics: Iterable[str] | None = None
) -> list[Row]:
    """Compare each result with the first, measure by measure.

    Args:
        results: At least two results.
        names: What to call them, one each.
        metrics: Measures wanted; None for all that every result has.

    Returns:
        Rows by measure in the first result's order, then by result.

    Raises:
        ValueError: For fewer than two results, protocols that differ (the fields are
            named), images or data that differ (named), or a measure that one lacks.
    """
    if len(results) < 2 or len(results) != len(names):
        raise ValueError(f"comparing needs two or more results, found {len(results)}")
    first = results[0]
    for other, name in zip(results[1:], names[1:], strict=True):
        refuse_mismatch(first, other, names[0], name)
    shared = [m for m in first.model.metrics if all(m in r.model.metrics for r in results)]
    wanted = shared if metrics is None else list(metrics)
    lacking = [m for m in wanted if m not in shared]
    if lacking:
        raise ValueError(f"not every result has {', '.join(lacking)}; all have {', '.join(shared)}")
    rows = []
    for metric in wanted:
        base = first.model.column(metric)
        place = {image: i for i, image in enumerate(first.model.images)}
        for other, name in zip(results[1:], names[1:], strict=True):
            order = [place[image] for image in other.model.images]
            rows.append(
                Row(
                    metric,
                    name,
                    first.model.mean(metric),
                    other.model.mean(metric),
                    paired_difference(base[order], other.model.column(metric)),
                )
            )
    return rows


def comparison_table(rows: Sequence[Row], name: str, first: str) -> Table:
    """One result's differences; an interval without zero is marked better or worse."""
    own = [row for row in rows if row.name == name]
    images = max((row.difference.n for row in own), default=0)
    table = Table(
        title=f"{name}\nagainst {first}, {images} images",
        caption="difference = second - first; interval and p by paired bootstrap over images",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=0,
    )
    table.add_column("measure", no_wrap=True)
    for heading in ("first", "second", "diff.", "95 % interval", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    marks = {True: "[green]better[/]", False: "[red]worse[/]", None: ""}
    for row in own:
        label = MEASURES[row.metric].heading if row.metric in MEASURES else row.metric
        delta = row.difference
        table.add_row(
            label,
            _number(row.first, 3),
            _number(row.second, 3),
            _number(delta.mean, 4, "+"),
            f"{_number(delta.low, 4, '+')} to {_number(delta.high, 4, '+')}",
            _number(delta.p, 4),
            marks[row.better],
        )
    return table


def _number(value: float, digits: int, sign: str = "") -> str:
    """So many digits after the point for small values, fewer for large ones."""
    if not math.isfinite(value):
        return "-"
    large = 0 if abs(value) < 10 else min(digits, int(math.log10(abs(value))))
    return f"{value:{sign}.{digits - large}f}"


def refuse_mismatch(a: Results, b: Results, name_a: str, name_b: str) -> None:
    """Refuse two results that answer different questions.

    Raises:
        ValueError: If protocols, data or images differ; what differs is named.
    """
    fields = a.protocol.differences(b.protocol)
    if fields:
        raise ValueError(
            f"{name_a} and {name_b} were scored under different protocols, so their scores do "
            f"not compare: {'; '.join(fields)}. Score one of them again under the other's"
        )
    for fact in _SAME_FACTS:
        one, two = a.meta.get(fact), b.meta.get(fact)
        if one is not None and two is not None and one != two:
            raise ValueError(f"{name_a} and {name_b} differ in {fact}: {one} / {two}")
    ours, theirs = set(a.model.images), set(b.model.images)
    if ours != theirs:
        raise ValueError(
            f"{name_a} and {name_b} were scored on different images: "
            f"only in {name_a}: {_few(ours - theirs)}; only in {name_b}: {_few(theirs - ours)}"
        )


def _few(images: Iterable[str]) -> str:
    listed = sorted(images)
    if not listed:
        return "none"
    more = f" and {len(listed) - _FEW} more" if len(listed) > _FEW else ""
    return ", ".join(listed[:_FEW]) + more
