"""Going on with a run that was cut short: is it the same network, and what was logged so far."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import nn

from spgen_lit.config import ConfigError


def _checkpoint(path: Path, key: str = "ckpt_path") -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ConfigError(
            f"{key}: {path} is no readable checkpoint ({type(error).__name__}); "
            "give one that spgen_lit.train wrote"
        ) from error
    return found


def check_resumption(path: Path, spec: Mapping[str, Any]) -> None:
    """Refuse a checkpoint that this run cannot go on from.

    Args:
        path: The checkpoint.
        spec: Arguments of the network that is to be trained.

    Raises:
        FileNotFoundError: If there is no such file.
        ConfigError: If it is no checkpoint of this package, or of another network; the
            arguments that differ are named.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"ckpt_path: no file at {path}; training writes checkpoints/last.ckpt in its folder"
        )
    found = _checkpoint(path)
    card = found.get("spgen_lit")
    if card is None or "optimizer_states" not in found:
        raise ConfigError(
            f"ckpt_path: {path} holds no state of training by spgen_lit.train; give a last.ckpt"
        )
    before, now = dict(_flat(card["network"])), dict(_flat(spec))
    other = [
        f"network.{key} was {before.get(key)}, now {now.get(key)}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    if other:
        raise ConfigError(
            f"ckpt_path: {path} was trained with another network: {'; '.join(other)}; "
            "resume with the settings of that run (its config.yaml)"
        )


def start_from(path: Path, network: nn.Module) -> None:
    """Give a network the weights of a finished run, to train it further on something else.

    Args:
        path: The run's checkpoint.
        network: Of the same shape; which of its layers are trained may differ.

    Raises:
        FileNotFoundError: If there is no such file.
        ConfigError: If it is no checkpoint of this package, or of a network of another shape.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"start_from: no file at {path}; training writes checkpoints/best.ckpt in its folder"
        )
    found = _checkpoint(path, "start_from")
    if "spgen_lit" not in found or "state_dict" not in found:
        raise ConfigError(f"start_from: {path} is no checkpoint of spgen_lit.train")
    prefix = "network."
    state = {k[len(prefix) :]: v for k, v in found["state_dict"].items() if k.startswith(prefix)}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        said = str(error).splitlines()[1:2] or [str(error)]
        raise ConfigError(
            f"start_from: {path} holds a network of another shape ({said[0].strip()}); use the "
            "network settings of that run (its config.yaml)"
        ) from error


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys and values of nested arguments, as text."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            # Lists and tuples are the same once they have been through YAML.
            yield f"{prefix}{key}", repr(list(value) if isinstance(value, tuple) else value)


@contextmanager
def keep_metrics(trainer: L.Trainer, path: Path, ckpt_path: str | None) -> Iterator[None]:
    """Keep what a resumed run had logged in its folder, up to the step of its checkpoint.

    The CSV logger would delete the file when it first writes.

    Args:
        trainer: The trainer; within the context its loggers open their files.
        path: ``metrics.csv`` of the run.
        ckpt_path: What is resumed from; None for a new run.
    """
    rows: list[dict[str, str]] = []
    if ckpt_path and path.is_file():
        done = int(_checkpoint(Path(ckpt_path))["global_step"])
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if int(row["step"]) < done]
        path.unlink()
    yield
    writers = [logger for logger in trainer.loggers if isinstance(logger, CSVLogger)]
    if not rows or not writers or not trainer.is_global_zero:
        return
    writers[0].experiment.metrics_keys = list(rows[0])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
