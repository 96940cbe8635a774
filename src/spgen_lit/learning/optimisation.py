"""The optimiser and its schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

Curve = Literal["onecycle", "cosine", "constant"]


@dataclass(frozen=True)
class Optimisation:
    """AdamW with a rate of its own for the encoder.

    Attributes:
        lr: Peak learning rate of everything but the encoder.
        encoder_lr: Peak learning rate of the encoder's trained layers.
        weight_decay: Of weights with two or more axes; priors, norms and biases have none.
        curve: ``onecycle``: warm-up, then cosine to nothing; ``cosine`` the same to a
            twentieth; ``constant`` after warm-up.
        warmup: Share of the steps that the rate rises for.

    Raises:
        ValueError: For rates that are not positive, or an unknown curve.
    """

    lr: float = 1.5e-3
    encoder_lr: float = 2e-4
    weight_decay: float = 1e-2
    curve: Curve = "onecycle"
    warmup: float = 0.1

    def __post_init__(self) -> None:
        if not (self.lr > 0 and self.encoder_lr >= 0 and self.weight_decay >= 0):
            raise ValueError(f"optimizer: rates must be positive, found {self}")
        if self.curve not in get_args(Curve) or not 0 <= self.warmup < 1:
            raise ValueError(
                f"optimizer: curve must be one of {get_args(Curve)} and warmup in [0, 1), "
                f"found {self.curve!r}, {self.warmup}"
            )

    def build(self, module: nn.Module, steps: int) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """Optimiser over the trained parameters of a module, and its schedule over steps."""
        groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                encoder = ".encoder." in f".{name}"
                decays = parameter.ndim > 1 and "gaussians" not in name
                groups.setdefault((encoder, decays), []).append(parameter)
        optimiser = torch.optim.AdamW(
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
            share = min((step - warm) / max(steps - warm, 1), 1.0)
            fall = (1 + math.cos(math.pi * share)) / 2
            return {"onecycle": fall, "cosine": 0.05 + 0.95 * fall, "constant": 1.0}[self.curve]

        return optimiser, LambdaLR(optimiser, factor)
