"""Sweeps: folders found by settings, failures that do not end them, resuming, refusals."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from spgen_lit import sweeping
from spgen_lit.config import ConfigError, check_overrides
from spgen_lit.sweeping import (
    FAILED,
    SUMMARY,
    WORST,
    attempt,
    job_folder,
    refuse_launch,
    refuse_start,
    sweep_folder,
)

SMALL = (
    "+experiment=smoke",
    "data.source.gallery.images=10",
    "data.target.gallery.images=10",
    "evaluation.metrics=[scanmatch,energy]",
    "evaluation.pictures=1",
    "network.frame=[64,64]",
)


def train(*arguments: str, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command line, run in a folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "spgen_lit.train", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, **options
    )


def test_a_jobs_folder_depends_on_its_settings_alone() -> None:
    plain = job_folder(["network.priors=4", "+experiment=demo"])
    assert plain == "network.priors-4_experiment-demo"
    how = ["resume=true", "+sweep=x", "logger=wandb", "paths.data_dir=/data"]
    assert job_folder(["network.priors=4", *how, "+experiment=demo"]) == plain
    assert job_folder(["network.priors=8", "+experiment=demo"]) != plain
    assert job_folder([]) == "default"


@pytest.mark.parametrize(
    "overrides",
    [
        ["evaluation.temperatures=[0,1]", "data/source=osie"],
        ["optimizer.lr=0.00123456789"],
        [f"network.key{n}=value{n}" for n in range(20)],
        ["paths=x", "name='a b=c,d'"],
    ],
)
def test_a_jobs_folder_can_be_typed_without_quotes(overrides: Sequence[str]) -> None:
    name = job_folder(overrides)
    assert len(name) < 100 and "/" not in name
    path = f"outputs/{name}/checkpoints/last.ckpt"
    (parsed,) = OverridesParser.create().parse_overrides([f"ckpt_path={path}"])
    assert parsed.value() == path


def test_settings_that_look_alike_have_folders_of_their_own() -> None:
    assert job_folder(["a=x/y"]) != job_folder(["a=x-y"])
    long = [f"network.key{n}=value{n}" for n in range(20)]
    assert job_folder(long) != job_folder([*long[:-1], "network.key19=other"])


def test_resuming_takes_the_newest_sweep(tmp_path: Path) -> None:
    root = tmp_path / "sweeps"
    assert Path(sweep_folder(str(root), resume=True)).parent == root
    for name in ("2026-01-02_03-04-05", "2026-11-01_00-00-00", "report"):
        (root / name).mkdir(parents=True)
    assert sweep_folder(str(root), resume=True) == str(root / "2026-11-01_00-00-00")
    assert sweep_folder(str(root)) != str(root / "2026-11-01_00-00-00")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DictConfig:
    """The configuration of one job of a sweep."""
    hydra = OmegaConf.create(
        {
            "runtime": {"choices": {"hydra/launcher": "basic"}},
            "sweep": {"dir": str(tmp_path)},
            "overrides": {"task": ["network.priors=4"]},
        }
    )
    found = SimpleNamespace(
        mode=RunMode.MULTIRUN,
        runtime=hydra.runtime,
        sweep=hydra.sweep,
        overrides=hydra.overrides,
    )
    monkeypatch.setattr(sweeping.HydraConfig, "get", staticmethod(lambda: found))
    (tmp_path / "job").mkdir()
    config = {
        "paths": {"output_dir": str(tmp_path / "job")},
        "trainer": {"strategy": "auto", "devices": 1},
        "logger": None,
        "resume": False,
        "ckpt_path": None,
    }
    return OmegaConf.create(config)


def test_a_failure_is_written_down_and_counts_as_the_worst(
    job: DictConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: DictConfig) -> float:
        raise ValueError("priors must not be negative\nmore")

    assert attempt(job, run) == WORST
    record = json.loads((Path(job.paths.output_dir) / FAILED).read_text())
    assert record["error"] == "ValueError: priors must not be negative"
    assert "Traceback" in record["traceback"] and record["overrides"] == ["network.priors=4"]
    assert "the sweep goes on" in capsys.readouterr().out


def test_an_interruption_is_no_failure(job: DictConfig) -> None:
    def run(_: DictConfig) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(job, run)
    assert not (Path(job.paths.output_dir) / FAILED).exists()


def test_a_finished_job_is_not_run_again_when_resumed(job: DictConfig) -> None:
    summary = Path(job.paths.output_dir) / SUMMARY
    summary.write_text(json.dumps({"validation_energy": 0.3123456789012345}))
    ran: list[DictConfig] = []

    def run(config: DictConfig) -> float:
        ran.append(config)
        return 0.5

    job.resume = True
    assert attempt(job, run) == 0.3123456789012345
    assert not ran
    job.resume = False
    assert attempt(job, run) == 0.5
    assert not summary.exists(), "an earlier summary beside new results would look whole"


@pytest.mark.parametrize(("failed", "resumed"), [(False, True), (True, False)])
def test_a_job_cut_short_goes_on_and_a_failed_one_starts_anew(
    job: DictConfig, failed: bool, resumed: bool
) -> None:
    folder = Path(job.paths.output_dir)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").touch()
    if failed:
        (folder / FAILED).write_text("{}")
    job.resume = True
    seen: list[str | None] = []
    attempt(job, lambda config: seen.append(config.ckpt_path) or 0.4)
    assert seen == [str(folder / "checkpoints" / "last.ckpt") if resumed else None]
    assert not (folder / FAILED).exists()


def test_a_job_that_the_cluster_started_again_goes_on(
    job: DictConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = Path(job.paths.output_dir) / SUMMARY
    summary.write_text(json.dumps({"validation_energy": 0.25}))
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert attempt(job, lambda _: 0.9) == 0.25


@pytest.mark.parametrize("launcher", ["basic", "joblib", "submitit_local"])
def test_a_sweep_of_script_launched_processes_is_refused(
    launcher: str,
) -> None:
    config = SimpleNamespace(trainer=OmegaConf.create({"strategy": "ddp", "devices": 2}))
    choices = OmegaConf.create({"runtime": {"choices": {"hydra/launcher": launcher}}})
    with pytest.raises(ConfigError) as end:
        refuse_launch(config, choices)
    message = str(end.value)
    for way in ("ddp_spawn", "torchrun", "submitit"):
        assert way in message


@pytest.mark.parametrize(
    ("strategy", "devices", "launcher"),
    [("ddp", 1, "basic"), ("ddp_spawn", 2, "basic"), ("ddp", 2, "slurm"), ("auto", 2, "basic")],
)
def test_sweeps_that_work_are_let_through(strategy: str, devices: int, launcher: str) -> None:
    config = SimpleNamespace(trainer=OmegaConf.create({"strategy": strategy, "devices": devices}))
    choices = OmegaConf.create({"runtime": {"choices": {"hydra/launcher": launcher}}})
    refuse_launch(config, choices)
    assert config.trainer.strategy == strategy


def test_torchrun_needs_one_folder_for_all() -> None:
    torchrun = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"}
    for arguments in ([], ["-m", "hydra.run.dir=x"], ["+sweep=optuna", "hydra.run.dir=x"]):
        with pytest.raises(ConfigError, match="torchrun started 2 processes"):
            refuse_start(arguments, torchrun)
    with pytest.raises(ConfigError, match=r"hydra\.run\.dir=outputs/NAME"):
        refuse_start([], torchrun)
    # Lightning's own children carry WORLD_SIZE as well, and the folder of the first process.
    assert refuse_start([], {"WORLD_SIZE": "2", "LOCAL_RANK": "1"}) is None
    assert refuse_start(["hydra.run.dir=x"], torchrun) is None
    assert refuse_start([], {"SLURM_NTASKS": "2"}) is None
    with pytest.raises(ConfigError):
        refuse_start([], {"SLURM_STEP_NUM_TASKS": "2"})


def test_the_command_refuses_a_sweep_over_ddp_before_any_job(tmp_path: Path) -> None:
    done = train("-m", *SMALL, "trainer=ddp", "seed=1,2", folder=tmp_path)
    assert done.returncode == 2
    assert "each process would run the whole sweep again" in done.stderr
    assert not list(tmp_path.rglob("checkpoints"))


def rows(folder: Path) -> list[dict[str, str]]:
    """Rows of the sweep's table."""
    with (folder / "report" / "sweep.csv").open() as lines:
        return list(csv.DictReader(lines))


