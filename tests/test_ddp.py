"""Several processes train as one: shards, losses, weights, metrics, folders, exit codes."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.networks import encoder
from torch import nn

from spgen_lit.data.sampling import ShuffledStream
from spgen_lit.learning.optimizer import ScheduledAdamW
from spgen_lit.training.devices import SyncLiveNorms, trainer_settings

#: 11 source images for training and 5 for validation: neither divides by 2.
UNEVEN = (
    "+experiment=smoke",
    "data.source.gallery.images=19",
    "data.split_seed=6",
    "data.val=0.25",
    "data.test=0.2",
    "data.target_batch_size=null",
    "network.dropout=0",
    "trainer.max_epochs=7",
    "trainer.log_every_n_steps=1",
    "evaluation.metrics=[scanmatch]",
    "evaluation.pictures=1",
    "evaluation.samples=2",
    "network.frame=[64,64]",
    # AdamW divides a gradient by its size: where it is nothing but rounding (a bias before a
    # softmax) the step's sign is chance. Low rates keep what that can add up to small.
    "optimizer.lr=1e-4",
    "optimizer.encoder_lr=1e-5",
)
TWO = ("data.batch_size=2", "trainer.accelerator=cpu", "trainer.devices=2")


def command(*arguments: str, starter: tuple[str, ...] = ()) -> list[str]:
    """A training command."""
    return [sys.executable, "-m", *starter, "spgen_lit.train", *arguments]


def execute(line: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, one thread a process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    environment["SPGEN_CACHE"] = str(folder / "cache")
    return subprocess.run(
        line, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run in it, ``one``: a single process with the global batch."""
    folder = tmp_path_factory.mktemp("ddp")
    done = execute(command(*UNEVEN, "data.batch_size=4", "hydra.run.dir=one"), folder)
    assert done.returncode == 0, done.stderr
    return folder


