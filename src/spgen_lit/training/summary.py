"""What a run is about to do, as a table, and what it was, as ``summary.json``."""

from __future__ import annotations

import csv
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from omegaconf import DictConfig
from rich.table import Table

from spgen_lit import __version__
from spgen_lit.data.module import DomainMix
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.tables import finite
from spgen_lit.files import write_json
from spgen_lit.learning.module import COLLAPSED, ScanpathModule, collapse_warning
from spgen_lit.network.protocol import Network
from spgen_lit.provenance import commit
from spgen_lit.training.devices import together

HEADLINE = ("energy", "scanmatch")

SUMMARY = "summary.json"  # the last thing that a run writes


def overview(
    config: DictConfig,
    data: DomainMix,
    module: ScanpathModule,
    trainer: L.Trainer,
) -> Table:
    """What a run is about to do: data, network, adaptation, device, where results go."""
    table = Table(title=f"spgen_lit {__version__}: {config.name}", show_header=False)
    for role, text in _sets(data):
        table.add_row(role, text)
    network = module.network
    total = sum(p.numel() for p in network.parameters())
    trained = f"{trained_parameters(network):,} of {total:,} parameters trained"
    table.add_row("network", f"{type(network).__name__}: {trained}")
    encoder = network.encoder
    table.add_row("encoder", f"{type(encoder).__name__}: {encoder.origin}")
    if encoder.random:
        table.add_row(
            "[yellow]warning[/]",
            "[yellow]the encoder starts from random weights: expect far lower agreement than "
            "from ImageNet weights (network.encoder.weights names a file)[/]",
        )
    table.add_row("adaptation", _adaptation(module) if data.sets["target"] else "none: no target")
    if module.distillation is not None:
        towards = f"towards the photographs' features, weight {module.distillation.weight:g}"
        table.add_row("distillation", towards)
    threads = torch.get_num_threads()
    device = trainer.strategy.root_device
    table.add_row("device", f"{trainer.world_size} x {device}, {threads} threads")
    table.add_row("training", _training(data, trainer))
    if together(trainer) > 1:
        rates = f"{module.optimizer.lr:.3g}, encoder {module.optimizer.encoder_lr:.3g}"
        scale = module.optimizer.scale_lr
        table.add_row("learning rate", f"{rates} (scale_lr={scale} with the effective batch)")
    if config.start_from:
        table.add_row("begins with", str(config.start_from))
    if config.ckpt_path:
        table.add_row("resumed from", str(config.ckpt_path))
    table.add_row("results", str(config.paths.output_dir))
    return table


def _sets(data: DomainMix) -> list[tuple[str, str]]:
    rows = []
    for domain in ("source", "target", "evaluation"):
        for name, gaze in data.sets[domain].items():
            counts = [
                f"{sum(own == name for own in data.parts[domain, split].sets.values())} {split}"
                for split in ("train", "val", "test")
            ]
            kinds = {"none": "no gaze", "simulated": "SIMULATED gaze"}
            kind = kinds.get(gaze.gaze, f"{gaze.gaze} gaze")
            paths = f", {len(gaze.scanpaths)} scanpaths" if gaze.scanpaths else ""
            rows.append((domain, f"{name}: {', '.join(counts)}{paths} ({kind})"))
    if not data.sets["target"]:
        rows.append(("target", "none: training on the source alone"))
    if data.styles:
        count = sum(map(len, data.styles.values()))
        rows.append(("styles", f"{count} renditions, shown in {data.style_share:.0%} of draws"))
    return rows


def _adaptation(module: ScanpathModule) -> str:
    own = module.adaptation
    if own.source_only:
        return "none (λ = 0)"
    levels = ", ".join(own.levels)
    return f"{own.method} at {levels}, λ {own.schedule.kind} up to {own.schedule.ceiling}"


def _training(data: DomainMix, trainer: L.Trainer) -> str:
    # The data module learns of the other devices only when training begins.
    images = len(data.parts["source", "train"].stimuli)
    steps = max(math.ceil(images / (data.batch_size * trainer.world_size)), 1)
    epochs = f"{trainer.max_epochs} epochs of {steps} steps"
    batch = f"{data.batch_size} + {data.target_batch_size} images a device"
    times = together(trainer)
    effective = f", effective batch {data.batch_size * times}" if times > 1 else ""
    on_cpu = trainer.strategy.root_device.type == "cpu"
    idle = (
        " (a GPU is idle: trainer.accelerator=auto)" if on_cpu and torch.cuda.is_available() else ""
    )
    return f"{epochs}, {batch}{effective}{idle}"


def trained_parameters(module: torch.nn.Module | Network) -> int:
    """Number of parameters that training changes."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def headline(results: Results, split: str) -> dict[str, Any]:
    """The few values of one set's results that a summary holds, beside observers and chance."""
    out: dict[str, Any] = {"images": len(results.model.rows), "split": split}
    for metric in (metric for metric in HEADLINE if metric in results.frame.index):
        row = results.frame.loc[metric]
        out[metric] = {
            "model": row["value"],
            "interval": [row["low"], row["high"]],
            "observers": row.get("observers"),
            "chance": row.get("other_image"),
            "normalized": row["normalized"],
        }
    return dict(finite(out))


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
    spread = _last_spread(output / "metrics.csv")
    if spread < COLLAPSED:
        warnings.append(collapse_warning(spread))
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
        "priors": module.card.get("network", {}).get("priors"),
        **results,
    }
    write_json(output / SUMMARY, summary)


def _last_spread(record: Path) -> float:
    """The last ``val/spread`` that was logged; 1 where none was."""
    if not record.is_file():
        return 1.0
    with record.open(newline="", encoding="utf-8") as lines:
        values = [row["val/spread"] for row in csv.DictReader(lines) if row.get("val/spread")]
    return float(values[-1]) if values else 1.0
