"""Recipes of several stages: each trains on from the best checkpoint of the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from spgen_lit.instantiation import ConfigError
from spgen_lit.training.summary import SUMMARY


def run_stages(
    config: DictConfig, run: Callable[[DictConfig], float], overrides: Iterable[str] = ()
) -> float:
    """Train the stages of a configuration one after another.

    ``stages`` maps names to settings that differ from the rest of the configuration. Each stage
    has a folder of its own in the run's. Called again on the same folder, finished stages are
    left as they are and an interrupted one goes on from its last checkpoint.

    Args:
        config: ``conf/train.yaml``, composed, with ``stages``.
        run: Trains one configuration; gives its validation energy score.
        overrides: Of the command line: they win over the settings of a stage.

    Returns:
        What the last stage that ran gave.

    Raises:
        ConfigError: If a checkpoint to resume from is named.
    """
    if config.ckpt_path:
        raise ConfigError(
            "ckpt_path: a recipe of stages goes on by itself; run the same command with "
            f"hydra.run.dir={config.paths.output_dir}"
        )
    typed = {override.partition("=")[0].lstrip("+~") for override in overrides}
    energy, before = float("inf"), config.start_from
    for number, (name, changes) in enumerate(config.stages.items(), start=1):
        folder = Path(config.paths.output_dir) / f"{number}-{name}"
        checkpoints = folder / "checkpoints"
        if not (folder / SUMMARY).is_file():
            last = checkpoints / "last.ckpt"
            fixed = {
                "stages": None,
                "name": f"{config.name}-{name}",
                "start_from": before,
                "ckpt_path": str(last) if last.is_file() else None,
                "paths": {"output_dir": str(folder)},
            }
            folder.mkdir(parents=True, exist_ok=True)
            staged = OmegaConf.merge(config, dict(_without(changes, typed)), fixed)
            assert isinstance(staged, DictConfig)
            energy = run(staged)
        before = str(checkpoints / "best.ckpt")
    return energy


def _without(
    changes: Mapping[str, Any], typed: set[str], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Nested settings but for those whose dotted key was typed."""
    for key, value in changes.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping | DictConfig):
            yield str(key), dict(_without(value, typed, f"{name}."))
        elif name not in typed:
            yield str(key), value
