"""Methods of unsupervised domain adaptation behind one interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from spgen_lit.learning.domain import DomainHead, Level, channels_at, domain_loss, features_at
from spgen_lit.learning.reversal import Schedule

Method = Literal["adversarial", "coral", "mmd", "entropy", "none"]


class Adaptation(nn.Module):
    """The domain loss of a training step.

    ``adversarial`` is gradient reversal (Ganin et al. 2016): the classifier always learns,
    the encoder is pushed by -λ. The others are plain losses weighted by λ: ``coral``
    matches covariances (Sun & Saenko 2016), ``mmd`` means in a Gaussian kernel's space
    (Long et al. 2015), ``entropy`` sharpens the first fixation maps of the target. A
    classifier watches the features in any case, so that its accuracy is always known.

    Args:
        method: ``adversarial``, ``coral``, ``mmd``, ``entropy`` or ``none``.
        levels: Where the domains are brought together; see
            :func:`~spgen_lit.learning.domain.features_at`.
        per_position: Classify each place of a map rather than its mean.
        schedule: The coefficient λ over training.

    Raises:
        ValueError: For an unknown method or no level.
    """

    def __init__(
        self,
        method: Method = "adversarial",
        levels: Sequence[Level] = ("deep",),
        per_position: bool = False,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__()
        if method not in get_args(Method):
            raise ValueError(
                f"adaptation.method must be one of {get_args(Method)}, found {method!r}"
            )
        if not levels:
            raise ValueError(f"adaptation.levels is empty; name some of {get_args(Level)}")
        self.method = method
        self.levels = tuple(levels)
        self.schedule = schedule or Schedule()
        self.per_position = per_position
        self.heads = nn.ModuleList()

    def attach(self, network: nn.Module) -> Adaptation:
        """Make a domain classifier for each level of this network; returns itself."""
        self.heads = nn.ModuleList(
            DomainHead(channels_at(network, level), self.per_position) for level in self.levels
        )
        return self

    @property
    def source_only(self) -> bool:
        """True where the target cannot change the network."""
        return self.method == "none" or self.schedule.ceiling == 0

    def forward(self, source: Any, target: Any, progress: float) -> dict[str, Tensor]:
        """``loss`` to add to the scanpath loss, and what to log.

        Args:
            source: Encoded source images.
            target: Encoded target images.
            progress: Share of training that is done, by optimiser steps.
        """
        coefficient = 0.0 if self.source_only else self.schedule(progress)
        reversal = coefficient if self.method == "adversarial" else 0.0
        losses: list[Tensor] = []
        accuracies: list[tuple[Tensor, Tensor]] = []
        extra: list[Tensor] = []
        for head, level in zip(self.heads, self.levels, strict=True):
            a, b = features_at(source, level), features_at(target, level)
            loss, on_source, on_target = domain_loss(head, a, b, reversal)
            losses.append(loss)
            accuracies.append((on_source, on_target))
            if self.method in ("coral", "mmd"):
                extra.append((coral if self.method == "coral" else mmd)(_rows(a), _rows(b)))
        if self.method == "entropy":
            extra.append(map_entropy(target))
        classifier = torch.stack(losses).mean()
        total = classifier
        if extra:
            total = total + coefficient * torch.stack(extra).mean()
        logs = {
            "loss": total,
            "domain_loss": classifier.detach(),
            "source_accuracy": torch.stack([a for a, _ in accuracies]).mean(),
            "target_accuracy": torch.stack([b for _, b in accuracies]).mean(),
            "coefficient": torch.tensor(coefficient),
        }
        if extra:
            logs["discrepancy"] = torch.stack(extra).mean().detach()
        return logs


def _rows(maps: Tensor) -> Tensor:
    """Channels at places ``(row, channel)``: at most 512 rows, evenly spaced."""
    rows = maps.flatten(2).mT.flatten(0, 1)
    return rows[:: max(len(rows) // 512, 1)]


def coral(source: Tensor, target: Tensor) -> Tensor:
    """Squared distance of means and covariances of rows ``(row, channel)`` (deep CORAL)."""
    size = source.shape[1]
    gap = (source.mean(0) - target.mean(0)).pow(2).mean()
    return gap + (torch.cov(source.T) - torch.cov(target.T)).pow(2).sum() / (4 * size)


def mmd(source: Tensor, target: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of rows under five Gaussian kernels."""
    rows = torch.cat([source, target])
    distance = torch.cdist(rows, rows).pow(2)
    scale = distance.detach().mean().clamp_min(1e-6)
    kernel = torch.stack([(-distance / (scale * 2.0**k)).exp() for k in range(-2, 3)]).mean(0)
    n = len(source)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()


def map_entropy(scenes: Any) -> Tensor:
    """Mean entropy in nats of the first four steps' maps, as a share of the uniform map's."""
    logs = scenes.places.static[:, :4].log_softmax(-1)
    entropy = -(logs.exp() * logs).sum(-1).mean()
    return entropy / torch.tensor(float(logs.shape[-1])).log()
