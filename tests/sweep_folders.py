"""Folders as a sweep leaves them, written without training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from spgen_lit.evaluation.measures import MEASURES
from spgen_lit.evaluation.protocol import Protocol

PEOPLE = {"energy": 0.31, "scanmatch": 0.40, "nss": 2.1, "diversity": 0.60}
CHANCE = {"energy": 0.41, "scanmatch": 0.20, "nss": 0.3, "diversity": 0.80}
TEMPERATURES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)


def figures(priors: float, temperature: float) -> dict[str, float]:
    """Scores with one best cell: energy least at temperature 1 with 16 priors."""
    miss = abs(temperature - 1) * 0.05 + abs(priors - 16) * 0.001
    return {
        "energy": 0.32 + miss,
        "scanmatch": 0.42 - 0.08 * temperature - abs(priors - 16) * 0.001,
        "nss": 1.9 - 0.3 * temperature,
        "diversity": 0.45 * temperature + 0.01,
    }


def write_job(
    folder: Path,
    overrides: Sequence[str],
    values: Mapping[str, float] | None = None,
    by_temperature: Mapping[float, Mapping[str, float]] | None = None,
    error: str | None = None,
    protocol: Protocol | None = None,
) -> Path:
    """One job: finished where it has values, failed where it has an error, else unfinished."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text(json.dumps(list(overrides)))
    if error is not None:
        (folder / "failed.json").write_text(json.dumps({"error": error}))
    given = values or (by_temperature or {}).get(1.0)
    if given is None:
        return folder
    result = folder / "results" / "source-gallery"
    result.mkdir(parents=True)
    metrics = {name: _row(name, value) for name, value in given.items()}
    summary = {"images": 16, "meta": {"gaze": "simulated"}, "metrics": metrics}
    (result / "summary.json").write_text(json.dumps(summary))
    (result / "protocol.json").write_text(json.dumps((protocol or Protocol()).card()))
    if by_temperature:
        rows = [
            {"temperature": t, "metric": m, **_row(m, v)}
            for t, one in by_temperature.items()
            for m, v in one.items()
        ]
        pd.DataFrame(rows).to_csv(result / "temperatures.csv", index=False)
    (folder / "summary.json").write_text(json.dumps({"validation_energy": given["energy"]}))
    return folder


def _row(name: str, value: float) -> dict[str, Any]:
    """A row of a result's frame."""
    scale = PEOPLE[name] - CHANCE[name]
    return {
        "label": MEASURES[name].heading,
        "better": MEASURES[name].better,
        "value": value,
        "low": value - 0.01,
        "high": value + 0.01,
        "observers": PEOPLE[name],
        "other_image": CHANCE[name],
        "normalized": None if name == "diversity" else (value - CHANCE[name]) / scale,
        "images": 16,
    }


def temperature_sweep(root: Path) -> Path:
    """Six temperatures by four numbers of priors, in four jobs."""
    for priors in (4, 8, 16, 32):
        write_job(
            root / f"network.priors-{priors}",
            [f"network.priors={priors}", "+experiment=demo", "+sweep=temperature_by_gaussians"],
            by_temperature={t: figures(priors, t) for t in TEMPERATURES},
        )
    return root
