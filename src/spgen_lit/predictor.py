"""From a checkpoint to scanpaths on any image: what evaluation and prediction share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from spgen_lit.batch import PathBatch, pad_paths, viewing_rows
from spgen_lit.data.images import Frame, Pixels
from spgen_lit.instantiation import build_network
from spgen_lit.network.encoders.base import Domain, check_domain
from spgen_lit.network.noise import path_seed
from spgen_lit.network.protocol import Encoded, Network
from spgen_lit.pretrained import DEFAULT, load_pretrained
from spgen_lit.scanpath import Scanpath, Viewing

Image = str | Path | Pixels
Floats = NDArray[np.float32]
Bits = NDArray[np.float64]
Samples = dict[str, list[Scanpath]]
ObserversBits = dict[str, list[Bits]]


@dataclass(eq=False, repr=False)
class Predictor:
    """Draws scanpaths with a trained network.

    >>> predictor = Predictor.from_pretrained("natural")  # doctest: +SKIP
    >>> paths = predictor("painting.jpg", samples=10)     # doctest: +SKIP

    A scanpath depends on the image, its identifier, the seed, the sample's number, the
    temperature and the viewing conditions alone: not on the batch, the device, or how many
    samples are asked for.

    Args:
        network: Any :class:`~spgen_lit.network.protocol.Network`.
        frame: What images are brought into.
        info: How it was trained, as stored in its checkpoint.
        device: Where it runs; ``auto`` takes a GPU where there is one.
        domain: What images it is shown, ``source`` (photographs) or ``target`` (paintings);
            the same for networks whose domains share everything.
    """

    network: Network
    frame: Frame
    info: dict[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    domain: Domain = "source"

    def __post_init__(self) -> None:
        check_domain(self.domain)
        if self.device == "auto":
            self.device = "cuda" if torch.cuda.is_available() else "cpu"
        if self.device.startswith("cuda") and not torch.cuda.is_available():
            raise ValueError(f"device={self.device}: no CUDA device here; use device=cpu or auto")
        self.network = self.network.to(torch.device(self.device))

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
        return cls(network, frame, found.card, device, check_domain(domain))

    @property
    def temperature(self) -> float:
        """The network's own temperature."""
        return float(self.network.temperature)

    def viewing(self, size: tuple[int, int], seconds: float | None = None) -> Viewing:
        """The viewing conditions that are assumed where none are given: those of training.

        Args:
            size: Width and height in px of the image, which is taken to be as high in degrees
                as those of training.
            seconds: Viewing time; None for that of training.
        """
        known = dict(self.info.get("viewing", {}))
        degrees = known.pop("degrees", None)
        viewing = Viewing(**known, px_per_degree=size[1] / degrees if degrees else None)
        return viewing if seconds is None else replace(viewing, seconds=seconds)

    def __call__(
        self,
        image: Image,
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
        id: str | None = None,
        viewing_time: float | None = None,
    ) -> list[Scanpath]:
        """Draw scanpaths on one image.

        Args:
            image: A file, or uint8 RGB ``(height, width, 3)``.
            samples: How many.
            temperature: 0: the likeliest path; 1: as observers differ; None: the network's own.
            seed: Any integer.
            id: The image's identifier; None for the file's name, or ``image``.
            viewing_time: Seconds that the image is looked at; None for those of training.

        Returns:
            Scanpaths relative to the image, with durations in seconds where the network
            gives them; observers are named ``model-0``, ``model-1``, …

        Raises:
            ImageError: If a file cannot be read.
            ValueError: For an array of another type or shape, or a bad number.
        """
        ids = None if id is None else [id]
        return self.batch([image], samples, temperature, seed, ids, viewing_time)[0]

    def batch(
        self,
        images: Sequence[Image],
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
        ids: Sequence[str] | None = None,
        viewing_time: float | None = None,
    ) -> list[list[Scanpath]]:
        """Draw scanpaths on several images, encoded together; as :meth:`__call__` for each."""
        if not images:
            return []
        names = list(ids) if ids is not None else [_name(image) for image in images]
        planes, sizes = self.planes(images)
        viewings = [self.viewing(size, viewing_time) for size in sizes]
        return self.draw(planes, sizes, names, samples, temperature, seed, viewings)

    def draw(
        self,
        planes: Tensor,
        sizes: Sequence[tuple[int, int]],
        names: Sequence[str],
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
        viewings: Sequence[Viewing] | None = None,
    ) -> list[list[Scanpath]]:
        """Draw scanpaths on images that are in the frame already.

        Args:
            planes: uint8 RGB ``(image, 3, height, width)``.
            sizes: Width and height in px of the images as they were.
            names: Their identifiers.
            samples: Scanpaths an image.
            temperature: As in :meth:`__call__`.
            seed: As in :meth:`__call__`.
            viewings: How each image is shown; None for the conditions of training.

        Raises:
            ValueError: For fewer than one sample.
        """
        if samples < 1:
            raise ValueError(f"samples must be at least 1, found {samples}")
        shown = list(viewings) if viewings is not None else [self.viewing(size) for size in sizes]
        seeds = [[path_seed(seed, name, k) for k in range(samples)] for name in names]
        rows = viewing_rows(shown, [height for _, height in sizes], self.network.datasets)
        with self._evaluating():
            drawn = self.network.sample(self._encode(planes), seeds, temperature, rows)
        out: list[list[Scanpath]] = []
        for index, (name, size, viewing) in enumerate(zip(names, sizes, shown, strict=True)):
            paths = []
            drawn_paths = zip(drawn.arrays(index), drawn.seconds(index), strict=True)
            for number, (places, lasting) in enumerate(drawn_paths):
                xy = self.frame.inverse(places, size).clip(0, 1)
                paths.append(Scanpath(name, size, xy, lasting, f"model-{number}", viewing))
            out.append(paths)
        return out

    def observed(
        self,
        observers: Mapping[str, Sequence[Scanpath]],
        planes: Callable[[Sequence[str]], tuple[Tensor, list[tuple[int, int]]]],
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
        size: int = 8,
    ) -> tuple[Samples, ObserversBits | None]:
        """Draw scanpaths on images as observers were shown them, and the observers' bits.

        Args:
            observers: Image identifier to scanpaths; may be empty for an image.
            planes: Gives the pixels in the frame ``(image, 3, height, width)`` and the full sizes
                of the images of some identifiers.
            samples: Scanpaths an image.
            temperature: As in :meth:`__call__`.
            seed: As in :meth:`__call__`.
            size: Images encoded together.

        Returns:
            The scanpaths of each image; and, where all images have observers and the network
            states a likelihood, for each image and observer ``(fixation,)``: log2 density over
            the image, whose area is 1, given the fixations before; NaN for a fixation off the
            image, and for a first fixation that was given.
        """
        images = list(observers)
        batches = [images[start : start + size] for start in range(0, len(images), size)]
        likelihood = self.network.has_likelihood and self.frame.mode == "stretch"
        console = Console(stderr=True)
        out: Samples = {}
        bits: ObserversBits = {}
        for batch in track(batches, "sampling", console=console, disable=not console.is_terminal):
            pixels, sizes = planes(batch)
            given = [observers[image] for image in batch]
            viewings = [
                paths[0].viewing if paths else self.viewing(full)
                for paths, full in zip(given, sizes, strict=True)
            ]
            drawn = self.draw(pixels, sizes, batch, samples, temperature, seed, viewings)
            out |= dict(zip(batch, drawn, strict=True))
            if likelihood and all(given):
                bits |= dict(zip(batch, self._bits(pixels, given), strict=True))
        return out, bits if len(bits) == len(out) else None

    def _bits(self, planes: Tensor, observers: Sequence[Sequence[Scanpath]]) -> list[list[Bits]]:
        """Log-likelihoods of the observers' places, beside all fixations of each path."""
        given = self._paths(observers)
        with self._evaluating():
            found = self.network.log_prob(self._encode(planes), given).place
        # One after the other those of all fixations on an image: the network is given no others.
        known = iter(found[given.mask].double().cpu().tolist())
        return [[_aligned(path, known) for path in paths] for paths in observers]

    def log_likelihood(self, image: Image, path: Scanpath) -> dict[str, Floats]:
        """Log-likelihood in bits of each fixation of a path under what is sampled at T = 1.

        Args:
            image: A file, or uint8 RGB ``(height, width, 3)``.
            path: Relative to the image; its ``viewing`` gives the conditions, what is unknown
                of them is taken as unknown.

        Returns:
            ``place``: log density over the image, whose area is 1, so that 0 is uniform;
            ``duration``: log density per second, NaN where unknown; ``end``: log probability
            that the path goes on, or ends, after this fixation. Each ``(fixation,)``.

        Raises:
            ValueError: For a network without a likelihood, a letterboxed frame, or a path
                with a fixation off the image.
        """
        encoded, paths = self._given(image, path)
        with self._evaluating():
            bits = self.network.log_prob(encoded, paths)
        return {name: value[0, 0].cpu().numpy() for name, value in bits._asdict().items()}

    def next_fixation(self, image: Image, path: Scanpath | None = None) -> Floats:
        """Probability ``(height, width)`` of the next fixation's cell, after a path so far.

        Args:
            image: A file, or uint8 RGB ``(height, width, 3)``.
            path: What was looked at before; None for the first fixation.

        Returns:
            Sums to 1; the place is uniform within its cell.
        """
        size = self.planes([image])[1][0]
        if path is None:
            path = Scanpath(_name(image), size, np.zeros((0, 2)), viewing=self.viewing(size))
        # Where the next fixation lies has no part in its own map.
        xy = np.concatenate([path.xy, [[0.5, 0.5]]])
        seconds = None if path.durations is None else np.append(path.durations, 0.25)
        encoded, paths = self._given(image, replace(path, xy=xy, durations=seconds))
        with self._evaluating():
            maps = self.network.next_maps(encoded, paths)
        return maps[0, 0, -1].cpu().numpy()

    def density(
        self, image: Image, samples: int = 30, seed: int = 0, viewing_time: float | None = None
    ) -> Floats:
        """Density ``(height, width)`` of all fixations on an image; it sums to 1.

        The mean of the maps that the fixations of sampled paths are drawn from, which is
        smoother than the fixations themselves and has the same mean.

        Args:
            image: A file, or uint8 RGB ``(height, width, 3)``.
            samples: Paths that the mean is taken over.
            seed: Any integer.
            viewing_time: Seconds that the image is looked at; None for those of training.
        """
        planes, sizes = self.planes([image])
        seeds = [[path_seed(seed, _name(image), k) for k in range(samples)]]
        rows = viewing_rows(
            [self.viewing(sizes[0], viewing_time)], [sizes[0][1]], self.network.datasets
        )
        with self._evaluating():
            encoded = self._encode(planes)
            paths = self.network.sample(encoded, seeds, 1.0, rows)
            maps = self.network.next_maps(encoded, paths)[0][paths.mask[0]].mean(0)
        return maps.cpu().numpy()

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Evaluation mode, without gradients."""
        training = self.network.training
        self.network.train(False)
        try:
            with torch.inference_mode():
                yield
        finally:
            self.network.train(training)

    def _encode(self, planes: Tensor) -> Encoded:
        return self.network.encode(planes.to(self.device), self.domain)

    def _paths(self, observers: Sequence[Sequence[Scanpath]]) -> PathBatch:
        """The scanpaths on each image, as the network takes them."""
        longest = max(len(path) for paths in observers for path in paths)
        paths = pad_paths(observers, longest, self.network.datasets)
        return PathBatch(*(values.to(self.device) for values in paths))

    def _given(self, image: Image, path: Scanpath) -> tuple[Encoded, PathBatch]:
        """One encoded image with a path on it, as the network takes them."""
        if self.frame.mode != "stretch":
            raise ValueError(
                f"a likelihood needs frame mode stretch, and this network has {self.frame.mode}"
            )
        if len(path.on_image()) != len(path):
            raise ValueError(f"{path.image}: a fixation lies off the image; use path.on_image()")
        with self._evaluating():
            return self._encode(self.planes([image])[0]), self._paths([[path]])

    def planes(self, images: Sequence[Image]) -> tuple[Tensor, list[tuple[int, int]]]:
        """Images in the frame, uint8 ``(image, 3, height, width)``, and their full sizes."""
        pixels, sizes = zip(*map(self.frame.read, images), strict=True)
        return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2), list(sizes)


def _name(image: Image) -> str:
    return Path(image).name if isinstance(image, str | Path) else "image"


def _aligned(path: Scanpath, known: Iterator[float]) -> Bits:
    """The next bits, laid beside the fixations of a path that lie on the image."""
    on = ((path.xy >= 0) & (path.xy <= 1)).all(axis=1)
    bits = np.full(len(path), np.nan)
    bits[on] = list(islice(known, int(on.sum())))
    if path.viewing.first_fixation == "given":
        bits[:1] = np.nan
    return bits
