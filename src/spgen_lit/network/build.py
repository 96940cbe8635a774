"""From a tree of class names and arguments to a network, by the classes that are trusted."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from spgen_lit.network.encoders.base import Encoder
from spgen_lit.network.protocol import Network

_PACKAGE = "spgen_lit"
# What an encoder with **options takes besides its own arguments.
_OPTIONS = {
    parameter.name
    for parameter in inspect.signature(Encoder).parameters.values()
    if parameter.kind is parameter.KEYWORD_ONLY
}


def _class_of(target: str, trust: Sequence[str] | None) -> type[nn.Module]:
    """The class of a dotted name; None trusts all."""
    module, _, name = target.rpartition(".")
    trusted = None if trust is None else (_PACKAGE, *trust)

    def is_trusted(place: str) -> bool:
        return trusted is None or any(f"{place}.".startswith(f"{own}.") for own in trusted)

    if not is_trusted(module):
        raise ValueError(
            f"the network names the class {target!r}, which is not of {_PACKAGE}: its code would "
            f"run here; if you trust it, give trust=[{module.partition('.')[0]}]"
        )
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"network: cannot find the class {target!r} ({error}); is its module on PYTHONPATH?"
        ) from error
    if not (inspect.isclass(found) and issubclass(found, nn.Module)):
        raise ValueError(f"network: {target!r} is no class of torch.nn.Module")
    # A trusted module may have imported what is not.
    if not is_trusted(found.__module__):
        raise ValueError(
            f"network: {target!r} is defined in {found.__module__}, which is not trusted"
        )
    return found


def instantiate(
    tree: Mapping[str, Any], trust: Sequence[str] | None = None, key: str = "network"
) -> Any:
    """A module from ``_target_``, the dotted name of its class, and arguments.

    Args:
        tree: Plain values; a mapping with a ``_target_`` of its own is made first.
        trust: Modules besides this package whose classes may be made; None for all.
        key: Dotted name of the tree in the configuration, for messages.

    Raises:
        ValueError: For a class that is not trusted or found, or an argument that it does
            not have, with the nearest valid one.
        FileNotFoundError: If weights are named that are not there.
    """
    if not tree.get("_target_"):
        raise ValueError(
            f"{key}._target_ must name a class, such as my_module.MyClass; found {sorted(tree)}"
        )
    found = _class_of(str(tree["_target_"]), trust)
    parameters = inspect.signature(found).parameters.values()
    valid = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        valid |= _OPTIONS
    arguments = {}
    for name, value in tree.items():
        if name == "_target_":
            continue
        if name not in valid:
            near = difflib.get_close_matches(name, valid, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {sorted(valid)}"
            raise ValueError(f"unknown key '{key}.{name}'; {hint}")
        nested = isinstance(value, Mapping) and "_target_" in value
        arguments[name] = instantiate(value, trust, f"{key}.{name}") if nested else value
    try:
        return found(**arguments)
    except (TypeError, ImportError) as error:
        raise ValueError(f"{key}: {error}") from error


def build_network(card: Mapping[str, Any], trust: Sequence[str] = ()) -> Network:
    """A network by the card of its checkpoint, with random weights.

    Args:
        card: The tree that :func:`portable` gave.
        trust: Modules besides this package whose classes the card may name.

    Raises:
        ValueError: If the card names another class, or one that cannot be made.
    """
    tree = dict(card)
    encoder = tree.get("encoder")
    if isinstance(encoder, Mapping) and "weights" in encoder:
        # Nothing is read or fetched because a card says so.
        tree["encoder"] = {**encoder, "weights": "none"}
    network: Network = instantiate(tree, trust)
    return network


def portable(tree: Mapping[str, Any], network: Network) -> dict[str, Any]:
    """The tree that rebuilds a network without its initial weights at hand."""
    encoder = dict(tree["encoder"])
    valid = inspect.signature(type(network.encoder)).parameters
    if "weights" in valid:
        encoder["weights"] = "none"
    if "padding" in valid:
        encoder["padding"] = network.encoder.padding
    return {**tree, "encoder": encoder}
