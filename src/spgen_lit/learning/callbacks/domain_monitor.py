"""Monitors both domains while training: validators and A-distance each validation epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor

from spgen_lit.data.module import DomainMix
from spgen_lit.learning.adaptation import map_logs
from spgen_lit.learning.validators import FEWEST, Array, plane, proxy_a_distance, validate
from spgen_lit.network.encoders.base import Domain
from spgen_lit.pictures.plots import domain_scatter

_DOMAINS: tuple[Domain, ...] = ("source", "target")
_BATCH = 8


class DomainMonitor(L.Callback):
    """Logs ``validator/<name>`` and ``adaptation/a_distance``; draws the features at the end.

    Everything is taken from images alone, target images without gaze and source images of
    the training split, with the weights that validation and checkpoints use. So a
    checkpoint may be chosen by any of it, for example
    ``callbacks.checkpoint.monitor=validator/dev``; lower is taken to be better.

    Args:
        data: What is trained on, set up; without a target nothing is logged.
        images: Images of each domain, spread evenly over those trained on.

    Raises:
        ValueError: For fewer than four images.
    """

    def __init__(self, data: DomainMix, images: int = 32) -> None:
        if images < FEWEST:
            raise ValueError(
                f"callbacks.domain_monitor.images must be at least {FEWEST}, found {images}"
            )
        self.data = data
        trained = {domain: data.parts[domain, "train"].stimuli for domain in _DOMAINS}
        self._stimuli = {
            domain: evenly_spaced(trained[domain].values(), images) for domain in _DOMAINS
        }
        self._known: dict[Domain, tuple[Array, Tensor]] = {}
        self._outputs: list[Mapping[str, Tensor]] = []

    def on_validation_batch_start(
        self, trainer: Any, pl_module: L.LightningModule, batch: Any, batch_idx: int, *_: int
    ) -> None:
        """Encode both domains' images before the first batch, while averaged weights are in."""
        if batch_idx:
            return
        self._outputs = []
        if min(map(len, self._stimuli.values())) >= FEWEST:
            self._known = {
                domain: encoded(pl_module, self.data.planes(stimuli), domain)
                for domain, stimuli in self._stimuli.items()
            }

    def on_validation_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any, **__: Any
    ) -> None:
        """Keep the features and energies of the source images held out."""
        if isinstance(outputs, Mapping):
            self._outputs.append(outputs)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log what the images say."""
        if not (self._known and self._outputs):
            return
        (source, _), (target, maps) = self._known["source"], self._known["target"]
        held_out = torch.cat([o["features"] for o in self._outputs]).float().cpu().numpy()
        energy = torch.cat([o["energy"] for o in self._outputs]).cpu().numpy()
        values = {"adaptation/a_distance": proxy_a_distance(source, target)}
        if np.isfinite(energy).any() and np.isfinite(held_out).all():
            risks = validate(maps, target, source, held_out.astype(np.float64), energy)
            values |= {f"validator/{name}": value for name, value in risks.items()}
        for name, value in values.items():
            pl_module.log(name, torch.tensor(value, device=pl_module.device), sync_dist=True)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw the last features, colored by domain, as ``pictures/domains.png``."""
        if not (self._known and trainer.is_global_zero):
            return
        source, target = self._known["source"][0], self._known["target"][0]
        file = Path(trainer.default_root_dir) / "pictures" / "domains.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        title = f"bottleneck features (A-distance {proxy_a_distance(source, target):.2f})"
        names = ["source"] * len(source) + ["target"] * len(target)
        picture = domain_scatter(plane(source, target), names, title=title, path=file)
        for logger in trainer.loggers:
            if hasattr(logger, "log_image"):
                logger.log_image("adaptation/domains", [picture])


def evenly_spaced(items: Iterable[Any], count: int) -> list[Any]:
    """So many of the items, or all if there are fewer, at even distances."""
    every = list(items)
    return [every[i] for i in np.unique(np.linspace(0, len(every) - 1, count).astype(int)) if every]


@torch.no_grad()
def encoded(module: Any, images: Tensor, domain: Domain) -> tuple[Array, Tensor]:
    """Pooled bottleneck features and the first steps' maps of images of one domain.

    Args:
        module: The training module.
        images: uint8 RGB ``(image, 3, height, width)``.
        domain: Theirs.

    Returns:
        Features ``(image, channel)``; log probabilities ``(image, step, height, width)``.
    """
    features, maps = [], []
    for batch in images.split(_BATCH):
        scenes = module.network.encode(batch.to(module.device), domain)
        features.append(scenes.features.mean((2, 3)).double().cpu().numpy())
        maps.append(map_logs(scenes).float().cpu())
    return np.concatenate(features), torch.cat(maps)
