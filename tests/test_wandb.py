"""W&B: what a run logs, read back from its transaction log; nothing asked, nothing held up."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spgen_lit.learning.callbacks.wandb import Dashboard, find_mode
from wandb_log import Log, logs

SMALL = (
    "+experiment=smoke",
    "data.source.gallery.images=10",
    "data.target.gallery.images=10",
    "evaluation.metrics=[scanmatch,energy]",
    "evaluation.pictures=1",
    "network.frame=[64,64]",
    "trainer.max_epochs=2",
    "callbacks.images.every=1",
    "logger=wandb",
    "callbacks=images",
)
_KEYS = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "WANDB_IDENTITY_TOKEN_FILE")


def train(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line without a terminal, without a key but those given."""
    clean = {name: value for name, value in os.environ.items() if name not in _KEYS}
    clean |= {"HOME": str(folder), "OMP_NUM_THREADS": "1", "NETRC": str(folder / "none")}
    return subprocess.run(
        [sys.executable, "-m", "spgen_lit.train", *arguments],
        cwd=folder,
        env={**clean, "SPGEN_CACHE": str(folder / "cache"), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[Log]]:
    """A sweep of two jobs, one after the other in one process: folder, output, logs."""
    folder = tmp_path_factory.mktemp("wandb")
    # What varies comes first, so that folders begin with it.
    settings = ("evaluation.temperatures=[0.5,1]", "hydra.sweep.dir=sweeps/day")
    done = train("-m", "seed=1,2", *SMALL, *settings, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, logs(folder / "sweeps")


def test_two_jobs_are_two_runs_of_one_group(sweep: tuple[Path, str, list[Log]]) -> None:
    folder, output, found = sweep
    assert len({log.run.run_id for log in found}) == 2
    assert {log.run.run_group for log in found} == {"sweeps/day"}
    assert [("seed=1" in log.run.tags, "seed=2" in log.run.tags) for log in found] == [
        (True, False),
        (False, True),
    ]
    assert all(log.finished for log in found)
    kept = [json.loads(file.read_text())["id"] for file in folder.rglob("checkpoints/wandb.json")]
    assert sorted(kept) == sorted(log.run.run_id for log in found)
    lines = [line for line in output.splitlines() if "wandb sync" in line]
    assert len(lines) == 2 and all("no key found" in line for line in lines)


def test_the_log_holds_what_the_run_was(sweep: tuple[Path, str, list[Log]]) -> None:
    config = sweep[2][0].config
    assert config["network"]["priors"] == 4 and config["seed"] == 1
    assert set(config["checksums"]) == {"source-gallery", "target-gallery"}
    assert config["protocol"]["scanmatch_bins"] == [16, 12]
    assert {"version", "commit"} <= set(config)


def test_metrics_carry_the_steps_of_training(sweep: tuple[Path, str, list[Log]]) -> None:
    log = sweep[2][0]
    losses = log.series("train/loss")
    steps = [step for step, _ in losses]
    assert steps == sorted(steps) and len(steps) == len(set(steps)) >= 6
    assert len(log.series("val/energy")) == len(log.series("val/observers_energy")) == 2
    for name in ("adaptation/coefficient", "adaptation/source_accuracy", "gradient/all"):
        assert log.series(name), name
    summary = json.loads(next(sweep[0].rglob("seed-1*/summary.json")).read_text())
    assert log.summary["validation_energy"] == pytest.approx(summary["validation_energy"])
    assert "results/target-gallery/energy" in log.summary


def test_examples_curves_and_checkpoint_are_there(sweep: tuple[Path, str, list[Log]]) -> None:
    folder, _, (log, _) = sweep
    tables = [artifact for artifact in log.artifacts if "examples" in artifact.name]
    assert len(tables) == 2, "one table an epoch"
    pictures = [entry.path for entry in tables[0].manifest.contents if ".png" in entry.path]
    assert len(pictures) >= 2
    assert any(key.startswith("temperature/source-gallery/energy") for key in log.keys)
    models = [artifact for artifact in log.artifacts if artifact.type == "model"]
    assert [entry.path for entry in models[0].manifest.contents] == ["best.ckpt"]
    assert set(models[0].aliases) == {"best", "latest"}
    assert {a.name for a in log.artifacts if a.type == "dataset"} == set(log.config["checksums"])
    drawn = {file.parent.name for file in folder.rglob("examples/*/*.png")}
    assert drawn == {"epoch-0001", "epoch-0002"}


def test_a_resumed_run_goes_on_in_its_own_charts(sweep: tuple[Path, str, list[Log]]) -> None:
    folder, _, found = sweep
    last = next(folder.rglob("seed-1*/checkpoints/last.ckpt"))
    done = train(
        *SMALL,
        "seed=1",
        "trainer.max_epochs=3",
        f"ckpt_path={last}",
        "hydra.run.dir=resumed",
        folder=folder,
    )
    assert done.returncode == 0, done.stderr
    (again,) = logs(folder / "resumed")
    (first,) = (log for log in found if "seed=1" in log.run.tags)
    assert again.run.run_id == first.run.run_id
    assert again.series("train/loss")[0][0] == first.series("train/loss")[-1][0] + 1


@pytest.mark.slow
def test_a_server_that_refuses_does_not_hold_training_up(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    key = {"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": url}
    # Told to be online whatever is found: W&B itself meets the closed port.
    for run, mode in (("auto", "auto"), ("online", "online")):
        settings = (f"logger.wandb.mode={mode}", f"hydra.run.dir={run}")
        done = train(*SMALL, *settings, folder=tmp_path, **key)
        assert done.returncode == 0, done.stderr
        assert "wandb sync" in done.stdout
        # A run begun online and gone on offline leaves a log of each.
        assert any(log.series("train/loss") for log in logs(tmp_path / run))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without any key."""
    for name in _KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return monkeypatch


def test_online_needs_a_key_and_a_server(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_mode("auto")[0] == "offline"
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        bare.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
        bare.setenv("WANDB_API_KEY", "x" * 40)
        mode, reason = find_mode("auto")
        assert mode == "offline" and f"127.0.0.1:{port} cannot be reached" in reason
        server.listen()
        assert find_mode("auto") == ("online", "")
        bare.delenv("WANDB_API_KEY")
        assert find_mode("auto")[0] == "offline"
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password secret\n")
        assert find_mode("auto") == ("online", "")
    assert find_mode("offline")[0] == "offline"
    bare.setenv("WANDB_MODE", "disabled")
    assert find_mode("online")[0] == "disabled"


def test_a_server_that_fails_at_the_start_leaves_an_offline_run(
    bare: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import wandb

    begin = wandb.init
    modes = []

    def refusing(**settings: Any) -> Any:
        modes.append(settings["mode"])
        if settings["mode"] == "online":
            raise wandb.errors.CommError("502 bad gateway")
        return begin(**settings)

    bare.setattr(wandb, "init", refusing)
    dashboard = Dashboard(str(tmp_path), mode="online")
    try:
        dashboard.log_metrics({"val/energy": 0.4, "val/observers_energy": 0.3}, step=1)
        picture = np.zeros((8, 8, 3), np.uint8)
        dashboard.log_examples([{"domain": "source", "image": "a", "picture": picture}], step=1)
        checkpoint = tmp_path / "best.ckpt"
        torch.save({}, checkpoint)
        dashboard.log_results(tmp_path / "results", str(checkpoint), 0.4)
    finally:
        dashboard.close()
    assert modes == ["online", "offline"]
    assert "502 bad gateway; upload with: wandb sync" in capsys.readouterr().out
    (log,) = logs(tmp_path, patience=60)
    assert log.series("val/energy") == [(1, 0.4)] and log.finished
