"""Where the configuration lives, its schema, and errors that name the nearest valid key."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

_HERE = Path(__file__).resolve().parent
# Inside a wheel conf/ travels with the package; in a checkout it stands at the top.
_INSIDE = _HERE / "conf"
CONFIG_DIR = str(_INSIDE if (_INSIDE / "train.yaml").is_file() else _HERE.parents[1] / "conf")


@dataclass
class TrainSchema:
    """Root keys of ``train.yaml`` with their types, so that ``seed=abc`` fails at once."""

    seed: int = 0
    name: str = "run"
    ckpt_path: str | None = None
    resume: bool = False
    compile: bool = False
    paths: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    adaptation: dict[str, Any] = field(default_factory=dict)
    loss: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] | None = None
    callbacks: dict[str, Any] | None = None
    evaluation: dict[str, Any] = field(default_factory=dict)


ConfigStore.instance().store(name="train_schema", node=TrainSchema)


class ConfigError(Exception):
    """A configuration that cannot be used; the message says what to change."""


def keys_of(config: Any, prefix: str = "") -> Iterator[str]:
    """All dotted keys of a configuration, inner ones included."""
    if isinstance(config, DictConfig) and not config._is_missing() and not config._is_none():
        for key in config:
            name = f"{prefix}{key}"
            yield name
            yield from keys_of(config._get_node(key), f"{name}.")


def _groups() -> list[str]:
    root = Path(CONFIG_DIR)
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_dir())


def _options(group: str) -> list[str]:
    return sorted(p.stem for p in (Path(CONFIG_DIR) / group).glob("*.yaml"))


def _complaint(config_name: str, overrides: Sequence[str]) -> str | None:
    """What is wrong with the first faulty override, with the nearest valid key; None if none."""
    groups = _groups()
    base = compose(config_name)
    valid = sorted({*keys_of(base), *groups})
    for override in overrides:
        key, found, value = override.lstrip("+~").partition("=")
        if not found:
            return f"{override!r} is not of the form key=value"
        key = key.partition("@")[0]
        if key in groups:
            names = value.strip("[]").split(",")
            for name in names:
                if name and name != "null" and name not in _options(key):
                    near = difflib.get_close_matches(name, _options(key), 1)
                    hint = f"did you mean {near[0]!r}? " if near else ""
                    return f"{key}={name}: no such choice; {hint}there are {_options(key)}"
            if key.startswith(("experiment", "sweep", "debug")) and override[0] != "+":
                return f"{override}: write it with a plus: +{override}"
        elif key not in valid and not key.startswith("hydra") and override[0] != "+":
            near = difflib.get_close_matches(key, valid, 1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {sorted(base)}"
            return f"unknown key {key!r}; {hint} (a new key is added with +{key}=…)"
    return None


def check_overrides(config_name: str, arguments: Sequence[str]) -> None:
    """Compose once before Hydra does, to say in one line what is wrong.

    Args:
        config_name: Name of the root configuration.
        arguments: The command line; options (with a dash) are left to Hydra.

    Raises:
        ConfigError: Naming the faulty key and the nearest valid one.
    """
    if any(a in ("--config-dir", "-cd", "--config-path", "-cp", "--config-name") for a in arguments):
        return
    flags = {"-m", "--multirun"} & set(arguments)
    overrides = [a for a in arguments if not a.startswith("-") and "=" in a]
    overrides = [a for a in overrides if not a.startswith(("job", "all"))]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
            try:
                if flags:
                    complaint = _complaint(config_name, overrides)
                    if complaint and "no such choice" not in complaint:
                        raise ConfigError(complaint)
                else:
                    compose(config_name, overrides=overrides)
            except (HydraException, OmegaConfBaseException) as error:
                complaint = _complaint(config_name, overrides)
                reason = complaint or str(error).splitlines()[0]
                raise ConfigError(reason) from error
    finally:
        GlobalHydra.instance().clear()


def run_hydra_app(application: Any, config_name: str) -> None:
    """Run a Hydra application; configuration errors end in one line and exit code 2."""
    try:
        check_overrides(config_name, sys.argv[1:])
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    application()


def plain(config: Any) -> Any:
    """A resolved configuration as plain dictionaries, lists and values."""
    return OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config
