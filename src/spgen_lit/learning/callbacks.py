"""Callbacks: averaged weights, and an orderly end when a run is told to stop."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

_TERMINATED = 128 + 15  # what a shell reports for a process that ended by SIGTERM


class Ema(WeightAveraging):
    """Exponential moving average of the weights, used for validation and checkpoints.

    Early on the average is over the steps there have been (the decay rises as
    (1 + n)/(10 + n), as in TensorFlow), so that short runs are not held back by their
    random beginnings.

    Args:
        decay: Greatest decay a step; 0 keeps the current weights.

    Raises:
        ValueError: For a decay out of [0, 1).
    """

    def __init__(self, decay: float = 0.99) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"callbacks.ema.decay must be in [0, 1), found {decay}")
        super().__init__(use_buffers=True, avg_fn=partial(_average, decay))


def _average(decay: float, kept: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
    # A function of the module, since processes started by ddp_spawn must find it by name.
    n = int(count)
    share = min(decay, (1 + n) / (10 + n))
    return kept.lerp(current, 1 - share) if kept.is_floating_point() else current


class StopOnSignal(L.Callback):
    """Ends a run that was told to stop (SIGTERM) with its state saved and exit code 143.

    ``last.ckpt`` is written beside the best checkpoint, and the run goes on from it by
    ``ckpt_path=``. It must stand after :class:`Ema` among the callbacks, so that the average
    has taken the last step in when the state is saved.
    """

    def __init__(self) -> None:
        self._deferred = False
        self._saved = -1

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, *_: object, **__: object
    ) -> None:
        """Save and leave once the signal has come, on all ranks together."""
        if trainer.strategy.reduce_boolean_decision(trainer.received_sigterm, all=False):
            self._save(trainer)
            raise SystemExit(_TERMINATED)

    def on_validation_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, *_: object, **__: object
    ) -> None:
        """Let validation come to its end: half of one can neither be saved nor resumed."""
        if trainer.received_sigterm and trainer.state.fn == "fit":
            self._deferred = True
            trainer._signal_connector.received_sigterm = False

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Hand the signal back; the trainer heeds it once checkpoints are written."""
        if self._deferred:
            self._deferred = False
            trainer._signal_connector.received_sigterm = True

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Give the trainer's own way of stopping its exit code, and save where it did not."""
        if isinstance(exception, SIGTERMException):
            exception.code = _TERMINATED
            if trainer.world_size == 1:
                self._save(trainer)

    def _save(self, trainer: L.Trainer) -> None:
        if self._saved == trainer.global_step:
            return
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint) and callback.dirpath:
                self._saved = trainer.global_step
                trainer.save_checkpoint(Path(callback.dirpath) / "last.ckpt")
                return


def trained_parameters(module: torch.nn.Module) -> int:
    """Number of parameters that training changes."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
