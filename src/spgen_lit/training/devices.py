"""Devices: which processes train together, and what that makes of batch and learning rate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from inspect import signature
from typing import Any, Literal

import lightning as L
import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.plugins.layer_sync import TorchSyncBatchNorm
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities import rank_zero_warn
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from spgen_lit.learning.callbacks.checkpointing import AtomicCheckpointIO

_START: dict[str, Literal["popen", "spawn", "fork"]] = {
    "ddp": "popen",
    "ddp_spawn": "spawn",
    "ddp_fork": "fork",
}
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class SyncLiveNorms(TorchSyncBatchNorm):
    """Shares statistics between devices where a batch norm is live, and only there.

    Lightning's own plugin replaces every batch norm. Frozen ones would then no longer be
    recognised by what keeps them frozen.
    """

    def apply(self, model: nn.Module) -> nn.Module:
        """Replace the live batch norms; the model is in training mode afterwards."""
        model.train()
        live = {n: m for n, m in model.named_modules() if type(m) in _NORMS and m.training}
        if live and next(model.parameters()).device.type == "cpu":
            rank_zero_warn(
                f"{len(live)} batch norms are live, and torch cannot share their statistics "
                "between CPU processes: each process normalises by its own images"
            )
            return model
        for name, norm in live.items():
            model.set_submodule(name, nn.SyncBatchNorm.convert_sync_batchnorm(norm))
        return model


def trainer_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of ``lightning.Trainer`` with strategy and plugins made to fit.

    Under ``ddp`` buffers are not broadcast: the only ones that training changes are the
    statistics of live batch norms, which SyncBatchNorm keeps the same everywhere, and a
    broadcast in validation would wait for ever where one rank has a batch more. Parameters
    may go unused: the domain classifiers without a target, parts of a network without history.

    Args:
        settings: The arguments as configured; ``strategy`` by name.

    Raises:
        ValueError: If torchrun started several processes and the strategy is not ``ddp``, or
            for more processes on the CPU than it has cores.
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
        # Renamed after torch 2.6.
        known = signature(DistributedDataParallel.__init__).parameters
        buffers = "forward_sync_buffers"
        still: dict[str, Any] = {buffers if buffers in known else "broadcast_buffers": False}
        arguments["strategy"] = DDPStrategy(
            start_method=_START[name], find_unused_parameters=True, **still
        )
    plugins: list[Any] = [*(arguments.get("plugins") or []), AtomicCheckpointIO()]
    if name in _START and arguments.pop("sync_batchnorm", False):
        plugins.append(SyncLiveNorms())
    if SLURMEnvironment.detect():
        # Submitit sends jobs back to the queue; two that do would send two.
        plugins.append(SLURMEnvironment(auto_requeue=False))
    arguments["plugins"] = plugins
    devices, cores = str(arguments.get("devices", "auto")), os.cpu_count() or 1
    accelerator = str(arguments.get("accelerator", "auto"))
    on_cpu = accelerator == "cpu" or (accelerator == "auto" and not torch.cuda.is_available())
    if on_cpu and devices.isdigit() and int(devices) > cores:
        raise ValueError(
            f"trainer.devices={devices}: this machine has {cores} cores; use {cores} or fewer"
        )
    return arguments


def together(trainer: L.Trainer) -> int:
    """How many batches of one device make up a step of the optimizer."""
    return int(trainer.world_size) * int(trainer.accumulate_grad_batches)
