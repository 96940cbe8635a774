"""Batch norms with a branch for each domain, and the domain that a network works in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Domain = Literal["source", "target"]
DomainNorm = Literal["shared", "statistics", "affine"]

_CURRENT: ContextVar[Domain] = ContextVar("domain", default="source")


def check_domain(name: str) -> Domain:
    """The same name, checked.

    Raises:
        ValueError: For another name than ``source`` or ``target``.
    """
    for known in get_args(Domain):
        if name == known:
            return known
    raise ValueError(f"domain must be one of {get_args(Domain)}, found {name!r}")


@contextmanager
def domain(name: str) -> Iterator[None]:
    """Inside the ``with`` block, networks take their images to be of this domain.

    Networks whose domains share everything do the same for both.

    Raises:
        ValueError: For another name than ``source`` or ``target``.
    """
    token = _CURRENT.set(check_domain(name))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_domain() -> Domain:
    """The domain of the innermost :func:`domain` block; ``source`` outside of any."""
    return _CURRENT.get()


class DomainBatchNorm(nn.BatchNorm2d):
    """A batch norm with statistics, and if wanted weights, of its own for the target.

    The source's branch is an ordinary batch norm, under an ordinary batch norm's names. In
    training the target's statistics follow its batches as moving averages, and normalise
    by these averages, also where the encoder keeps its batch norms in evaluation mode:
    batches of a few images are too noisy to normalise by (adaptive batch norm, Li et al.
    2018; with ``affine`` domain-specific batch norm, Chang et al. 2019).

    Args:
        channels: Number of channels.
        apart: Give the target a weight and bias of its own too.
    """

    target_mean: Tensor
    target_var: Tensor

    def __init__(self, channels: int, apart: bool = False) -> None:
        super().__init__(channels)
        self.register_buffer("target_mean", torch.zeros(channels))
        self.register_buffer("target_var", torch.ones(channels))
        self.target_weight = nn.Parameter(torch.ones(channels)) if apart else None
        self.target_bias = nn.Parameter(torch.zeros(channels)) if apart else None
        self.following = False

    @classmethod
    def of(cls, norm: nn.BatchNorm2d, apart: bool) -> DomainBatchNorm:
        """A batch norm with both branches as an ordinary one is."""
        out = cls(norm.num_features, apart)
        out.load_state_dict(norm.state_dict())
        out.eps, out.momentum = norm.eps, norm.momentum
        for name, parameter in out.named_parameters():
            of_source = getattr(norm, name.removeprefix("target_"))
            parameter.requires_grad_(of_source.requires_grad)
        return out.train(norm.training)

    def train(self, mode: bool = True) -> DomainBatchNorm:
        """As of any module; in training the target's statistics follow its batches."""
        super().train(mode)
        self.following = mode
        return self

    def eval(self) -> DomainBatchNorm:
        """Normalise by the statistics kept; an encoder in training still follows the target."""
        self.training = False
        return self

    def forward(self, input: Tensor) -> Tensor:
        """Normalised maps ``(batch, channels, height, width)`` by the current domain's branch."""
        if current_domain() == "source":
            return super().forward(input)
        weight = self.weight if self.target_weight is None else self.target_weight
        bias = self.bias if self.target_bias is None else self.target_bias
        momentum = 0.1 if self.momentum is None else self.momentum
        if self.training:
            return F.batch_norm(
                input, self.target_mean, self.target_var, weight, bias, True, momentum, self.eps
            )
        if self.following:
            with torch.no_grad():
                var, mean = torch.var_mean(input.float(), dim=(0, 2, 3))
                self.target_mean.lerp_(mean.to(self.target_mean), momentum)
                self.target_var.lerp_(var.to(self.target_var), momentum)
        # Copies: a second target batch of the same step would change what backward needs.
        mean, var = self.target_mean.clone(), self.target_var.clone()
        return F.batch_norm(input, mean, var, weight, bias, False, momentum, self.eps)

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any
    ) -> None:
        """The target begins where the source is, if the state knows no target."""
        state: Any = state_dict
        begins = {"mean": "running_mean", "var": "running_var", "weight": "weight", "bias": "bias"}
        for own, source in begins.items():
            name = f"target_{own}"
            if getattr(self, name) is not None and prefix + source in state:
                state.setdefault(prefix + name, state[prefix + source])
        super()._load_from_state_dict(state, prefix, *arguments)


def split_batch_norms(network: nn.Module, kind: DomainNorm) -> None:
    """Give every batch norm of a network a branch for the target, in place.

    Args:
        network: Any network; its outputs do not change until the target's branch learns.
        kind: ``shared`` leaves it as it is; ``statistics`` splits means and variances;
            ``affine`` weights and biases too.

    Raises:
        ValueError: For another kind.
    """
    if kind not in get_args(DomainNorm):
        raise ValueError(f"network.domain_norm must be one of {get_args(DomainNorm)}: {kind!r}")
    if kind == "shared":
        return
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d) and not isinstance(child, DomainBatchNorm):
                setattr(module, name, DomainBatchNorm.of(child, apart=kind == "affine"))
    # The new norms learn from the network's own mode whether to follow the target: those that
    # they replace may be in evaluation mode for good.
    network.train(network.training)