def test_a_failed_job_does_not_end_the_sweep_and_a_resumed_one_runs_what_is_missing(
    tmp_path: Path,
) -> None:
    where = f"hydra.sweep.dir={tmp_path}/sweep"
    settings = ("network.stride=7,16", *SMALL, "evaluation.temperatures=[0,1]", where)
    first = train("-m", *settings, folder=tmp_path)
    jobs = {
        file.name: file for file in (tmp_path / "sweep").iterdir() if file.name[:7] == "network"
    }
    failed, good = sorted(jobs.values(), key=lambda path: (path / SUMMARY).exists())
    assert first.returncode == 1, first.stderr
    assert "stride must be 8, 16 or 32" in first.stdout
    assert "resume=true" in first.stdout
    assert json.loads((failed / FAILED).read_text())["value"] == WORST
    assert (tmp_path / "sweep" / "report" / "index.html").is_file()
    table = rows(tmp_path / "sweep")
    assert {row["temperature"] for row in table} == {"0.0", "1.0"}
    assert {row["set"] for row in table} == {"source-gallery", "target-gallery"}
    cold = [row for row in table if row["temperature"] == "0.0" and row["metric"] == "diversity"]
    assert [float(row["value"]) for row in cold] == [0.0, 0.0]

    written = (good / SUMMARY).stat().st_mtime_ns
    second = train("-m", *settings, "resume=true", folder=tmp_path)
    assert second.returncode == 1
    assert "finished before, not run again" in second.stdout
    assert (good / SUMMARY).stat().st_mtime_ns == written
    assert rows(tmp_path / "sweep") == table


