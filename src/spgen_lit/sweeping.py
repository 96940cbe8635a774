"""Sweeps and launchers: job folders named by their settings, failures listed, and resuming.

Also refuses ways of starting processes that would make several of them write over each other.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from spgen_lit.files import write_json

#: What a failed job counts as where the least value is sought: an energy is at most 1, and
#: sweepers stop at a value that is not finite.
WORST = 1.0
SUMMARY, FAILED = "summary.json", "failed.json"
_LONGEST = 80
_IN_PROCESS = ("spawn", "fork", "notebook")
# These say how or where a job is run, not what is computed.
_NOT_SETTINGS = ("resume", "sweep", "logger", "ckpt_path")
_STAMP = "%Y-%m-%d_%H-%M-%S"


def refuse_start(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """End where torchrun or srun starts processes that would not find each other's folder.

    Each such process composes the configuration by itself, and a folder named by the time
    of day would be another one in every process.

    Args:
        arguments: The command line.
        environment: The process's environment.

    Raises:
        SystemExit: With exit code 2, naming what to add.
    """
    started = {"torchrun": "TORCHELASTIC_RUN_ID", "srun": "SLURM_STEP_NUM_TASKS"}
    counts = {"torchrun": "WORLD_SIZE", "srun": "SLURM_STEP_NUM_TASKS"}
    for starter, sign in started.items():
        count = environment.get(counts[starter], "1")
        if sign not in environment or int(count) < 2:
            continue
        sweeps = {"-m", "--multirun"} & set(arguments)
        if sweeps or any(a.startswith("+sweep=") for a in arguments):
            _end(
                f"{starter} started {count} processes, and each would run the whole sweep; start "
                "the sweep by itself with hydra/launcher=slurm or trainer=ddp_spawn"
            )
        if not any(a.startswith("hydra.run.dir=") for a in arguments):
            _end(
                f"{starter} started {count} processes, and each would make a results folder of "
                "its own; name one for all of them: hydra.run.dir=outputs/NAME"
            )


def refuse_launch(config: Any, hydra: Any) -> None:
    """End where a sweep would start processes that each start the whole sweep again.

    Args:
        config: The configuration with its ``trainer``.
        hydra: Hydra's own part of it.

    Raises:
        SystemExit: With exit code 2, naming the ways out.
    """
    trainer = config.trainer
    launcher = str(hydra.runtime.choices.get("hydra/launcher", "basic"))
    strategy, devices = str(trainer.get("strategy", "auto")), str(trainer.get("devices", 1))
    several = devices not in ("1", "auto") or int(trainer.get("num_nodes", 1)) > 1
    script = strategy.startswith("ddp") and not any(way in strategy for way in _IN_PROCESS)
    if several and script and "slurm" not in launcher:
        _end(
            f"a sweep with trainer.strategy={strategy} on {devices} devices and "
            f"hydra/launcher={launcher}: each process would run the whole sweep again. Use "
            "trainer=ddp_spawn, or hydra/launcher=slurm (submitit starts one process a device), "
            "or give each job a command of its own under torchrun"
        )


def _end(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr, flush=True)
    raise SystemExit(2)


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
    requeued = int(os.environ.get("SLURM_RESTART_COUNT", "0")) > 0
    last = folder / "checkpoints" / "last.ckpt"
    if config.resume or requeued:
        value = _recorded(folder)
        if value is not None:
            print(f"{folder.name}: finished before, not run again")
            return value
        # A failure may have spoiled the weights that it left.
        if last.is_file() and not (folder / FAILED).is_file():
            config.ckpt_path = str(last)
    if first:
        for name in (SUMMARY, FAILED):
            (folder / name).unlink(missing_ok=True)
    _group(config, hydra)
    try:
        return run(config)
    except Exception as error:
        if first:
            _write_failure(folder, error)
            print(f"{folder.name} failed: {_first_line(error)}; the sweep goes on")
        if int(os.environ.get("SLURM_NTASKS", "1")) > 1:
            raise  # the job's other processes wait for this one
        return WORST


def _recorded(folder: Path) -> float | None:
    """Value of a finished job; None where it is not finished."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        return float(summary["validation_energy"])
    except (OSError, ValueError, KeyError):
        return None


def _group(config: DictConfig, hydra: Any) -> None:
    """Show a sweep's runs together in W&B, each tagged with its settings."""
    wandb = (config.logger or {}).get("wandb")
    if wandb:
        with open_dict(config):
            sweep = Path(hydra.sweep.dir)
            wandb.group = wandb.get("group") or f"{sweep.parent.name}/{sweep.name}"
            wandb.name = Path(config.paths.output_dir).name
            settings = [f"{key}={value}" for key, value in _settings(hydra.overrides.task)]
            wandb.tags = [*(wandb.get("tags") or []), *(s[:64] for s in settings)]


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _write_failure(folder: Path, error: Exception) -> None:
    record = {
        "error": _first_line(error),
        "message": str(error),
        "traceback": traceback.format_exc(),
        "overrides": list(HydraConfig.get().overrides.task),
        "value": WORST,
    }
    write_json(folder / FAILED, record)
