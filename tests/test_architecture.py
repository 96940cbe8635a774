"""The house's rules, checked: imports run downwards, none in a circle, functions stay short."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import yaml

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "spgen_lit"
CONFIG = PACKAGE.parents[1] / "conf"
DOORS = {"train", "evaluate", "predict", "report", "export", "demo", "data.__main__", "__main__"}
# What each room may import of the package; CONTRIBUTING.md says the same in words.
ROOMS = {
    "files": set(),
    "pretrained": {"checkpoint"},
    "scanpath": set(),
    "batch": {"scanpath"},
    "metrics": {"scanpath", "metrics"},
    "network": {"batch", "scanpath", "network"},
    "data": {"batch", "scanpath", "data", "instantiation"},
    "evaluation": {"metrics", "scanpath", "evaluation"},
    "pictures": {"scanpath", "pictures"},
    "learning": {
        "checkpoint",
        "network",
        "metrics",
        "pictures",
        "data",
        "batch",
        "scanpath",
        "learning",
    },
    "checkpoint": set(),
    "instantiation": set(),
    "config": {"instantiation", "sweeping"},
    "sweeping": {"instantiation"},
}
# Rooms above these, below the doors: each may import anything below, not one another.
SHELLS = ("training", "predicting", "exporting")
for shell in SHELLS:
    below = set(ROOMS) | {"predictor", "config", "provenance", ""}
    ROOMS[shell] = below | {shell}
# Whoever keeps a file writes it by `files`.
for name in ROOMS.keys() - {"files", "scanpath", "batch"}:
    ROOMS[name].add("files")
# Words that say nothing to somebody who knows the field: as a part of a name, or as a whole one.
_WORDS = """
choice agreement watch truth opening quiet tally pooled pools archive faults lookup launching washes
warmth deviation drawn places ground question clock swept apart towards moved
"""
FORBIDDEN = set(_WORDS.split())
FORBIDDEN_WHOLE = {"part", "own", "asked", "said", "told", "wanted", "share", "shares", "colour"}
# What must not be known, whoever offers it.
FOREIGN = {
    "metrics": {"lightning", "hydra", "cv2"},
    "network": {"lightning", "hydra", "cv2", "torchmetrics"},
    "data": {"hydra"},
    "evaluation": {"lightning", "hydra"},
    "pictures": {"torch", "lightning", "hydra"},
    "learning": {"hydra"},
    "scanpath": {"torch", "lightning", "hydra", "cv2"},
}


def _imports(path: Path) -> set[str]:
    """Modules that a file imports, by full name; those for types alone included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def _own(path: Path) -> set[str]:
    names = {i.removeprefix("spgen_lit.") for i in _imports(path) if i.startswith("spgen_lit.")}
    return names & FILES.keys() - {""}


def test_imports_run_downwards() -> None:
    wrong = []
    for name, path in FILES.items():
        room = name.partition(".")[0]
        if room in ROOMS and name not in DOORS:
            above = {i for i in _own(path) if i.partition(".")[0] not in ROOMS[room]}
            wrong += [f"{name} imports {i}" for i in sorted(above)]
    assert not wrong


def test_rooms_do_not_know_what_they_must_not() -> None:
    wrong = []
    for name, path in FILES.items():
        room = name.partition(".")[0]
        if name not in DOORS:
            roots = {i.partition(".")[0] for i in _imports(path)}
            wrong += [f"{name} imports {i}" for i in sorted(roots & FOREIGN.get(room, set()))]
    assert not wrong


def test_front_doors_do_not_know_each_other() -> None:
    for door in DOORS & FILES.keys():
        assert not (_own(FILES[door]) & DOORS) - {door}, door


def test_no_file_imports_in_a_circle() -> None:
    # The package's own __init__ offers two classes lazily and stands outside.
    graph = {name: _own(path) - {name} for name, path in FILES.items() if name}
    circle: list[str] = []
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = error.args[1]
    assert not circle, f"imports in a circle: {' -> '.join(circle)}"


def test_the_configuration_knows_nothing_of_results_and_networks() -> None:
    known, left = set(), ["config"]
    while left:
        inner = _own(FILES[left.pop()]) - known
        known |= inner
        left += inner
    rooms = {name.partition(".")[0] for name in known}
    assert not rooms & {"evaluation", "pictures", "network", "learning", "training", "data"}


def test_functions_keep_their_size() -> None:
    wrong = []
    for name, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                documented = ast.get_docstring(node) is not None
                start = (node.body[0].end_lineno or 0) + 1 if documented else node.body[0].lineno
                lines = (node.end_lineno or 0) - start + 1
                if lines > 60:
                    wrong.append(f"{name}.{node.name}: {lines} lines")
    assert not wrong


def test_every_file_says_what_lives_there_and_carries_no_exemption() -> None:
    for name, path in FILES.items():
        text = path.read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), name
        assert not {"# noqa", "# type: ignore", "TODO"} & {
            w for w in ("# noqa", "# type: ignore", "TODO") if w in text
        }, name


def _names(path: Path) -> set[str]:
    """Names of a file's module, classes, functions, arguments and attributes."""
    found = {path.stem}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def _keys(node: object) -> set[str]:
    """Keys of a YAML file at every depth."""
    if isinstance(node, list):
        return set().union(*map(_keys, node))
    if not isinstance(node, dict):
        return set()
    return {str(key) for key in node} | set().union(*map(_keys, node.values()))


def _forbidden(names: set[str]) -> list[str]:
    def plain(name: str) -> str:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().strip("_")

    return sorted(
        name
        for name in names
        if plain(name) in FORBIDDEN_WHOLE or FORBIDDEN & set(plain(name).split("_"))
    )


def test_names_are_the_fields_own() -> None:
    wrong = [
        f"{name}: {found}" for name, path in FILES.items() for found in _forbidden(_names(path))
    ]
    assert not wrong


def test_keys_and_choices_of_the_configuration_are_the_fields_own() -> None:
    wrong = []
    for path in sorted(CONFIG.rglob("*.yaml")):
        keys = _keys(yaml.safe_load(path.read_text(encoding="utf-8"))) | {path.stem}
        wrong += [f"{path.relative_to(CONFIG)}: {found}" for found in _forbidden(keys)]
        if "onecycle" in path.read_text(encoding="utf-8"):
            wrong.append(f"{path.relative_to(CONFIG)}: onecycle")
    assert not wrong
