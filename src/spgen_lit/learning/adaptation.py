"""Unsupervised domain adaptation: discriminators behind gradient reversal, and other losses.

From top to bottom: features and discriminators, the domain loss of a step, and the losses that
need no target gaze: on fixation maps, and distances between two domains.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.learning.reversal import Schedule, reverse
from spgen_lit.network.protocol import Encoded, Network

Level = Literal["shallow", "middle", "deep", "bottleneck", "prediction"]
Method = Literal["adversarial", "coral", "mmd", "entropy", "information", "consistency", "none"]
STEPS = 4
MAX_ROWS = 512


def features_at(encoded: Encoded, level: Level) -> Tensor:
    """Maps ``(image, channels, height, width)`` of one level of encoded images.

    ``shallow``, ``middle`` and ``deep`` are the encoder's first, middle and last map (the
    published network adapts ``deep``); ``bottleneck`` is what the fixation maps are read
    from, and ``prediction`` the product of the same with where the network expects gaze: its
    mean over places is the multilinear map of features and prediction that conditional
    adversarial networks classify (CDAN, Long et al. 2018). As there, no gradient passes
    through the prediction.
    """
    maps = (*encoded.taps, encoded.features)[_index(level, len(encoded.taps))]
    if level == "prediction":
        expected = map_logs(encoded).detach().exp().mean(1, keepdim=True)
        maps = maps * expected * (expected.shape[-2] * expected.shape[-1])
    return maps


def _index(level: Level, taps: int) -> int:
    """Where a level's maps are among those of an encoder's taps and of the bottleneck."""
    if level not in get_args(Level):
        raise ValueError(f"adaptation.levels must be from {get_args(Level)}, found {level!r}")
    return {"shallow": 0, "middle": taps // 2, "deep": taps - 1}.get(level, taps)


class DomainDiscriminator(nn.Module):
    """Tells source from target: n → 360 → 2, on pooled features or at every place.

    Args:
        channels: Channels of the maps it sees.
        per_position: Classify each place of the map rather than its mean.
    """

    def __init__(self, channels: int, per_position: bool = False) -> None:
        super().__init__()
        self.per_position = per_position
        self.first = nn.Linear(channels, 360)  # as in the released code
        self.last = nn.Linear(360, 2)

    def forward(self, maps: Tensor) -> Tensor:
        """Logits ``(row, 2)``; rows are images, or places of images one after another."""
        flat = maps.flatten(2)
        rows = flat.mT.flatten(0, 1) if self.per_position else flat.mean(2)
        out: Tensor = self.last(self.first(rows).relu())
        return out


def domain_loss(
    head: nn.Module, source: Tensor, target: Tensor, coefficient: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Cross-entropy of the domain classifier behind gradient reversal.

    Both domains weigh the same, whatever their batch sizes.

    Args:
        head: The classifier; it learns at full rate whatever the coefficient.
        source: Maps of source images.
        target: Maps of target images.
        coefficient: λ of the reversal.

    Returns:
        The loss, and the classifier's accuracy on source and on target.
    """
    losses, accuracies = [], []
    for label, maps in enumerate((source, target)):
        # Adding a gradient of zeros is not nothing: it changes the order of rounding.
        logits = head(reverse(maps, coefficient) if coefficient else maps.detach())
        losses.append(F.cross_entropy(logits, logits.new_full((len(logits),), label).long()))
        accuracies.append((logits.detach().argmax(1) == label).float().mean())
    return torch.stack(losses).mean(), accuracies[0], accuracies[1]


