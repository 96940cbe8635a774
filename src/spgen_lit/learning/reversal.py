"""Gradient reversal and the schedule of its coefficient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

ScheduleKind = Literal["dann", "linear", "constant", "warmup"]


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, coefficient: float) -> Tensor:
        ctx.coefficient = coefficient
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.coefficient * gradients[0], None


def reverse(features: Tensor, coefficient: float) -> Tensor:
    """The identity, whose gradient is multiplied by minus the coefficient.

    Ganin et al. 2016 (JMLR 17): what helps the domain classifier then hurts the encoder.
    """
    out: Tensor = _Reverse.apply(features, coefficient)
    return out


@dataclass(frozen=True)
class Schedule:
    """The coefficient λ of the reversal as training proceeds.

    Attributes:
        kind: ``dann``: ceiling · (2/(1+exp(-gamma·p)) - 1); ``linear``: ceiling · p;
            ``constant``: the ceiling; ``warmup``: nothing until the fraction ``warmup`` of
            training has passed, then linear to the ceiling over as much again.
        ceiling: Greatest value; 0 is training on the source alone.
        gamma: Steepness of ``dann``; 10 in the paper.
        warmup: Fraction of training, for ``warmup``.

    Raises:
        ValueError: For an unknown kind, a negative ceiling or gamma, or a warm-up out of
            (0, 0.5].
    """

    kind: ScheduleKind = "dann"
    ceiling: float = 1.0
    gamma: float = 10.0
    warmup: float = 0.2

    def __post_init__(self) -> None:
        if self.kind not in get_args(ScheduleKind):
            raise ValueError(
                f"adaptation.schedule.kind must be one of {get_args(ScheduleKind)}, "
                f"found {self.kind!r}"
            )
        if not (self.ceiling >= 0 and self.gamma >= 0 and 0 < self.warmup <= 0.5):
            raise ValueError(
                "adaptation.schedule needs ceiling >= 0, gamma >= 0 and 0 < warmup <= 0.5, "
                f"found {self}"
            )

    def __call__(self, progress: float) -> float:
        """λ at a fraction of training in [0, 1]; values outside are clipped."""
        p = min(max(progress, 0.0), 1.0)
        if self.kind == "dann":
            return self.ceiling * (2 / (1 + math.exp(-self.gamma * p)) - 1)
        if self.kind == "linear":
            return self.ceiling * p
        if self.kind == "warmup":
            return self.ceiling * min(max((p - self.warmup) / self.warmup, 0.0), 1.0)
        return self.ceiling
