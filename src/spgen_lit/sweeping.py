"""Sweeps and launchers: job folders named by their settings, failures listed, and resuming.

Also refuses ways of starting processes that would make several of them write over each other.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from spgen_lit.files import write_json
from spgen_lit.instantiation import ConfigError

#: What a failed job counts as where the least value is sought: an energy is at most 1, and
#: sweepers stop at a value that is not finite.
WORST = 1.0
SUMMARY, FAILED = "summary.json", "failed.json"
_LONGEST = 80
# What starts processes, and the variables that say so and how many there are.
_STARTERS = {
    "torchrun": ("TORCHELASTIC_RUN_ID", "WORLD_SIZE"),
    "srun": ("SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_TASKS"),
}
_IN_PROCESS = ("spawn", "fork", "notebook")
# These say how or where a job is run, not what is computed.
_NOT_SETTINGS = ("resume", "sweep", "logger", "ckpt_path")
_STAMP = "%Y-%m-%d_%H-%M-%S"


def refuse_start(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refuse torchrun or srun starting processes that would not find each other's folder.

    Each such process composes the configuration by itself, and a folder named by the time
    of day would be another one in every process.

    Args:
        arguments: The command line.
        environment: The process's environment.

    Raises:
        ConfigError: Naming what to add.
    """
    for starter, (sign, counter) in _STARTERS.items():
        count = int(environment.get(counter, "1")) if sign in environment else 1
        if count > 1 and any(a in ("-m", "--multirun") or a[:7] == "+sweep=" for a in arguments):
            raise ConfigError(
                f"{starter} started {count} processes, and each would run the whole sweep; start "
                "the sweep by itself with hydra/launcher=slurm or trainer=ddp_spawn"
            )
        if count > 1 and not any(a.startswith("hydra.run.dir=") for a in arguments):
            raise ConfigError(
                f"{starter} started {count} processes, and each would make a results folder of "
                "its own; name one for all of them: hydra.run.dir=outputs/NAME"
            )


def refuse_launch(config: Any, hydra: Any) -> None:
    """Refuse a sweep that would start processes that each start the whole sweep again.

    Args:
        config: The configuration with its ``trainer``.
        hydra: Hydra's own part of it.

    Raises:
        ConfigError: Naming the ways out.
    """
    trainer = config.trainer
    launcher = str(hydra.runtime.choices.get("hydra/launcher", "basic"))
    strategy, devices = str(trainer.get("strategy", "auto")), str(trainer.get("devices", 1))
    several = devices not in ("1", "auto") or int(trainer.get("num_nodes", 1)) > 1
    script = strategy.startswith("ddp") and not any(way in strategy for way in _IN_PROCESS)
    if several and script and "slurm" not in launcher:
        raise ConfigError(
            f"a sweep with trainer.strategy={strategy} on {devices} devices and "
            f"hydra/launcher={launcher}: each process would run the whole sweep again. Use "
            "trainer=ddp_spawn, or hydra/launcher=slurm (submitit starts one process a device), "
            "or give each job a command of its own under torchrun"
        )


def sweep_folder(root: str, resume: bool = False) -> str:
    """Folder of a sweep: ``root`` and the time, or the newest such folder to be resumed."""
    made = sorted(path for path in Path(root).glob("[0-9]*_*") if path.is_dir()) if resume else []
    return str(made[-1] if made else Path(root) / datetime.now().strftime(_STAMP))


def job_folder(overrides: Sequence[str]) -> str:
    """Name of a job's folder, made of its settings, so that the same job is found again.

    It can be typed in an override without quotes: letters, digits, points and dashes only.
    """
    kept = [(key.rpartition("/")[2], value) for key, value in _settings(overrides)]
    plain = "_".join(f"{key}-{value}" for key, value in kept) or "default"
    name = re.sub(r"[^A-Za-z0-9._-]", "-", plain)
    if name != plain or len(name) > _LONGEST:
        digest = hashlib.blake2b(plain.encode(), digest_size=4).hexdigest()
        name = f"{name[:_LONGEST].rstrip('-_.')}-{digest}"
    return name


def _settings(overrides: Sequence[str]) -> list[tuple[str, str]]:
    """Key and value of the overrides that say what is computed."""
    pairs = [override.lstrip("+~").partition("=")[::2] for override in overrides]
    return [
        (key, value)
        for key, value in pairs
        if key.partition("@")[0] not in _NOT_SETTINGS and not key.startswith("paths.")
    ]


def register_resolvers() -> None:
    """Make ``${sweep_folder:root,resume}`` and ``${job_folder:overrides}`` known."""
    # Cached: the folder carries the time, and every job must be given the same one.
    OmegaConf.register_new_resolver("sweep_folder", sweep_folder, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)


def attempt(config: DictConfig, run: Callable[[DictConfig], float]) -> float:
    """Run one job; within a sweep its failure is written down and the sweep goes on.

    With ``resume=true``, or started again by the cluster, a job that has its summary is not
    run again, and one that was cut short goes on from its last checkpoint.

    Args:
        config: ``conf/train.yaml``, composed.
        run: Trains and returns the value to be minimised.

    Returns:
        The value; of a finished job the recorded one; ``WORST`` for a failure.
    """
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN:
        return run(config)
    refuse_launch(config, hydra)
    folder = Path(config.paths.output_dir)
    first = os.environ.get("SLURM_PROCID", "0") == "0"
    last = folder / "checkpoints" / "last.ckpt"
    if config.resume or int(os.environ.get("SLURM_RESTART_COUNT", "0")) > 0:
        if (folder / SUMMARY).is_file():
            print(f"{folder.name}: finished before, not run again")
            summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
            return float(summary["validation_energy"])
        # A failure may have spoiled the weights that it left.
        if last.is_file() and not (folder / FAILED).is_file():
            config.ckpt_path = str(last)
    if first:
        for name in (SUMMARY, FAILED):
            (folder / name).unlink(missing_ok=True)
    wandb = (config.logger or {}).get("wandb")
    if wandb:  # a sweep's runs stand together, each tagged with its settings
        sweep = Path(hydra.sweep.dir)
        settings = [f"{key}={value}"[:64] for key, value in _settings(hydra.overrides.task)]
        group = wandb.get("group") or f"{sweep.parent.name}/{sweep.name}"
        tags = [*(wandb.get("tags") or []), *settings]
        config.logger.wandb = {**wandb, "group": group, "tags": tags, "name": folder.name}
    try:
        return run(config)
    except Exception as error:
        if first:
            reason = "".join(traceback.format_exception_only(error)).splitlines()[0]
            record = {
                "error": reason,
                "message": str(error),
                "traceback": traceback.format_exc(),
                "overrides": list(hydra.overrides.task),
                "value": WORST,
            }
            write_json(folder / FAILED, record)
            print(f"{folder.name} failed: {reason}; the sweep goes on")
        if int(os.environ.get("SLURM_NTASKS", "1")) > 1:
            raise  # the job's other processes wait for this one
        return WORST
