"""Beginning from a checkpoint: a run that goes on, or a new one from another's weights."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict
from torch import Tensor

from spgen_lit.checkpoint import CARD, CheckpointError, network_state, previous, read_checkpoint
from spgen_lit.instantiation import ConfigError
from spgen_lit.network.protocol import Network
from spgen_lit.pretrained import load_pretrained


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


def start_from(model: str | Path, network: Network) -> None:
    """Give a network the weights of a trained model, to train it further on something else.

    Args:
        model: A run's checkpoint, or whatever else names a model, such as a shipped one.
        network: Of the same shape; which of its layers are trained may differ.

    Raises:
        FileNotFoundError: If there is no such file or model.
        CheckpointError: If it is no checkpoint of this package.
        ConfigError: If its network has another shape.
    """
    card, state = _model(model)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        lines = str(error).splitlines()[1:2] or [str(error)]
        raise ConfigError(
            f"start_from: {model} holds a network of another shape ({lines[0].strip()}); give "
            "same_network=true, or the network settings of that run (its config.yaml)"
        ) from error
    network.encoder.origin = f"start_from={model} ({card.get('initial_weights', 'unknown')})"
    network.encoder.licence = str(card.get("initial_weights_licence", ""))


def same_network(config: DictConfig) -> None:
    """Put the network settings of the model that training begins with into a configuration.

    Raises:
        ConfigError: If the configuration names no such model.
    """
    if not config.start_from:
        raise ConfigError("same_network=true takes the network of start_from, which is empty")
    card, _ = _model(config.start_from)
    with open_dict(config):
        config.network = card["network"]


def _model(model: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Card and weights of a model."""
    if Path(model).suffix == ".ckpt":
        found = read_checkpoint(model, "start_from")
        return dict(found[CARD]), network_state(found)
    trained = load_pretrained(model)
    return trained.card, trained.state


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys and values of nested arguments, as text."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            # Lists and tuples are the same once they have been through YAML.
            yield f"{prefix}{key}", repr(list(value) if isinstance(value, tuple) else value)
