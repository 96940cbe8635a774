"""Gradient reversal and the schedules of its coefficient."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spgen_lit.learning.reversal import Schedule, reverse


@given(st.floats(0, 10), st.lists(st.floats(-5, 5), min_size=1, max_size=6))
def test_gradient_is_minus_lambda_times_the_plain_one(coefficient: float, values) -> None:
    weight = torch.arange(1.0, len(values) + 1)
    plain = torch.tensor(values, requires_grad=True)
    turned = torch.tensor(values, requires_grad=True)
    (plain.sin() * weight).sum().backward()
    out = reverse(turned, coefficient)
    assert torch.equal(out, turned)
    (out.sin() * weight).sum().backward()
    assert torch.allclose(turned.grad, -coefficient * plain.grad)


def test_schedules_by_their_formulas() -> None:
    for p in (0.0, 0.1, 0.5, 1.0):
        assert Schedule("dann", 2.0)(p) == pytest.approx(2 * (2 / (1 + math.exp(-10 * p)) - 1))
        assert Schedule("linear", 0.5)(p) == pytest.approx(0.5 * p)
        assert Schedule("constant", 0.3)(p) == 0.3
    warm = Schedule("warmup", 0.8, warmup=0.2)
    assert [warm(p) for p in (0, 0.2, 0.3, 0.4, 1)] == pytest.approx([0, 0, 0.4, 0.8, 0.8])


@given(
    st.sampled_from(["dann", "linear", "constant", "warmup"]),
    st.floats(0, 5),
    st.floats(-1, 2),
    st.floats(0, 1),
)
def test_coefficient_rises_within_its_ceiling(kind, ceiling, progress, further) -> None:
    schedule = Schedule(kind, ceiling)
    assert 0 <= schedule(progress) <= schedule(progress + further) <= ceiling


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "dan"}, "dann"),
        ({"ceiling": -1.0}, "ceiling >= 0"),
        ({"warmup": 0.0}, "warmup"),
        ({"gamma": float("nan")}, "gamma"),
    ],
)
def test_bad_schedules_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Schedule(**settings)