def logged(folder: Path) -> dict[str, dict[int, float]]:
    """Name to step to value of a run's metrics."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    with (folder / "metrics.csv").open() as lines:
        for row in csv.DictReader(lines):
            for name, value in row.items():
                if value and name not in ("step", "epoch"):
                    found[name][int(row["step"])] = float(value)
    return found


def assert_same_run(one: Path, two: Path) -> None:
    """Losses of 21 steps to 1e-5, validation the same, final weights to 1e-4."""
    first, second = logged(one), logged(two)
    assert len(first["train/loss"]) == 21
    for name in ("train/loss", "train/fixation_loss", "adaptation/domain_loss"):
        assert second[name] == pytest.approx(first[name], abs=1e-5), name
    for name in ("val/loss", "val/energy", "val/scanmatch", "val/observers_energy"):
        assert second[name] == pytest.approx(first[name], abs=1e-5), name
    states = [
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True) for run in (one, two)
    ]
    for part in ("state_dict", "current_model_state"):
        for name, value in states[0][part].items():
            gap = (value.float() - states[1][part][name].float()).abs().max()
            assert float(gap) < 1e-4, name
    results = [json.loads((run / "summary.json").read_text()) for run in (one, two)]
    assert results[1]["validation_energy"] == pytest.approx(results[0]["validation_energy"], 1e-5)


def test_two_processes_train_as_one(place: Path) -> None:
    done = execute(command(*UNEVEN, *TWO, "trainer=ddp", "hydra.run.dir=two"), place)
    assert done.returncode == 0, done.stderr
    assert "effective batch 4" in done.stdout and "7 epochs of 3 steps" in done.stdout
    assert_same_run(place / "one", place / "two")
    # One folder, with what one process leaves.
    files = [
        {file.relative_to(run).as_posix() for file in run.rglob("*") if file.is_file()}
        for run in (place / "one", place / "two")
    ]
    assert files[0] == files[1]
    assert {file.name for file in place.iterdir()} == {"one", "two", "cache"}


@pytest.mark.slow
def test_spawned_processes_train_as_one(place: Path) -> None:
    done = execute(command(*UNEVEN, *TWO, "trainer=ddp_spawn", "hydra.run.dir=spawn"), place)
    assert done.returncode == 0, done.stderr
    assert_same_run(place / "one", place / "spawn")


@pytest.mark.slow
def test_processes_of_torchrun_train_as_one(place: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    starter = ("torch.distributed.run", "--nproc-per-node=2", f"--master-port={port}", "-m")
    line = command(*UNEVEN, *TWO, "trainer=ddp", "hydra.run.dir=torchrun", starter=starter)
    done = execute(line, place)
    assert done.returncode == 0, done.stderr
    assert_same_run(place / "one", place / "torchrun")
    lost = command(*UNEVEN, *TWO, "trainer=ddp", starter=starter)
    refused = execute(lost, place)
    assert refused.returncode != 0 and "hydra.run.dir=outputs/NAME" in refused.stderr


@pytest.mark.slow
def test_without_target_and_history_nothing_hangs(place: Path) -> None:
    # Domain classifiers and half of the history's layers get no gradient then.
    settings = ["data/target=none", "~data.target.gallery"]
    settings += ["network.history=none", "trainer.max_epochs=1"]
    done = execute(command(*UNEVEN, *TWO, "trainer=ddp", *settings, "hydra.run.dir=bare"), place)
    assert done.returncode == 0, done.stderr
    assert len(logged(place / "bare")["train/loss"]) == 3


@pytest.mark.slow
def test_a_process_that_fails_ends_the_others(place: Path) -> None:
    settings = ("optimizer.lr=1e30", "trainer.gradient_clip_val=null", "callbacks.ema=null")
    done = execute(command(*UNEVEN, *TWO, "trainer=ddp", *settings, "hydra.run.dir=broken"), place)
    assert done.returncode != 0
    assert not (place / "broken" / "summary.json").exists()


@pytest.mark.slow
def test_accumulation_precision_and_compilation_compose(place: Path) -> None:
    settings = (
        "trainer.accumulate_grad_batches=2",
        "trainer.precision=bf16-mixed",
        "compile=true",
        "optimizer.scale_lr=sqrt",
        "data.batch_size=2",
        "hydra.run.dir=composed",
    )
    done = execute(command(*UNEVEN, *settings), place)
    assert done.returncode == 0, done.stderr
    assert "effective batch 4" in done.stdout and "scale_lr=sqrt" in done.stdout
    state = torch.load(place / "composed" / "checkpoints" / "best.ckpt", weights_only=True)
    assert all(value.isfinite().all() for value in state["state_dict"].values())
    assert not any("_orig_mod" in name for name in state["state_dict"])


@pytest.mark.parametrize("size", [1, 3, 13, 64])
@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_every_batch_without_overlap(size: int, world: int) -> None:
    steps, each = 5, 2
    whole = ShuffledStream(size, steps, each * world, seed=3)
    ranks = [ShuffledStream(size, steps, each, 3, rank, world) for rank in range(world)]
    for epoch in range(3):
        for stream in (whole, *ranks):
            stream.set_epoch(epoch)
        together = list(whole)
        shards = [list(rank) for rank in ranks]
        for step in range(steps):
            parts = [pair for shard in shards for pair in shard[step * each : (step + 1) * each]]
            assert parts == together[step * each * world : (step + 1) * each * world]
        draws = [draw for shard in shards for draw, _ in shard]
        assert len(set(draws)) == len(draws) == steps * each * world
    # Over a whole pass every image is drawn once, whichever rank draws it.
    passes = [image for draw, image in together if draw // size == together[0][0] // size + 1]
    assert len(set(passes)) == len(passes)


def test_frozen_batch_norms_stay_what_they_are() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder(taps=(6,))
            self.live = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))

    model = Model().to("meta")
    kept = [type(module) for module in model.encoder.modules()]
    SyncLiveNorms().apply(model)
    assert [type(module) for module in model.encoder.modules()] == kept
    assert isinstance(model.live[1], nn.SyncBatchNorm)


def test_live_batch_norms_on_cpu_are_left_with_a_warning() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    with pytest.warns(UserWarning, match="cannot share their statistics"):
        SyncLiveNorms().apply(model)
    assert type(model[1]) is nn.BatchNorm2d


def test_learning_rates_follow_the_effective_batch_only_if_asked() -> None:
    base = ScheduledAdamW(lr=1e-3, encoder_lr=1e-4)
    assert base.scaled(4) == base
    assert replace(base, scale_lr="sqrt").scaled(4).lr == pytest.approx(2e-3)
    assert replace(base, scale_lr="linear").scaled(4).encoder_lr == pytest.approx(4e-4)
    with pytest.raises(ValueError, match="scale_lr one of"):
        replace(base, scale_lr="square")


def test_torchrun_without_ddp_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match=r"trainer=ddp trainer\.devices=2"):
        trainer_settings({"strategy": "auto", "devices": 1})
