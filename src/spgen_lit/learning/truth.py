"""The truth on the target while training, for research: logged, never chosen by."""

from __future__ import annotations

from typing import Any

import lightning as L
import numpy as np
import torch

from spgen_lit.network.noise import path_seed

_MEASURES = ("energy", "scanmatch")


class Truth(L.Callback):
    """Logs ``truth/energy`` and ``truth/scanmatch`` on evaluation images with gaze.

    What validators are held against (``python -m spgen_lit.report validators``). It reads
    the gaze of ``data.evaluation``'s validation images, so no checkpoint may be chosen by
    it: a callback that monitors it is refused. Training does not change with it or without.

    Args:
        images: Evaluation images, spread evenly.
        samples: Scanpaths an image.

    Raises:
        ValueError: At the start of training, if a callback monitors the truth or there is
            no evaluation image.
    """

    def __init__(self, images: int = 32, samples: int = 10) -> None:
        self.images, self.samples = images, samples
        self._values: dict[str, float] = {}

    def setup(self, trainer: Any, pl_module: L.LightningModule, stage: str) -> None:
        """Refuse to be selected by."""
        for callback in trainer.callbacks:
            monitor = getattr(callback, "monitor", None)
            if isinstance(monitor, str) and monitor.startswith("truth/"):
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
        data = trainer.datamodule
        part = data.parts["evaluation", "val"]
        ids = [key for key in part.stimuli if key in part.paths]
        if not ids:
            raise ValueError(
                "callbacks.truth needs evaluation images with gaze: name a set in data/evaluation"
            )
        module: Any = pl_module
        rows = []
        for index in np.unique(np.linspace(0, len(ids) - 1, self.images).astype(int)):
            key = ids[index]
            stimulus = part.stimuli[key]
            planes = torch.from_numpy(data.cache.get(stimulus)).permute(2, 0, 1)[None]
            scenes = module.network.encode(planes.to(module.device), domain="target")
            seeds = [path_seed(0, key, k) for k in range(self.samples)]
            drawn = module.network.sample(scenes, [seeds])[0]
            people = [data.frame.xy(path.on_image().xy, stimulus.size) for path in part.paths[key]]
            values = module.agreement(
                [path.xy.cpu().numpy() for path in drawn], [xy for xy in people if len(xy)]
            )
            rows.append([values[name] for name in _MEASURES])
        self._values = dict(zip(_MEASURES, np.nanmean(rows, axis=0).tolist(), strict=True))

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the means."""
        for name, value in self._values.items():
            pl_module.log(f"truth/{name}", torch.tensor(value, device=pl_module.device))
