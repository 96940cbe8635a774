"""Where the configuration lives, its schema, and errors in one line that name the nearest key."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import Parameter
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from omegaconf import BooleanNode, DictConfig, IntegerNode, ListConfig, OmegaConf, StringNode
from omegaconf.errors import OmegaConfBaseException

from spgen_lit.files import WriteError, first_line
from spgen_lit.instantiation import (
    ConfigError,
    arguments,
    check_names,
    nearest,
    sections,
    target_class,
    target_fault,
    targets,
)
from spgen_lit.sweeping import refuse_start, register_resolvers

_HERE = Path(__file__).resolve().parent
# Inside a wheel conf/ travels with the package; in a checkout it stands at the top.
_INSIDE = _HERE / "conf"
CONFIG_DIR = str(_INSIDE if (_INSIDE / "train.yaml").is_file() else _HERE.parents[1] / "conf")
#: Classes that Hydra's section may name: they run before a job begins.
_OF_HYDRA = ("hydra", "hydra_plugins", "spgen_lit")
# trust=[module] names it; so does a class that is itself named on the command line.
_TRUST = re.compile(r"\+*(trust|[\w.]+\._target_)=")


def _schema(sections: str, **keys: Any) -> DictConfig:
    """Root keys with their types, and sections whose keys are checked by their class alone."""
    nodes: dict[Any, Any] = dict(keys)
    for name in sections.split():
        nodes[name] = DictConfig({}, flags={"struct": False})
    return DictConfig(nodes)


_TRAIN = _schema(
    "data network adaptation loss distillation optimizer trainer logger callbacks evaluation",
    seed=IntegerNode(0),
    name=StringNode("run"),
    ckpt_path=StringNode(None),
    start_from=StringNode(None),
    **{key: BooleanNode(False) for key in ("same_network", "resume", "compile", "feature_cache")},
)
_EXPORT = _schema(
    "",
    **{key: StringNode(None) for key in ("ckpt_path", "output", "format", "name", "domain")},
    **{key: ListConfig([], element_type=str) for key in ("scores", "failures", "trust")},
)
ConfigStore.instance().store(name="train_schema", node=_TRAIN)
ConfigStore.instance().store(name="evaluate_schema", node=_schema("data metric"))
ConfigStore.instance().store(name="export_schema", node=_EXPORT)
register_resolvers()


def _root_file(name: str) -> str:
    """A root file with its comments, for a template in which a dollar sign begins a name."""
    return (Path(CONFIG_DIR) / f"{name}.yaml").read_text(encoding="utf-8").replace("$", "$$")


def _arguments(root: Any) -> Iterator[tuple[str, Mapping[str, Any], dict[str, Parameter]]]:
    """All sections of a configuration: prefix of their keys, content, arguments of their class."""
    trust = command_trust(sys.argv[1:])
    for name, node in sections(root):
        target = node.get("_target_")
        found = arguments(target_class(str(target), name, trust)) if target else {}
        yield f"{name}.".lstrip("."), node, found


def _unstated(*, _root_: DictConfig) -> str:
    """Lines ``key: default`` of what a configuration's classes take beside its keys."""
    root: Any = OmegaConf.to_container(_root_)
    root.pop("hydra", None)
    return "\n".join(
        f"{prefix}{name}: {each.default}"
        for prefix, node, found in _arguments(root)
        for name, each in found.items()
        if name not in node and each.default is not each.empty
    )


OmegaConf.register_new_resolver("root_file", _root_file, replace=True)
OmegaConf.register_new_resolver("unstated", _unstated, replace=True)


def _options(group: str) -> list[str]:
    """Names of a group's options; none of what is no group."""
    return sorted(path.stem for path in (Path(CONFIG_DIR) / group).glob("*.yaml"))


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0].partition("@")[0]


def _choices(overrides: Sequence[str]) -> list[str]:
    """Overrides that choose options of groups, or say where further ones are."""
    return [each for each in overrides if _options(key := _key(each)) or key == "hydra.searchpath"]


