"""SPGen: scanpaths drawn fixation by fixation from learned, history-conditioned maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spgen_lit.batch import PathBatch
from spgen_lit.network.choice import HistoryKind, NextFixation, Places
from spgen_lit.network.encoders.base import Domain, Encoder
from spgen_lit.network.fixation import cell_of, local_soft_argmax
from spgen_lit.network.neck import Neck
from spgen_lit.network.noise import NoiseKind, NoiseSampler, normal_from_gumbel
from spgen_lit.network.timing import Clock, Timing


@dataclass(frozen=True)
class Scenes:
    """Encoded images: enough to draw any number of scanpaths.

    Attributes:
        taps: The encoder's maps, shallow to deep.
        features: Bottleneck ``(image, channels, height, width)``.
        places: The image's part of the choice of the next fixation.
    """

    taps: list[Tensor]
    features: Tensor
    places: Places

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the grid of places."""
        return self.features.shape[-2], self.features.shape[-1]


@dataclass(frozen=True)
class StepOutputs:
    """What the network says of every step of given paths on one image (teacher forcing).

    Attributes:
        logits: ``(path, step, place)`` of the fixation.
        end: ``(path, step)`` logit that it is the last.
        duration: Log density of its duration ``(path, step)``.
        grid: Height and width of the grid of places.
    """

    logits: Tensor
    end: Tensor
    duration: Tensor
    grid: tuple[int, int]


@dataclass(frozen=True)
class Drawn:
    """One scanpath: x, y in [0, 1] of the frame ``(fixation, 2)``, seconds ``(fixation,)``."""

    xy: Tensor
    durations: Tensor | None


