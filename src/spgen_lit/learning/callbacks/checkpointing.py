"""Checkpoints: averaged weights, files that are whole, and a stop that loses nothing."""

from __future__ import annotations

import math
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import lightning as L
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from torch import Tensor

from spgen_lit.checkpoint import load_checkpoint, previous, write_checkpoint

LAST = "last.ckpt"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


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


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints whole and reads them with their checksums compared.

    The ``last.ckpt`` before the newest is kept while a run trains.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; see :func:`~spgen_lit.checkpoint.write_checkpoint`."""
        write_checkpoint(checkpoint, Path(path), keep_previous=Path(path).name == LAST)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read a checkpoint of tensors and plain values onto the CPU."""
        return load_checkpoint(path)


class Stopped(SystemExit):
    """Training is to stop and has saved its state; the code is 128 + the signal."""


class LastCheckpoint(ModelCheckpoint):
    """Writes ``last.ckpt`` after every epoch, and where SIGTERM or Ctrl-C ends the run.

    A signal is heeded after the optimizer's step, on all ranks together. In the last step of
    an epoch, or within validation, the epoch comes to its end first: half of a validation
    cannot be resumed. The run goes on from the file by ``ckpt_path=``. A second Ctrl-C ends
    the run at once.

    Args:
        dirpath: Folder of the file.
    """

    def __init__(self, dirpath: str) -> None:
        super().__init__(
            dirpath=dirpath,
            filename=Path(LAST).stem,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
        self._signal = 0
        self._leaving = False
        self._handlers: dict[int, Any] = {}

    @property
    def file(self) -> Path:
        """The checkpoint's path."""
        return Path(str(self.dirpath)) / LAST

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the signals over from the trainer, which would stop without saving."""
        super().on_train_start(trainer, pl_module)
        if trainer.received_sigterm:
            raise Stopped(128 + signal.SIGTERM)
        if threading.current_thread() is threading.main_thread():
            self._handlers = {s: signal.signal(s, self._heed) for s in _SIGNALS}

    def _heed(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            print("stopping after this step; Ctrl-C again stops at once", file=sys.stderr)
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._signal = number

    def _stopping(self, trainer: L.Trainer) -> bool:
        """Whether any rank is to stop; the same answer on all."""
        return bool(trainer.strategy.reduce_boolean_decision(bool(self._signal), all=False))

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        """Save once the signal has come, unless this step is not whole or validation is due."""
        super().on_train_batch_end(trainer, pl_module, *args, **kwargs)
        done = int(kwargs.get("batch_idx", args[-1])) + 1
        validation = trainer.is_last_batch or done % (trainer.val_check_batch or math.inf) == 0
        whole = done % trainer.accumulate_grad_batches == 0
        if self._stopping(trainer) and whole and not validation:
            self._save_checkpoint(trainer, str(self.file))
            self._leaving = True

    def on_train_batch_start(self, *_: Any) -> None:
        """Leave here, where the loggers have the step that was saved."""
        self._leave()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the epoch; leave after it if the signal has come."""
        super().on_train_epoch_end(trainer, pl_module)
        self._leaving = self._stopping(trainer)

    def on_train_epoch_start(self, *_: Any) -> None:
        """Leave here, where the loggers have the epoch that was saved."""
        self._leave()

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The end of the last epoch: leave, or drop the checkpoint before the last."""
        super().on_train_end(trainer, pl_module)
        self._leave()
        if trainer.is_global_zero:
            previous(self.file).unlink(missing_ok=True)
        # Before the trainer gives back those of before it: later its own would stay for good,
        # and a scheduler's SIGTERM while the model is scored would be heeded by nobody.
        self._release()

    def _leave(self) -> None:
        if self._leaving:
            raise Stopped(128 + (self._signal or signal.SIGTERM))

    def on_exception(self, *_: Any) -> None:
        """Give the signals back."""
        self._release()

    def _release(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
