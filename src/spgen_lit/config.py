"""Where the configuration lives, its schema, and errors in one line that name the nearest key."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from spgen_lit.files import WriteError
from spgen_lit.instantiation import (
    RENAMED,
    ConfigError,
    arguments,
    check_names,
    nearest,
    target_class,
    target_fault,
    targets,
)
from spgen_lit.sweeping import refuse_start, register_resolvers

_HERE = Path(__file__).resolve().parent
# Inside a wheel conf/ travels with the package; in a checkout it stands at the top.
_INSIDE = _HERE / "conf"
CONFIG_DIR = str(_INSIDE if (_INSIDE / "train.yaml").is_file() else _HERE.parents[1] / "conf")


def _open() -> Any:
    """A section that takes keys which no file names: the class of the section checks them."""
    return DictConfig({}, flags={"struct": False})


@dataclass
class TrainSchema:
    """Root keys of ``train.yaml`` with their types, so that ``seed=abc`` fails at once."""

    seed: int = 0
    name: str = "run"
    ckpt_path: str | None = None
    start_from: str | None = None
    stages: dict[str, Any] | None = None
    same_network: bool = False
    resume: bool = False
    trust: list[str] = field(default_factory=list)
    compile: bool = False
    feature_cache: bool = False
    paths: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=_open)
    network: dict[str, Any] = field(default_factory=_open)
    adaptation: dict[str, Any] = field(default_factory=_open)
    loss: dict[str, Any] = field(default_factory=_open)
    distillation: dict[str, Any] = field(default_factory=_open)
    optimizer: dict[str, Any] = field(default_factory=_open)
    trainer: dict[str, Any] = field(default_factory=_open)
    logger: dict[str, Any] | None = field(default_factory=_open)
    callbacks: dict[str, Any] | None = field(default_factory=_open)
    evaluation: dict[str, Any] = field(default_factory=_open)


# trust=[module] names it; so does a class that is itself named on the command line.
_TRUST = re.compile(r"\+*(trust|[\w.]+\._target_)=")
_ELSEWHERE = {"--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn"}

ConfigStore.instance().store(name="train_schema", node=TrainSchema)
# Of evaluate.yaml, whose other keys all stand in the file.
_OF_EVALUATE = DictConfig({"data": _open(), "metric": _open()})
ConfigStore.instance().store(name="evaluate_schema", node=_OF_EVALUATE)
register_resolvers()


def _root_file(name: str) -> str:
    """A root file with its comments, for a template in which a dollar sign begins a name."""
    return (Path(CONFIG_DIR) / f"{name}.yaml").read_text(encoding="utf-8").replace("$", "$$")


def _unstated(config: Any, prefix: str = "") -> Iterator[str]:
    """Lines ``key: default`` of what a configuration's classes take beside its keys."""
    if not isinstance(config, DictConfig) or config._is_missing() or config._is_none():
        return
    for key in config:
        name = f"{prefix}{key!r}" if isinstance(key, bytes) else f"{prefix}{key}"
        if name != "hydra":
            yield from _unstated(config._get_node(key), f"{name}.")
    if config.get("_target_"):
        found = target_class(str(config["_target_"]), prefix, command_trust(sys.argv[1:]))
        for name, each in arguments(found).items():
            if name not in config and each.default is not each.empty:
                yield f"{prefix}{name}: {each.default}"


OmegaConf.register_new_resolver("root_file", _root_file, replace=True)
OmegaConf.register_new_resolver(
    "unstated", lambda *, _root_: "\n".join(_unstated(_root_)), replace=True
)


def keys_of(config: Any, prefix: str = "", trust: Sequence[str] = ()) -> Iterator[str]:
    """All dotted keys that a configuration has or could have: inner ones, arguments of classes."""
    if not isinstance(config, DictConfig) or config._is_missing() or config._is_none():
        return
    for key in config:
        name = f"{prefix}{key!s}"
        yield name
        yield from keys_of(config._get_node(key), f"{name}.", trust)
    if config.get("_target_"):
        with suppress(ConfigError):
            found = target_class(str(config["_target_"]), prefix.rstrip("."), trust)
            yield from (f"{prefix}{name}" for name in arguments(found))


