"""The numbers in docstrings and in docs/metrics.md are those the code gives."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from inspect import ismodule
from pathlib import Path

import numpy as np

from spgen_lit import metrics

NAMES = [name for name, each in vars(metrics).items() if name[0] != "_" and not ismodule(each)]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def test_docstring_examples() -> None:
    for module in pkgutil.iter_modules(metrics.__path__):
        loaded = importlib.import_module(f"spgen_lit.metrics.{module.name}")
        assert doctest.testmod(loaded, extraglobs=vars(metrics) | {"np": np}).failed == 0, module


def test_every_public_metric_shows_an_example_with_a_number() -> None:
    public = [getattr(metrics, name) for name in NAMES]
    without = [
        each.__name__
        for each in public
        if callable(each) and not re.search(r">>>[^>]*\n +[^>]*\d", each.__doc__ or "")
    ]
    assert not without


def test_the_page_names_every_public_function_and_its_example_runs() -> None:
    text = PAGE.read_text(encoding="utf-8")
    unnamed = [name for name in NAMES if not re.search(rf"\b{name}\b", text)]
    assert unnamed == []
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert example is not None
    scope: dict[str, object] = {}
    exec(example.group(1), scope)
    assert len(scope["a"]) == len(scope["b"]) == 1  # type: ignore[arg-type]
