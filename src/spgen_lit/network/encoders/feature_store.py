"""Outputs of an encoder's frozen layers, computed once for each image and kept on disk."""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spgen_lit.files import atomic

Compute = Callable[[Tensor], Sequence[Tensor]]


def signature(settings: object, tensors: Iterable[Tensor]) -> str:
    """Name of a function of images: changes with its settings and with any of its weights."""
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=12)
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class FeatureStore:
    """Feature maps in half precision, one file an image, found by the image's content.

    What is needed for the first time is computed image by image and rounded just as what comes
    from disk, so that neither the batch nor an earlier run changes the numbers. Mirrored or
    repainted images are images of their own. Several processes may share one folder.

    Args:
        root: Folder of the store; every function of images has a folder of its own in it.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def __call__(self, name: str, images: Tensor, compute: Compute) -> list[Tensor]:
        """Feature maps of images, each ``(image, channels, height, width)``.

        Args:
            name: :func:`signature` of `compute`.
            images: ``(image, 3, height, width)``.
            compute: Gives the feature maps of one image ``(1, 3, height, width)``, without
                gradient.

        Raises:
            WriteError: If the folder cannot be written, or the disk has no room.
        """
        folder = self.root / name
        rows = [self._row(folder, image[None], compute) for image in images]
        return [
            torch.stack([torch.from_numpy(row[part]) for row in rows]).to(images.device).float()
            for part in range(len(rows[0]))
        ]

    def _row(self, folder: Path, image: Tensor, compute: Compute) -> list[np.ndarray]:
        pixels = image.detach().float().cpu().contiguous().numpy()
        key = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
        key.update(pixels.tobytes())
        file = folder / f"{key.hexdigest()}.npz"
        try:
            with np.load(file) as kept:
                return [kept[f"arr_{part}"] for part in range(len(kept.files))]
        except FileNotFoundError:
            pass
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            warnings.warn(
                f"{file}: kept features dropped and computed again: {error}", stacklevel=2
            )
        made = [part[0].detach().half().cpu().numpy() for part in compute(image)]
        # Whole or not at all: no process may read half a file.
        with atomic(file) as part:
            np.savez(part, *made)
        return made
