"""How processes are started: what would make several of them write over each other is refused."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

_IN_PROCESS = ("spawn", "fork", "notebook")


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
