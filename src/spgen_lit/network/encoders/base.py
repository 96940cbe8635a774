"""What every encoder is: stages from images to feature maps, the first of them frozen."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.network.encoders.feature_store import FeatureStore, signature

Domain = Literal["source", "target"]
DomainNorm = Literal["shared", "statistics", "affine"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class EncoderOptions(TypedDict, total=False):
    """Options that every encoder has; see :class:`Encoder`."""

    freeze_batch_norm: bool
    smooth: float
    domain_norm: DomainNorm


def check_domain(name: str) -> Domain:
    """The same name, checked.

    Raises:
        ValueError: For another name than ``source`` or ``target``.
    """
    for known in get_args(Domain):
        if name == known:
            return known
    raise ValueError(f"domain must be one of {get_args(Domain)}, found {name!r}")


def smoothed(images: Tensor, sigma: float) -> Tensor:
    """Images ``(batch, channels, height, width)`` blurred by a Gaussian.

    Args:
        images: Of any range.
        sigma: Of the Gaussian in px; 0 gives the images themselves.
    """
    if not sigma:
        return images
    radius = max(round(3 * sigma), 1)
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    channels = images.shape[1]
    row = (weights / weights.sum()).expand(channels, 1, 1, -1)
    padded = F.pad(images, (radius, radius, radius, radius), mode="reflect")
    horizontal = F.conv2d(padded, row, groups=channels)
    return F.conv2d(horizontal, row.transpose(2, 3), groups=channels)


class Encoder(nn.Module):
    """Feature maps of images at several depths; the base class of all encoders.

    An encoder is a sequence of stages. Each takes what the one before gave; the outputs of
    some are the encoder's feature maps. A single stage may give a list of maps: such an
    encoder is frozen whole or trained whole. The first ``frozen_stages`` keep their weights
    and statistics, and what leaves them can be kept on disk (:meth:`keep_features`).

    Args:
        stages: The stages, up to the last tap at least; later ones are left out.
        taps: Stages whose outputs are given, in ascending order.
        channels: Channels of each map that is given.
        mean: Of each color in [0, 1], subtracted from images.
        std: Of each color in [0, 1], that images are then divided by.
        origin: Where the weights came from; it begins with "random" for random weights.
        licence: Terms of the weights.
        frozen_stages: This many first stages are not trained; ``all`` for all.
        freeze_batch_norm: Keep the statistics of the trained stages' batch norms too: with
            batches of a few images re-estimating them does harm. False for random weights.
        smooth: Sigma in px of a Gaussian that blurs the images first; at most 8.
        domain_norm: What the target has of its own in the batch norms: ``shared`` nothing,
            ``statistics`` means and variances (Li et al. 2018), ``affine`` weights and biases
            too (Chang et al. 2019). In training they follow the target's batches as moving
            averages, also where the source's statistics are kept.

    Raises:
        ValueError: For taps, a number of frozen stages or an option out of range.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        stages: Sequence[nn.Module],
        taps: Sequence[int],
        channels: Sequence[int],
        *,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        origin: str = "random",
        licence: str = "",
        frozen_stages: int | Literal["all"] = 0,
        freeze_batch_norm: bool = True,
        smooth: float = 0.0,
        domain_norm: DomainNorm = "shared",
    ) -> None:
        super().__init__()
        count = len(stages)
        if not taps or list(taps) != sorted(set(taps)) or not 0 <= taps[0] <= taps[-1] < count:
            raise ValueError(
                f"taps must be ascending stages within 0 to {count - 1}, found {list(taps)}"
            )
        count = taps[-1] + 1
        frozen = count if frozen_stages == "all" else frozen_stages
        if not 0 <= frozen <= count:
            raise ValueError(
                f"frozen_stages must be within 0 to {count} (the last tap's stage) or 'all', "
                f"found {frozen_stages}"
            )
        if not 0 <= smooth <= 8:
            raise ValueError(f"smooth must be from 0 to 8 px, found {smooth}")
        if domain_norm not in get_args(DomainNorm):
            raise ValueError(
                f"domain_norm must be one of {get_args(DomainNorm)}, found {domain_norm!r}"
            )
        self.stages = nn.ModuleList(stages[:count])
        self.taps = tuple(taps)
        self.channels = tuple(channels)
        self.origin = origin
        self.licence = licence
        self.frozen_stages = frozen
        self.freeze_batch_norm = freeze_batch_norm
        self.smooth = smooth
        self.domain_norm = domain_norm
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.stages[:frozen].requires_grad_(False)
        self.target_stages = None if domain_norm == "shared" else self._for_target()
        self._store: FeatureStore | None = None
        self._store_name = ""
        # Modules begin in training mode, and the trainer leaves modes as they are.
        self.train()

    @property
    def random(self) -> bool:
        """True where the encoder was built with random weights."""
        return self.origin.startswith("random")

    @property
    def frozen(self) -> bool:
        """True where no stage is trained."""
        return self.frozen_stages == len(self.stages)

    def keep_features(self, store: FeatureStore | None) -> None:
        """Keep what leaves the frozen stages in a store; None computes it every time."""
        self._store = store
        self._store_name = ""

    def frozen_copy(self, store: FeatureStore | None = None) -> Encoder:
        """The encoder as it now is, frozen whole and in evaluation mode: a teacher."""
        out = copy.deepcopy(self).requires_grad_(False)
        out.frozen_stages = len(out.stages)
        out.keep_features(store)
        return out.eval()

    def portable(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments that rebuild this encoder without its first weights at hand."""
        given = dict(arguments)
        if "weights" in inspect.signature(type(self)).parameters:
            given["weights"] = "none"
        return given

    def batch_norms(self, domain: Domain = "source") -> list[nn.BatchNorm2d]:
        """Batch norms that images of this domain pass."""
        return [m for m in self._path(domain).modules() if isinstance(m, nn.BatchNorm2d)]

    def train(self, mode: bool = True) -> Encoder:
        """Training mode, but for frozen stages and batch norms that keep their statistics."""
        super().train(mode)
        for stages in (self.stages, self.target_stages or ()):
            for index, stage in enumerate(stages):
                if index < self.frozen_stages:
                    stage.eval()
                for module in stage.modules():
                    if self.freeze_batch_norm and isinstance(module, nn.BatchNorm2d):
                        module.eval()
        return self

    def forward(self, images: Tensor, domain: Domain = "source") -> list[Tensor]:
        """Feature maps ``(batch, channels, height/stride, width/stride)``, shallow to deep.

        Args:
            images: RGB ``(batch, 3, height, width)``, uint8 in 0-255 or float in [0, 1].
            domain: Whose batch norms are used; see ``domain_norm``.

        Raises:
            ValueError: For another shape or another domain.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(
                f"images must be (batch, 3, height, width), found {tuple(images.shape)}"
            )
        stages = self._path(check_domain(domain))
        if self._store is not None and self.frozen_stages:
            # Named late: by then the weights are those that training goes on with.
            self._store_name = self._store_name or self._frozen_name()
            kept = self._store(self._store_name, images, lambda one: self._frozen(one, stages))
            out = [part.contiguous(memory_format=torch.channels_last) for part in kept]
        else:
            out = self._frozen(images, stages)
        if self.frozen:
            return out
        # What the first trained stage takes: the last frozen stage's output, a tap or not.
        x = out[-1] if self.frozen_stages - 1 in self.taps else out.pop()
        return [*out, *self._maps(x, stages, range(self.frozen_stages, len(stages)))]

    def _maps(self, x: Tensor, stages: nn.ModuleList, span: range) -> list[Tensor]:
        """Maps of the taps within a span of stages, then its output where that is no tap."""
        out: list[Tensor] = []
        for index in span:
            x = stages[index](x)
            if index in self.taps or index == span[-1]:
                out += x if isinstance(x, list) else [x]
        return out or [x]

    def _path(self, domain: Domain) -> nn.ModuleList:
        if domain == "target" and self.target_stages is not None:
            return self.target_stages
        return self.stages

    @torch.no_grad()
    def _frozen(self, images: Tensor, stages: nn.ModuleList) -> list[Tensor]:
        """Maps of the frozen stages' taps, then what the first trained stage takes if other."""
        values = images.float() / 255 if images.dtype == torch.uint8 else images
        x = smoothed((values - self.mean) / self.std, self.smooth)
        # Channels last is a fifth faster on CPUs, and what tensor cores want.
        x = x.contiguous(memory_format=torch.channels_last)
        return self._maps(x, stages, range(self.frozen_stages))

    def _frozen_name(self) -> str:
        stages = self.stages[: self.frozen_stages]
        settings = (str(stages), self.taps, self.frozen_stages, self.smooth)
        return signature(settings, [self.mean, self.std, *stages.state_dict().values()])

    def _for_target(self) -> nn.ModuleList:
        """Stages with the source's parameters, but batch norms of the target's own."""
        shared = {
            id(parameter): parameter
            for module in self.stages.modules()
            if not (self.domain_norm == "affine" and isinstance(module, nn.BatchNorm2d))
            for parameter in module.parameters(recurse=False)
        }
        # What is in the memo is not copied.
        stages = copy.deepcopy(self.stages, dict(shared))
        for module in stages.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.register_forward_pre_hook(self._follow)
        # A state holds shared parameters once, and one without a target gives it the source's.
        self.register_state_dict_post_hook(_drop_shared)
        self.register_load_state_dict_pre_hook(_begin_as_source)
        return stages

    @torch.no_grad()
    def _follow(self, norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Let the target's statistics follow its batches where they do not do so themselves."""
        if not (self.training and isinstance(norm, nn.BatchNorm2d) and not norm.training):
            return
        momentum = 0.1 if norm.momentum is None else norm.momentum
        var, mean = torch.var_mean(inputs[0].float(), dim=(0, 2, 3))
        # New tensors: a second target batch of the step must not change what backward needs.
        for name, seen in (("running_mean", mean), ("running_var", var)):
            before = getattr(norm, name)
            setattr(norm, name, before.lerp(seen.to(before), momentum))


def _drop_shared(
    encoder: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]
) -> None:
    source = dict(encoder.get_submodule("stages").named_parameters())
    target = encoder.get_submodule("target_stages").named_parameters()
    for name, parameter in target:
        if parameter is source[name]:
            del state[f"{prefix}target_stages.{name}"]


def _begin_as_source(
    encoder: nn.Module, state: dict[str, Any], prefix: str, *arguments: object
) -> None:
    for name in [name for name in state if name.startswith(f"{prefix}stages.")]:
        state.setdefault(f"{prefix}target_{name.removeprefix(prefix)}", state[name])
