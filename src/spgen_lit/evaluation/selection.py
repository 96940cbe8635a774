"""How well validators choose: rank correlation with the truth on the target, and regret."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from scipy.stats import spearmanr

Array = NDArray[np.float64]
TRUTH = "oracle/energy"
_CANDIDATES = ("val/energy", "val/loss", "adaptation/a_distance")
_FEWEST = 3
COLUMNS = ("validator", "correlation", "correlation_in_runs", "regret", "regret_in_runs", "points")


@dataclass(frozen=True)
class Choice:
    """One validator held against the truth; the truth is an energy score, lower is better.

    Attributes:
        validator: Its name in the training record; ``last`` is the last epoch whatever is
            measured.
        correlation: Spearman's, over all epochs of all runs; 1 ranks as the truth does.
        correlation_in_runs: The same over the epochs of a run, averaged over runs.
        regret: Truth at the point it chooses among all, minus the best truth there is.
        regret_in_runs: The same within a run, averaged over runs.
        points: Number of epochs of all runs.
    """

    validator: str
    correlation: float
    correlation_in_runs: float
    regret: float
    regret_in_runs: float
    points: int


def read_record(run: Path) -> list[dict[str, float]]:
    """What a run logged at each validation, in order, with the truth on the target.

    The truth is ``oracle/energy`` of the record where training logged it (``callbacks=oracle``);
    else there is one point, the checkpoint kept, with the energy score of the run's
    ``results/evaluation-…``.

    Raises:
        FileNotFoundError: Without ``metrics.csv``, or without any truth.
    """
    path = run / "metrics.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{run} holds no metrics.csv; give the folder of a training run")
    epochs: dict[float, dict[str, float]] = {}
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            values = {key: float(value) for key, value in row.items() if key and value}
            if "epoch" in values:
                epochs.setdefault(values.pop("epoch"), {}).update(values)
    points = [values for _, values in sorted(epochs.items()) if "val/energy" in values]
    timed = [values for values in points if TRUTH in values]
    if timed:
        return timed
    found = sorted((run / "results").glob("evaluation-*/summary.json"))
    if not found or not points:
        raise FileNotFoundError(
            f"{run}: neither {TRUTH} in metrics.csv nor results/evaluation-…; train with "
            "callbacks=oracle and a set in data/evaluation"
        )
    energies = [json.loads(file.read_text())["metrics"]["energy"]["mean"] for file in found]
    kept = min(points, key=lambda values: values["val/energy"])
    return [{**kept, TRUTH: float(np.mean(energies))}]


def choices(records: Sequence[Sequence[Mapping[str, float]]]) -> list[Choice]:
    """Every validator of these runs, best correlation first, then ``last``.

    Args:
        records: For each run, its points as of :func:`read_record`.

    Raises:
        ValueError: For fewer than three points in all, of which nothing can be said.
    """
    points = [point for record in records for point in record]
    if len(points) < _FEWEST:
        raise ValueError(
            f"rank correlation needs {_FEWEST} or more points (epochs with the truth, or runs), "
            f"found {len(points)}"
        )
    common = set.intersection(*(set(point) for point in points))
    names = sorted(n for n in common if n.startswith("validator/") or n in _CANDIDATES)
    rows = [_judged(name, [[p[name] for p in r] for r in records], records) for name in names]
    rows.sort(key=lambda row: -np.nan_to_num(row.correlation, nan=-2.0))
    counted = [[-float(k) for k in range(len(record))] for record in records]
    last = _judged("last", counted, records)
    return [*rows, Choice("last", math.nan, math.nan, math.nan, last.regret_in_runs, last.points)]


def write_choices(path: Path, rows: Sequence[Choice]) -> None:
    """Write the rows as a CSV file that appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    partial.replace(path)


def _judged(
    name: str, risks: Sequence[Sequence[float]], records: Sequence[Sequence[Mapping[str, float]]]
) -> Choice:
    truths = [[point[TRUTH] for point in record] for record in records]
    within = [_spearman(a, b) for a, b in zip(risks, truths, strict=True)]
    regrets = [_regret(a, b) for a, b in zip(risks, truths, strict=True)]
    risk, truth = np.concatenate(risks), np.concatenate(truths)
    known = [value for value in within if math.isfinite(value)]
    return Choice(
        name,
        _spearman(risk, truth),
        float(np.mean(known)) if known else math.nan,
        _regret(risk, truth),
        float(np.mean(regrets)),
        len(truth),
    )


def _spearman(risk: Sequence[float] | Array, truth: Sequence[float] | Array) -> float:
    """NaN where either side is constant or there are too few points."""
    if len(truth) < _FEWEST or np.ptp(risk) == 0 or np.ptp(truth) == 0:
        return math.nan
    return float(spearmanr(risk, truth).statistic)


def _regret(risk: Sequence[float] | Array, truth: Sequence[float] | Array) -> float:
    """Truth of the lowest risk minus the lowest truth; of equal risks the first."""
    return float(truth[int(np.argmin(risk))] - np.min(truth))


def selection_table(rows: Sequence[Choice]) -> Table:
    """The validators beside each other."""
    table = Table(
        title=f"Choosing a checkpoint without target labels, {rows[0].points} checkpoints",
        caption="Spearman's correlation with the true target energy, and regret in energy",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("validator", no_wrap=True)
    for heading in ("correlation", "within runs", "regret", "within runs"):
        table.add_column(heading, justify="right")
    for row in rows:
        numbers = (row.correlation, row.correlation_in_runs, row.regret, row.regret_in_runs)
        cells = [
            f"{value:.{2 if place < 2 else 4}f}" if math.isfinite(value) else "-"
            for place, value in enumerate(numbers)
        ]
        table.add_row(row.validator, *cells)
    return table
