"""Graphs: the network as two pure functions, one an image and one a fixation, for export."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spgen_lit.network.choice import Places
from spgen_lit.network.encoders.base import Domain
from spgen_lit.network.fixation import cell_of, local_soft_argmax
from spgen_lit.network.history import History
from spgen_lit.network.noise import normal_from_gumbel
from spgen_lit.network.spgen import SPGen
from spgen_lit.network.timing import Timing

#: Outputs of :class:`ImageGraph`; all but the image axis of them go into :class:`StepGraph`.
SCENE = ("features", "static", "gates", "hidden", "keys", "queries")
#: What a path carries from one step to the next: inputs and outputs of :class:`StepGraph`.
STATE = ("recent", "known", "visited", "faded", "cells", "elapsed", "logs", "count")
INPUTS = (*SCENE, *STATE, "step", "noise", "timing_noise", "temperature")
OUTPUTS = ("xy", "seconds", "end", *(f"next_{name}" for name in STATE))


class ImageGraph(nn.Module):
    """From uint8 RGB images in the frame to all that sampling needs of them.

    Args:
        network: The trained network, in evaluation mode.
        domain: Of the images that it is exported for.
    """

    def __init__(self, network: SPGen, domain: Domain = "source") -> None:
        super().__init__()
        self.network = network
        self.domain = domain

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """``(image, 3, height, width)`` uint8 → tensors named by ``SCENE``."""
        scenes = self.network.encode(images, self.domain)
        places = scenes.places
        return (
            scenes.features.flatten(2),
            places.static,
            places.gates,
            places.hidden,
            places.keys,
            places.queries,
        )


class StepGraph(nn.Module):
    """One more fixation of any number of paths on one image.

    It is the body of :meth:`SPGen.sample`'s loop with the state spelled out; export
    compares the two and refuses to write anything if they differ.

    Args:
        network: The trained network, in evaluation mode.
        grid: Height and width of the grid of places.
    """

    def __init__(self, network: SPGen, grid: tuple[int, int]) -> None:
        super().__init__()
        # Not the whole network: a program holds the parameters of all its modules.
        self.choice, self.timing = network.choice, network.timing
        self.grid = grid

    def begin(self, paths: int) -> dict[str, Tensor]:
        """The state, by the names of ``STATE``, of paths that have not begun."""
        regions = self.choice.regions(self.grid)
        history = self.choice.maps.empty(paths, *regions, torch.device("cpu"))
        nothing = torch.zeros(paths)
        return {
            "recent": history.recent,
            "known": history.known,
            "visited": history.visited,
            "faded": history.faded,
            "cells": torch.zeros(paths, 2, dtype=torch.long),
            "elapsed": nothing,
            "logs": nothing,
            "count": nothing,
        }

    def forward(
        self,
        features: Tensor,
        static: Tensor,
        gates: Tensor,
        hidden: Tensor,
        keys: Tensor,
        queries: Tensor,
        recent: Tensor,
        known: Tensor,
        visited: Tensor,
        faded: Tensor,
        cells: Tensor,
        elapsed: Tensor,
        logs: Tensor,
        count: Tensor,
        step: Tensor,
        noise: Tensor,
        timing_noise: Tensor,
        temperature: Tensor,
    ) -> tuple[Tensor, ...]:
        """Inputs by the names of ``INPUTS``, outputs by those of ``OUTPUTS``.

        Args:
            features: ``(channel, place)``.
            static: ``(step, place)``; gates, hidden, keys, queries likewise of one image.
            recent: ``(path, 3, 2)``; known, visited, faded, cells as in ``History``.
            elapsed: ``(path,)`` seconds so far; logs, count: sum and number of log durations.
            step: ``(path,)`` index of this fixation.
            noise: ``(path, place)``.
            timing_noise: ``(path, 4 + components)``.
            temperature: Scalar.

        Returns:
            x, y in [0, 1] of the frame ``(path, 2)``; seconds ``(path,)``; a logit with its
            noise ``(path,)``, above 0 where this fixation is the last; and the new state.
        """
        choice, timing = self.choice, self.timing
        places = Places(static, gates, hidden, keys, queries)
        history = History(recent, known, visited, faded)
        logits = choice(places, step, history, cells, self.grid)
        cell = (logits + temperature * noise).argmax(1)
        xy = local_soft_argmax(logits, cell, *self.grid)
        cell = cell_of(xy, *self.grid)
        aspect = torch.tensor([choice.maps.aspect, 1.0])
        saccade = ((xy - recent[:, 0]) * aspect).norm(dim=1) * known[:, 0].to(xy.dtype)
        pace = Timing.pace(logs, count)
        law = timing.durations(features.t()[cell], step, saccade, elapsed, pace)
        normal = normal_from_gumbel(timing_noise[:, 0], timing_noise[:, 1])
        seconds = law.sample(normal, timing_noise[:, 4:], temperature)
        elapsed, logs = elapsed + seconds, logs + seconds.clamp_min(1e-3).log()
        count = count + 1
        scene = features.mean(1).expand(xy.shape[0], -1)
        timed = torch.ones_like(step, dtype=torch.bool)
        end = timing.ends(scene, step, elapsed, Timing.pace(logs, count), timed)
        end = end + temperature * (timing_noise[:, 2] - timing_noise[:, 3])
        after = choice.maps.extend(history, xy, *choice.regions(self.grid))
        cells = torch.stack([cell, cells[:, 0]], dim=1)
        state = (after.recent, after.known, after.visited, after.faded)
        return (xy, seconds, end, *state, cells, elapsed, logs, count)
