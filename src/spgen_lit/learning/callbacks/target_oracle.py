"""The score on the target while training, for research: logged, never selected by."""

from __future__ import annotations

from typing import Any

import lightning as L
import numpy as np
import torch

from spgen_lit.data.dataset import SourceSet
from spgen_lit.data.module import DomainMix
from spgen_lit.learning.callbacks.domain_monitor import evenly_spaced
from spgen_lit.learning.module import ScanpathModule

_MEASURES = ("energy", "scanmatch")


class TargetOracle(L.Callback):
    """Logs ``oracle/energy`` and ``oracle/scanmatch`` on evaluation images with gaze.

    What validators are held against (``python -m spgen_lit.report validators``). It reads
    the gaze of ``data.evaluation``'s validation images, so no checkpoint may be chosen by
    it: a callback that monitors it is refused. Training does not change with it or without.

    Args:
        data: What is trained on, set up, with evaluation images.
        images: Evaluation images, spread evenly.
        samples: Scanpaths an image.

    Raises:
        ValueError: Without an evaluation image with gaze; at the start of training, if a
            callback monitors what is logged here.
    """

    def __init__(self, data: DomainMix, images: int = 32, samples: int = 10) -> None:
        part = data.parts["evaluation", "val"]
        ids = [key for key in part.stimuli if key in part.paths]
        if not ids:
            raise ValueError(
                "callbacks.oracle needs evaluation images with gaze: name a set in data/evaluation"
            )
        stimuli = {key: part.stimuli[key] for key in evenly_spaced(ids, images)}
        self.images, self.samples = SourceSet(stimuli, part.paths, data.cache), samples
        self._values: dict[str, float] = {}

    def setup(self, trainer: Any, pl_module: L.LightningModule, stage: str) -> None:
        """Refuse to be selected by."""
        for callback in trainer.callbacks:
            monitor = getattr(callback, "monitor", None)
            if isinstance(monitor, str) and monitor.startswith("oracle/"):
                raise ValueError(
                    f"{type(callback).__name__} monitors {monitor!r}, which knows the target's "
                    "gaze; monitor val/energy or a validator/… instead"
                )

    @torch.no_grad()
    def on_validation_batch_start(
        self, trainer: Any, pl_module: L.LightningModule, batch: Any, batch_idx: int, *_: int
    ) -> None:
        """Score before the first batch, while averaged weights are in."""
        if batch_idx:
            return
        assert isinstance(pl_module, ScanpathModule)
        rows = []
        for index in range(len(self.images)):
            one = self.images.collate([self.images[index]])
            encoded = pl_module.network.encode(one.images.to(pl_module.device), "target")
            (values,) = pl_module.scores_of(encoded, one, self.samples)
            rows.append([values[name] for name in _MEASURES])
        self._values = dict(zip(_MEASURES, np.nanmean(rows, axis=0).tolist(), strict=True))

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the means."""
        for name, value in self._values.items():
            pl_module.log(f"oracle/{name}", torch.tensor(value, device=pl_module.device))
