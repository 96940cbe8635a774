"""A run cut short and resumed ends with the weights of one that was not, averages included."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch

from spgen_lit.checkpoint import CheckpointError, previous, read_checkpoint, write_checkpoint
from spgen_lit.learning import module as learning_module
from spgen_lit.training.loggers import CsvLogger
from spgen_lit.training.resumption import resumed as checked

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


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as lines:
        return [{k: v for k, v in row.items() if v} for row in csv.DictReader(lines)]


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
    log = CsvLogger(str(tmp_path / "whole"))
    _fit(make_trainer("whole", logger=log), make_module(), make_data())
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
        trainer = make_trainer("cut", Terminate(step), logger=CsvLogger(str(tmp_path / "cut")))
        _fit(trainer, make_module(), make_data(workers=workers))
    assert stopped.value.code == 143
    found = _checkpoint(tmp_path / "cut" / "last.ckpt")
    assert found["global_step"] == step + 1
    resumed = make_data(workers=workers)
    log = CsvLogger(str(tmp_path / "cut"), str(tmp_path / "cut" / "last.ckpt"))
    _fit(make_trainer("cut", logger=log), make_module(), resumed, tmp_path / "cut" / "last.ckpt")
    _assert_same(whole, _checkpoint(tmp_path / "cut" / "last.ckpt"))
    # No epoch's validation was left out: the same best checkpoint, and the same record.
    _assert_same(*(_checkpoint(tmp_path / run / "best.ckpt") for run in ("whole", "cut")))
    assert _rows(tmp_path / "cut") == _rows(tmp_path / "whole")


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


def test_signals_are_given_back_to_who_had_them(make_data, make_module, make_trainer) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    trainer = make_trainer("free", max_epochs=1)
    _fit(trainer, make_module(), make_data())
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


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


CARD = {"network": {}, "frame": {"size": [64, 64], "mode": "stretch"}}


def _content(step: int) -> dict[str, Any]:
    weights = {"network.a": torch.arange(1000.0) + step}
    return {"spgen_lit": CARD, "state_dict": weights, "optimizer_states": [], "global_step": step}


def test_a_flipped_bit_is_found_and_the_checkpoint_before_is_used(tmp_path: Path, capsys) -> None:
    last = tmp_path / "last.ckpt"
    for step in (1, 2):
        write_checkpoint(_content(step), last, keep_previous=True)
    assert checked(last, {}) == last
    raw = bytearray(last.read_bytes())
    raw[len(raw) // 2] ^= 4
    last.write_bytes(raw)
    with pytest.raises(CheckpointError, match=r"cannot read checkpoint .*last\.ckpt"):
        read_checkpoint(last)
    assert checked(last, {}) == previous(last)
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "last-previous.ckpt, saved before it" in said
    assert read_checkpoint(previous(last))["global_step"] == 1


def test_a_checkpoint_is_written_beside_its_name_and_swept_up_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = tmp_path / "last.ckpt"
    write_checkpoint(_content(1), last)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"last\.ckpt: cannot be written \(No space left"):
            write_checkpoint(_content(2), last)
    assert read_checkpoint(last)["global_step"] == 1
    (tmp_path / ".last.ckpt.0badc0de.part.ckpt").write_bytes(b"of a process that was killed")
    write_checkpoint(_content(3), last)
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("card", [None, 3, {"network": 1}, {"network": {}, "frame": {"size": 3}}])
def test_a_checkpoint_with_a_malformed_card_is_one_line(tmp_path: Path, card: Any) -> None:
    torch.save({"spgen_lit": card, "state_dict": {}}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match=r"a\.ckpt is not a checkpoint of spgen_lit"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_a_resumed_record_is_never_away_from_the_disk(tmp_path: Path) -> None:
    write_checkpoint(_content(2), tmp_path / "last.ckpt")
    log = CsvLogger(str(tmp_path))
    for step in range(4):
        log.log_metrics({"train/loss": 1.0 + step}, step)
    log.save()
    again = CsvLogger(str(tmp_path), str(tmp_path / "last.ckpt"))
    assert len(_rows(tmp_path)) == 4  # a kill here loses nothing
    again.log_metrics({"train/loss": 9.0, "val/energy": 0.3}, 2)
    again.after_save_checkpoint(None)
    assert [row["train/loss"] for row in _rows(tmp_path)] == ["1.0", "2.0", "9.0"]


def test_a_collapsed_network_is_warned_of(
    make_data, make_module, make_trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A spread that no network reaches: every one counts as collapsed.
    monkeypatch.setattr(learning_module, "COLLAPSED", 100.0)
    log = CsvLogger(str(tmp_path / "run"))
    with pytest.warns(UserWarning, match=r"fixations spread \d\.\d\d times as far .* collapsed"):
        _fit(make_trainer("run", logger=log, max_epochs=1), make_module(), make_data())
    assert any(
        float(row["val/spread"]) > 0 for row in _rows(tmp_path / "run") if "val/spread" in row
    )


def test_deterministic_training_gives_the_same_bits_twice(
    make_data, make_module, make_trainer, tmp_path: Path
) -> None:
    for run in ("one", "two"):
        trainer = make_trainer(run, max_epochs=1, deterministic=True)
        _fit(trainer, make_module(), make_data())
    torch.use_deterministic_algorithms(False)
    _assert_same(*(_checkpoint(tmp_path / run / "last.ckpt") for run in ("one", "two")))
