"""``summary.json``: what a run was, what it started from, and what came out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from spgen_lit import __version__
from spgen_lit.config import CONFIG_DIR
from spgen_lit.data.module import DomainMix
from spgen_lit.evaluation.results import Results
from spgen_lit.learning.module import ScanpathModule

HEADLINE = ("energy", "scanmatch")


def headline(results: Results, split: str) -> dict[str, Any]:
    """The few values of one set's results that a summary holds, beside people and chance."""
    out: dict[str, Any] = {"images": results.model.n, "split": split}
    chance = results.band.get("other_image")
    for metric in HEADLINE:
        if metric in results.model.metrics:
            out[metric] = {
                "model": results.model.mean(metric),
                "interval": list(results.model.interval(metric)),
                "people": results.band["people"].mean(metric),
                "chance": chance.mean(metric) if chance else None,
                "normalised": results.normalised(metric),
            }
    return out


def commit() -> str | None:
    """Commit of the checkout that runs, with ``-dirty`` for changes; None outside of one."""
    if Path(CONFIG_DIR).parent == Path(__file__).parents[1]:
        return None  # installed: a repository around it is somebody else's
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def write_summary(
    output: Path,
    config: DictConfig,
    data: DomainMix,
    module: ScanpathModule,
    started: float,
    results: Mapping[str, Any],
) -> None:
    """Write ``summary.json`` whole into the run's folder.

    Args:
        output: The run's folder.
        config: The run's configuration.
        data: What it was trained on.
        module: What was trained.
        started: Time of its beginning, as :func:`time.time` gives it.
        results: Further entries: checkpoint, validation energy, results.
    """
    warnings = []
    encoder = module.network.encoder
    if encoder.random:
        warnings.append(f"encoder started from random weights: {encoder.origin}")
    if data.gaze_kind == "simulated":
        warnings.append("source gaze is simulated, not people's")
    given = config.evaluation.temperature
    sizes = {f"{d}-{s}": len(part.stimuli) for (d, s), part in data.parts.items() if part.stimuli}
    summary = {
        "name": config.name,
        "command": " ".join(["python -m spgen_lit.train", *sys.argv[1:]]),
        "version": __version__,
        "commit": commit(),
        "seed": config.seed,
        "seconds": round(time.time() - started, 1),
        "data": sizes,
        "initial_weights": encoder.origin,
        "random_initial_weights": encoder.random,
        "warnings": warnings,
        "temperature": module.network.temperature if given is None else given,
        "priors": config.network.priors,
        **results,
    }
    partial = output / "summary.json.part"
    partial.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    partial.replace(output / "summary.json")
