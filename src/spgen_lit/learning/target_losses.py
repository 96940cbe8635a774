"""Losses that need no target gaze: on fixation maps, and distances between two domains."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from spgen_lit.network.protocol import Encoded

STEPS = 4
MAX_ROWS = 512


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
