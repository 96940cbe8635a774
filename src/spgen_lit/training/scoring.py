"""What follows training: scores beside people and chance, pictures, and the summary."""

from __future__ import annotations

import os
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

from spgen_lit.config import plain
from spgen_lit.data.images import read_image
from spgen_lit.data.module import DomainMix
from spgen_lit.data.records import Split
from spgen_lit.evaluation.baselines import band
from spgen_lit.evaluation.protocol import preset
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.suite import evaluate
from spgen_lit.evaluation.temperatures import score_temperatures, write_temperatures
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.pictures.figure import save_png
from spgen_lit.pictures.plots import training_curves
from spgen_lit.pictures.sheets import side_by_side
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath
from spgen_lit.training.loggers import log_end
from spgen_lit.training.summary import headline, write_summary

_BATCH = 8


def draw_part(
    predictor: Predictor, data: DomainMix, part: Split, samples: int, temperature: float | None
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
    part: Split,
    config: DictConfig,
    meta: Mapping[str, Any],
    training: list[Scanpath],
) -> Results:
    """Results of sampled scanpaths on a split with gaze, beside the baseline band."""
    protocol = replace(preset(config.evaluation.protocol), samples=int(config.evaluation.samples))
    metrics = config.evaluation.metrics
    chosen = plain(metrics) if not isinstance(metrics, str) else metrics
    people = {key: part.paths[key] for key in samples}
    which: tuple[str, ...] | None = None if chosen == "full" else ("people", "other_image")
    if len(people) < 2:
        which = ("people",)  # chance needs other images
    images = {key: _reader(part, key) for key in samples} if which is None else None
    levels = band(people, protocol, training=training, images=images, metrics=chosen, which=which)
    model = evaluate(samples, people, protocol, metrics=chosen, training=training)
    return Results(model, levels, protocol, {**meta, "data": name})


def _reader(part: Split, key: str) -> Any:
    stimulus = part.stimuli[key]
    return lambda: read_image(stimulus.path, stimulus.size)


def score_run(
    config: DictConfig,
    module: ScanpathModule,
    data: DomainMix,
    trainer: L.Trainer,
    console: Console,
    started: float,
) -> float:
    """Score the best checkpoint on every set with gaze, draw pictures, write the summary.

    Returns:
        Validation energy score of the best checkpoint (lower is better).
    """
    output = Path(config.paths.output_dir)
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    device = str(trainer.strategy.root_device)
    # The run's own classes are trusted: they have just been trained.
    trust = [type(made).__module__ for made in (module.network, module.network.encoder)]
    predictor = (
        Predictor.from_checkpoint(best, device, trust=trust)
        if best
        else Predictor(module.network, data.frame, module.card, device)
    )
    trained_on = [p for paths in data.parts["source", "train"].paths.values() for p in paths]
    scored: dict[str, Any] = {}
    for domain, sets in data.sets.items():
        predictor.domain = "source" if domain == "source" else "target"
        for name, gaze in sets.items():
            own, split = _shown_part(data, domain, name, config)
            if not own.stimuli:
                continue
            drawing = partial(draw_part, predictor, data, own, config.evaluation.samples)
            drawn = drawing(config.evaluation.temperature)
            folder = f"{domain}-{name}"
            _draw_pictures(output / "pictures" / folder, drawn, own, config)
            if not gaze.scanpaths:
                continue
            meta = {"title": domain, "split": split, "gaze": gaze.gaze, "model": config.name}
            results = score_part(name, drawn, own, config, meta, trained_on)
            console.print(results.table())
            results.save(output / "results" / folder)
            scored[folder] = headline(results, split)
            if config.evaluation.temperatures:
                people = {key: own.paths[key] for key in own.stimuli}
                rows = score_temperatures(
                    drawing, config.evaluation.temperatures, people, results.protocol, trained_on
                )
                write_temperatures(output / "results" / folder, rows)
    if (output / "metrics.csv").is_file():
        training_curves(output / "metrics.csv", output / "pictures" / "training.png")
    energy = _validation_energy(trainer)
    outcome = {
        "checkpoint": os.path.relpath(best, output) if best else None,
        "validation_energy": energy,
        "results": scored,
    }
    write_summary(output, config, data, module, started, outcome)
    log_end(trainer, output, best, energy)
    console.print(f"Results, pictures and checkpoints: {output}")
    return energy


def _shown_part(data: DomainMix, domain: str, name: str, config: DictConfig) -> tuple[Split, str]:
    """One set's images to score, and their split.

    Validation images where official test images are held elsewhere; of a set without gaze a
    few training images, to be drawn only.
    """
    gaze = bool(data.sets[domain][name].scanpaths)
    split = str(config.evaluation.split) if gaze else "train"
    keys = data.parts[domain, split].of_set(name)
    if split == "test" and not keys:
        split = "val"
        keys = data.parts[domain, split].of_set(name)
    if not gaze:
        keys = keys[: config.evaluation.pictures]
    part = data.parts[domain, split]
    return Split({key: part.stimuli[key] for key in keys}, part.paths, part.sets), split


def _draw_pictures(
    folder: Path, drawn: Mapping[str, list[Scanpath]], part: Split, config: DictConfig
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for key in list(drawn)[: config.evaluation.pictures]:
        stimulus = part.stimuli[key]
        image = read_image(stimulus.path, stimulus.size)
        picture = side_by_side(image, drawn[key], part.paths.get(key, []))
        save_png(folder / f"{Path(key.replace('/', '_')).stem}.png", picture)


def _validation_energy(trainer: L.Trainer) -> float:
    """The best checkpoint's; without one, the last that was measured."""
    callback: Any = trainer.checkpoint_callback
    score = getattr(callback, "best_model_score", None)
    path: str = getattr(callback, "best_model_path", "")
    if score is None and path:
        # Processes that ddp_spawn started hand back the checkpoint's path, not its score.
        saved = torch.load(path, map_location="cpu", weights_only=True)
        score = saved["callbacks"][callback.state_key]["best_model_score"]
    if getattr(callback, "monitor", None) != "val/energy":
        # Chosen by a validator, whose value is no energy: that of the last epoch stands in.
        score = None
    value = float(trainer.callback_metrics.get("val/energy", 1) if score is None else score)
    # Sweepers stop at a value that is not finite; 1 is the worst that an energy can be.
    return value if np.isfinite(value) else 1.0
