"""Pictures of model and observers side by side: as training goes on, and of what is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L

from spgen_lit.data.images import Pixels, read_image
from spgen_lit.data.module import DomainMix
from spgen_lit.data.records import Split
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.pictures.figure import save_png
from spgen_lit.pictures.sheets import side_by_side
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath


def draw_pairs(
    folder: Path,
    sampled: Mapping[str, Sequence[Scanpath]],
    split: Split,
    observers: str,
    prefix: str = "",
    **options: Any,
) -> dict[str, Pixels]:
    """Draw the model's paths and the observers' side by side, into a file for each image.

    Args:
        folder: Where the files are written, by the names of their images.
        sampled: Image to the model's scanpaths.
        split: Where the images and the observers' scanpaths are.
        observers: Title of the observers' column.
        prefix: What the files' names begin with.
        options: Passed to :func:`~spgen_lit.pictures.sheets.side_by_side`.

    Returns:
        Image to its picture.
    """
    pictures = {}
    for key, paths in sampled.items():
        image = read_image(split.stimuli[key].path, split.stimuli[key].size)
        observed, titles = split.paths.get(key, []), ("model", observers)
        pictures[key] = side_by_side(image, paths, observed, titles=titles, **options)
        save_png(folder / f"{prefix}{Path(key.replace('/', '_')).stem}.png", pictures[key])
    return pictures


@dataclass(eq=False, repr=False)
class ImageLogger(L.Callback):
    """Draws fixed source and target images with sampled and observed scanpaths.

    The images are the first few of the validation splits (of the target's training images
    where it has no gaze), each sampled with the same seeds every time, so that what changes
    is the network. It must stand before the weights' averaging among the callbacks, to draw
    with the averaged weights.

    Args:
        data: What is trained on, set up.
        folder: Where ``epoch-0005/source-….png`` are written.
        every: Epochs between pictures; the first validation is drawn too.
        images: Images of each domain.
        samples: Scanpaths of each image.

    Raises:
        ValueError: For a number below 1.
    """

    data: DomainMix
    folder: str
    every: int = 5
    images: int = 3
    samples: int = 2

    def __post_init__(self) -> None:
        if min(self.every, self.images, self.samples) < 1:
            raise ValueError(
                "callbacks.images: every, images and samples must be at least 1, found "
                f"{self.every}, {self.images}, {self.samples}"
            )
        self._last = -self.every

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw, if it is time, on the first process alone."""
        epoch = trainer.current_epoch
        if trainer.sanity_checking or epoch - self._last < self.every:
            return
        self._last = epoch
        assert isinstance(pl_module, ScanpathModule)
        rows: list[dict[str, Any]] = []
        for domain in ("source", "target") if trainer.is_global_zero else ():
            split = self.data.parts[domain, "val"]
            split = split if split.stimuli else self.data.parts[domain, "train"]
            keys = list(split.stimuli)[: self.images]
            if not keys:
                continue
            device = str(pl_module.device)
            predictor = Predictor(
                pl_module.network, self.data.frame, pl_module.card, device, domain
            )
            stimuli = [split.stimuli[key] for key in keys]
            sizes = [stimulus.size for stimulus in stimuli]
            paths = predictor.draw(self.data.planes(stimuli), sizes, keys, self.samples)
            title = self.data.sets[domain][split.sets[keys[0]]].observers_title
            sampled = dict(zip(keys, paths, strict=True))
            folder = Path(self.folder) / f"epoch-{epoch + 1:04d}"
            shape = {"rows": self.samples, "width": 360}
            pictures = draw_pairs(folder, sampled, split, title, f"{domain}-", **shape)
            rows += [{"domain": domain, "image": k, "picture": p} for k, p in pictures.items()]
        for logger in trainer.loggers:
            if hasattr(logger, "log_examples") and rows:
                logger.log_examples(rows, trainer.global_step)
