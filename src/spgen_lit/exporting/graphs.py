"""Graphs: the network as two pure functions, one an image and one a fixation, for export."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spgen_lit.batch import VIEWING
from spgen_lit.network.encoders.base import Domain
from spgen_lit.network.history import History
from spgen_lit.network.spgen import (
    FixationHead,
    ImageTerms,
    PathState,
    SPGen,
    StepNoise,
    Time,
)

TERMS = ImageTerms._fields
STATE = (*History._fields, *Time._fields)
INPUTS = (*TERMS, *STATE, "viewing", *(f"noise_{name}" for name in StepNoise._fields))
OUTPUTS = ("xy", "seconds", "end_logit", *(f"next_{name}" for name in STATE))


class ImageGraph(nn.Module):
    """From uint8 RGB images in the frame to all that sampling needs of them.

    Args:
        network: The trained network, in evaluation mode.
        domain: What images it is shown.
    """

    def __init__(self, network: SPGen, domain: Domain = "source") -> None:
        super().__init__()
        self.network = network
        self.domain: Domain = domain

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """``(image, 3, height, width)`` uint8 → tensors named by ``TERMS``."""
        return tuple(self.network.encode(images, self.domain).terms)


class StepGraph(nn.Module):
    """One more fixation of any number of paths: the network's own step, its state spelled out.

    Args:
        head: Of the trained network; the network itself would bring the encoder's weights.
    """

    def __init__(self, head: FixationHead) -> None:
        super().__init__()
        self.head = head

    def begin(self, paths: int) -> dict[str, Tensor]:
        """The state, by the names of ``STATE``, of paths on one image that have not begun."""
        state = self.head.begin(1, paths, torch.device("cpu"))
        return dict(zip(STATE, (*state.history, *state.time), strict=True))

    def noise(self, paths: int) -> tuple[Tensor, ...]:
        """Noise of one step, all zero."""
        cells = self.head.grid[0] * self.head.grid[1]
        shapes = ((cells,), (2,), (self.head.components,), (), ())
        return tuple(torch.zeros(1, paths, *shape) for shape in shapes)

    def example(self, terms: tuple[Tensor, ...], paths: int) -> tuple[Tensor, ...]:
        """Inputs to trace with, by the names of ``INPUTS`` and then the temperature."""
        viewing = torch.full((1, paths, len(VIEWING)), float("nan"))
        state = self.begin(paths).values()
        # One tensor given for two inputs would be traced as one input.
        inputs = (*terms, *state, viewing, *self.noise(paths))
        return (*(value.clone() for value in inputs), torch.tensor(1.0))

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Inputs by the names of ``INPUTS`` and the temperature; outputs by ``OUTPUTS``."""
        *inputs, temperature = tensors
        rest = iter(inputs)
        terms = ImageTerms(*(next(rest) for _ in TERMS))
        history = History(*(next(rest) for _ in History._fields))
        time = Time(*(next(rest) for _ in Time._fields))
        viewing = next(rest)
        noise = StepNoise(*rest)
        fixation, after = self.head.step(
            terms, PathState(history, time), viewing, noise, temperature
        )
        return (*fixation, *after.history, *after.time)
