"""A run cut short and resumed ends with the weights of one that was not, averages included."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch

Make = Callable[..., Any]


class Crash(L.Callback):
    """Fails like a machine that goes down, before a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            raise RuntimeError("power cut")


class Terminate(L.Callback):
    """Sends SIGTERM to this process within a step, or within validation."""

    def __init__(self, step: int, validating: bool = False) -> None:
        self.step, self.validating = step, validating

    def on_train_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        if trainer.global_step == self.step and not self.validating:
            os.kill(os.getpid(), signal.SIGTERM)

    def on_validation_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        if trainer.global_step == self.step and self.validating:
            os.kill(os.getpid(), signal.SIGTERM)


def _fit(trainer: L.Trainer, module: Any, data: Any, ckpt: Path | None = None) -> None:
    trainer.fit(module, data, ckpt_path=ckpt, weights_only=True)


def _checkpoint(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


def _assert_same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert (a["global_step"], a["epoch"]) == (b["global_step"], b["epoch"])
    for part in ("state_dict", "current_model_state", "averaging_state"):
        assert a[part].keys() == b[part].keys()
        for name, value in a[part].items():
            assert torch.equal(value, b[part][name]), (part, name)
    ours, theirs = (c["optimizer_states"][0]["state"] for c in (a, b))
    assert ours.keys() == theirs.keys()
    for key in ours:
        assert torch.equal(ours[key]["exp_avg_sq"], theirs[key]["exp_avg_sq"])


@pytest.fixture
def whole(make_data: Make, make_module: Make, make_trainer: Make, tmp_path: Path) -> dict[str, Any]:
    """Last checkpoint of two epochs of three steps without interruption."""
    _fit(make_trainer("whole"), make_module(), make_data())
    found = _checkpoint(tmp_path / "whole" / "last.ckpt")
    name = "network.head.static.weight"
    assert not torch.equal(found["state_dict"][name], found["current_model_state"][name])
    return found


def test_resumed_after_an_epoch(whole, make_data, make_module, make_trainer, tmp_path) -> None:
    with pytest.raises(RuntimeError, match="power cut"):
        _fit(make_trainer("cut", Crash(4)), make_module(), make_data())
    assert _checkpoint(tmp_path / "cut" / "last.ckpt")["global_step"] == 3
    torch.manual_seed(77)
    module = make_module()
    _fit(make_trainer("cut"), module, make_data(), tmp_path / "cut" / "last.ckpt")
    _assert_same(whole, _checkpoint(tmp_path / "cut" / "last.ckpt"))
    # After training the network holds the averaged weights.
    for name, value in module.state_dict().items():
        assert torch.equal(value, whole["state_dict"][name]), name


@pytest.mark.parametrize(("step", "workers"), [(1, 0), (4, 0), (4, 1), (2, 0)])
def test_stopped_by_signal_within_an_epoch(
    whole, make_data, make_module, make_trainer, tmp_path: Path, step: int, workers: int
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _fit(make_trainer("cut", Terminate(step)), make_module(), make_data(workers=workers))
    assert stopped.value.code == 143
    found = _checkpoint(tmp_path / "cut" / "last.ckpt")
    assert found["global_step"] == step + 1
    resumed = make_data(workers=workers)
    _fit(make_trainer("cut"), make_module(), resumed, tmp_path / "cut" / "last.ckpt")
    _assert_same(whole, _checkpoint(tmp_path / "cut" / "last.ckpt"))


def test_stopped_by_signal_within_validation(
    whole, make_data, make_module, make_trainer, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _fit(make_trainer("cut", Terminate(3, validating=True)), make_module(), make_data())
    assert stopped.value.code == 143
    # Validation came to its end: the best checkpoint knows this epoch's score.
    assert (tmp_path / "cut" / "best.ckpt").is_file()
    _fit(make_trainer("cut"), make_module(), make_data(), tmp_path / "cut" / "last.ckpt")
    _assert_same(whole, _checkpoint(tmp_path / "cut" / "last.ckpt"))


def test_without_a_signal_nothing_is_stopped(make_data, make_module, make_trainer) -> None:
    trainer = make_trainer("free", max_epochs=1)
    _fit(trainer, make_module(), make_data())
    assert trainer.state.finished and trainer.global_step == 3


def test_frozen_statistics_stay_and_live_ones_move(make_data, make_module, make_trainer) -> None:
    for frozen in (True, False):
        module = make_module(freeze_batch_norm=frozen)
        before = {k: v.clone() for k, v in module.state_dict().items() if "running_mean" in k}
        _fit(make_trainer(f"norms-{frozen}", max_epochs=1), module, make_data())
        moved = {
            k for k, v in module.state_dict().items() if k in before and (v != before[k]).any()
        }
        assert not any(".stages.3." in name for name in moved)  # of a frozen stage
        assert any(".stages.18." in name for name in moved) == (not frozen)