def _groups() -> list[str]:
    root = Path(CONFIG_DIR)
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_dir())


def _options(group: str) -> list[str]:
    return sorted(p.stem for p in (Path(CONFIG_DIR) / group).glob("*.yaml"))


@contextmanager
def _composing(folder: str, overrides: Sequence[str]) -> Iterator[None]:
    """Compose below a folder; what Hydra refuses becomes one line."""
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(folder, version_base="1.3"):
            yield
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_reason(error, overrides)) from error
    finally:
        GlobalHydra.instance().clear()


def _variants(overrides: Sequence[str]) -> Iterator[list[str]]:
    """The first job of a sweep, then one for every other option of a group."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    options = [
        [f"{each.get_key_element()}={value}" for value in each.sweep_string_iterator()]
        if each.is_discrete_sweep()
        else [text]
        for each, text in zip(parsed, overrides, strict=True)
        if not each.is_sweep_override() or each.is_discrete_sweep()
    ]
    first = [values[0] for values in options]
    yield first
    for number, values in enumerate(options):
        if values[0].lstrip("+").partition("=")[0] in _groups():
            for other in values[1:]:
                yield [*first[:number], other, *first[number + 1 :]]


def _complaint(config_name: str, overrides: Sequence[str]) -> str:
    """What is wrong with the first override that cannot be applied; empty if that is not known."""
    groups = _groups()

    def key_of(override: str) -> str:
        return override.lstrip("+~").partition("=")[0].partition("@")[0]

    # Groups first: others set keys that they bring.
    ordered = sorted(overrides, key=lambda override: key_of(override) not in groups)
    base = compose(config_name)
    for number, override in enumerate(ordered):
        key, value = key_of(override), override.partition("=")[2]
        try:
            base = compose(config_name, overrides=ordered[: number + 1])
            continue
        except (HydraException, OmegaConfBaseException, ValueError):
            if "=" not in override and override[0] != "~":
                return f"{override!r} is not of the form key=value"
        if key in groups and value == "null":
            return f"{override}: drop a group by ~{key}, or choose one: {_options(key)}"
        if key in groups:
            options = _options(key)
            wrong = [name for name in value.strip("[]").split(",") if name.strip() not in options]
            if wrong:
                return f"{key}={wrong[0]}: no such choice; {nearest(wrong[0].strip(), options)}"
            return f"{override}: write it with a plus: +{override}" if override[0] != "+" else ""
        valid = sorted({*keys_of(base), *groups})
        if key not in valid and override[0] != "+" and not key.startswith("hydra"):
            near = key in RENAMED or difflib.get_close_matches(key, valid, 1, 0.5)
            hint = nearest(key, valid if near else list(map(str, base)))
            return f"unknown key {key!r}; {hint} (a new key is added with +{key}=…)"
        return ""
    return ""


def _reason(error: Exception, overrides: Sequence[str]) -> str:
    """The library's own words on one line, with the override that they are about."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    line = next((text for text in str(cause).splitlines() if text.strip()), type(cause).__name__)
    named = [override for override in overrides if override in str(error)]
    return f"{named[0]}: {line}" if named and named[0] not in line else line


def check_overrides(config_name: str, words: Sequence[str]) -> None:
    """Compose once before Hydra does, to say in one line what is wrong.

    Args:
        config_name: Name of the root configuration.
        words: The command line; options (with a dash) are left to Hydra.

    Raises:
        ConfigError: Naming the faulty key and the nearest valid one.
    """
    # Another folder or root configuration has keys that are not known here.
    if {"--shell-completion", "-sc", "--hydra-help"} & set(words):
        return
    if _ELSEWHERE & {word.partition("=")[0] for word in words}:
        _refuse_targets(config_name, words)
        return
    # --cfg job and its like take a word that is no override.
    overrides = [
        word
        for word, before in zip(words, ["", *words], strict=False)
        if before not in ("--cfg", "-c", "--package", "-p", "--info", "-i") and word[0] != "-"
    ]
    _refuse_names(overrides)
    sweep = {"-m", "--multirun"} & set(words)
    with _composing(CONFIG_DIR, overrides):
        for variant in _variants(overrides) if sweep else [overrides]:
            try:
                composed = OmegaConf.to_container(compose(config_name, overrides=variant))
            except (HydraException, OmegaConfBaseException, ValueError) as error:
                complaint = _complaint(config_name, variant) or _reason(error, variant)
                raise ConfigError(complaint) from error
            check_names(composed, trust=command_trust(overrides))


