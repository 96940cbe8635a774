"""How long a fixation lasts, and whether it is the last one of the scanpath."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_TYPICAL = -1.4  # log of a quarter of a second


@dataclass(frozen=True)
class Durations:
    """Log-normal mixtures: log weights, means and log deviations, ``(row, component)`` each."""

    weights: Tensor
    mean: Tensor
    spread: Tensor

    def log_prob(self, seconds: Tensor) -> Tensor:
        """Log density of log-durations ``(row,)`` at durations in seconds ``(row,)``."""
        value = seconds.clamp_min(1e-3).log()[:, None]
        z = (value - self.mean) / self.spread.exp()
        parts = self.weights - 0.5 * z * z - self.spread - 0.9189385332
        return parts.logsumexp(dim=1)

    def sample(self, noise: Tensor, choice: Tensor, temperature: float | Tensor) -> Tensor:
        """Durations in seconds ``(row,)``.

        Args:
            noise: Standard normal ``(row,)``.
            choice: Gumbel noise over components ``(row, component)``.
            temperature: 0 gives the median of the likeliest component.
        """
        part = (self.weights + temperature * choice).argmax(dim=1, keepdim=True)
        mean = self.mean.gather(1, part)[:, 0]
        spread = self.spread.gather(1, part)[:, 0].exp()
        return (mean + temperature * noise * spread).exp().clamp(0.02, 5.0)


class Timing(nn.Module):
    """Durations and the end of the scanpath, from what is fixated and what went before.

    The end decision is the selection of the published network made sequential: it says,
    after each fixation, whether people stop here. It knows the time gone by, so that
    scanpaths of timed viewing end when the time is over.

    Args:
        channels: Channels of the bottleneck.
        steps: Greatest number of fixations.
        components: Log-normal components of a duration.
        hidden: Units of each hidden layer.
    """

    def __init__(self, channels: int, steps: int, components: int = 2, hidden: int = 48) -> None:
        super().__init__()
        self.components = components
        self.steps = steps
        self.order = nn.Embedding(steps, 16)
        known = channels + 16 + 4
        first, law = nn.Linear(known, hidden), nn.Linear(hidden, 3 * components)
        self.last = nn.Sequential(first, nn.ReLU(), law)
        first, decision = nn.Linear(known, hidden), nn.Linear(hidden, 1)
        self.end = nn.Sequential(first, nn.ReLU(), decision)
        nn.init.zeros_(decision.weight)
        nn.init.constant_(decision.bias, -2.0)
        with torch.no_grad():
            law.weight.mul_(0.1)
            bias = law.bias.view(3, components)
            bias[0] = 0.0
            bias[1] = _TYPICAL + 0.5 * (torch.arange(components) - (components - 1) / 2)
            bias[2] = -0.7

    def durations(
        self, here: Tensor, step: Tensor, saccade: Tensor, elapsed: Tensor, pace: Tensor
    ) -> Durations:
        """The duration of each row's fixation.

        Args:
            here: Bottleneck features at the fixation ``(row, channels)``.
            step: Its index ``(row,)``.
            saccade: Length of the saccade that led to it, in shares of the height ``(row,)``.
            elapsed: Seconds of the fixations before it ``(row,)``.
            pace: Mean of their log durations against a quarter of a second; 0 if none.
        """
        known = (step > 0).to(here.dtype)
        rest = torch.stack([saccade, elapsed, pace, known], dim=1)
        out = self.last(torch.cat([here, self.order(step), rest], dim=1))
        weights, mean, spread = out.view(-1, 3, self.components).unbind(1)
        return Durations(weights.log_softmax(1), mean, spread.clamp(-4, 1))

    def ends(
        self, scene: Tensor, step: Tensor, elapsed: Tensor, pace: Tensor, timed: Tensor
    ) -> Tensor:
        """Logits ``(row,)`` that each row's fixation is the last.

        Args:
            scene: Mean bottleneck features of the image ``(row, channels)``.
            step: Index of the fixation ``(row,)``.
            elapsed: Seconds up to its end ``(row,)``; 0 where durations are unknown.
            pace: As in :meth:`durations`, this fixation included.
            timed: Whether durations are known ``(row,)``.
        """
        sharp = (elapsed - 2.5) * 4
        rest = torch.stack([elapsed, sharp.tanh(), pace, timed.to(scene.dtype)], dim=1)
        out: Tensor = self.end(torch.cat([scene, self.order(step), rest], dim=1))
        return out[:, 0]

    @staticmethod
    def pace(log_sum: Tensor, count: Tensor) -> Tensor:
        """Mean log duration against a quarter of a second; 0 where nothing came before."""
        return torch.where(count > 0, log_sum / count.clamp_min(1) - _TYPICAL, 0.0)


class Clock:
    """Time gone by and pace of partial paths.

    Attributes:
        elapsed: Seconds so far ``(path,)``.
        logs: Sum of log durations ``(path,)``.
        count: Number of fixations ``(path,)``.
    """

    def __init__(self, count: int, device: torch.device) -> None:
        self.elapsed = torch.zeros(count, device=device)
        self.logs = torch.zeros(count, device=device)
        self.count = torch.zeros(count, device=device)

    def add(self, seconds: Tensor) -> None:
        """One more fixation of each path, of so many seconds ``(path,)``."""
        self.elapsed = self.elapsed + seconds
        self.logs = self.logs + seconds.clamp_min(1e-3).log()
        self.count = self.count + 1

    def pace(self) -> Tensor:
        """See :meth:`Timing.pace`."""
        return Timing.pace(self.logs, self.count)
