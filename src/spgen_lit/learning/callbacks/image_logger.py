"""Pictures of the same few images as training goes on, model and observers side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import torch

from spgen_lit.data.module import DomainMix
from spgen_lit.data.records import Split
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.network.encoders.base import Domain
from spgen_lit.network.noise import path_seed
from spgen_lit.pictures.figure import save_png
from spgen_lit.pictures.sheets import side_by_side
from spgen_lit.scanpath import Scanpath


class ImageLogger(L.Callback):
    """Draws fixed source and target images with sampled and observed scanpaths.

    The images are the first few of the validation splits (of the target's training images
    where it has no gaze), each sampled with the same seeds every time, so that what changes
    is the network. It must stand before the weights' averaging among the callbacks, to draw
    with the averaged weights.

    Args:
        data: What is trained on, set up.
        folder: Where ``epoch-0005/source-….png`` are written; None for no files.
        every: Epochs between pictures; the first validation is drawn too.
        images: Images of each domain.
        samples: Scanpaths of each image.

    Raises:
        ValueError: For a number below 1.
    """

    def __init__(
        self,
        data: DomainMix,
        folder: str | None = None,
        every: int = 5,
        images: int = 3,
        samples: int = 2,
    ) -> None:
        if min(every, images, samples) < 1:
            raise ValueError(
                "callbacks.images: every, images and samples must be at least 1, found "
                f"{every}, {images}, {samples}"
            )
        self.data, self.folder = data, folder
        self.every, self.images, self.samples = every, images, samples
        self._last = -1

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw, if it is time, on the first process alone."""
        epoch = trainer.current_epoch
        due = self._last < 0 or epoch - self._last >= self.every
        if trainer.sanity_checking or not due:
            return
        self._last = epoch
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, ScanpathModule)
        rows = []
        domains: tuple[Domain, ...] = ("source", "target")
        for domain in domains:
            split = self.data.parts[domain, "val"]
            if not split.stimuli:
                split = self.data.parts[domain, "train"]
            rows += self._draw(pl_module, domain, split)
        if self.folder is not None:
            folder = Path(self.folder) / f"epoch-{epoch + 1:04d}"
            for row in rows:
                stem = Path(row["image"].replace("/", "_")).stem
                save_png(folder / f"{row['domain']}-{stem}.png", row["picture"])
        for logger in trainer.loggers:
            log_examples = getattr(logger, "log_examples", None)
            if log_examples is not None and rows:
                log_examples(rows, trainer.global_step)

    def _draw(self, module: ScanpathModule, domain: Domain, split: Split) -> list[dict[str, Any]]:
        keys = list(split.stimuli)[: self.images]
        if not keys:
            return []
        planes = self.data.planes(split.stimuli[key] for key in keys)
        seeds = [[path_seed(0, key, k) for k in range(self.samples)] for key in keys]
        network = module.network
        with torch.no_grad():
            sampled = network.sample(network.encode(planes.to(module.device), domain), seeds)
        rows, frame = [], self.data.frame
        for index, key in enumerate(keys):
            model = [
                Scanpath(key, frame.size, xy, seconds, f"model-{k}")
                for k, (xy, seconds) in enumerate(
                    zip(sampled.arrays(index), sampled.seconds(index), strict=True)
                )
            ]
            size = split.stimuli[key].size
            observed = [
                replace(path, xy=frame.xy(path.xy, size), size=frame.size)
                for path in split.paths.get(key, [])[: self.samples]
            ]
            picture = side_by_side(
                planes[index].permute(1, 2, 0).numpy(),
                model,
                observed,
                titles=("model", self.data.sets[domain][split.sets[key]].observers_title),
                rows=self.samples,
                width=360,
            )
            rows.append({"domain": domain, "image": key, "picture": picture})
        return rows
