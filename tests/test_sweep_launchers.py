"""Sweeps through every launcher and sweeper, by the real command."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from fake_slurm import install
from spgen_lit.config import CONFIG_DIR

SMALL = (
    "+experiment=smoke",
    "data.source.gallery.images=10",
    "data.target.gallery.images=10",
    "evaluation.metrics=[scanmatch,energy]",
    "evaluation.temperatures=[1]",
    "evaluation.pictures=1",
    "network.frame=[64,64]",
)


def sweep(*arguments: str, folder: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    """The command line in a folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "spgen_lit.train", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )


def priors(folder: Path) -> set[str]:
    """Numbers of priors in a sweep's table."""
    with (folder / "report" / "sweep.csv").open() as lines:
        return {row["priors"] for row in csv.DictReader(lines)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher",
    [
        ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
        ("hydra/launcher=submitit_local",),
    ],
    ids=["joblib", "submitit_local"],
)
def test_local_processes_run_a_sweep(launcher: tuple[str, ...], tmp_path: Path) -> None:
    done = sweep(
        "-m", *SMALL, "network.priors=2,-3,4", "hydra.sweep.dir=sweep", *launcher, folder=tmp_path
    )
    assert done.returncode == 1, done.stderr
    assert priors(tmp_path / "sweep") == {"2.0", "4.0"}
    (failed,) = (tmp_path / "sweep").glob("*/failed.json")
    assert "priors" in json.loads(failed.read_text())["error"]


@pytest.mark.slow
def test_slurm_runs_a_sweep(tmp_path: Path) -> None:
    commands = install(tmp_path / "cluster")
    done = sweep(
        *("-m", *SMALL, "network.priors=2,4", "hydra.sweep.dir=sweep"),
        *("hydra/launcher=slurm", "hydra.launcher.partition=gpu"),
        folder=tmp_path,
        path=str(commands),
    )
    assert done.returncode == 0, done.stderr
    script = (tmp_path / "cluster" / "submitted.sh").read_text()
    for line in (
        "--array=0-1%2",
        "--partition=gpu",
        "--ntasks-per-node=1",
        "--cpus-per-task=4",
        "--mem=16GB",
        "--time=240",
        "--signal=USR2@120",
        "--job-name=smoke",
    ):
        assert f"#SBATCH {line}\n" in script
    assert "srun" in script and "submitit.core._submit" in script
    assert priors(tmp_path / "sweep") == {"2.0", "4.0"}


@pytest.mark.slow
def test_optuna_survives_a_failure_and_walks_the_same_path_again(tmp_path: Path) -> None:
    settings = (
        *("-m", *SMALL, "+sweep=optuna", "hydra.sweep.dir=sweep", "hydra.sweeper.n_trials=2"),
        # One of the choices cannot be built: it counts as the worst, and the search goes on.
        "network.stride=choice(7,16)",
        "hydra.sweeper.sampler.seed=1",
    )
    first = sweep(*settings, folder=tmp_path)
    jobs = sorted(file.parent.parent.name for file in tmp_path.glob("sweep/*/.hydra/hydra.yaml"))
    states = [
        (tmp_path / "sweep" / job / name).is_file()
        for job in jobs
        for name in ("summary.json", "failed.json")
    ]
    assert first.returncode in (0, 1) and any(states), first.stderr
    best = yaml.safe_load((tmp_path / "sweep" / "optimization_results.yaml").read_text())
    again = sweep(*settings, "resume=true", folder=tmp_path)
    assert again.returncode == first.returncode, again.stderr
    repeated = yaml.safe_load((tmp_path / "sweep" / "optimization_results.yaml").read_text())
    assert repeated == best


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("temperature_by_gaussians", 4),
        ("temperature_by_gaussians_retrained", 6),
        ("ablation", 10),
        ("adaptation", 11),
        ("schedules", 4),
    ],
)
def test_shipped_sweeps_name_settings_that_exist(name: str, count: int) -> None:
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        base = compose(
            "train",
            overrides=["+experiment=smoke", f"+sweep={name}"],
            return_hydra_config=True,
        )
        (key, values), *_ = base.hydra.sweeper.params.items()
        parsed = OverridesParser.create().parse_overrides([f"{key}={values}"])[0]
        choices = list(parsed.sweep_string_iterator())
        composed = [
            compose("train", overrides=[f"+sweep={name}", f"{key}={choice}"]) for choice in choices
        ]
    assert len(composed) == count
    assert len({str(config) for config in composed}) == len(composed)


def test_slurm_starts_one_process_a_device() -> None:
    overrides = ["hydra/launcher=slurm", "trainer=ddp", "trainer.devices=4"]
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        config = compose("train", overrides=overrides, return_hydra_config=True)
    assert config.hydra.launcher.tasks_per_node == 4
    assert config.hydra.launcher._target_.endswith("SlurmLauncher")


def test_the_sweep_of_the_server_calls_the_same_command() -> None:
    file = yaml.safe_load((Path(CONFIG_DIR) / "sweep" / "wandb.yml").read_text())
    assert file["program"] == "spgen_lit.train" and "${args_no_hyphens}" in file["command"]
    overrides = [part for part in file["command"] if "=" in part]
    some = {
        key: value.get("values", [value.get("min")])[0] for key, value in file["parameters"].items()
    }
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        config = compose("train", overrides=[*overrides, *(f"{k}={v}" for k, v in some.items())])
    assert config.network.priors == 4 and "wandb" in config.logger
