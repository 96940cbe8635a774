"""Readers by the name of their set, with settings given as text."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.data.records import Reader


def build_reader(name: str, root: str | Path, settings: Iterable[str] = ()) -> Reader:
    """A reader of the catalogue, or any class by its dotted name.

    Args:
        name: Name in the catalogue, or e.g. ``my.module.MyReader``.
        root: The set's folder (or file).
        settings: ``key=value`` for the reader's other arguments, values as in YAML.

    Raises:
        ValueError: For an unknown name, key, or value, naming the nearest valid ones.
    """
    target = CATALOGUE[name].reader if name in CATALOGUE else name
    module, _, attribute = target.rpartition(".")
    if not module:
        near = difflib.get_close_matches(name, CATALOGUE, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(CATALOGUE)}."
        raise ValueError(f"unknown set {name!r}; {hint} A reader's dotted name works too")
    try:
        maker: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"no reader {target} ({error})") from error
    given = dict(_setting(text) for text in settings)
    if dataclasses.is_dataclass(maker):
        known = [field.name for field in dataclasses.fields(maker) if field.name != "root"]
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
                raise ValueError(f"{name} has no setting {key!r}; {hint}")
    try:
        reader: Reader = maker(root, **given)
    except TypeError as error:
        raise ValueError(f"{name}: {error}; give it by --set key=value") from error
    return reader


def _setting(text: str) -> tuple[str, Any]:
    key, mark, value = text.partition("=")
    if not mark or not key:
        raise ValueError(f"a setting is key=value, found {text!r}")
    try:
        content = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ValueError(f"the value of {key} is not YAML: {value!r}") from error
    return key, tuple(content) if isinstance(content, list) else content
