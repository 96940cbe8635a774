"""Where a result comes from: version, commit, and hashes that its files can be held against."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spgen_lit import __version__
from spgen_lit.config import CONFIG_DIR


def stamp() -> dict[str, Any]:
    """Version, commit of the checkout that runs, and whether it has changes (None outside)."""
    found = commit()
    return {
        "version": __version__,
        "commit": found.removesuffix("-dirty") if found else None,
        "dirty": found.endswith("-dirty") if found else None,
    }


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