@pytest.mark.slow
def test_a_sweep_killed_in_the_middle_and_resumed_gives_the_same_table(tmp_path: Path) -> None:
    settings = ("network.priors=2,3", *SMALL, "trainer.max_epochs=3", "evaluation.temperatures=[1]")
    whole = train("-m", *settings, f"hydra.sweep.dir={tmp_path}/whole", folder=tmp_path)
    assert whole.returncode == 0, whole.stderr
    where = f"hydra.sweep.dir={tmp_path}/cut"
    command = [sys.executable, "-m", "spgen_lit.train", "-m", *settings, where]
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True
    )
    # Killed while the second job trains, once it has something to go on from.
    deadline = time.monotonic() + 500
    while time.monotonic() < deadline and process.poll() is None:
        if len(list((tmp_path / "cut").glob("*/checkpoints/last.ckpt"))) == 2:
            break
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert len(list((tmp_path / "cut").glob("*/summary.json"))) == 1
    again = train("-m", *settings, where, "resume=true", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")


@pytest.mark.parametrize(
    "overrides",
    [
        ("logger=wandb", "logger.wandb.project=x", "seed=1,2"),
        ("data/source=osie", "data.source.osie.root=x"),
        ("network=spgen,published", "network.frame=[64,64]"),
        ("data/source=[osie,gallery]", "data.source.gallery.images=5"),
        ("+experiment=smoke,demo", "+sweep=optuna", "hydra.sweeper.n_trials=3"),
    ],
)
def test_keys_of_chosen_groups_are_known_to_a_sweep(overrides: tuple[str, ...]) -> None:
    assert check_overrides("train", ["-m", *overrides]) is None


def test_a_sweep_names_the_nearest_key_of_what_was_chosen() -> None:
    with pytest.raises(ConfigError, match=r"'logger\.wandb\.projekt'; did you mean 'project'"):
        check_overrides("train", ["-m", "logger=wandb", "logger.wandb.projekt=x", "seed=1,2"])
    with pytest.raises(ConfigError, match=r"'network\.freeze_priors'; did you mean 'priors'"):
        check_overrides("train", ["-m", "network=published,spgen", "network.freeze_priors=true"])
