"""What follows training: scores beside people and chance, pictures, and the summary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from omegaconf import DictConfig
from rich.console import Console

from spgen_lit import __version__
from spgen_lit.config import plain
from spgen_lit.data.images import read_image
from spgen_lit.data.module import DomainMix, Part
from spgen_lit.evaluation.baselines import band
from spgen_lit.evaluation.protocol import preset
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.suite import evaluate
from spgen_lit.evaluation.temperatures import score_temperatures, write_temperatures
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.network.weights import Weights
from spgen_lit.pictures.overlay import save_png, side_by_side
from spgen_lit.pictures.plots import training_curves
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath

_BATCH = 8
HEADLINE = ("energy", "scanmatch")


def draw_part(
    predictor: Predictor, data: DomainMix, part: Part, samples: int, temperature: float | None
) -> dict[str, list[Scanpath]]:
    """Sampled scanpaths on every image of a split, encoded once each."""
    keys = list(part.stimuli)
    out: dict[str, list[Scanpath]] = {}
    for first in range(0, len(keys), _BATCH):
        own = keys[first : first + _BATCH]
        pixels = np.stack([data.cache.get(part.stimuli[key]) for key in own])
        planes = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        sizes = [part.stimuli[key].size for key in own]
        drawn = predictor.draw(planes, sizes, own, samples, temperature, seed=0)
        out |= dict(zip(own, drawn, strict=True))
    return out


def score_part(
    name: str,
    samples: Mapping[str, list[Scanpath]],
    part: Part,
    config: DictConfig,
    meta: Mapping[str, Any],
    training: list[Scanpath],
) -> Results:
    """Results of sampled scanpaths on a split with gaze, beside the baseline band."""
    protocol = replace(preset(config.evaluation.protocol), samples=int(config.evaluation.samples))
    metrics = config.evaluation.metrics
    chosen = plain(metrics) if not isinstance(metrics, str) else metrics
    people = {key: part.paths[key] for key in samples}
    which = None if chosen == "full" else ("people", "other_image")
    images = {key: _reader(part, key) for key in samples} if which is None else None
    levels = band(
        people, protocol, training=training, images=images, metrics=chosen, which=which
    )
    model = evaluate(samples, people, protocol, metrics=chosen, training=training)
    return Results(model, levels, protocol, {**meta, "data": name})


def _reader(part: Part, key: str) -> Any:
    stimulus = part.stimuli[key]
    return lambda: read_image(stimulus.path, stimulus.size)


def score_run(
    config: DictConfig,
    module: ScanpathModule,
    data: DomainMix,
    trainer: L.Trainer,
    console: Console,
    weights: Weights,
    started: float,
) -> float:
    """Score the best checkpoint on every set with gaze, draw pictures, write the summary.

    Returns:
        Validation energy score of the best checkpoint (lower is better).
    """
    output = Path(config.paths.output_dir)
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    predictor = (
        Predictor.from_checkpoint(best)
        if best
        else Predictor(module.network, data.frame, module.card)
    )
    trained_on = [p for paths in data.parts["source", "train"].paths.values() for p in paths]
    scored: dict[str, Any] = {}
    for domain, sets in data.sets.items():
        part, split = _scored_part(data, domain, config.evaluation.split)
        for name, gaze in sets.items():
            keys = [key for key in part.stimuli if part.sets[key] == name]
            if not gaze.scanpaths:
                keys = [k for k in data.parts[domain, "train"].stimuli][: config.evaluation.pictures]
                part = data.parts[domain, "train"]
            own = Part({k: part.stimuli[k] for k in keys}, part.paths, part.sets)
            if not keys:
                continue
            drawn = draw_part(
                predictor, data, own, config.evaluation.samples, config.evaluation.temperature
            )
            _draw_pictures(output / "pictures" / f"{domain}-{name}", drawn, own, config)
            if gaze.scanpaths:
                meta = {"title": domain, "split": split, "gaze": gaze.gaze, "model": config.name}
                results = score_part(name, drawn, own, config, meta, trained_on)
                console.print(results.table())
                results.save(output / "results" / f"{domain}-{name}")
                scored[f"{domain}-{name}"] = _headline(results, split)
                if config.evaluation.temperatures:
                    drawing = partial(draw_part, predictor, data, own, config.evaluation.samples)
                    people = {key: own.paths[key] for key in keys}
                    rows = score_temperatures(
                        drawing,
                        config.evaluation.temperatures,
                        people,
                        results.protocol,
                        trained_on,
                    )
                    write_temperatures(output / "results" / f"{domain}-{name}", rows)
    if (output / "metrics.csv").is_file():
        training_curves(output / "metrics.csv", output / "pictures" / "training.png")
    energy = _validation_energy(trainer)
    _write_summary(output, config, data, module, weights, started, best, energy, scored)
    console.print(f"Results, pictures and checkpoints: {output}")
    return energy


def _scored_part(data: DomainMix, domain: str, split: str) -> tuple[Part, str]:
    """The split to score; validation images where official test images are held elsewhere."""
    part = data.parts[domain, split]
    if not part.stimuli and split == "test":
        return data.parts[domain, "val"], "val"
    return part, split


def _draw_pictures(
    folder: Path, drawn: Mapping[str, list[Scanpath]], part: Part, config: DictConfig
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for key in list(drawn)[: config.evaluation.pictures]:
        stimulus = part.stimuli[key]
        image = read_image(stimulus.path, stimulus.size)
        picture = side_by_side(image, drawn[key], part.paths.get(key, []))
        save_png(folder / f"{Path(key.replace('/', '_')).stem}.png", picture)


def _headline(results: Results, split: str) -> dict[str, Any]:
    out: dict[str, Any] = {"images": results.model.n, "split": split}
    for metric in HEADLINE:
        if metric in results.model.metrics:
            out[metric] = {
                "model": results.model.mean(metric),
                "interval": list(results.model.interval(metric)),
                "people": results.band["people"].mean(metric),
                "chance": results.band["other_image"].mean(metric),
                "normalised": results.normalised(metric),
            }
    return out


def _validation_energy(trainer: L.Trainer) -> float:
    score = getattr(trainer.checkpoint_callback, "best_model_score", None)
    value = float(score) if score is not None else float(trainer.callback_metrics.get("val/energy", 1))
    # Sweepers stop at a value that is not finite; 1 is the worst that an energy can be.
    return value if np.isfinite(value) else 1.0


def _commit() -> str | None:
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


def _write_summary(
    output: Path,
    config: DictConfig,
    data: DomainMix,
    module: ScanpathModule,
    weights: Weights,
    started: float,
    best: str,
    energy: float,
    scored: Mapping[str, Any],
) -> None:
    warnings = []
    if weights.random:
        warnings.append(f"encoder started from random weights: {weights.origin}")
    if data.gaze_kind == "simulated":
        warnings.append("source gaze is simulated, not people's")
    summary = {
        "name": config.name,
        "command": " ".join(["python -m spgen_lit.train", *sys.argv[1:]]),
        "version": __version__,
        "commit": _commit(),
        "seed": config.seed,
        "seconds": round(time.time() - started, 1),
        "data": {f"{d}-{s}": n for (d, s), n in _sizes(data).items()},
        "initial_weights": weights.origin,
        "random_initial_weights": weights.random,
        "warnings": warnings,
        "checkpoint": os.path.relpath(best, output) if best else None,
        "validation_energy": energy,
        "temperature": module.network.temperature
        if config.evaluation.temperature is None
        else config.evaluation.temperature,
        "priors": config.network.priors,
        "results": scored,
    }
    partial = output / "summary.json.part"
    partial.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    partial.replace(output / "summary.json")


def _sizes(data: DomainMix) -> dict[tuple[str, str], int]:
    return {key: len(part.stimuli) for key, part in data.parts.items() if part.stimuli}
