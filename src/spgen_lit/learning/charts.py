"""Charts of a W&B dashboard that hold more than one series."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb

#: Measures whose curves over temperature are charted; all are in ``temperatures.csv``.
_CURVES = ("energy", "scanmatch", "nss", "diversity")


def level_chart(series: Mapping[str, Sequence[tuple[int, float]]]) -> dict[str, Any]:
    """The model over training beside people's level, one chart a measure.

    Args:
        series: Logged name to steps and values; ``val/energy`` goes with
            ``val/people_energy``.

    Returns:
        Chart name to chart; measures that were logged without people's are left out.
    """
    charts = {}
    for name, points in series.items():
        metric = name.removeprefix("val/")
        people = series.get(f"val/people_{metric}")
        if people:
            lines = [
                [list(column) for column in zip(*one, strict=True)] for one in (points, people)
            ]
            charts[f"agreement/{metric}"] = wandb.plot.line_series(
                xs=[line[0] for line in lines],
                ys=[line[1] for line in lines],
                keys=["model", "people"],
                title=f"{metric} on validation images",
                xname="step",
            )
    return charts


def result_charts(results: Path) -> tuple[dict[str, float], dict[str, Any]]:
    """Figures of every set scored after training, and its curves over temperature.

    Args:
        results: Folder with ``summary.json`` and perhaps ``temperatures.csv`` for each set.

    Returns:
        Name to figure, for the run's summary; chart name to chart.
    """
    figures: dict[str, float] = {}
    charts: dict[str, Any] = {}
    for file in sorted(results.glob("*/summary.json")):
        name = file.parent.name
        columns = ("mean", "people", "other_image", "normalised")
        rows = []
        for metric, entry in json.loads(file.read_text(encoding="utf-8"))["metrics"].items():
            values = [entry.get(column) for column in columns]
            rows.append([metric, *values])
            if values[0] is not None:
                figures[f"results/{name}/{metric}"] = values[0]
        headings: list[str | int] = ["measure", "model", "people", "chance", "normalised"]
        charts[f"scores/{name}"] = wandb.Table(columns=headings, data=rows)
        charts |= _temperature_charts(name, file.parent / "temperatures.csv")
    return figures, charts


def _temperature_charts(name: str, file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    metrics: dict[str, list[list[float]]] = defaultdict(list)
    keys = ["value", "people", "chance"]
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            point = [float(row[key]) for key in ("temperature", *keys)]
            if row["metric"] in _CURVES and all(map(math.isfinite, point)):
                metrics[row["metric"]].append(point)
    charts = {}
    for metric, points in metrics.items():
        xs, *ys = (list(column) for column in zip(*points, strict=True))
        charts[f"temperature/{name}/{metric}"] = wandb.plot.line_series(
            xs=xs,
            ys=ys,
            keys=["model", "people", "chance"],
            title=f"{metric} on {name}",
            xname="temperature",
        )
    return charts