class Adaptation(nn.Module):
    """The domain loss of a training step.

    ``adversarial`` is gradient reversal (Ganin et al. 2016): the classifier always learns,
    the encoder is pushed by -λ. The others are plain losses weighted by λ: ``coral``
    matches means and covariances (Sun & Saenko 2016), ``mmd`` means in Gaussian kernels'
    space (Long et al. 2015), ``entropy`` sharpens the target's fixation maps,
    ``information`` does so and keeps them apart (information maximization, Krause et al.
    2010), ``consistency`` brings the maps of two views of each target image together. A
    classifier watches the features in any case, so that its accuracy is always known.

    Args:
        network: Whose features are adapted.
        method: One of these, ``none``, or several joined by ``+`` or in a list.
        levels: Where the domains are brought together; see
            :func:`features_at`.
        per_position: Classify each place of a map rather than its mean.
        schedule: The coefficient λ over training.
        weights: Method to its factor beside λ, 1 where absent.

    Raises:
        ValueError: For an unknown method or weight, ``none`` beside others, or no level.
    """

    def __init__(
        self,
        network: Network,
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
        taps = network.encoder.channels
        channels = [(*taps, network.channels)[_index(level, len(taps))] for level in self.levels]
        self.heads = nn.ModuleList(DomainDiscriminator(n, per_position) for n in channels)

    @property
    def source_only(self) -> bool:
        """True where the target cannot change the network."""
        return self.method == "none" or self.schedule.ceiling == 0

    @property
    def needs_view(self) -> bool:
        """True where a second view of the target images must be encoded."""
        return "consistency" in self.weights and not self.source_only

    def forward(
        self, source: Encoded, target: Encoded, progress: float, view: Encoded | None = None
    ) -> dict[str, Tensor]:
        """``loss`` to add to the scanpath loss, and what to log.

        Args:
            source: Encoded source images.
            target: Encoded target images.
            progress: Fraction of training that is done, by optimizer steps.
            view: Encoded :func:`second_view` of the target images, where :attr:`needs_view`.
        """
        coefficient = 0.0 if self.source_only else self.schedule(progress)
        reversal = coefficient * self.weights.get("adversarial", 0.0)
        found = [
            domain_loss(head, features_at(source, level), features_at(target, level), reversal)
            for head, level in zip(self.heads, self.levels, strict=True)
        ]
        means = (torch.stack(values).mean() for values in zip(*found, strict=True))
        logs = dict(zip(("domain_loss", "source_accuracy", "target_accuracy"), means, strict=True))
        logs["coefficient"] = torch.tensor(coefficient)
        total = logs["domain_loss"]
        for name, weight in self.weights.items():
            if name not in ("adversarial", "none"):
                logs[name] = self._plain(name, source, target, view)
                if coefficient * weight:
                    total = total + coefficient * weight * logs[name]
        return {"loss": total, **logs}

    def _plain(self, method: str, source: Encoded, target: Encoded, view: Encoded | None) -> Tensor:
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


def map_logs(encoded: Encoded) -> Tensor:
    """Log probabilities ``(image, step, height, width)`` of the first four steps' places.

    Before any history: what the image alone says.
    """
    maps = encoded.maps[:, :STEPS]
    return maps.flatten(2).log_softmax(-1).view(maps.shape)


def map_entropy(logs: Tensor) -> Tensor:
    """Mean entropy of maps ``(image, step, height, width)`` over the uniform map's."""
    flat = logs.flatten(2)
    entropy = -(flat.exp() * flat).sum(-1).mean()
    return entropy / math.log(flat.shape[-1])


def missing_information(logs: Tensor) -> Tensor:
    """Mean entropy of the images' maps minus entropy of their mean map, same unit; at most 0.

    Low where each image has places of its own: the negative of what a fixation says about
    the image (information maximization, Krause et al. 2010).
    """
    mean = logs.exp().mean(0, keepdim=True).clamp_min(1e-12).log()
    return map_entropy(logs) - map_entropy(mean)


def disagreement(logs: Tensor, of_view: Tensor) -> Tensor:
    """Mean symmetric Kullback-Leibler divergence in nats of two views' maps, at least 0.

    Args:
        logs: Log probabilities ``(image, step, height, width)``.
        of_view: The same of :func:`second_view`'s images, mirrored as they are.
    """
    back = of_view.flip(-1)
    return ((logs.exp() - back.exp()) * (logs - back)).sum((2, 3)).mean() / 2


def second_view(images: Tensor, seed: int) -> Tensor:
    """The images ``(image, 3, height, width)`` in [0, 1], mirrored and in other colors.

    Brightness, contrast, saturation and the channels' balance change by up to 30 %, and
    sharpness by up to a 3x3 mean: what changes between a painting and its reproductions.

    Args:
        images: RGB in [0, 1].
        seed: The same seed gives the same view; dropout's random numbers are not touched.
    """
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(len(images), 7, generator=generator).to(images) * 0.6 + 0.7
    gain, contrast, saturation, soft = (draws[:, k].view(-1, 1, 1, 1) for k in range(4))
    balance = draws[:, 4:].view(-1, 3, 1, 1)
    out = images.flip(-1) * gain * (1 + (balance - 1) / 2)
    out = out.mean((1, 2, 3), keepdim=True).lerp(out, contrast)
    out = out.mean(1, keepdim=True).lerp(out, saturation)
    blurred = F.avg_pool2d(out, 3, 1, 1, count_include_pad=False)
    return out.lerp(blurred, (soft - 0.7) / 0.6).clamp(0, 1)


def rows(maps: Tensor) -> Tensor:
    """Channels at places ``(row, channel)`` of maps ``(image, channel, height, width)``.

    At most 512 rows, spread evenly over images and places.
    """
    flat = maps.flatten(2).mT.flatten(0, 1)
    if len(flat) <= MAX_ROWS:
        return flat
    return flat[torch.linspace(0, len(flat) - 1, MAX_ROWS, device=flat.device).long()]


def standardize(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both ``(row, channel)`` with the mean and std of the two both taken out.

    So a channel counts alike whatever its scale, and a level alike whatever its channels.
    The gradient does not pass through mean and std: features cannot shrink the
    distance by growing.
    """
    both = torch.cat([source, target]).detach()
    mean, std = both.mean(0), both.std(0).clamp_min(1e-5)
    return (source - mean) / std, (target - mean) / std


def coral(source: Tensor, target: Tensor) -> Tensor:
    """Squared distance of means, and of covariances, of standardized rows ``(row, channel)``.

    The covariance term is deep CORAL's ``|Cs - Ct|² / 4d²`` (Sun & Saenko 2016); means are
    added since nothing else would match them here. 0 for equal sets; free of scale.
    """
    a, b = standardize(source, target)
    means = (a.mean(0) - b.mean(0)).pow(2).mean()
    return means + (torch.cov(a.T) - torch.cov(b.T)).pow(2).mean() / 4


def mmd(source: Tensor, target: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of standardized rows under five Gaussian kernels.

    Widths are 1/4, 1/2, 1, 2 and 4 times the mean squared distance (Long et al. 2015). At
    least 0, and 0 for equal sets; free of scale.
    """
    a, b = standardize(source, target)
    both = torch.cat([a, b])
    # By products: the gradient of a distance has no value where it is zero.
    norms = both.pow(2).sum(1)
    distance = (norms[:, None] + norms - 2 * both @ both.T).clamp_min(0)
    scale = distance.detach().mean().clamp_min(1e-6)
    kernel = torch.stack([(-distance / (scale * 2.0**k)).exp() for k in range(-2, 3)]).mean(0)
    n = len(source)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
