"""Images with everything people did on them, and images without gaze, ready for batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from spgen_lit.batch import SourceBatch, TargetBatch, pad_paths
from spgen_lit.data.augment import Augment
from spgen_lit.data.cache import ImageCache
from spgen_lit.data.images import Pixels
from spgen_lit.data.records import Stimulus
from spgen_lit.data.viewing import ViewingAugment
from spgen_lit.scanpath import Scanpath


@dataclass(frozen=True)
class Item:
    """One image of a batch before collation."""

    image: Pixels
    paths: Sequence[Scanpath]
    id: str
    weight: float
    original: Pixels | None = None


def planes(images: Sequence[Pixels]) -> Tensor:
    """Images of one size as uint8 RGB ``(image, 3, height, width)``."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()


class SourceSet(Dataset[Item]):
    """Images with the scanpaths of all their observers, in the frame's coordinates.

    Items are asked for by a draw's number and an image's index; augmentation depends on the
    seed and the draw alone, so neither workers nor ranks nor a resumed run change it.

    Args:
        stimuli: The images by their identifiers.
        paths: Identifier to scanpaths, relative to the image.
        cache: Decoded images.
        augment: Moves gaze with the image; None leaves both.
        weights: Weight of each image in the loss, 1 where absent.
        max_fixations: Longest path of a batch.
        seed: Seed of the augmentation.
        styles: Identifier to renditions of the image in other styles, with everything in its
            place, so that gaze stays true; images without any keep their own.
        style_share: Probability that a draw shows one of the renditions.
        viewing: Cuts paths and hides viewing conditions; None leaves them.
        originals: Give the photograph beside what is shown, moved in the same way, its
            texture untouched.
        datasets: Names of the sets that the network has parameters for.
    """

    def __init__(
        self,
        stimuli: Mapping[str, Stimulus],
        paths: Mapping[str, Sequence[Scanpath]],
        cache: ImageCache,
        augment: Augment | None = None,
        weights: Mapping[str, float] | None = None,
        max_fixations: int = 60,
        seed: int = 0,
        styles: Mapping[str, Sequence[Stimulus]] | None = None,
        style_share: float = 0.0,
        originals: bool = False,
        viewing: ViewingAugment | None = None,
        datasets: Sequence[str] = (),
    ) -> None:
        self.ids = [i for i in stimuli if any(len(p.on_image()) for p in paths.get(i, ()))]
        self.stimuli = [stimuli[i] for i in self.ids]
        self.paths = [
            [replace(p, xy=cache.frame.xy(p.xy, stimuli[i].size)) for p in paths[i]]
            for i in self.ids
        ]
        self.cache, self.augment, self.seed = cache, augment, seed
        self.weights = [1.0 if weights is None else weights.get(i, 1.0) for i in self.ids]
        self.max_fixations = max_fixations
        self.styles = [tuple((styles or {}).get(i, ())) for i in self.ids]
        self.style_share = style_share
        self.originals = originals
        self.viewing, self.datasets = viewing, datasets

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, key: tuple[int, int] | int) -> Item:
        # A plain index comes from samplers that the trainer puts in, as overfit_batches does.
        draw, index = key if isinstance(key, tuple) else (key, key)
        image, paths = self.cache.get(self._shown(draw, index)), self.paths[index]
        original = self.cache.get(self.stimuli[index]) if self.originals else None
        if self.augment is not None:
            seed = [self.seed, draw]
            if original is not None:
                plain = replace(self.augment, texture=0.0)
                original, _ = plain(original, paths, np.random.default_rng(seed))
            image, shifted = self.augment(image, paths, np.random.default_rng(seed))
            paths = shifted if any(len(p.on_image()) for p in shifted) else paths
        if self.viewing is not None:
            paths = self.viewing(paths, np.random.default_rng([self.seed, draw, 3]))
        return Item(image, paths, self.ids[index], self.weights[index], original)

    def _shown(self, draw: int, index: int) -> Stimulus:
        """The image of a draw: the photograph, or one of its renditions."""
        renditions = self.styles[index]
        if not renditions or not self.style_share:
            return self.stimuli[index]
        # A stream of its own: augmentation draws the same with renditions and without.
        rng = np.random.default_rng([self.seed, draw, 2])
        chosen = renditions[int(rng.integers(len(renditions)))]
        return chosen if rng.random() < self.style_share else self.stimuli[index]

    def collate(self, items: Sequence[Item]) -> SourceBatch:
        """A batch of images with padded paths."""
        return SourceBatch(
            planes([item.image for item in items]),
            pad_paths([item.paths for item in items], self.max_fixations, self.datasets),
            [item.id for item in items],
            torch.tensor([item.weight for item in items]),
            planes([item.original for item in items if item.original is not None])
            if self.originals
            else None,
        )


class TargetSet(Dataset[Item]):
    """Images alone; it is never given the gaze on them.

    Args:
        stimuli: The images by their identifiers.
        cache: Decoded images.
        augment: Changes images; None leaves them.
        seed: Seed of the augmentation.
    """

    def __init__(
        self,
        stimuli: Mapping[str, Stimulus],
        cache: ImageCache,
        augment: Augment | None = None,
        seed: int = 0,
    ) -> None:
        self.ids = list(stimuli)
        self.stimuli = list(stimuli.values())
        self.cache, self.augment, self.seed = cache, augment, seed

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, key: tuple[int, int] | int) -> Item:
        draw, index = key if isinstance(key, tuple) else (key, key)
        image = self.cache.get(self.stimuli[index])
        if self.augment is not None:
            image, _ = self.augment(image, [], np.random.default_rng([self.seed, draw, 1]))
        return Item(image, (), self.ids[index], 1.0)

    @staticmethod
    def collate(items: Sequence[Item]) -> TargetBatch:
        """A batch of images."""
        return TargetBatch(planes([item.image for item in items]), [item.id for item in items])
