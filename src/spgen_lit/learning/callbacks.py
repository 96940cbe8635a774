"""Callbacks: averaged weights, and pictures of fixed examples while training."""

from __future__ import annotations

import lightning as L
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


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

        def average(kept: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
            n = int(count)
            share = min(decay, (1 + n) / (10 + n))
            return kept.lerp(current, 1 - share) if kept.is_floating_point() else current

        super().__init__(use_buffers=True, avg_fn=average)


class StopOnSignal(L.Callback):
    """Ends a run that was told to stop (SIGTERM) with its state saved and exit code 143."""

    def on_train_batch_end(self, trainer: L.Trainer, *_: object, **__: object) -> None:
        """Save and leave once the signal has come."""
        if trainer.received_sigterm:
            for callback in trainer.checkpoint_callbacks:
                folder = getattr(callback, "dirpath", None)
                if folder:
                    trainer.save_checkpoint(f"{folder}/last.ckpt")
                    break
            raise SystemExit(143)


def trained_parameters(module: torch.nn.Module) -> int:
    """Number of parameters that training changes."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
