"""Beginning from a checkpoint: a run that goes on, another's weights, stages one by one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from spgen_lit.checkpoint import CARD, CheckpointError, previous, read_checkpoint
from spgen_lit.instantiation import ConfigError
from spgen_lit.network.protocol import Network
from spgen_lit.pretrained import Pretrained, load_pretrained
from spgen_lit.provenance import differences
from spgen_lit.sweeping import SUMMARY

_ABSENT = object()


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
    other = differences({"network": found[CARD]["network"]}, {"network": spec})
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
    trained = _model(model)
    try:
        network.load_state_dict(trained.state)
    except RuntimeError as error:
        lines = str(error).splitlines()[1:2] or [str(error)]
        raise ConfigError(
            f"start_from: {model} holds a network of another shape ({lines[0].strip()}); give "
            "same_network=true, or the network settings of that run (its config.yaml)"
        ) from error
    origin = trained.card.get("initial_weights", "unknown")
    network.encoder.origin = f"start_from={model} ({origin})"
    network.encoder.licence = str(trained.card.get("initial_weights_licence", ""))


def same_network(config: DictConfig) -> None:
    """Put the network settings of the model that training begins with into a configuration.

    Raises:
        ConfigError: If the configuration names no such model.
    """
    if not config.start_from:
        raise ConfigError("same_network=true takes the network of start_from, which is empty")
    with open_dict(config):
        config.network = _model(config.start_from).card["network"]


def _model(model: str | Path) -> Pretrained:
    try:
        return load_pretrained(model)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f"start_from: {error}") from error


def run_stages(
    config: DictConfig, run: Callable[[DictConfig], float], overrides: Iterable[str] = ()
) -> float:
    """Train the stages of a configuration, each on from the best checkpoint of the one before.

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
    typed = [override.partition("=")[0].lstrip("+~") for override in overrides]
    energy, before = float("inf"), config.start_from
    for number, (name, changes) in enumerate(config.stages.items(), start=1):
        folder = Path(config.paths.output_dir) / f"{number}-{name}"
        last = folder / "checkpoints" / "last.ckpt"
        if not (folder / SUMMARY).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            stage = OmegaConf.merge(config, changes)
            assert isinstance(stage, DictConfig)
            for key in typed:
                value = OmegaConf.select(config, key, default=_ABSENT)
                if value is not _ABSENT:
                    OmegaConf.update(stage, key, value, merge=False)
            stage.stages, stage.start_from = None, before
            stage.name, stage.paths.output_dir = f"{config.name}-{name}", str(folder)
            stage.ckpt_path = str(last) if last.is_file() else None
            energy = run(stage)
        before = str(last.with_name("best.ckpt"))
    return energy
