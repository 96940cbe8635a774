"""Devices: which processes train together, and what that makes of batch and learning rate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from lightning.pytorch.plugins.environments import SLURMEnvironment
from lightning.pytorch.strategies import DDPStrategy

from spgen_lit.learning.optimisation import Optimisation

_START: dict[str, Literal["popen", "spawn", "fork"]] = {
    "ddp": "popen",
    "ddp_spawn": "spawn",
    "ddp_fork": "fork",
}
SCALES = {"none": 0.0, "sqrt": 0.5, "linear": 1.0}


def trainer_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of ``lightning.Trainer`` with strategy and plugins made to fit.

    Under ``ddp`` buffers are not broadcast: the only ones that training changes are the
    statistics of live batch norms, which SyncBatchNorm keeps the same everywhere, and a
    broadcast in validation would wait for ever where one rank has a batch more. Parameters
    may go unused: the domain classifiers without a target, parts of a network without history.

    Args:
        settings: The arguments as configured; ``strategy`` by name.

    Raises:
        ValueError: If torchrun started several processes and the strategy is not ``ddp``.
    """
    arguments = dict(settings)
    name = str(arguments.get("strategy", "auto"))
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if "TORCHELASTIC_RUN_ID" in os.environ and world > 1 and not name.startswith("ddp"):
        raise ValueError(
            f"torchrun started {world} processes, but trainer.strategy={name} would train the "
            f"same network {world} times; add trainer=ddp trainer.devices={world}"
        )
    if name in _START:
        arguments["strategy"] = DDPStrategy(
            start_method=_START[name], broadcast_buffers=False, find_unused_parameters=True
        )
    if SLURMEnvironment.detect():
        # Submitit sends jobs back to the queue; two that do would send two.
        arguments["plugins"] = [SLURMEnvironment(auto_requeue=False)]
    return arguments


def scale_rates(optimisation: Optimisation, scale: str, times: int) -> Optimisation:
    """Learning rates for an effective batch that is so many times one device's.

    Args:
        optimisation: Rates for the batch of one device.
        scale: ``none``, ``sqrt`` (as for Adam: Malladi et al. 2022) or ``linear`` (Goyal
            et al. 2017).
        times: Devices by accumulated batches.

    Raises:
        ValueError: For another scale.
    """
    if scale not in SCALES:
        raise ValueError(f"optimizer.scale_lr must be one of {sorted(SCALES)}, found {scale!r}")
    factor = float(times) ** SCALES[scale]
    return replace(
        optimisation, lr=optimisation.lr * factor, encoder_lr=optimisation.encoder_lr * factor
    )
