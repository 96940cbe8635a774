"""Reading and writing checkpoints: whole, checked, never more than tensors and plain values."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from spgen_lit.files import atomic, first_line, part_prefix, write_bytes

CARD = "spgen_lit"  # key of the card, which rebuilds the network and says how it was trained


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the setting, the file and the reason."""


def write_checkpoint(content: Mapping[str, Any], path: Path, keep_previous: bool = False) -> None:
    """Write a checkpoint under its name once it is whole.

    Its zip format holds a checksum of every tensor, which :func:`read_checkpoint` compares.

    Args:
        content: Tensors and plain values.
        path: The file.
        keep_previous: Leave the checkpoint that had the name beside it; see :func:`previous`.

    Raises:
        WriteError: If the disk is full or may not be written; what was there stays.
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    for left in path.parent.glob(f"{part_prefix(path)}*.part{path.suffix}"):
        left.unlink(missing_ok=True)  # of a process that was killed while it wrote
    if keep_previous and path.is_file():
        with atomic(previous(path)) as part:
            try:
                os.link(path, part)
            except OSError:  # a file system without links
                shutil.copyfile(path, part)
    write_bytes(path, buffer.getvalue())


def previous(path: Path) -> Path:
    """Where the checkpoint before the last one is kept while a run trains."""
    return path.with_name(f"{path.stem}-previous{path.suffix}")


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """A checkpoint that training wrote: its card, weights and, of a ``last.ckpt``, all else.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it cannot be loaded, or was not written by this package.
    """
    found = load_checkpoint(path)
    fault = _fault(found)
    if fault:
        raise CheckpointError(
            f"ckpt_path: {path} is not a checkpoint of spgen_lit.train ({fault}); give a best.ckpt "
            "or last.ckpt"
        )
    return found


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """What a checkpoint file holds, every byte compared with its checksum.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is cut off, damaged, or holds more than tensors and plain values.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"ckpt_path: no file at {path}; training writes checkpoints/best.ckpt and last.ckpt"
        )
    try:
        with zipfile.ZipFile(path) as content:
            damaged = content.testzip()
        if damaged:
            raise CheckpointError(f"{damaged} does not match its checksum")
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises whatever a damaged file leads it to
        reason = first_line(error)[:120]
        raise CheckpointError(
            f"ckpt_path: cannot read checkpoint {path} ({reason}); give one that training wrote"
        ) from error


def _fault(found: Mapping[str, Any]) -> str:
    """What is missing or of another type in a checkpoint; empty if nothing."""
    card = found.get(CARD)
    if not isinstance(card, Mapping) or not isinstance(card.get("network"), Mapping):
        return "its card is missing or malformed"
    frame = card.get("frame")
    size = frame.get("size") if isinstance(frame, Mapping) else None
    if not isinstance(size, list | tuple) or len(size) != 2 or not isinstance(size[0], int):
        return "its card names no frame"
    state = found.get("state_dict")
    if not isinstance(state, Mapping) or not all(map(torch.is_tensor, state.values())):
        return "it holds no weights"
    return ""


def network_state(found: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The network's weights of a checkpoint, without the prefix of the training module."""
    prefix = "network."
    weights = found["state_dict"].items()
    return {name[len(prefix) :]: value for name, value in weights if name.startswith(prefix)}
