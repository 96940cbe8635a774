"""What a run is about to do, as a table."""

from __future__ import annotations

import math

import lightning as L
import torch
from omegaconf import DictConfig
from rich.table import Table

from spgen_lit import __version__
from spgen_lit.data.module import DomainMix
from spgen_lit.data.splits import SPLITS
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.training.devices import together

_RANDOM = (
    "[yellow]the encoder starts from random weights: expect far lower scores than from ImageNet "
    "weights (network.encoder.weights names a file)[/]"
)
_KINDS = {"none": "no gaze", "simulated": "SIMULATED gaze"}


def overview(
    config: DictConfig, data: DomainMix, module: ScanpathModule, trainer: L.Trainer
) -> Table:
    """What a run is about to do: data, network, adaptation, device, where results go."""
    network, encoder, optimizer = module.network, module.network.encoder, module.optimizer
    total = sum(p.numel() for p in network.parameters())
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    distillation, several = module.distillation, together(trainer) > 1
    device = f"{trainer.strategy.root_device}, {torch.get_num_threads()} threads"
    rates = f"{optimizer.lr:.3g}, encoder {optimizer.encoder_lr:.3g}"
    rows = [
        *_sets(data),
        ("network", f"{type(network).__name__}: {trained:,} of {total:,} parameters trained"),
        ("encoder", f"{type(encoder).__name__}: {encoder.origin}"),
        ("[yellow]warning[/]", _RANDOM if encoder.random else None),
        ("adaptation", _adaptation(module) if data.sets["target"] else "none: no target"),
        ("distillation", distillation and f"to photographs, weight {distillation.weight:g}"),
        ("device", f"{trainer.world_size} x {device}"),
        ("training", _training(data, trainer)),
        ("learning rate", f"{rates} (scale_lr={optimizer.scale_lr})" if several else None),
        ("begins with", config.start_from),
        ("resumed from", config.ckpt_path),
        ("results", config.paths.output_dir),
    ]
    table = Table(title=f"spgen_lit {__version__}: {config.name}", show_header=False)
    for title, words in rows:
        if words:
            table.add_row(title, str(words))
    return table


def _sets(data: DomainMix) -> list[tuple[str, str]]:
    rows = []
    for domain, named in data.sets.items():
        for name, gaze in named.items():
            counts = [f"{len(data.parts[domain, split].of_set(name))} {split}" for split in SPLITS]
            kind = _KINDS.get(gaze.gaze, f"{gaze.gaze} gaze")
            paths = f", {len(gaze.scanpaths)} scanpaths" if gaze.scanpaths else ""
            rows.append((domain, f"{name}: {', '.join(counts)}{paths} ({kind})"))
    if not data.sets["target"]:
        rows.append(("target", "none: training on the source alone"))
    if data.style_stimuli:
        count = sum(map(len, data.style_stimuli.values()))
        rows.append(("styles", f"{count} renditions, shown in {data.style_share:.0%} of draws"))
    return rows


def _adaptation(module: ScanpathModule) -> str:
    adaptation = module.adaptation
    if adaptation.source_only:
        return "none (λ = 0)"
    schedule = f"λ {adaptation.schedule.kind} up to {adaptation.schedule.ceiling}"
    return f"{adaptation.method} at {', '.join(adaptation.levels)}, {schedule}"


def _training(data: DomainMix, trainer: L.Trainer) -> str:
    # The data module learns of the other devices only when training begins.
    images = len(data.parts["source", "train"].stimuli)
    steps = max(math.ceil(images / (data.batch_size * trainer.world_size)), 1)
    text = (
        f"{trainer.max_epochs} epochs of {steps} steps, "
        f"{data.batch_size} + {data.target_batch_size} images a device"
    )
    if together(trainer) > 1:
        text += f", effective batch {data.batch_size * together(trainer)}"
    if trainer.strategy.root_device.type == "cpu" and torch.cuda.is_available():
        text += " (a GPU is idle: trainer.accelerator=auto)"
    return text
