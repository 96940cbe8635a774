"""What a run says and logs: its overview, ``metrics.csv``, facts for loggers, fewer notices."""

from __future__ import annotations

import logging
import math
import time
import warnings
from argparse import Namespace
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf
from rich.table import Table

from spgen_lit import __version__
from spgen_lit.checkpoint import load_checkpoint
from spgen_lit.config import plain
from spgen_lit.data.module import DomainMix
from spgen_lit.data.splits import SPLITS
from spgen_lit.evaluation.protocol import preset
from spgen_lit.files import write_csv, write_text
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.provenance import commit
from spgen_lit.training.devices import together

_PATIENCE = 30.0  # seconds between writes of the file while nothing asks for one
# Said by Lightning about its own internals, or about choices that are made on purpose here.
_NEEDLESS = (
    r".*LeafSpec.*is deprecated.*",
    r".*exists and is not empty.*",
    r".*module\(s\) in eval mode at the start of training.*",
    r".*does not have many workers.*",
    r"The number of training batches .* is smaller than the logging interval.*",
)
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


class CsvLogger(Logger):
    """Writes ``metrics.csv`` and ``hparams.yaml`` into a run's folder, whole each time.

    Lightning's own deletes the file when a resumed run begins. Here a resumed run keeps the
    rows up to the step of its checkpoint. The file is written at every checkpoint, so that no
    checkpoint knows more than it.

    Args:
        folder: The run's folder.
        resume_from: Checkpoint that the run goes on from.
    """

    def __init__(self, folder: str, resume_from: str | None = None) -> None:
        super().__init__()
        self.file = Path(folder) / "metrics.csv"
        self.rows: list[dict[str, Any]] = []
        self._written = time.monotonic()
        if resume_from and self.file.is_file():
            done = int(load_checkpoint(resume_from)["global_step"])
            kept = pd.read_csv(self.file, dtype=str)
            kept = kept[kept["step"].astype(int) < done]
            self.rows = [row.dropna().to_dict() for _, row in kept.iterrows()]

    @property
    def name(self) -> str:
        """Name of the record."""
        return "csv"

    @property
    def version(self) -> str:
        """A run's folder holds one record."""
        return ""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add a row."""
        self.rows.append({**metrics, "step": len(self.rows) if step is None else step})
        if time.monotonic() - self._written > _PATIENCE:
            self.save()

    @rank_zero_only
    def log_hyperparams(self, params: Mapping[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Write what the run was started with."""
        values = vars(params) if isinstance(params, Namespace) else dict(params)
        write_text(self.file.with_name("hparams.yaml"), OmegaConf.to_yaml(OmegaConf.create(values)))

    @rank_zero_only
    def save(self) -> None:
        """Write the rows so far."""
        if self.rows:
            columns = sorted({name for row in self.rows for name in row})
            write_csv(self.file, self.rows, columns)
        self._written = time.monotonic()

    @rank_zero_only
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """A checkpoint was saved: the rows that led to it must be as safe as it is."""
        self.save()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is left."""
        self.save()


def silence_notices() -> None:
    """Leave out start-up notices and advertisements; warnings that matter stay."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in _NEEDLESS:
        warnings.filterwarnings("ignore", message)


def tracked(trainer: L.Trainer) -> ExitStack:
    """Closes dashboards at its end, so that the next run in this process is not the same."""
    stack = ExitStack()
    for dashboard in dashboards(trainer):
        stack.push(dashboard.close)
    return stack


def log_beginning(trainer: L.Trainer, config: DictConfig, data: DomainMix) -> None:
    """Log the configuration, version, commit, checksums of the data and the protocol card."""
    if not trainer.is_global_zero or not trainer.loggers:
        return
    checksums = {
        f"{domain}-{name}": gaze.checksum()
        for domain, sets in data.sets.items()
        for name, gaze in sets.items()
    }
    facts = {"version": __version__, "commit": commit(), "checksums": checksums}
    facts["protocol"] = preset(config.evaluation.protocol).card()
    for logger in trainer.loggers:
        logger.log_hyperparams(plain(config) | facts)
    for dashboard in dashboards(trainer):
        dashboard.log_data(checksums)


def dashboards(trainer: L.Trainer) -> list[Any]:
    """Loggers with the methods of :class:`spgen_lit.learning.callbacks.wandb.Dashboard`.

    Known by their methods: importing the class would load W&B into runs that do not use it.
    """
    return [logger for logger in trainer.loggers if hasattr(logger, "log_results")]
