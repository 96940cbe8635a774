"""What a run says and logs: its overview, ``metrics.csv``, facts for loggers, fewer notices."""

from __future__ import annotations

import logging
import math
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jinja2
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


def overview(
    config: DictConfig, data: DomainMix, module: ScanpathModule, trainer: L.Trainer
) -> Table:
    """What a run is about to do, by ``overview.txt``: data, network, adaptation, device."""
    template = Path(__file__).with_name("overview.txt").read_text(encoding="utf-8")
    jinja = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)
    # The data module learns of the other devices only when training begins.
    images = len(data.parts["source", "train"].stimuli)
    on_cpu = trainer.strategy.root_device.type == "cpu"
    text = jinja.from_string(template).render(
        config=config,
        data=data,
        module=module,
        trainer=trainer,
        splits=SPLITS,
        parameters=sum(p.numel() for p in module.network.parameters()),
        trained=sum(p.numel() for p in module.network.parameters() if p.requires_grad),
        threads=torch.get_num_threads(),
        times=together(trainer),
        steps=max(math.ceil(images / (data.batch_size * trainer.world_size)), 1),
        idle=on_cpu and torch.cuda.is_available(),
    )
    table = Table(title=f"spgen_lit {__version__}: {config.name}", show_header=False)
    for line in text.splitlines():
        table.add_row(*line.split(": ", maxsplit=1))
    return table


class CsvLogger(Logger):
    """Writes ``metrics.csv`` and ``hparams.yaml`` into a run's folder, whole each time.

    Lightning's own deletes the file when a resumed run begins. Here a resumed run keeps the
    rows up to the step of its checkpoint. The file is written at every checkpoint, so that no
    checkpoint knows more than it.

    Args:
        folder: The run's folder.
        resume_from: Checkpoint that the run goes on from.
    """

    name = "csv"
    version = ""  # a run's folder holds one record

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

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add a row."""
        self.rows.append({**metrics, "step": len(self.rows) if step is None else step})
        if time.monotonic() - self._written > _PATIENCE:
            self.save()

    @rank_zero_only
    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        """Write what the run was started with."""
        text = OmegaConf.to_yaml(OmegaConf.create(dict(params)))
        write_text(self.file.with_name("hparams.yaml"), text)

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
