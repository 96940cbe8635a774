"""A checkpoint at several temperatures of sampling, scored beside people and chance."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from spgen_lit.evaluation.baselines import band
from spgen_lit.evaluation.measures import QUICK
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.suite import evaluate
from spgen_lit.scanpath import Scanpath

_Paths = Mapping[str, Sequence[Scanpath]]
#: What is cheap enough to be scored at every temperature; diversity is what it changes most.
MEASURED = (*QUICK, "diversity")
FILE = "temperatures.csv"


@dataclass(frozen=True)
class TemperatureRow:
    """One measure at one temperature.

    Attributes:
        temperature: Of sampling.
        metric: Name of the measure.
        value: The model's mean over images.
        low: Lower end of its 95 % interval over images.
        high: Upper end.
        people: People's figure, the same at every temperature.
        chance: The figure of people who looked at another image.
        images: Images scored.
    """

    temperature: float
    metric: str
    value: float
    low: float
    high: float
    people: float
    chance: float
    images: int


def score_temperatures(
    draw: Callable[[float], _Paths],
    temperatures: Iterable[float],
    people: _Paths,
    protocol: Protocol,
    training: Sequence[Scanpath] | None = None,
) -> list[TemperatureRow]:
    """Score samples at each temperature.

    Args:
        draw: Gives the samples at a temperature, image id to scanpaths.
        temperatures: 0 or more each.
        people: Image id to observers' scanpaths.
        protocol: How paths are compared.
        training: As in :func:`spgen_lit.evaluation.suite.evaluate`.

    Returns:
        A row for each temperature and measure of ``MEASURED``.

    Raises:
        ValueError: For a temperature that is negative or not finite.
    """
    wanted = [float(temperature) for temperature in temperatures]
    wrong = [t for t in wanted if not (math.isfinite(t) and t >= 0)]
    if wrong:
        raise ValueError(f"evaluation.temperatures must be finite and >= 0, found {wrong}")
    levels = band(
        people, protocol, training=training, metrics=MEASURED, which=("people", "other_image")
    )
    rows = []
    for temperature in wanted:
        scores = evaluate(draw(temperature), people, protocol, metrics=MEASURED, training=training)
        for metric in scores.metrics:
            low, high = scores.interval(metric)
            human, chance = (levels[who].mean(metric) for who in ("people", "other_image"))
            figures = (scores.mean(metric), low, high, human, chance)
            rows.append(TemperatureRow(temperature, metric, *figures, scores.n))
    return rows


def write_temperatures(folder: str | Path, rows: Sequence[TemperatureRow]) -> Path:
    """Write rows as ``temperatures.csv``, whole or not at all; returns the file."""
    target = Path(folder) / FILE
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    with partial.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(TemperatureRow.__annotations__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    partial.replace(target)
    return target


def read_temperatures(path: str | Path) -> list[TemperatureRow]:
    """Rows that :func:`write_temperatures` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For other columns.
    """
    columns = list(TemperatureRow.__annotations__)
    with Path(path).open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        if reader.fieldnames != columns:
            raise ValueError(f"{path}: columns {reader.fieldnames}, needed {columns}")
        return [
            TemperatureRow(
                metric=row["metric"],
                images=int(row["images"]),
                **{k: float(row[k]) for k in columns if k not in ("metric", "images")},
            )
            for row in reader
        ]
