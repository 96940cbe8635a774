"""Methods of unsupervised domain adaptation behind one interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from spgen_lit.learning.agreement import disagreement, map_entropy, map_logs, missing_information
from spgen_lit.learning.discrepancy import coral, mmd, rows
from spgen_lit.learning.domain import DomainHead, Level, channels_at, domain_loss, features_at
from spgen_lit.learning.reversal import Schedule

Method = Literal["adversarial", "coral", "mmd", "entropy", "information", "consistency", "none"]


class Adaptation(nn.Module):
    """The domain loss of a training step.

    ``adversarial`` is gradient reversal (Ganin et al. 2016): the classifier always learns,
    the encoder is pushed by -λ. The others are plain losses weighted by λ: ``coral``
    matches means and covariances (Sun & Saenko 2016), ``mmd`` means in Gaussian kernels'
    space (Long et al. 2015), ``entropy`` sharpens the target's fixation maps,
    ``information`` does so and keeps them apart (information maximisation, Krause et al.
    2010), ``consistency`` brings the maps of two views of each target image together. A
    classifier watches the features in any case, so that its accuracy is always known.

    Args:
        method: One of these, ``none``, or several joined by ``+`` or in a list.
        levels: Where the domains are brought together; see
            :func:`~spgen_lit.learning.domain.features_at`.
        per_position: Classify each place of a map rather than its mean.
        schedule: The coefficient λ over training.
        weights: Method to its factor beside λ, 1 where absent.

    Raises:
        ValueError: For an unknown method or weight, ``none`` beside others, or no level.
    """

    def __init__(
        self,
        method: str | Sequence[str] = "adversarial",
        levels: Sequence[Level] = ("deep",),
        per_position: bool = False,
        schedule: Schedule | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        methods = method.split("+") if isinstance(method, str) else list(method)
        unknown = [name for name in methods if name not in get_args(Method)]
        if unknown or not methods or ("none" in methods and len(methods) > 1):
            raise ValueError(
                f"adaptation.method must be one of {get_args(Method)}, or several of them "
                f"joined by +, found {method!r}"
            )
        if not levels:
            raise ValueError(f"adaptation.levels is empty; name some of {get_args(Level)}")
        self.weights = dict.fromkeys(methods, 1.0) | dict(weights or {})
        if self.weights.keys() != set(methods) or min(self.weights.values()) < 0:
            raise ValueError(
                f"adaptation.weights: found {dict(weights or {})}, needed factors of at least 0 "
                f"for {methods}"
            )
        self.method = "+".join(methods)
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

    @property
    def needs_view(self) -> bool:
        """True where a second view of the target images must be encoded."""
        return "consistency" in self.weights and not self.source_only

    def forward(
        self, source: Any, target: Any, progress: float, view: Any = None
    ) -> dict[str, Tensor]:
        """``loss`` to add to the scanpath loss, and what to log.

        Args:
            source: Encoded source images.
            target: Encoded target images.
            progress: Share of training that is done, by optimiser steps.
            view: Encoded :func:`~spgen_lit.learning.agreement.second_view` of the target
                images, where :attr:`needs_view`.
        """
        coefficient = 0.0 if self.source_only else self.schedule(progress)
        reversal = coefficient * self.weights.get("adversarial", 0.0)
        losses, on_source, on_target = [], [], []
        for head, level in zip(self.heads, self.levels, strict=True):
            pair = features_at(source, level), features_at(target, level)
            loss, right_source, right_target = domain_loss(head, *pair, reversal)
            losses.append(loss)
            on_source.append(right_source)
            on_target.append(right_target)
        classifier = torch.stack(losses).mean()
        logs = {
            "domain_loss": classifier.detach(),
            "source_accuracy": torch.stack(on_source).mean(),
            "target_accuracy": torch.stack(on_target).mean(),
            "coefficient": torch.tensor(coefficient),
        }
        total = classifier
        for name, weight in self.weights.items():
            if name not in ("adversarial", "none"):
                extra = self._plain(name, source, target, view)
                logs[name] = extra.detach()
                if coefficient * weight:
                    total = total + coefficient * weight * extra
        return {"loss": total, **logs}

    def _plain(self, method: str, source: Any, target: Any, view: Any) -> Tensor:
        """The loss of one of the methods without a classifier."""
        if method in ("coral", "mmd"):
            distance = coral if method == "coral" else mmd
            pairs = [(features_at(source, n), features_at(target, n)) for n in self.levels]
            return torch.stack([distance(rows(a), rows(b)) for a, b in pairs]).mean()
        logs = map_logs(target)
        if method == "entropy":
            return map_entropy(logs)
        if method == "information":
            return missing_information(logs)
        return logs.new_zeros(()) if view is None else disagreement(logs, map_logs(view))
