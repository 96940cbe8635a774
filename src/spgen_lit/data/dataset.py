"""Images with everything people did on them, and images without gaze, ready for batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from spgen_lit.batch import SourceBatch, TargetBatch, pad_paths
from spgen_lit.data.augment import Augment, ViewingAugment
from spgen_lit.data.cache import ImageCache
from spgen_lit.data.images import Pixels
from spgen_lit.data.records import Stimulus
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


@dataclass(eq=False)
class SourceSet(Dataset[Item]):
    """Images with the scanpaths of all their observers, in the frame's coordinates.

    Items are asked for by a draw's number and an image's index; augmentation depends on the
    seed and the draw alone, so neither workers nor ranks nor a resumed run change it.

    Attributes:
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

    stimuli: Mapping[str, Stimulus]
    paths: Mapping[str, Sequence[Scanpath]]
    cache: ImageCache
    augment: Augment | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    max_fixations: int = 60
    seed: int = 0
    styles: Mapping[str, Sequence[Stimulus]] = field(default_factory=dict)
    style_share: float = 0.0
    originals: bool = False
    viewing: ViewingAugment | None = None
    datasets: Sequence[str] = ()

    def __post_init__(self) -> None:
        seen = {
            i: paths for i, paths in self.paths.items() if any(len(p.on_image()) for p in paths)
        }
        self.ids = [i for i in self.stimuli if i in seen]
        frame = self.cache.frame
        self.paths = {
            i: [replace(p, xy=frame.xy(p.xy, self.stimuli[i].size)) for p in seen[i]]
            for i in self.ids
        }

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, number: tuple[int, int] | int) -> Item:
        # A plain index comes from samplers that the trainer puts in, as overfit_batches does.
        draw, index = number if isinstance(number, tuple) else (number, number)
        key = self.ids[index]
        image, paths = self.cache.get(self._shown(draw, key)), self.paths[key]
        original = self.cache.get(self.stimuli[key]) if self.originals else None
        if self.augment is not None:
            seed = [self.seed, draw]
            if original is not None:
                plain = replace(self.augment, texture=0.0)
                original, _ = plain(original, paths, np.random.default_rng(seed))
            image, shifted = self.augment(image, paths, np.random.default_rng(seed))
            paths = shifted if any(len(p.on_image()) for p in shifted) else paths
        if self.viewing is not None:
            paths = self.viewing(paths, np.random.default_rng([self.seed, draw, 3]))
        return Item(image, paths, key, self.weights.get(key, 1.0), original)

    def _shown(self, draw: int, key: str) -> Stimulus:
        """The image of a draw: the photograph, or one of its renditions."""
        renditions = self.styles.get(key, ())
        if not renditions or not self.style_share:
            return self.stimuli[key]
        # A stream of its own: augmentation draws the same with renditions and without.
        rng = np.random.default_rng([self.seed, draw, 2])
        chosen = renditions[int(rng.integers(len(renditions)))]
        return chosen if rng.random() < self.style_share else self.stimuli[key]

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


@dataclass(eq=False)
class TargetSet(Dataset[Item]):
    """Images alone; it is never given the gaze on them.

    Attributes:
        stimuli: The images by their identifiers.
        cache: Decoded images.
        augment: Changes images; None leaves them.
        seed: Seed of the augmentation.
    """

    stimuli: Mapping[str, Stimulus]
    cache: ImageCache
    augment: Augment | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        self.ids = list(self.stimuli)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, number: tuple[int, int] | int) -> Item:
        draw, index = number if isinstance(number, tuple) else (number, number)
        key = self.ids[index]
        image = self.cache.get(self.stimuli[key])
        if self.augment is not None:
            image, _ = self.augment(image, [], np.random.default_rng([self.seed, draw, 1]))
        return Item(image, (), key, 1.0)

    @staticmethod
    def collate(items: Sequence[Item]) -> TargetBatch:
        """A batch of images."""
        return TargetBatch(planes([item.image for item in items]), [item.id for item in items])
