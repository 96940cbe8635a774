"""What training, evaluation and prediction ask of a network, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor, nn

from spgen_lit.batch import PathBatch
from spgen_lit.network.encoders.base import Domain, Encoder


@dataclass(frozen=True)
class Encoded:
    """Encoded images: enough to draw any number of scanpaths.

    Attributes:
        taps: The encoder's maps, shallow to deep.
        features: Bottleneck ``(image, channels, height, width)``.
        maps: Logits ``(image, step, height, width)`` of the first steps' places before any
            history: what the image alone says.
        terms: What only the network itself reads.
    """

    taps: list[Tensor]
    features: Tensor
    maps: Tensor
    terms: tuple[Tensor, ...] = ()


class LogProb(NamedTuple):
    """Log-likelihood of given paths in bits, each ``(image, path, step)``; 0 beyond their ends.

    Attributes:
        place: Log density of the place over the frame, whose area is 1: 0 is uniform.
        duration: Log density per second; NaN where the duration is unknown.
        end: Log probability that the path ends, or does not end, after this fixation.
    """

    place: Tensor
    duration: Tensor
    end: Tensor


class Network(Protocol):
    """A network that draws scanpaths on images.

    A class that names it as a base is one without a likelihood until it says otherwise.

    Attributes:
        frame: Width and height in px of the images that it takes.
        channels: Channels of the bottleneck.
        temperature: Default temperature of sampling.
        max_fixations: Longest path that it draws when the viewing time is unknown.
        datasets: Names of the data sets that it has parameters for.
        encoder: Gives feature maps.
        has_likelihood: Whether :meth:`log_prob` is known for it.
    """

    frame: tuple[int, int]
    channels: int
    temperature: float
    max_fixations: int
    datasets: tuple[str, ...]
    encoder: Encoder

    training: bool

    @property
    def has_likelihood(self) -> bool:
        """Whether the law of what is sampled at temperature 1 is known."""
        return False

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """All parameters, as of any module."""

    def train(self, mode: bool = True) -> Self:
        """Set the mode, as of any module."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """All parameters and buffers by name, as of any module."""

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> object:
        """Load all parameters and buffers, as any module."""

    def to(self, device: torch.device) -> Self:
        """Move to a device, as any module."""

    def encode(self, images: Tensor, domain: Domain = "source") -> Encoded:
        """Encode RGB images ``(image, 3, height, width)``, uint8 or float in [0, 1], once."""

    def loss(self, encoded: Encoded, paths: PathBatch, weights: Tensor) -> dict[str, Tensor]:
        """Parts of the scanpath loss and their ``total``; weights ``(image,)``."""

    def sample(
        self,
        encoded: Encoded,
        seeds: Sequence[Sequence[int]],
        temperature: float | None = None,
        viewing: Tensor | None = None,
    ) -> PathBatch:
        """Draw scanpaths; each depends on its image, seed, temperature and viewing alone."""

    def log_prob(self, encoded: Encoded, paths: PathBatch) -> LogProb:
        """Log-likelihood of given paths under the law that is sampled at temperature 1.

        Raises:
            ValueError: Where that law is not known.
        """
        raise ValueError(f"{type(self).__name__} has no likelihood; use network=spgen")

    def next_maps(self, encoded: Encoded, paths: PathBatch) -> Tensor:
        """Probability ``(image, path, step, height, width)`` of each fixation's cell.

        Raises:
            ValueError: Where no map says it.
        """
        raise ValueError(
            f"{type(self).__name__} has no map of the next fixation; use network=spgen"
        )


class Loss(Protocol):
    """A scanpath loss; ``loss._target_`` in the configuration puts one in the network's place."""

    def __call__(
        self, network: Network, encoded: Encoded, paths: PathBatch, weights: Tensor
    ) -> dict[str, Tensor]:
        """Parts to log and their ``total``, which is minimized."""
