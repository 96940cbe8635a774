"""From a checkpoint to scanpaths on any image: what evaluation and prediction share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from spgen_lit.data.frame import Frame
from spgen_lit.data.images import Pixels, image_size, read_image
from spgen_lit.network.build import build_network
from spgen_lit.network.encoders.base import check_domain
from spgen_lit.network.noise import path_seed
from spgen_lit.pretrained import DEFAULT, load_pretrained
from spgen_lit.scanpath import Scanpath

Image = str | Path | Pixels


class Predictor:
    """Draws scanpaths with a trained network.

    >>> predictor = Predictor.from_checkpoint("best.ckpt")   # doctest: +SKIP
    >>> paths = predictor("painting.jpg", samples=10)        # doctest: +SKIP

    A scanpath depends on the image, its identifier, the seed, the sample's number and the
    temperature alone: not on the batch, the device, or how many samples are asked for.

    Args:
        network: A network of :mod:`spgen_lit.network.build`.
        frame: What images are brought into.
        info: How it was trained, as stored in its checkpoint.
        device: Where it runs; ``auto`` takes a GPU where there is one.
        domain: What images it is shown, ``source`` (photographs) or ``target`` (paintings);
            the same for networks whose domains share everything.
    """

    def __init__(
        self,
        network: nn.Module,
        frame: Frame,
        info: dict[str, Any] | None = None,
        device: str = "cpu",
        domain: str = "source",
    ) -> None:
        self.domain = check_domain(domain)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise ValueError(f"device={device}: no CUDA device here; use device=cpu or auto")
        self.device = torch.device(device)
        self.network: Any = network.to(self.device)
        self.frame = frame
        self.info = info or {}

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path = DEFAULT,
        device: str = "cpu",
        domain: str = "source",
        trust: Sequence[str] = (),
    ) -> Predictor:
        """Load a model by name, folder, file or Hugging Face id; device and domain as of the class.

        Args:
            model: See :func:`~spgen_lit.pretrained.load_pretrained`.
            device: As of the class.
            domain: As of the class.
            trust: Modules besides this package whose classes the model's card may name, such
                as that of your own encoder. Their code runs.

        Raises:
            FileNotFoundError: If there is no such model.
            ValueError: If it cannot be read, or names a class that is not trusted.
        """
        found = load_pretrained(model)
        network = build_network(found.card["network"], trust)
        network.load_state_dict(found.state)
        frame = Frame(tuple(found.card["frame"]["size"]), found.card["frame"]["mode"])
        return cls(network, frame, found.card, device, domain)

    @classmethod
    def from_checkpoint(
        cls,
        path: str | Path,
        device: str = "cpu",
        domain: str = "source",
        trust: Sequence[str] = (),
    ) -> Predictor:
        """Load a checkpoint that training wrote; the rest as of :meth:`from_pretrained`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no checkpoint of this package, or damaged.
        """
        return cls.from_pretrained(Path(path), device, domain, trust)

    @property
    def temperature(self) -> float:
        """The network's own temperature."""
        return float(self.network.temperature)

    def __call__(
        self,
        image: Image,
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
        id: str | None = None,
    ) -> list[Scanpath]:
        """Draw scanpaths on one image.

        Args:
            image: A file, or uint8 RGB ``(height, width, 3)``.
            samples: How many.
            temperature: 0: the likeliest path; 1: as people differ; None: the network's own.
            seed: Any integer.
            id: The image's identifier; None for the file's name, or ``image``.

        Returns:
            Scanpaths relative to the image, with durations in seconds where the network
            gives them; observers are named ``model-0``, ``model-1``, …

        Raises:
            ImageError: If a file cannot be read.
            ValueError: For an array of another type or shape, or a bad number.
        """
        return self.batch([image], samples, temperature, seed, None if id is None else [id])[0]

    sample = __call__

    def batch(
        self,
        images: Sequence[Image],
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
        ids: Sequence[str] | None = None,
    ) -> list[list[Scanpath]]:
        """Draw scanpaths on several images, encoded together; as :meth:`__call__` for each."""
        if samples < 1:
            raise ValueError(f"samples must be at least 1, found {samples}")
        if not images:
            return []
        names = list(ids) if ids is not None else [_name(image) for image in images]
        sizes, pixels = zip(*[self._read(image) for image in images], strict=True)
        planes = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
        return self.draw(planes, sizes, names, samples, temperature, seed)

    def draw(
        self,
        planes: torch.Tensor,
        sizes: Sequence[tuple[int, int]],
        names: Sequence[str],
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
    ) -> list[list[Scanpath]]:
        """Draw scanpaths on images that are in the frame already.

        Args:
            planes: uint8 RGB ``(image, 3, height, width)``.
            sizes: Width and height in px of the images as they were.
            names: Their identifiers.
            samples: Scanpaths an image.
            temperature: As in :meth:`__call__`.
            seed: As in :meth:`__call__`.
        """
        seeds = [[path_seed(seed, name, k) for k in range(samples)] for name in names]
        training = self.network.training
        self.network.eval()
        try:
            with torch.inference_mode():
                scenes = self.network.encode(planes.to(self.device), self.domain)
                drawn = self.network.sample(scenes, seeds, temperature)
        finally:
            self.network.train(training)
        out: list[list[Scanpath]] = []
        for name, size, paths in zip(names, sizes, drawn, strict=True):
            own = []
            for number, path in enumerate(paths):
                xy = self.frame.inverse(path.xy.cpu().numpy(), size)
                seconds = None if path.durations is None else path.durations.cpu().numpy()
                own.append(Scanpath(name, size, xy.clip(0, 1), seconds, f"model-{number}"))
            out.append(own)
        return out

    def _read(self, image: Image) -> tuple[tuple[int, int], Pixels]:
        if isinstance(image, str | Path):
            size = image_size(Path(image))
            return size, self.frame.image(
                read_image(Path(image), self.frame.placement(size)[2:]), size
            )
        array = np.asarray(image)
        if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
            raise ValueError(
                f"an image array must be uint8 RGB (height, width, 3), found {array.dtype} "
                f"{array.shape}"
            )
        return (array.shape[1], array.shape[0]), self.frame.image(array)


def _name(image: Image) -> str:
    return Path(image).name if isinstance(image, str | Path) else "image"
