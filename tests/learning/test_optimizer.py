"""The optimizer: rates of encoder and rest, weight decay, warm-up and fall."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from spgen_lit.learning.callbacks.checkpointing import Ema
from spgen_lit.learning.optimizer import ScheduledAdamW


def test_groups_hold_every_trained_parameter_once(make_module: Callable[..., Any]) -> None:
    module = make_module()
    optimizer, _ = ScheduledAdamW(lr=0.1, encoder_lr=0.01).build(module, 10)
    groups = {group["name"]: group for group in optimizer.param_groups}
    held = [id(p) for group in groups.values() for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in module.parameters() if p.requires_grad)
    encoder = {id(p) for p in module.network.encoder.parameters() if p.requires_grad}
    for name, group in groups.items():
        assert all((id(p) in encoder) == name.startswith("encoder") for p in group["params"])
        assert (group["weight_decay"] == 0) == name.endswith("_plain")
    priors = module.network.neck.priors.gaussians
    assert any(p is priors for p in groups["head_plain"]["params"])


def _rates(schedule: str, steps: int = 100) -> list[float]:
    layer = torch.nn.Linear(2, 2)
    optimizer, schedule = ScheduledAdamW(1.0, 1.0, schedule=schedule, warmup=0.1).build(
        layer, steps
    )
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(
    ("schedule", "last"), [("cosine", 0.0), ("cosine_floor", 0.05), ("constant", 1.0)]
)
def test_rates_rise_then_fall_to_where_the_schedule_ends(schedule: str, last: float) -> None:
    rates = _rates(schedule)
    assert rates[:10] == pytest.approx([(n + 1) / 10 for n in range(10)])
    assert rates[10] == pytest.approx(1.0)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))
    assert rates[-1] == pytest.approx(last, abs=1e-3)


@pytest.mark.parametrize(
    "settings", [{"lr": 0}, {"lr": float("nan")}, {"schedule": "step"}, {"warmup": 1.0}]
)
def test_bad_rates_and_schedules_are_refused(settings: dict) -> None:
    with pytest.raises(ValueError, match="optimizer:"):
        ScheduledAdamW(**settings)


def test_the_average_follows_quickly_at_first_and_then_by_its_decay() -> None:
    ema = Ema(0.9)
    average = ema._kwargs["avg_fn"]
    kept, current = torch.zeros(1), torch.ones(1)
    assert average(kept, current, 0).item() == pytest.approx(0.9)
    assert average(kept, current, 1000).item() == pytest.approx(0.1)
    assert average(torch.tensor(3), torch.tensor(5), 1000).item() == 5
    with pytest.raises(ValueError, match=r"callbacks.ema.decay.*1.0"):
        Ema(1.0)
