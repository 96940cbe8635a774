"""Re-estimating batch-norm statistics on images of another domain (AdaBN)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from spgen_lit.network.encoders.base import Encoder


@torch.no_grad()
def adapt_statistics(encoder: Encoder, batches: Iterable[Tensor]) -> int:
    """Set the target's batch-norm statistics to those of the given images (Li et al. 2018).

    With ``domain_norm=shared`` they are the source's too. Every layer sees what the layers
    before it give with the new statistics. Nothing else changes, modes included.

    Args:
        encoder: An encoder with batch norms.
        batches: Images ``(batch, 3, height, width)`` as the encoder takes them, in whatever
            numbers; the average over batches counts each alike.

    Returns:
        Number of batches.

    Raises:
        ValueError: Without a batch, or without a batch norm; nothing is changed then.
    """
    norms = encoder.batch_norms("target")
    if not norms:
        raise ValueError("adapt_statistics: the encoder has no batch norm to adapt")
    modes = [(m, m.training) for m in encoder.modules()]
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
            encoder(images, "target")
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes:
            module.training = mode
    if not count:
        raise ValueError("adapt_statistics: no batch of target images was given")
    return count
