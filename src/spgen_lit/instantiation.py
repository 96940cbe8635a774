"""From settings to objects: classes that may be named, arguments checked, errors in one line."""

from __future__ import annotations

import difflib
import importlib
import inspect
import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import yaml

from spgen_lit.files import first_line

#: What a configuration may instantiate beside this package's own classes.
ALLOWED = (
    "lightning.Trainer",
    "lightning.pytorch.callbacks.",
    "lightning.pytorch.loggers.",
    "lightning.pytorch.profilers.",
    "lightning.pytorch.strategies.",
    "torch.optim.",
)
#: Names that have changed, for users' own YAML files and commands: old to new.
RENAMED: dict[str, str] = yaml.safe_load(
    (Path(__file__).parent / "renamed.yaml").read_text(encoding="utf-8")
)


class ConfigError(ValueError):
    """A configuration that cannot be used; the message says what to change."""


def nearest(name: str, valid: Collection[str], cutoff: float = 0.5) -> str:
    """``did you mean 'x'?``, the new name of a renamed key, or the list of what there is."""
    if name in RENAMED:
        return f"it is called {RENAMED[name]!r} now"
    near = difflib.get_close_matches(name, valid, 1, cutoff)
    return f"did you mean {near[0]!r}?" if near else f"there are {sorted(valid)}"


def built(factory: Any, settings: Mapping[str, Any], section: str, **fixed: Any) -> Any:
    """``factory(**settings, **fixed)``, with names and types of the settings checked first.

    Args:
        factory: A class whose arguments the section of the configuration gives.
        settings: The section.
        section: Its dotted name, for the message.
        fixed: Arguments that the configuration does not give.

    Raises:
        ConfigError: For an unknown, missing or mistyped argument, or one that the class refuses.
    """
    _check_names(factory, settings, section, fixed)
    hints = {name: each.annotation for name, each in arguments(factory).items()}
    for key, value in settings.items():
        if not _fits(value, hints.get(key)):
            raise ConfigError(
                f"{section}.{key} must be {inspect.formatannotation(hints[key])}, found {value!r}"
            )
    try:
        return factory(**settings, **fixed)
    except (ConfigError, OSError):  # files that are missing or cannot be written say so
        raise
    except Exception as error:
        reason = first_line(error)
        raise ConfigError(reason if section in reason else f"{section}: {reason}") from error


def arguments(factory: Any) -> dict[str, inspect.Parameter]:
    """Arguments of a class by name, those that its ``**options`` go to included."""
    found: dict[str, inspect.Parameter] = {}
    for base in reversed(_bases(factory)):
        found |= _parameters(base)
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {name: each for name, each in found.items() if each.kind in named}


def _parameters(factory: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(factory, eval_str=True).parameters
    except (NameError, TypeError):  # names that a library imports for type checkers alone
        return inspect.signature(factory).parameters


def _free(factory: Any) -> bool:
    """Whether a class takes arguments of any name."""
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(factory).parameters.values())


def _bases(factory: Any) -> list[Any]:
    """The class and those that its ``**options`` go to."""
    bases: list[Any] = []
    for base in inspect.getmro(factory)[:-1] if inspect.isclass(factory) else [factory]:
        bases.append(base)
        if not _free(base):
            break
    return bases


def _check_names(
    factory: Any, settings: Mapping[str, Any], section: str, fixed: Collection[str] = ()
) -> None:
    valid = arguments(factory).keys() - set(fixed)
    for key in settings:
        if key not in valid and not _free(_bases(factory)[-1]):
            raise ConfigError(f"unknown key '{section}.{key}'; {nearest(str(key), valid)}")


def check_names(node: Any, section: str = "", trust: Sequence[str] = ()) -> None:
    """Refuse arguments that a class does not have, anywhere in a configuration, before it is run.

    Raises:
        ConfigError: Naming the key and the nearest argument, or the class and why it is refused.
    """
    for place, inner in sections(node, section):
        if inner.get("_target_"):
            factory = target_class(str(inner["_target_"]), place, trust)
            _check_names(factory, {k: v for k, v in inner.items() if k != "_target_"}, place)


def complete(node: Any, trust: Sequence[str] = ()) -> Any:
    """A node with what its classes take by default filled in, where that is a plain value."""
    if not isinstance(node, Mapping) or not node.get("_target_"):
        return node
    factory = target_class(str(node["_target_"]), "", trust)
    found = inspect.signature(factory).parameters
    plain = (str, int, float, bool, list, tuple, type(None))
    defaults = {name: p.default for name, p in found.items() if isinstance(p.default, plain)}
    defaults = {name: list(v) if isinstance(v, tuple) else v for name, v in defaults.items()}
    return {**defaults, **{key: complete(value, trust) for key, value in node.items()}}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a plain value may be meant by a type; types that are not plain are left alone."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and value is not True
    if hint in (bool, str):
        return isinstance(value, hint)
    if hint is type(None):
        return value is None
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False
        kinds = inner[:1] * len(value) if inner[-1:] == (...,) else inner
        return len(value) == len(kinds) and all(map(_fits, value, kinds))
    return True


