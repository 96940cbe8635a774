"""Re-estimating batch-norm statistics on images of another domain (AdaBN)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from spgen_lit.network.domain_norm import DomainBatchNorm, domain


@torch.no_grad()
def adapt_statistics(encoder: nn.Module, batches: Iterable[Tensor]) -> int:
    """Set batch-norm statistics to those of the given images (Li et al. 2018).

    Batch norms with a branch for each domain change their target's branch and keep the
    source's; ordinary ones are changed. Every layer sees what the layers before it give
    with the new statistics. Nothing else changes, modes included.

    Args:
        encoder: Any network with batch norms.
        batches: Normalised images ``(batch, 3, height, width)``, whatever their numbers;
            the average over batches counts each alike.

    Returns:
        Number of batches.

    Raises:
        ValueError: Without a batch, or without a batch norm; nothing is changed then.
    """
    norms = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    if not norms:
        raise ValueError("adapt_statistics: the network has no batch norm to adapt")
    modes = [(m, m.training) for m in encoder.modules()]
    following = [m.following for m in norms if isinstance(m, DomainBatchNorm)]
    momenta = [m.momentum for m in norms]
    count = 0
    try:
        encoder.eval()
        for norm in norms:
            norm.training = True
        for images in batches:
            count += 1
            for norm in norms:
                # One over the number so far: a plain mean over all batches.
                norm.momentum = 1 / count
            with domain("target"):
                encoder(images)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes:
            module.training = mode
        branches = [m for m in norms if isinstance(m, DomainBatchNorm)]
        for branch, was in zip(branches, following, strict=True):
            branch.following = was
    if not count:
        raise ValueError("adapt_statistics: no batch of target images was given")
    return count
