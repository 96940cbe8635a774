"""Files of pretrained weights: read, checked by their hash, and loaded whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Pretrained(NamedTuple):
    """Weights that an encoder starts from.

    Attributes:
        state: Entries of the file by their names there; None for random weights.
        origin: Where they came from, for tables and summaries; "random …" for random ones.
        licence: Their terms.
    """

    state: Mapping[str, Tensor] | None
    origin: str
    licence: str = ""

    @classmethod
    def find(cls, weights: str, imagenet: Callable[[], Pretrained]) -> Pretrained:
        """Weights by an encoder's argument: ``auto``, ``none``, or the path of a checkpoint.

        Args:
            weights: The argument.
            imagenet: Finds what ``auto`` stands for.

        Raises:
            FileNotFoundError: If a path was given and no file is there.
            ValueError: If the file cannot be read.
        """
        if weights == "auto":
            return imagenet()
        if weights == "none":
            return cls(None, "random (weights: none)")
        return cls(read_weights(weights), Path(weights).name, "as its file says")

    def load(self, module: nn.Module, rename: Callable[[str], str]) -> None:
        """Load the weights, if there are any, into a module.

        Args:
            module: Whose entries must all be there.
            rename: Name in the module of an entry of the file; "" leaves it out.

        Raises:
            ValueError: If names or shapes do not fit.
        """
        if self.state is not None:
            named = {rename(name): value for name, value in self.state.items()}
            named.pop("", None)
            load_strictly(module, named, self.origin)


def read_weights(path: str | Path, sha256: str = "") -> dict[str, Tensor]:
    """A state_dict from a file.

    Args:
        path: The file.
        sha256: First digits that its hash must have; none are checked without.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the hash is another one, or the file is no state_dict.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(
            f"weights: no file at {file}; give a checkpoint's path, 'auto' for the encoder's "
            "ImageNet weights, or 'none' to start from random weights"
        )
    found = hashlib.sha256(file.read_bytes()).hexdigest() if sha256 else ""
    if not found.startswith(sha256):
        raise ValueError(
            f"weights {file}: its SHA-256 begins with {found[: len(sha256)]}, needed {sha256}; "
            "the file is damaged or another one: delete it and get it again"
        )
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"weights {file}: cannot read a torch checkpoint ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}); give a state_dict"
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(
            f"weights {file}: needed a mapping of names to tensors, found {type(state).__name__}; "
            "give the state_dict alone"
        )
    return dict(state)


def load_strictly(module: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Load weights whose names and shapes must all fit.

    Raises:
        ValueError: Naming the first missing, unexpected or differently shaped entry.
    """
    needed = module.state_dict()
    for name in sorted(needed.keys() | state.keys()):
        if name not in state or name not in needed:
            kind = "lacks" if name not in state else "has the unexpected entry"
            raise ValueError(f"weights {origin}: the checkpoint {kind} {name!r}")
        if state[name].shape != needed[name].shape:
            raise ValueError(
                f"weights {origin}: {name!r} has shape {tuple(state[name].shape)}, "
                f"needed {tuple(needed[name].shape)}"
            )
    module.load_state_dict(state)
