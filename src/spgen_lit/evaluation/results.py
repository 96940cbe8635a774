"""Results: a row an image, a figure a measure, the protocol and the facts; tables and files."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from spgen_lit.evaluation import statistics, tables
from spgen_lit.evaluation.baselines import LABELS
from spgen_lit.evaluation.measures import MEASURES, WHOLE, Measure
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.files import atomic, file_hash, write_json

#: Of the files below; other numbers are refused.
FORMAT = 2
FILES = ("scores.csv", "protocol.json", "summary.json")
OBSERVERS, CHANCE = "observers", "other_image"
_MODEL = "model"
_COLUMNS = ["image", "metric", "who", "value"]


@dataclass(frozen=True)
class Scores:
    """What a set of scanpaths scored.

    Attributes:
        rows: A row an image (index ``image``), a column a measure: the mean over the
            comparisons of that image, NaN where none of them has a value.
        counts: A row a measure: single comparisons (``comparisons``), and those without a
            value (``missing``), for example MultiMatch of a path shorter than three fixations.
        whole: Figures of the whole set, not of images: Wasserstein distances between
            distributions of amplitude, direction, length and duration, and the KL protocol.
        notes: What else was counted: ``fewest_samples`` and ``most_samples`` of an image,
            ``self_pairs``, ``off_image_fixations``.
    """

    rows: pd.DataFrame
    counts: pd.DataFrame = field(default_factory=pd.DataFrame)
    whole: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def images(self) -> list[str]:
        """Image ids in order."""
        return list(self.rows.index)

    @property
    def metrics(self) -> list[str]:
        """Measures in order."""
        return list(self.rows.columns)

    @property
    def samples(self) -> tuple[int, int] | None:
        """Fewest and most scanpaths that an image was given; None if nobody counted."""
        found = [self.notes.get(f"{end}_samples") for end in ("fewest", "most")]
        return None if None in found else (int(found[0] or 0), int(found[1] or 0))

    def mean(self, metric: str) -> float:
        """Mean over the images that have a value; NaN if none has."""
        return float(self.rows[metric].mean()) if metric in self.rows else math.nan


@dataclass(frozen=True)
class Results:
    """Scores of a model, the band they are read against, and the protocol of both.

    Attributes:
        model: The model's scores.
        band: Baseline name to scores over the same images; ``observers`` and
            ``other_image`` (chance) make normalized scores possible.
        protocol: How everything was compared; its ``samples`` is what was counted.
        meta: Facts for the title and summary. ``gaze="simulated"`` is said on the table;
            ``data``, ``split`` and ``title`` are shown too; the rest is only saved.
    """

    model: Scores
    band: Mapping[str, Scores]
    protocol: Protocol
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def samples(self) -> tuple[int, int]:
        """Fewest and most scanpaths that an image was given."""
        return self.model.samples or (self.protocol.samples, self.protocol.samples)

    def measure(self, name: str) -> Measure:
        """A measure of the catalogue, or one of a user's by what the result keeps of it."""
        unknown = {"label": name, "better": "observers"}
        card = self.meta.get("measures", {}).get(name, unknown)
        return MEASURES.get(name) or Measure(name, **card)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row a measure: value, interval, the band, normalized, images, what was counted."""
        everyone = self._everyone()
        rows = []
        for metric in self.model.metrics:
            column = self.model.rows[metric]
            low, high = statistics.interval(column)
            rows.append(
                {
                    "metric": metric,
                    "label": self.measure(metric).heading,
                    "better": self.measure(metric).better,
                    "value": self.model.mean(metric),
                    "low": low,
                    "high": high,
                    **{who: scores.mean(metric) for who, scores in self.band.items()},
                    "normalized": self.normalized(metric),
                    "images": int(column.notna().sum()),
                    **(dict(self.model.counts.loc[metric]) if len(self.model.counts) else {}),
                }
            )
        for name in (name for name in WHOLE if name in self.model.whole):
            values = {who: scores.whole.get(name, math.nan) for who, scores in everyone.items()}
            row = {"metric": name, "label": WHOLE[name].heading, "better": WHOLE[name].better}
            rows.append({**row, "value": values.pop(_MODEL), **values})
        return pd.DataFrame(rows).set_index("metric")

    def normalized(self, metric: str) -> float:
        """(model - chance)/(observers - chance), where observers and chance surely differ.

        NaN for a measure that aims at the observers' figure, or without both in the band.
        """
        scale = [self.band[name].rows for name in (OBSERVERS, CHANCE) if name in self.band]
        aims = self.measure(metric).better == "observers"
        if aims or len(scale) < 2 or any(metric not in rows for rows in scale):
            return math.nan
        images = self.model.rows.index
        return statistics.normalized(
            self.model.rows[metric], *(rows[metric].reindex(images) for rows in scale)
        )

    def table(self) -> Table:
        """Rows of measures; columns model, its interval, observers, chance, normalized."""
        frame = self.frame
        beside = [name for name in (OBSERVERS, CHANCE) if name in self.band]
        shown = pd.DataFrame({"measure": frame["label"], "model": tables.figures(frame["value"])})
        shown["95 % interval"] = tables.intervals(frame["low"], frame["high"])
        for name in beside:
            shown[self._heading(name)] = tables.figures(frame[name])
        if len(beside) == 2:
            shown["normalized"] = tables.figures(frame["normalized"])
        return tables.terminal(shown, self._title(), self._caption(), bold={"energy"})

    def band_table(self) -> Table:
        """Rows of measures; a column for each member of the band."""
        frame = self.frame
        shown = pd.DataFrame({"measure": frame["label"]})
        for who in self.band:
            shown[self._heading(who)] = tables.figures(frame[who])
        return tables.terminal(shown, f"the whole band, protocol {self.protocol.name}")

    def _heading(self, who: str) -> str:
        if who == OBSERVERS and self.meta.get("gaze") == "simulated":
            return "simulated\nobservers"
        return LABELS.get(who, who).replace(" ", "\n")

    def _title(self) -> str:
        parts = [str(self.meta[key]) for key in ("title", "data", "split") if self.meta.get(key)]
        title = f"{', '.join(parts) or 'Scores'}: {len(self.model.rows)} images"
        counts = self.model.samples
        if counts:
            fewest, most = counts
            title += f", {most if fewest == most else f'{fewest} to {most}'} scanpaths each"
        return title + tables.kind_of_gaze(self.meta.get("gaze"))

    def _caption(self) -> str:
        missing = int(self.model.counts["missing"].sum()) if len(self.model.counts) else 0
        words = f"protocol {self.protocol.name}; {tables.interval_note(len(self.model.rows))}"
        return f"{words}; {missing} comparisons without a value left out and counted"

    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` holds: one entry a measure, the counts, the facts."""
        everyone = self._everyone()
        return {
            "format": FORMAT,
            "images": len(self.model.rows),
            "protocol": self.protocol.name,
            "meta": dict(self.meta),
            "metrics": self.frame.to_dict("index"),
            "counts": {who: one.counts.to_dict("index") for who, one in everyone.items()},
            "whole": {who: dict(one.whole) for who, one in everyone.items()},
            "notes": {who: dict(one.notes) for who, one in everyone.items()},
        }

    def long(self) -> pd.DataFrame:
        """Columns image, metric, who, value: what ``scores.csv`` holds."""
        parts = {who: one.rows.stack(future_stack=True) for who, one in self._everyone().items()}
        table = pd.concat(parts, names=["who", "image", "metric"]).rename("value").reset_index()
        return table[_COLUMNS]

    def _everyone(self) -> dict[str, Scores]:
        return {_MODEL: self.model, **self.band}

    def save(self, folder: str | Path) -> Path:
        """Write ``scores.csv``, ``protocol.json`` and ``summary.json`` into a folder.

        ``scores.parquet`` joins them where pyarrow is installed. Each file appears whole or
        not at all, ``summary.json`` last.
        """
        target = Path(folder)
        # A summary of earlier scores beside new ones would look whole if writing stopped here.
        (target / "summary.json").unlink(missing_ok=True)
        (target / "scores.parquet").unlink(missing_ok=True)
        table = self.long()
        with atomic(target / "scores.csv") as part:
            table.to_csv(part, index=False)
        if importlib.util.find_spec("pyarrow") is not None:
            tables.write(target / "scores.parquet", table)
        write_json(target / "protocol.json", self.protocol.card())
        hashes = {name: file_hash(target / name) for name in FILES[:2]}
        write_json(target / "summary.json", tables.finite({**self.summary(), "files": hashes}))
        return target

    @classmethod
    def load(cls, folder: str | Path) -> Results:
        """Read what ``save`` wrote.

        Raises:
            FileNotFoundError: Naming the file that is missing.
            ValueError: For files of another format or with other columns.
        """
        place = Path(folder)
        for name in FILES:
            if not (place / name).is_file():
                raise FileNotFoundError(
                    f"{place} holds no {name}: not a finished result; "
                    "name the folder that evaluation wrote, or score again"
                )
        summary = json.loads((place / "summary.json").read_text(encoding="utf-8"))
        if summary.get("format") != FORMAT:
            raise ValueError(
                f"{place}/summary.json: format {summary.get('format', 1)}, needed {FORMAT}; "
                "results of older versions do not say how many samples were scored: score again"
            )
        table = pd.read_csv(place / "scores.csv", dtype=str, keep_default_na=False)
        if list(table) != _COLUMNS or _MODEL not in [*table["who"]]:
            needed = f"needed {', '.join(_COLUMNS)} and rows of {_MODEL!r}"
            raise ValueError(f"{place}/scores.csv: columns {list(table)}, {needed}")
        # From text by NumPy: to the last bit, whatever the version of pandas.
        table["value"] = table["value"].replace("", "nan").astype(float)
        scores = {}
        for who, rows in table.groupby("who", sort=False):
            # A row an image and a column a measure, in the order of the file.
            wide = rows.pivot(index="image", columns="metric", values="value")
            wide = wide.loc[rows["image"].unique(), rows["metric"].unique()]
            scores[str(who)] = Scores(
                wide.rename_axis(columns=None),
                pd.DataFrame.from_dict(summary["counts"].get(who, {}), orient="index"),
                {k: math.nan if v is None else v for k, v in summary["whole"].get(who, {}).items()},
                summary["notes"].get(who, {}),
            )
        card = json.loads((place / "protocol.json").read_text(encoding="utf-8"))
        return cls(scores.pop(_MODEL), scores, Protocol.from_card(card), summary["meta"])
