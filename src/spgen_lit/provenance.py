"""Where a result comes from: version, commit, and hashes that its files can be held against."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from spgen_lit import __version__
from spgen_lit.config import CONFIG_DIR
from spgen_lit.data.records import GazeSet
from spgen_lit.files import file_hash


def describe(
    scored: dict[str, Any],
    file: str | Path | None,
    reader: dict[str, Any],
    gaze: GazeSet,
    ids: Iterable[str],
) -> dict[str, Any]:
    """What a result can be held against later.

    Version, commit of the checkout that runs and whether it has changes (None outside of one),
    what was scored, the data and the images.

    Args:
        scored: How what was scored is called.
        file: Its file, if it has one.
        reader: Settings of the set's reader.
        gaze: The set.
        ids: Images scored.
    """
    found = commit()
    return {
        "version": __version__,
        "commit": found.removesuffix("-dirty") if found else None,
        "dirty": found.endswith("-dirty") if found else None,
        "scored": {**scored, "sha256": file_hash(file)} if file else scored,
        "data": {"reader": reader, "checksum": gaze.checksum()},
        "ids": ids_hash(ids),
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two trees of settings, ``key was a, now b``, lists as tuples."""
    trees = (json.loads(json.dumps(tree)) for tree in (before, now))
    old, new = (pd.json_normalize(tree).to_dict("records")[0] for tree in trees)
    return [
        f"{key} was {old.get(key)!r}, now {new.get(key)!r}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def commit() -> str | None:
    """Commit of the checkout that runs, with ``-dirty`` for changes; None outside of one."""
    if Path(CONFIG_DIR).parent == Path(__file__).parent:
        return None  # installed: a repository around it is somebody else's
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def ids_hash(ids: Iterable[str]) -> str:
    """SHA-256 of a set of ids, whatever their order: of the ids sorted, one a line."""
    return hashlib.sha256("".join(f"{i}\n" for i in sorted(ids)).encode()).hexdigest()
