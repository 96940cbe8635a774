"""Folders as a sweep leaves them, written without training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.temperatures import TemperatureRow, write_temperatures

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
    metrics: dict[str, Any] = {
        name: {
            "mean": value,
            "interval": [value - 0.01, value + 0.01],
            "people": PEOPLE[name],
            "other_image": CHANCE[name],
        }
        for name, value in given.items()
    }
    summary = {"images": 16, "meta": {"gaze": "simulated"}, "metrics": metrics}
    (result / "summary.json").write_text(json.dumps(summary))
    (result / "protocol.json").write_text(json.dumps((protocol or Protocol()).card()))
    if by_temperature:
        rows = [
            TemperatureRow(t, m, v, v - 0.01, v + 0.01, PEOPLE[m], CHANCE[m], 16)
            for t, one in by_temperature.items()
            for m, v in one.items()
        ]
        write_temperatures(result, rows)
    (folder / "summary.json").write_text(json.dumps({"validation_energy": given["energy"]}))
    return folder


def temperature_sweep(root: Path) -> Path:
    """Six temperatures by four numbers of priors, in four jobs."""
    for priors in (4, 8, 16, 32):
        write_job(
            root / f"network.priors-{priors}",
            [f"network.priors={priors}", "+experiment=demo", "+sweep=temperature_by_gaussians"],
            by_temperature={t: figures(priors, t) for t in TEMPERATURES},
        )
    return root
