"""Where the configuration lives, its schema, and errors that name the nearest valid key."""

from __future__ import annotations

import difflib
import inspect
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from spgen_lit.launching import refuse_start
from spgen_lit.sweeping import register_resolvers

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
    start_from: str | None = None
    resume: bool = False
    compile: bool = False
    feature_cache: bool = False
    paths: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    adaptation: dict[str, Any] = field(default_factory=dict)
    loss: dict[str, Any] = field(default_factory=dict)
    refinement: dict[str, Any] = field(default_factory=dict)
    distillation: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] | None = None
    callbacks: dict[str, Any] | None = None
    evaluation: dict[str, Any] = field(default_factory=dict)


ConfigStore.instance().store(name="train_schema", node=TrainSchema)
register_resolvers()


class ConfigError(Exception):
    """A configuration that cannot be used; the message says what to change."""


def keys_of(config: Any, prefix: str = "") -> Iterator[str]:
    """All dotted keys of a configuration, inner ones included."""
    if isinstance(config, DictConfig) and not config._is_missing() and not config._is_none():
        for key in config:
            name = f"{prefix}{key!s}"
            yield name
            yield from keys_of(config._get_node(key), f"{name}.")


def nearest(name: str, valid: Sequence[str], cutoff: float = 0.5) -> str:
    """``did you mean 'x'?``, or the list of what there is."""
    near = difflib.get_close_matches(name, valid, 1, cutoff)
    return f"did you mean {near[0]!r}?" if near else f"there are {sorted(valid)}"


def _groups() -> list[str]:
    root = Path(CONFIG_DIR)
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_dir())


def _options(group: str) -> list[str]:
    return sorted(p.stem for p in (Path(CONFIG_DIR) / group).glob("*.yaml"))


def _complaint(config_name: str, overrides: Sequence[str]) -> str | None:
    """What is wrong with the first faulty override, with the nearest valid key; None if none."""
    groups = _groups()
    base = compose(config_name)
    valid = sorted({*keys_of(base), *_chosen_keys(config_name, overrides, groups), *groups})
    for override in overrides:
        key, found, value = override.lstrip("+~").partition("=")
        if not found:
            return None if override[0] == "~" else f"{override!r} is not of the form key=value"
        key = key.partition("@")[0]
        if key in groups:
            names = [name.strip() for name in value.strip("[]").split(",")]
            for name in names:
                if name and name != "null" and name not in _options(key):
                    return f"{key}={name}: no such choice; {nearest(name, _options(key))}"
            if key.startswith(("experiment", "sweep", "debug")) and override[0] != "+":
                return f"{override}: write it with a plus: +{override}"
        elif key not in valid and not key.startswith("hydra") and override[0] != "+":
            hint = nearest(key, valid) if difflib.get_close_matches(key, valid, 1, 0.5) else ""
            hint = hint or f"there are {sorted(map(str, base))}"
            return f"unknown key {key!r}; {hint} (a new key is added with +{key}=…)"
    return None


def _chosen_keys(
    config_name: str, overrides: Sequence[str], groups: Sequence[str]
) -> Iterator[str]:
    """Keys that exist by the choices of groups on the command line, all of a sweep's choices."""
    lists: list[list[str]] = []
    for override in overrides:
        key, _, value = override.partition("=")
        name = key.lstrip("+").partition("@")[0]
        if name not in groups or name.startswith("hydra"):
            continue
        options = [value] if value.startswith("[") else value.split(",")
        known = [o for o in options if {*o.strip("[]").split(",")} <= {*_options(name), "null"}]
        lists.append([f"{key}={option}" for option in known])
    first = [options[0] for options in lists if options]
    variants = [first] + [
        [other if chosen in options else chosen for chosen in first]
        for options in lists
        for other in options[1:]
    ]
    for variant in variants:
        # A combination that does not compose is told of by what is wrong with it.
        with suppress(HydraException, OmegaConfBaseException):
            yield from keys_of(compose(config_name, overrides=variant))


def _reason(error: Exception, overrides: Sequence[str]) -> str:
    """The library's own words on one line, with the override that they are about."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    said = next((line for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
    named = [o for o in overrides if o in str(error)]
    return f"{named[0]}: {said}" if named and named[0] not in said else said


def check_overrides(config_name: str, arguments: Sequence[str]) -> None:
    """Compose once before Hydra does, to say in one line what is wrong.

    Args:
        config_name: Name of the root configuration.
        arguments: The command line; options (with a dash) are left to Hydra.

    Raises:
        ConfigError: Naming the faulty key and the nearest valid one.
    """
    # Another folder or root configuration has keys that are not known here.
    if {"--config-dir", "-cd", "--config-path", "-cp", "--config-name"} & set(arguments):
        return
    flags = {"-m", "--multirun"} & set(arguments)
    # --cfg job and its like take a word that is no override.
    words = [
        a
        for a, before in zip(arguments, ["", *arguments], strict=False)
        if before not in ("--cfg", "-c", "--package", "-p", "--info", "-i")
    ]
    overrides = [a for a in words if not a.startswith("-")]
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
                reason = _complaint(config_name, overrides) or _reason(error, overrides)
                raise ConfigError(reason) from error
    finally:
        GlobalHydra.instance().clear()


def built(factory: Any, settings: Mapping[str, Any], section: str, **fixed: Any) -> Any:
    """``factory(**settings, **fixed)``, with unknown names refused by their nearest valid one.

    Args:
        factory: A class whose arguments the section of the configuration gives.
        settings: The section.
        section: Its dotted name, for the message.
        fixed: Arguments that the configuration does not give.

    Raises:
        ConfigError: For an unknown, missing or mistyped argument.
    """
    valid = [name for name in inspect.signature(factory).parameters if name not in fixed]
    for key in settings:
        if key not in valid:
            raise ConfigError(f"unknown key '{section}.{key}'; {nearest(str(key), valid)}")
    try:
        return factory(**settings, **fixed)
    except TypeError as error:
        raise ConfigError(f"{section}: {error}") from error


def instantiated(node: Any, section: str) -> Any:
    """A node with ``_target_``, or a list of such, made; what is wrong with it in one line.

    Raises:
        ConfigError: Naming the section and what its class said, or that it has none.
    """
    if isinstance(node, ListConfig):
        return [instantiated(own, f"{section}[{place}]") for place, own in enumerate(node)]
    if "_target_" not in node:
        group, _, name = section.rpartition(".")
        raise ConfigError(
            f"{section} has settings ({', '.join(node)}) but nothing to apply them to: choose it "
            f"with {group.replace('.', '/')}={name}, or drop them with ~{section}"
        )
    try:
        return hydra.utils.instantiate(node)
    except HydraException as error:
        cause = error.__cause__ or error
        said = str(cause).splitlines()[0]
        found = re.search(r"unexpected keyword argument '(\w+)'", said)
        if found:
            target = hydra.utils.get_object(node["_target_"])
            hint = nearest(found[1], list(inspect.signature(target).parameters))
            said = f"unknown key '{section}.{found[1]}'; {hint}"
        raise ConfigError(said if found else f"{section}: {said}") from error


def run_hydra_app(application: Any, config_name: str) -> None:
    """Run a Hydra application; configuration errors end in one line and exit code 2."""
    try:
        check_overrides(config_name, sys.argv[1:])
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    refuse_start(sys.argv[1:], os.environ)
    application()


def plain(config: Any) -> Any:
    """A resolved configuration as plain dictionaries, lists and values."""
    return OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config