def _refuse_targets(config_name: str, arguments: Sequence[str]) -> None:
    """Look at the classes that somebody's own configuration folder names to Hydra itself.

    Hydra instantiates launchers and callbacks by their names before a job begins, whatever is
    looked at later.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument("--config-path", "-cp", default=CONFIG_DIR)
    parser.add_argument("--config-name", "-cn", default=config_name)
    options, rest = parser.parse_known_args(arguments)
    overrides = [word for word in rest if "=" in word and not word.startswith("-")]
    trust = command_trust(overrides)
    if options.config_dir:
        overrides.append(f"hydra.searchpath=[file://{Path(options.config_dir).resolve()}]")
    with _composing(str(Path(options.config_path).resolve()), overrides):
        found = compose(options.config_name, overrides=overrides, return_hydra_config=True)
        for target in targets(OmegaConf.to_container(found.hydra, resolve=False)):
            if not target.startswith(("hydra.", "hydra_plugins.", "spgen_lit.")):
                fault = target_fault(target, trust)
                if fault:
                    raise ConfigError(f"hydra: {fault}")


def _refuse_names(overrides: Sequence[str]) -> None:
    """A run's name is a folder's name below ``outputs``: it must not lead anywhere else."""
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        names = value.strip("[]'\"").split(",") if key == "name" else []
        for name in names:
            if not re.fullmatch(r"\w[\w.+-]*", name.strip("'\" ")):
                raise ConfigError(f"name={name}: needs letters, digits, '.', '-' and '_' alone")


def run_hydra_app(application: Any, config_name: str) -> None:
    """Run a Hydra application; configuration errors end in one line and exit code 2."""
    sys.argv[1:] = [_source_word(word) for word in sys.argv[1:]]
    with one_line_errors():
        check_overrides(config_name, sys.argv[1:])
    refuse_start(sys.argv[1:], os.environ)
    with one_line_errors():
        application()


class LateError(RuntimeError):
    """What fails after work was done that is kept; the message says where, and how to go on."""


def _source_word(word: str) -> str:
    """``data=osie`` is short for ``data/source=osie`` in every command."""
    key, _, value = word.partition("=")
    names = {name.strip() for name in value.strip("[]").split(",")}
    return f"data/source={value}" if key == "data" and names <= {*_options("data/source")} else word


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process in one line on standard error where the block finds what it cannot use.

    Exit code 2 for settings and files that cannot be used, 1 for what fails on the way (a full
    disk, training that diverges), 130 after Ctrl-C. ``SPGEN_TRACEBACK=1`` shows the traceback.
    Only the block of a job that runs by itself stands in it: a sweep lists its failures.
    """
    try:
        yield
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None
    except (ValueError, OSError, ImportError, FloatingPointError, LateError) as error:
        if os.environ.get("SPGEN_TRACEBACK"):
            raise
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = lines[0] if lines else type(error).__name__
        if not type(error).__module__.startswith("spgen_lit") and not isinstance(error, OSError):
            reason += " (SPGEN_TRACEBACK=1 shows where)"
        print(f"error: {reason}", file=sys.stderr)
        late = isinstance(error, WriteError | FloatingPointError | LateError)
        raise SystemExit(1 if late else 2) from None


def trusted(config: DictConfig) -> list[str]:
    """Modules and classes that the user's own command names, beside those always allowed.

    What a file says of itself does not count: files come from others too.
    """
    if not HydraConfig.initialized():
        return [str(name) for name in config.get("trust") or []]
    return command_trust(HydraConfig.get().overrides.task)


def command_trust(words: Sequence[str]) -> list[str]:
    """Modules and classes that the words of a command name."""
    values = [word.partition("=")[2].strip("[]") for word in words if _TRUST.match(word)]
    return [name.strip() for names in values for name in names.split(",") if name.strip()]


def plain(config: Any) -> Any:
    """A resolved configuration as plain dictionaries, lists and values."""
    return OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config