def target_fault(target: Any, trust: Sequence[str] = ()) -> str:
    """Why a class must not be instantiated by its name; empty if it may.

    A configuration can come from somebody else, and a name can stand for any function there
    is. Allowed are this package, ``ALLOWED`` and what the user names.

    Args:
        target: What ``_target_`` says.
        trust: Modules or classes that the user trusts.
    """
    name = str(target)
    if name in RENAMED:
        return f"_target_ {name} is called {RENAMED[name]} now"
    if name.startswith(("spgen_lit.", *ALLOWED)) or _trusted(name, trust):
        return ""
    return (
        f"_target_ {name} is neither of this package nor among the classes that a configuration "
        f"may use; if you know it, add 'trust=[{name.partition('.')[0]}]' to the command"
    )


def _trusted(name: str, trust: Sequence[str]) -> bool:
    return any(f"{name}.".startswith(f"{entry.rstrip('.')}.") for entry in trust)


def instantiated(node: Any, section: str, trust: Sequence[str] = (), **offered: Any) -> Any:
    """A node with ``_target_``, or a list of such, made; inner nodes first.

    Args:
        node: Plain dictionaries, lists and values.
        section: Its dotted name, for messages.
        trust: Modules or classes that may be named beside those allowed.
        offered: Objects that are given to a class which has an argument of that name.

    Raises:
        ConfigError: Naming the section and what is wrong with it.
    """
    if isinstance(node, list | tuple):
        return [
            instantiated(inner, f"{section}[{index}]", trust, **offered)
            for index, inner in enumerate(node)
        ]
    if not isinstance(node, Mapping) or not node.get("_target_"):
        found = ", ".join(map(str, node)) if isinstance(node, Mapping) else repr(node)
        hint = nearest(section, ()) if section in RENAMED else f"set {section}._target_"
        raise ConfigError(
            f"{section} has settings ({found}) but no class: {hint}, choose the option of its "
            f"group that has one, or drop them with ~{section}"
        )
    factory = target_class(str(node["_target_"]), section, trust)
    settings = {str(key): value for key, value in node.items() if key != "_target_"}
    for key, value in settings.items():
        if isinstance(value, Mapping) and "_target_" in value:
            settings[key] = instantiated(value, f"{section}.{key}", trust, **offered)
    names = inspect.signature(factory).parameters
    fixed = {key: value for key, value in offered.items() if key in names}
    return built(factory, settings, section, **fixed)


def target_class(target: str, section: str, trust: Sequence[str]) -> Any:
    """The class of a dotted name, if it may be instantiated.

    Raises:
        ConfigError: Naming the section and why not.
    """
    fault = target_fault(target, trust)
    if fault:
        raise ConfigError(f"{section}: {fault}")
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{section}: cannot import {target} ({error})") from error
    # A module offers what it imports too, and functions that write files.
    home = str(getattr(found, "__module__", "")).partition(".")[0]
    allowed = inspect.isclass(found) and home in ("spgen_lit", "lightning", "torch")
    if not (allowed or _trusted(target, trust)):
        raise ConfigError(f"{section}: _target_ {target} is no class that may be instantiated")
    return found


def build_network(card: Mapping[str, Any], trust: Sequence[str] = ()) -> Any:
    """A network by the card of its checkpoint, with random weights.

    Args:
        card: Arguments and ``_target_`` of the network and its encoder.
        trust: Modules whose classes the card may name beside ``spgen_lit.network``. Their
            code runs.

    Raises:
        ConfigError: If the card names another class, or one that cannot be made.
    """
    for target in targets(card):
        if not (target.startswith("spgen_lit.network.") or _trusted(target, trust)):
            raise ConfigError(
                f"the model names the class {target!r}, which is not of spgen_lit.network: its "
                f"code would run here; if you trust it, give trust=[{target.partition('.')[0]}]"
            )
    tree = dict(card)
    encoder = tree.get("encoder")
    if isinstance(encoder, Mapping) and "weights" in encoder:
        # Nothing is read or fetched because a card says so.
        tree["encoder"] = {**encoder, "weights": "none"}
    return instantiated(tree, "network", trust)


def targets(tree: Any) -> list[str]:
    """All ``_target_`` of nested dictionaries and lists."""
    return [str(node["_target_"]) for _, node in sections(tree) if "_target_" in node]


def sections(tree: Any, name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All dictionaries in nested ones and lists, each after those that hold it, by dotted name."""
    if isinstance(tree, Mapping):
        yield name, tree
    elif isinstance(tree, list | tuple):
        tree = dict(enumerate(tree))
    else:
        return
    for key, value in tree.items():
        yield from sections(value, f"{name}.{key}".lstrip("."))
