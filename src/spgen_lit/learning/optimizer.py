"""The optimizer and its schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

RateSchedule = Literal["cosine", "cosine_floor", "constant"]
RateScaling = Literal["none", "sqrt", "linear"]
_POWERS = {"none": 0.0, "sqrt": 0.5, "linear": 1.0}


@dataclass(frozen=True)
class ScheduledAdamW:
    """AdamW with a rate of its own for the encoder.

    Attributes:
        lr: Peak learning rate of everything but the encoder.
        encoder_lr: Peak learning rate of the encoder's trained layers.
        weight_decay: Of weights with two or more axes; priors, norms and biases have none.
        schedule: After warm-up ``cosine`` to nothing, ``cosine_floor`` to a twentieth, or
            ``constant``.
        warmup: Fraction of the steps that the rate rises for.
        scale_lr: How rates grow with the effective batch of several devices: ``none``, ``sqrt``
            (as for Adam: Malladi et al. 2022) or ``linear`` (Goyal et al. 2017).

    Raises:
        ValueError: For rates that are not positive, or an unknown schedule.
    """

    lr: float = 1.5e-3
    encoder_lr: float = 2e-4
    weight_decay: float = 1e-2
    schedule: RateSchedule = "cosine"
    warmup: float = 0.1
    scale_lr: RateScaling = "none"

    def __post_init__(self) -> None:
        rates = self.lr > 0 and self.encoder_lr >= 0 and self.weight_decay >= 0
        known = self.schedule in get_args(RateSchedule) and self.scale_lr in _POWERS
        if not (rates and known and 0 <= self.warmup < 1):
            raise ValueError(
                f"optimizer: rates must be positive, schedule one of {get_args(RateSchedule)}, "
                f"warmup in [0, 1), scale_lr one of {tuple(_POWERS)}; found {self}"
            )

    def scaled(self, times: int) -> ScheduledAdamW:
        """The same for an effective batch that is so many times one device's."""
        factor = float(times) ** _POWERS[self.scale_lr]
        return replace(self, lr=self.lr * factor, encoder_lr=self.encoder_lr * factor)

    def build(self, module: nn.Module, steps: int) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """Optimizer over the trained parameters of a module, and its schedule over steps."""
        groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                encoder = ".encoder." in f".{name}"
                decays = parameter.ndim > 1 and "gaussians" not in name
                groups.setdefault((encoder, decays), []).append(parameter)
        optimizer = torch.optim.AdamW(
            [
                {
                    "params": parameters,
                    "lr": self.encoder_lr if encoder else self.lr,
                    "weight_decay": self.weight_decay if decays else 0.0,
                    "name": ("encoder" if encoder else "head") + ("" if decays else "_plain"),
                }
                for (encoder, decays), parameters in sorted(groups.items())
            ]
        )
        warm = max(round(self.warmup * steps), 1)

        def factor(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            done = min((step - warm) / max(steps - warm, 1), 1.0)
            fall = (1 + math.cos(math.pi * done)) / 2
            curves = {"cosine": fall, "cosine_floor": 0.05 + 0.95 * fall, "constant": 1.0}
            return curves[self.schedule]

        return optimizer, LambdaLR(optimizer, factor)