def _jobs(overrides: Sequence[str]) -> Collection[list[str]]:
    """Of a sweep's jobs those that differ in the options of a group."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    fixed = [each for each in parsed if not each.is_sweep_override() or each.is_discrete_sweep()]
    jobs: dict[tuple[str, ...], list[str]] = {}
    for job in BasicSweeper.split_arguments(fixed, None)[0]:
        jobs.setdefault(tuple(word for word in job if _options(_key(word))), list(job))
    return jobs.values()


def _complaint(error: Exception, config_name: str, overrides: Sequence[str]) -> str:
    """What is wrong with the override that cannot be applied, on one line."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={name}: no such choice; {nearest(name, _options(group))}"
    unknown = re.match(r"Could not override '([^']+)'\.\nTo append to your config", str(error))
    if unknown:
        base = OmegaConf.to_container(compose(config_name, _choices(overrides)))
        key = unknown[1]
        valid = [f"{p}{name}" for p, node, found in _arguments(base) for name in {*node, *found}]
        near = difflib.get_close_matches(key, valid, 1, 0.7)
        hint = nearest(key, near or list(compose(config_name)))
        return f"unknown key {key!r}; {hint}"
    # The library's words: in the cause there are the value and the type that was needed.
    lines = str(error).splitlines()[:2] + str(error.__cause__ or "").splitlines()[:1]
    return " ".join(line.strip() for line in lines) or type(error).__name__


def check_overrides(config_name: str, words: Sequence[str]) -> None:
    """Compose once before Hydra does, to say in one line what is wrong.

    Looks at the classes that somebody's own folder names to Hydra itself, too: launchers and
    callbacks are made before a job begins, whatever is looked at later.

    Args:
        config_name: Name of the root configuration.
        words: The command line.

    Raises:
        ConfigError: Naming the faulty key and the nearest valid one.
    """
    options = get_args_parser().parse_args(list(words))
    if options.shell_completion or options.hydra_help:
        return
    overrides, trust = list(options.overrides), command_trust(options.overrides)
    _refuse_values(overrides)
    if options.config_dir:
        overrides.append(f"hydra.searchpath=[file://{Path(options.config_dir).resolve()}]")
    name, foreign = options.config_name or config_name, options.config_dir or options.config_path
    folder = Path(options.config_path or CONFIG_DIR).resolve()
    with initialize_config_dir(str(folder), version_base="1.3"):
        try:
            for job in _jobs(overrides) if options.multirun else [overrides]:
                overrides = job
                composed = compose(name, job, return_hydra_config=True)
                tree: Any = OmegaConf.to_container(composed)
                made_by_hydra = targets(tree.pop("hydra"))
                for target in made_by_hydra if foreign else ():
                    fault = target_fault(target, [*trust, *_OF_HYDRA])
                    if fault:
                        raise ConfigError(f"hydra: {fault}")
                check_names(tree, trust=trust)
                _refuse_idle_nulls(name, job)
        except (HydraException, OmegaConfBaseException, AssertionError) as error:
            raise ConfigError(_complaint(error, name, overrides)) from error


def _refuse_values(overrides: Sequence[str]) -> None:
    """Groups that are null, and a run's name, a folder below ``outputs``, that leads elsewhere."""
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        if value == "null" and _options(key):
            raise ConfigError(f"{override}: drop a group by ~{key}, or choose one: {_options(key)}")
        for name in value.strip("[]'\"").split(",") if key == "name" else ():
            if not re.fullmatch(r"\w[\w.+-]*", name.strip("'\" ")):
                raise ConfigError(f"name={name}: needs letters, digits, '.', '-' and '_' alone")


def _refuse_idle_nulls(config_name: str, overrides: Sequence[str]) -> None:
    """Null for a callback or logger that is not there: it would leave nothing out, in silence."""
    for override in overrides:
        section, *names = _key(override).split(".")
        null = override.partition("=")[2].lower() == "null"
        if null and section in ("callbacks", "logger") and len(names) == 1:
            found = compose(config_name, _choices(overrides))[section] or {}
            if names[0] not in found:
                hint = nearest(names[0], list(found))
                raise ConfigError(f"unknown key '{section}.{names[0]}'; {hint}")


def run_hydra_app(application: Any, config_name: str) -> None:
    """Run a Hydra application; configuration errors end in one line and exit code 2."""
    sys.argv[1:] = [_source_word(word) for word in sys.argv[1:]]
    with one_line_errors():
        check_overrides(config_name, sys.argv[1:])
        refuse_start(sys.argv[1:], os.environ)
        os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # or Hydra shows a traceback and ends here
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
        reason = first_line(error)
        if isinstance(error, OSError) and error.filename:
            reason = f"{error.filename}: {error.strerror}; may it be read and written?"
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