class SPGen(nn.Module):
    """Encoder, bottleneck with Gaussian priors, next-fixation maps, timing, noise sampler.

    Args:
        encoder: Gives the feature maps that the bottleneck joins.
        frame: Width and height in px of the images it is made for.
        stride: Image px per cell of the grid of places: 8, 16 or 32.
        channels: Channels of the bottleneck.
        priors: Number of learnable Gaussian priors.
        max_fixations: Greatest length of a scanpath.
        history: ``full``, ``gates`` or ``none``.
        noise: ``gumbel``, ``gaussian`` or ``uniform``.
        dropout: Share of feature channels dropped in training.
        temperature: Default temperature of sampling.
        domain_priors: Give the target Gaussian priors of its own.
    """

    def __init__(
        self,
        encoder: Encoder,
        frame: tuple[int, int] = (512, 384),
        stride: int = 16,
        channels: int = 64,
        priors: int = 16,
        max_fixations: int = 20,
        history: HistoryKind = "full",
        noise: NoiseKind = "gumbel",
        dropout: float = 0.25,
        temperature: float = 1.0,
        domain_priors: bool = False,
    ) -> None:
        super().__init__()
        if any(side % 32 for side in frame):
            raise ValueError(f"network.frame: sides must be multiples of 32 px, found {frame}")
        if stride not in (8, 16, 32):
            raise ValueError(f"network.stride must be 8, 16 or 32, found {stride}")
        if max_fixations < 1:
            raise ValueError(f"network.max_fixations must be at least 1, found {max_fixations}")
        if not 0 <= temperature < float("inf"):
            raise ValueError(f"network.temperature must be at least 0, found {temperature}")
        self.frame = (int(frame[0]), int(frame[1]))
        self.stride = stride
        self.channels = channels
        self.max_fixations = max_fixations
        self.temperature = temperature
        self.encoder = encoder
        self.neck = Neck(
            self.encoder.channels, channels, priors, dropout=dropout, domain_priors=domain_priors
        )
        self.choice = NextFixation(channels, max_fixations, history, frame[0] / frame[1])
        self.timing = Timing(channels, max_fixations)
        self.noise = NoiseSampler(noise)
        self.timing_noise = NoiseSampler("gumbel")

    def encode(self, images: Tensor, domain: Domain = "source") -> Scenes:
        """Encode RGB images ``(image, 3, height, width)`` once: uint8, or float in [0, 1]."""
        return self.scenes(self.encoder(images, domain), images.shape[-2:], domain)

    def scenes(
        self, taps: Sequence[Tensor], size: Sequence[int], domain: Domain = "source"
    ) -> Scenes:
        """Bottleneck and places from the encoder's maps of images of size (height, width)."""
        height, width = size[0] // self.stride, size[1] // self.stride
        features = self.neck(taps, height, width, domain)
        return Scenes(list(taps), features, self.choice.prepare(features))

    def forward(self, scenes: Scenes, paths: PathBatch) -> list[StepOutputs]:
        """Outputs for every image of the batch, at every step of its paths."""
        count = len(scenes.features)
        return [self._teach(scenes, index, paths.of_image(index)) for index in range(count)]

    def _teach(self, scenes: Scenes, index: int, paths: PathBatch) -> StepOutputs:
        grid = scenes.grid
        features = scenes.features[index].flatten(1)
        count, steps = paths.xy.shape[:2]
        step = torch.arange(steps, device=paths.xy.device).expand(count, steps)
        cells = cell_of(paths.xy, *grid)
        before = torch.stack([cells.roll(1, 1), cells.roll(2, 1)], dim=2)
        history = self.choice.maps.unroll(paths.xy, *self.choice.regions(grid))
        logits = self.choice(
            scenes.places.of(index), step.flatten(), history, before.flatten(0, 1), grid
        )
        timed = ~paths.durations.isnan()
        seconds = paths.durations.nan_to_num(0.0)
        logs = seconds.clamp_min(1e-3).log() * timed
        elapsed = seconds.cumsum(1)
        pace_in = Timing.pace(logs.cumsum(1) - logs, step)
        pace_out = Timing.pace(logs.cumsum(1), step + 1) * timed
        moves = paths.xy.diff(dim=1, prepend=paths.xy[:, :1])
        saccade = (moves * moves.new_tensor([self.choice.maps.aspect, 1.0])).norm(dim=2)
        here = features.t()[cells.flatten()]
        flat = (saccade.flatten(), (elapsed - seconds).flatten(), (pace_in * timed).flatten())
        duration = self.timing.durations(here, step.flatten(), *flat).log_prob(seconds.flatten())
        scene = features.mean(1).expand(count * steps, -1)
        end = self.timing.ends(
            scene, step.flatten(), elapsed.flatten(), pace_out.flatten(), timed.flatten()
        )
        shape = (count, steps)
        return StepOutputs(logits.view(*shape, -1), end.view(shape), duration.view(shape), grid)

    @torch.no_grad()
    def sample(
        self,
        scenes: Scenes,
        seeds: Sequence[Sequence[int]],
        temperature: float | None = None,
    ) -> list[list[Drawn]]:
        """Draw scanpaths; each depends on its image, its seed and the temperature alone.

        Args:
            scenes: Encoded images.
            seeds: For each image, one seed a scanpath (see :func:`~.noise.path_seed`).
            temperature: 0 for the most likely path, 1 for the learned distribution; None
                for the network's own.
        """
        chosen = self.temperature if temperature is None else temperature
        return [self._draw(scenes, i, own, chosen) for i, own in enumerate(seeds)]

    def _draw(
        self, scenes: Scenes, index: int, seeds: Sequence[int], temperature: float
    ) -> list[Drawn]:
        grid, device = scenes.grid, scenes.features.device
        places, features = scenes.places.of(index), scenes.features[index].flatten(1)
        count, steps = len(seeds), self.max_fixations
        noise = self.noise.draw((steps, grid[0] * grid[1]), seeds).to(device)
        parts = self.timing.components
        timing_noise = self.timing_noise.draw((steps, 4 + parts), [s ^ 1 for s in seeds]).to(device)
        regions = self.choice.regions(grid)
        history = self.choice.maps.empty(count, *regions, device)
        clock = Clock(count, device)
        cells = torch.zeros(count, 2, dtype=torch.long, device=device)
        xy = torch.zeros(count, steps, 2, device=device)
        seconds = torch.zeros(count, steps, device=device)
        length = torch.full((count,), steps, device=device)
        scene = features.mean(1).expand(count, -1)
        aspect = xy.new_tensor([self.choice.maps.aspect, 1.0])
        for n in range(steps):
            step = torch.full((count,), n, device=device)
            logits = self.choice(places, step, history, cells, grid)
            cell = self.noise(logits, noise[:, n], temperature).argmax(1)
            xy[:, n] = local_soft_argmax(logits, cell, *grid)
            # A chosen cell beside a far likelier one: the place lies in the neighbour, and
            # what follows sees the place alone, as in training.
            cell = cell_of(xy[:, n], *grid)
            saccade = ((xy[:, n] - xy[:, max(n - 1, 0)]) * aspect).norm(dim=1)
            law = self.timing.durations(
                features.t()[cell], step, saccade, clock.elapsed, clock.pace()
            )
            timing = timing_noise[:, n]
            normal = normal_from_gumbel(timing[:, 0], timing[:, 1])
            seconds[:, n] = law.sample(normal, timing[:, 4:], temperature)
            clock.add(seconds[:, n])
            known = torch.ones_like(step, dtype=torch.bool)
            end = self.timing.ends(scene, step, clock.elapsed, clock.pace(), known)
            over = end + temperature * (timing[:, 2] - timing[:, 3]) > 0
            length = torch.where(over & (length == steps), step + 1, length)
            if bool((length <= n + 1).all()):
                break
            history = self.choice.maps.extend(history, xy[:, n], *regions)
            cells = torch.stack([cell, cells[:, 0]], dim=1)
        return [
            Drawn(xy[row, :n].clone(), seconds[row, :n].clone())
            for row, n in enumerate(length.tolist())
        ]
