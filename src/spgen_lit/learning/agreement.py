"""Losses on the target's own fixation maps: entropy, information, agreement of two views."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

STEPS = 4


def map_logs(scenes: Any) -> Tensor:
    """Log probabilities ``(image, step, height, width)`` of the first four steps' places.

    Before any history: what the image alone says. Of either network's encoded images.
    """
    if hasattr(scenes, "places"):
        static: Tensor = scenes.places.static[:, :STEPS]
        height, width = scenes.grid
    else:
        static = scenes.maps[:, :STEPS].flatten(2)
        height, width = scenes.maps.shape[-2:]
    return static.log_softmax(-1).unflatten(-1, (height, width))


def map_entropy(logs: Tensor) -> Tensor:
    """Mean entropy of maps ``(image, step, height, width)`` as a share of the uniform map's."""
    flat = logs.flatten(2)
    entropy = -(flat.exp() * flat).sum(-1).mean()
    return entropy / math.log(flat.shape[-1])


def missing_information(logs: Tensor) -> Tensor:
    """Mean entropy of the images' maps minus entropy of their mean map, same unit; at most 0.

    Low where each image has places of its own: the negative of what a fixation says about
    the image (information maximisation, Krause et al. 2010).
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
    """The images ``(image, 3, height, width)`` in [0, 1], mirrored and in other colours.

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
