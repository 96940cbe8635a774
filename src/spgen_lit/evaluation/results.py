"""A model's scores beside the baseline band: table, files, and reading them again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from spgen_lit.evaluation import archive, statistics
from spgen_lit.evaluation.measures import MEASURES
from spgen_lit.evaluation.pooled import WASSERSTEIN
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.scores import Scores

_MODEL = "model"
# Narrow enough for eighty columns.
_STYLE: dict[str, Any] = {
    "box": box.SIMPLE_HEAD,
    "show_edge": False,
    "pad_edge": False,
    "padding": (0, 1, 0, 0),
}
_SCALE = ("people", "other_image")
_HEADINGS = {
    "people": "people",
    "other_image": "chance",
    "centre_bias": "centre\nbias",
    "centre": "stay at\ncentre",
    "saliency_wta": "saliency\nWTA",
}


@dataclass(frozen=True)
class Results:
    """Scores of a model, the band they are read against, and the protocol of both.

    Attributes:
        model: The model's scores.
        band: Baseline name to scores over the same images; ``people`` and
            ``other_image`` (chance) make normalised scores possible.
        protocol: How everything was compared.
        meta: Facts for the title and summary. ``gaze="simulated"`` is said on the table;
            ``data``, ``split`` and ``title`` are shown too; the rest is only saved.
    """

    model: Scores
    band: Mapping[str, Scores]
    protocol: Protocol
    meta: Mapping[str, Any] = field(default_factory=dict)

    def normalised(self, metric: str) -> float:
        """(model - chance)/(people - chance); NaN where that has no meaning.

        A measure that aims at people's own figure has no scale from chance to people, and
        a band without people or chance gives none.
        """
        if not set(_SCALE) <= set(self.band):
            return float("nan")
        if metric in MEASURES and MEASURES[metric].better == "people":
            return float("nan")
        people, chance = (self.band[name] for name in _SCALE)
        if metric not in people.metrics or metric not in chance.metrics:
            return float("nan")
        return statistics.normalised(
            self.model.mean(metric), people.mean(metric), chance.mean(metric)
        )

    def table(self) -> Table:
        """Rows of measures; columns model, its interval, people, chance, normalised."""
        table = Table(title=self._title(), caption=self._caption(), **_STYLE)
        table.add_column("measure", no_wrap=True)
        for heading in ("model", "95 % interval"):
            table.add_column(heading, justify="right", no_wrap=True)
        beside = [name for name in _SCALE if name in self.band]
        for name in beside:
            table.add_column(_HEADINGS[name], justify="right", no_wrap=True)
        scaled = len(beside) == len(_SCALE)
        if scaled:
            table.add_column("normalised", justify="right", no_wrap=True)
        for metric in self.model.metrics:
            low, high = self.model.interval(metric)
            cells = [_number(self.model.mean(metric)), f"{_number(low)} to {_number(high)}"]
            cells += [_mean(self.band[name], metric) for name in beside]
            cells += [_number(self.normalised(metric))] if scaled else []
            style = "bold" if metric == "energy" else None
            table.add_row(_heading(metric), *cells, style=style)
        for name in (name for name in WASSERSTEIN if name in self.model.pooled):
            value = self.model.pooled[name]
            cells = [_number(self.band[who].pooled.get(name, math.nan)) for who in beside]
            label = f"{name.partition('_')[0]} distance ↓"
            cells += ["-"] if scaled else []
            table.add_row(label, _number(value), "whole set", *cells)
        return table

    def band_table(self) -> Table:
        """Rows of measures; a column for each member of the band."""
        table = Table(title=f"the whole band, protocol {self.protocol.name}", **_STYLE)
        table.add_column("measure", no_wrap=True)
        for who in self.band:
            table.add_column(_HEADINGS.get(who, who), justify="right", no_wrap=True)
        for metric in self.model.metrics:
            cells = [_mean(scores, metric) for scores in self.band.values()]
            table.add_row(_heading(metric), *cells)
        return table

    def _title(self) -> str:
        parts = [str(self.meta[key]) for key in ("title", "data", "split") if self.meta.get(key)]
        title = f"{', '.join(parts) or 'Scores'}: {self.model.n} images"
        if self.meta.get("gaze") == "simulated":
            title += " (SIMULATED gaze, not people's)"
        elif self.meta.get("gaze") == "mouse":
            title += " (mouse, not eye movements)"
        return title

    def _caption(self) -> str:
        undefined = sum(self.model.nan.values())
        return (
            f"protocol {self.protocol.name}; interval by bootstrap over images; "
            f"{undefined} comparisons without a value left out and counted"
        )

    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` holds: one entry a measure, the counts, the facts."""
        metrics = {}
        for metric in self.model.metrics:
            low, high = self.model.interval(metric)
            metrics[metric] = {
                "mean": self.model.mean(metric),
                "interval": [low, high],
                **{
                    name: scores.mean(metric)
                    for name, scores in self.band.items()
                    if metric in scores.metrics
                },
                "normalised": self.normalised(metric),
                "better": MEASURES[metric].better if metric in MEASURES else None,
                "n": self.model.images_with(metric),
                "nan": self.model.nan.get(metric, 0),
                "comparisons": self.model.comparisons.get(metric, 0),
            }
        return {
            "images": self.model.n,
            "protocol": self.protocol.name,
            "meta": dict(self.meta),
            "metrics": metrics,
        }

    def save(self, folder: str | Path) -> Path:
        """Write ``scores.csv``, ``protocol.json`` and ``summary.json`` into a folder.

        ``scores.parquet`` joins them where pandas and pyarrow are installed. Each file
        appears whole or not at all, ``summary.json`` last.
        """
        everyone = {_MODEL: self.model, **self.band}
        return archive.write(Path(folder), everyone, self.protocol.card(), self.summary())

    @classmethod
    def load(cls, folder: str | Path) -> Results:
        """Read what ``save`` wrote.

        Raises:
            FileNotFoundError: Naming the file that is missing.
            ValueError: For a file with other columns or a card of another version.
        """
        scores, card, summary = archive.read(Path(folder))
        if _MODEL not in scores:
            raise ValueError(f"{folder}/scores.csv: no rows of {_MODEL!r} in column 'who'")
        model = scores.pop(_MODEL)
        return cls(model, scores, Protocol.from_card(card), summary["meta"])


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    size = abs(value)
    return f"{value:.{0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3}f}"


def _mean(scores: Scores, metric: str) -> str:
    return _number(scores.mean(metric)) if metric in scores.metrics else "-"


def _heading(metric: str) -> str:
    return MEASURES[metric].heading if metric in MEASURES else metric
