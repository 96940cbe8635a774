"""Where ImageNet weights of MobileNetV2 come from: a file, torch's cache, or one download."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from spgen_lit.network.mobilenet import Padding

URL = "https://download.pytorch.org/models/mobilenet_v2-7ebf99e0.pth"
_TIMEOUT = 15.0


@dataclass(frozen=True)
class Weights:
    """Initial weights of an encoder.

    Attributes:
        state: Entries by torchvision's names, or None for random initial weights.
        padding: The padding that these weights were trained with.
        origin: Where they came from, for tables and summaries.
    """

    state: Mapping[str, Tensor] | None
    padding: Padding
    origin: str

    @property
    def random(self) -> bool:
        """True where training starts from random weights."""
        return self.state is None


def _load(path: Path) -> Weights:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"weights {path}: not a readable torch checkpoint ({type(error).__name__}: {error}); "
            "give a state_dict with torchvision's mobilenet_v2 names"
        ) from error
    padding: Padding = "tf_same" if "tfsame" in path.stem.replace("_", "") else "torch"
    return Weights(state, padding, path.name)


def find_weights(weights: str = "auto", folders: Sequence[str | Path] = ()) -> Weights:
    """Find MobileNetV2's ImageNet weights.

    Args:
        weights: ``auto``: a file ``mobilenet_v2*.pth`` in one of the folders, then torch's
            hub cache, then torchvision's published checkpoint, downloaded once and checked
            by its hash; with none of these, random weights. ``none``: random weights.
            Anything else: the path of a checkpoint. A name holding ``tfsame`` is taken as
            trained with TensorFlow's padding.
        folders: Where ``auto`` looks first; ``$SPGEN_WEIGHTS`` stands before them.

    Raises:
        FileNotFoundError: If a path was given and no file is there.
        ValueError: If a file is no readable checkpoint.
    """
    if weights == "none":
        return Weights(None, "torch", "random (weights=none)")
    if weights != "auto":
        path = Path(weights).expanduser()
        if not path.is_file():
            raise FileNotFoundError(
                f"weights: no file at {path}; give a MobileNetV2 checkpoint, 'auto' to look for "
                "one, or 'none' to start from random weights"
            )
        return _load(path)
    own = os.environ.get("SPGEN_WEIGHTS")
    for place in [*([own] if own else []), *folders, Path(torch.hub.get_dir()) / "checkpoints"]:
        folder = Path(place).expanduser()
        files = sorted(folder.glob("mobilenet_v2*.pth")) if folder.is_dir() else [folder]
        for path in files:
            if path.is_file():
                return _load(path)
    return _download()


def _download() -> Weights:
    before = socket.getdefaulttimeout()
    # A machine without a network must not wait for minutes before it says so.
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        state = torch.hub.load_state_dict_from_url(URL, map_location="cpu", check_hash=True)
    except (OSError, RuntimeError) as error:
        return Weights(None, "torch", f"random (no ImageNet weights: {type(error).__name__})")
    finally:
        socket.setdefaulttimeout(before)
    return Weights(state, "torch", Path(URL).name)
