"""Beginning from a checkpoint: a run that goes on, or a new one from another's weights."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from spgen_lit.checkpoint import CARD, CheckpointError, network_state, previous, read_checkpoint
from spgen_lit.instantiation import ConfigError


def resumed(path: Path, spec: Mapping[str, Any]) -> Path:
    """The checkpoint that a run goes on from: the one named, or if it is damaged the one before.

    Args:
        path: The checkpoint.
        spec: Arguments of the network that is to be trained.

    Raises:
        FileNotFoundError: If there is no such file.
        ConfigError: If it is of another network; the arguments that differ are named.
        CheckpointError: If neither can be read.
    """
    try:
        found = read_checkpoint(path)
    except (CheckpointError, FileNotFoundError) as error:
        if not previous(path).is_file():
            raise
        print(f"{error}; going on from {previous(path)}, saved before it", file=sys.stderr)
        path = previous(path)
        found = read_checkpoint(path)
    if "optimizer_states" not in found:
        raise ConfigError(
            f"ckpt_path: {path} holds no state of training by spgen_lit.train; give a last.ckpt"
        )
    before, now = dict(_flat(found[CARD]["network"])), dict(_flat(spec))
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
    return path


def start_from(path: Path, network: nn.Module) -> None:
    """Give a network the weights of a finished run, to train it further on something else.

    Args:
        path: The run's checkpoint.
        network: Of the same shape; which of its layers are trained may differ.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is no checkpoint of this package.
        ConfigError: If its network has another shape.
    """
    try:
        network.load_state_dict(network_state(read_checkpoint(path, "start_from")))
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
