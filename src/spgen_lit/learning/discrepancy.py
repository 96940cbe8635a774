"""Distances between the features of two domains, with no classifier in between."""

from __future__ import annotations

import torch
from torch import Tensor

_ROWS = 512


def rows(maps: Tensor) -> Tensor:
    """Channels at places ``(row, channel)`` of maps ``(image, channel, height, width)``.

    At most 512 rows, spread evenly over images and places.
    """
    flat = maps.flatten(2).mT.flatten(0, 1)
    if len(flat) <= _ROWS:
        return flat
    return flat[torch.linspace(0, len(flat) - 1, _ROWS, device=flat.device).long()]


def standardise(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both ``(row, channel)`` with the mean and deviation of the two together taken out.

    So a channel counts alike whatever its scale, and a level alike whatever its channels.
    The gradient does not pass through mean and deviation: features cannot shrink the
    distance by growing.
    """
    together = torch.cat([source, target]).detach()
    mean, deviation = together.mean(0), together.std(0).clamp_min(1e-5)
    return (source - mean) / deviation, (target - mean) / deviation


def coral(source: Tensor, target: Tensor) -> Tensor:
    """Squared distance of means, and of covariances, of standardised rows ``(row, channel)``.

    The covariance term is deep CORAL's ``|Cs - Ct|² / 4d²`` (Sun & Saenko 2016); means are
    added since nothing else would match them here. 0 for equal sets; free of scale.
    """
    a, b = standardise(source, target)
    means = (a.mean(0) - b.mean(0)).pow(2).mean()
    return means + (torch.cov(a.T) - torch.cov(b.T)).pow(2).mean() / 4


def mmd(source: Tensor, target: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of standardised rows under five Gaussian kernels.

    Widths are 1/4, 1/2, 1, 2 and 4 times the mean squared distance (Long et al. 2015). At
    least 0, and 0 for equal sets; free of scale.
    """
    a, b = standardise(source, target)
    together = torch.cat([a, b])
    # By products: the gradient of a distance has no value where it is zero.
    norms = together.pow(2).sum(1)
    distance = (norms[:, None] + norms - 2 * together @ together.T).clamp_min(0)
    scale = distance.detach().mean().clamp_min(1e-6)
    kernel = torch.stack([(-distance / (scale * 2.0**k)).exp() for k in range(-2, 3)]).mean(0)
    n = len(source)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
