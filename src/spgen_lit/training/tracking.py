"""What a run's loggers are told beside its metrics, and that they are closed whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
from omegaconf import DictConfig

from spgen_lit import __version__
from spgen_lit.config import plain
from spgen_lit.data.checksums import checksum
from spgen_lit.data.module import DomainMix
from spgen_lit.evaluation.protocol import preset
from spgen_lit.training.summary import commit


@contextmanager
def tracked(trainer: L.Trainer) -> Iterator[None]:
    """Close dashboards at the end, so that the next run in this process is not the same."""
    failed = True
    try:
        yield
        failed = False
    finally:
        for dashboard in _dashboards(trainer):
            dashboard.close(failed)


def log_beginning(trainer: L.Trainer, config: DictConfig, data: DomainMix) -> None:
    """Log the configuration, version, commit, checksums of the data and the protocol card."""
    if not trainer.is_global_zero or not trainer.loggers:
        return
    checksums = {
        f"{domain}-{name}": checksum(gaze)
        for domain, sets in data.sets.items()
        for name, gaze in sets.items()
    }
    facts: dict[str, Any] = {
        "version": __version__,
        "commit": commit(),
        "checksums": checksums,
        "protocol": preset(config.evaluation.protocol).card(),
    }
    for logger in trainer.loggers:
        logger.log_hyperparams(plain(config) | facts)
    for dashboard in _dashboards(trainer):
        dashboard.log_data(checksums)


def log_end(trainer: L.Trainer, folder: Path, checkpoint: str, energy: float) -> None:
    """Log what was scored after training, and the best checkpoint."""
    for dashboard in _dashboards(trainer):
        dashboard.log_results(folder / "results", checkpoint, energy)


def _dashboards(trainer: L.Trainer) -> list[Any]:
    """Loggers with the methods of :class:`spgen_lit.learning.dashboard.Dashboard`.

    Known by their methods: importing the class would load W&B into runs that do not use it.
    """
    return [logger for logger in trainer.loggers if hasattr(logger, "log_results")]
