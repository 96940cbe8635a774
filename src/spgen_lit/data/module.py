"""The data module: source images with gaze and target paintings without, step by step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import lightning as L
import torch
from lightning.pytorch.utilities import CombinedLoader
from torch import Tensor

from spgen_lit.data.augment import Augment, ViewingAugment
from spgen_lit.data.cache import ImageCache
from spgen_lit.data.dataset import SourceSet, TargetSet, planes
from spgen_lit.data.duplicates import Print, alike, fingerprints, groups
from spgen_lit.data.images import Frame
from spgen_lit.data.painting.painted import Painted, StyleReaders, renditions
from spgen_lit.data.records import GazeSet, Reader, Split, Stimulus
from spgen_lit.data.sampling import ShuffledStream, StreamLoader
from spgen_lit.data.splits import SPLITS, split_images, split_observers

# Two files of one picture: saved again or made smaller, not painted over.
_SAME_BITS, _SAME_LEVELS = 4, 4.0


def _single_threaded(_: int) -> None:
    cv2.setNumThreads(0)


@dataclass(eq=False, repr=False)
class DomainMix(L.LightningDataModule):
    """Mixes source and target in every step; splits by image; works on any number of ranks.

    Gaze on target images, where a set has it, is kept for evaluation: target batches have
    no field for it. Target images held out for evaluation are not trained on either.

    Args:
        source: Set name to reader; sets with gaze.
        target: Set name to reader; sets with or without gaze. Empty trains without a target.
        evaluation: Set name to reader; sets with gaze that are scored after training and
            seen by nothing before.
        size: Width and height in px of the frame that images are brought into.
        mode: ``stretch`` or ``letterbox``.
        batch_size: Source images a step and device.
        target_batch_size: Target images a step and device; None for as many.
        val: Fraction of the source images for validation where no official split stands.
        test: Fraction for testing.
        split_seed: Seed of the splits.
        seed: Seed of shuffling and augmentation.
        weights: Weight in the loss of each source set's images.
        augment: Of the training images, both domains.
        max_fixations: Longest path that is trained on.
        workers: Loader processes a device.
        cache_dir: Folder of the decoded images.
        styles: Source set's name to one or several readers of the same images in other
            styles, such as :class:`~spgen_lit.data.painting.painted.Painted`; for training alone.
        style_share: Probability that a training draw shows a rendition in place of the image.
        viewing: Cuts training paths in time and hides viewing conditions; None leaves them.
        originals: Give the image itself beside what is shown in training.
        max_batch_size: Most images of a batch; a larger one is taken for a slip.
        allow_same_images: Let a picture be in the source and in the target or evaluation.
        needs_target: Refuse to train without a target.
        simulated_target: Let a simulated target stand beside a recorded source.
        held_out_observers: Fraction of each source set's observers whose gaze is seen in testing
            alone; test images are then scored on them alone.
        renditions: Painted versions of each source image for training, made once beside
            ``cache_dir``; `styles` for others.
        datasets: Names of the sets that the network has parameters for.

    Raises:
        ValueError: At :meth:`setup`, for a source without gaze, or weights or styles of
            unknown sets, or renditions that leave out images, or a picture of the source's
            training images that is in the target or evaluation as well, or a target that is
            missing or simulated and must not be.
        ImageError: At :meth:`setup`, naming every image that cannot be read.
    """

    source: Mapping[str, Reader]
    target: Mapping[str, Reader]
    evaluation: Mapping[str, Reader] | None = None
    size: tuple[int, int] = (512, 384)
    mode: Literal["stretch", "letterbox"] = "stretch"
    batch_size: int = 8
    target_batch_size: int | None = None
    val: float = 0.1
    test: float = 0.1
    split_seed: int = 0
    seed: int = 0
    weights: Mapping[str, float] | None = None
    augment: Augment | None = None
    max_fixations: int = 60
    workers: int = 0
    cache_dir: str | Path = ".cache"
    styles: StyleReaders | None = None
    style_share: float = 0.5
    originals: bool = False
    viewing: ViewingAugment | None = None
    max_batch_size: int = 512
    allow_same_images: bool = False
    needs_target: bool = False
    simulated_target: bool = False
    held_out_observers: float = 0.0
    renditions: int = 0
    datasets: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__init__()
        for key in ("batch_size", "target_batch_size"):
            images = getattr(self, key)
            if images is not None and not 1 <= images <= self.max_batch_size:
                raise ValueError(
                    f"data.{key} must be from 1 to data.max_batch_size={self.max_batch_size}, "
                    f"found {images}"
                )
        if self.workers < 0:
            raise ValueError(f"data.workers must be 0 or more, found {self.workers}")
        if not 0 <= self.style_share <= 1:
            raise ValueError(f"data.style_share must be from 0 to 1, found {self.style_share}")
        self.target_batch_size = self.target_batch_size or self.batch_size
        self.fractions = {"val": self.val, "test": self.test}
        self.frame = Frame((int(self.size[0]), int(self.size[1])), self.mode)
        self.cache = ImageCache(self.cache_dir, self.frame)
        self.style_readers = dict(self.styles or {})
        if self.renditions:
            folder = Path(self.cache_dir).with_name("painted")
            for name, reader in self.source.items():
                self.style_readers[name] = [
                    Painted(reader, folder, "train", seed=k) for k in range(self.renditions)
                ]
        self.sets: dict[str, dict[str, GazeSet]] = {}
        self.parts: dict[tuple[str, str], Split] = {}
        self.style_stimuli: dict[str, list[Stimulus]] = {}
        self._prints: dict[str, Print] = {}
        self._stream: StreamLoader | None = None
        self._resumed: dict[str, int] | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read and split all sets and decode their images, once."""
        if self.sets:
            return
        for key, names in (("weights", self.weights or {}), ("styles", self.style_readers)):
            unknown = sorted(names.keys() - self.source.keys())
            if unknown:
                raise ValueError(
                    f"data.{key} names {unknown}; the source sets are {sorted(self.source)}"
                )
        domains = {"source": self.source, "target": self.target, "evaluation": self.evaluation}
        sets = {
            domain: {name: reader.read() for name, reader in (readers or {}).items()}
            for domain, readers in domains.items()
        }
        self._check_sets(sets)
        self._split(sets)
        train = self.parts["source", "train"]
        for split, purpose in (("train", "training"), ("val", "validation")):
            if not self.parts["source", split].paths:
                raise ValueError(
                    f"no source image is left for {purpose}: {len(train.stimuli)} train, with "
                    f"data.val={self.fractions['val']} and data.test={self.fractions['test']}"
                )
        self.style_stimuli = renditions(self.style_readers, train.stimuli, train.sets)
        shown = [part for key, part in self.parts.items() if key != ("evaluation", "train")]
        self.cache.build(
            [
                *(stimulus for part in shown for stimulus in part.stimuli.values()),
                *(stimulus for versions in self.style_stimuli.values() for stimulus in versions),
            ]
        )
        self.sets = sets

    def _check_sets(self, sets: Mapping[str, Mapping[str, GazeSet]]) -> None:
        """Refuse a source without gaze, and a target that is missing or simulated unasked."""
        if not sets["source"]:
            raise ValueError("data.source names no set; give one with gaze, e.g. data/source=osie")
        for domain in ("source", "evaluation"):
            for name, gaze in sets[domain].items():
                if not gaze.scanpaths:
                    raise ValueError(
                        f"data.{domain} {name!r} has {len(gaze.stimuli)} images but no gaze; "
                        "it can only be a data.target"
                    )
        ways = (
            "name real images: data/target=folder data.target.folder.root=FOLDER for a folder of "
            "paintings, or data/target=NAME for a set of conf/data/target"
        )
        if self.needs_target and not sets["target"]:
            raise ValueError(f"data.target is empty, and this experiment adapts to it; {ways}")
        simulated = [name for name, gaze in sets["target"].items() if gaze.gaze == "simulated"]
        recorded = [name for name, gaze in sets["source"].items() if gaze.gaze != "simulated"]
        if simulated and recorded and not self.simulated_target:
            raise ValueError(
                f"data.target {simulated[0]!r} is simulated beside the recorded source "
                f"{recorded[0]!r}; {ways}; or ask for it by data.simulated_target=true"
            )

    def _split(self, sets: Mapping[str, Mapping[str, GazeSet]]) -> None:
        """Divide all sets by image, near-duplicates together, and refuse leaks between domains."""
        every = [
            (domain, name, gaze) for domain, named in sets.items() for name, gaze in named.items()
        ]
        stimuli = {f"{d}|{name}|{i}": s for d, name, gaze in every for i, s in gaze.stimuli.items()}
        self._prints = fingerprints(stimuli, self.cache.root)
        prints = list(self._prints.values())
        near = [{key.rpartition("|")[2] for key in group} for group in groups(alike(prints))]
        official = {i for _, _, gaze in every for ids in gaze.splits.values() for i in ids}
        self.parts = {(d, split): Split({}, {}, {}) for d in sets for split in SPLITS}
        for domain, name, gaze in every:
            observed, held = gaze.by_image(), frozenset[str]()
            if domain == "source":
                held = split_observers(gaze, self.split_seed, self.held_out_observers)
            # Without gaze nothing can be scored, so nothing need be held out.
            fractions = self.fractions if observed else {"val": 0.0, "test": 0.0}
            divided = split_images(gaze, self.split_seed, **fractions, groups=near, held=official)
            for split, ids in divided.items():
                part = self.parts[domain, split]
                for i in ids:
                    key = f"{name}/{i}" if len(sets[domain]) > 1 else i
                    part.stimuli[key], part.sets[key] = gaze.stimuli[i], name
                    if i in observed:
                        part.paths[key] = [
                            path
                            for path in observed[i]
                            if not held or (path.observer in held) is (split == "test")
                        ]
        if not self.allow_same_images:
            self._refuse_same_images(prints)

    def _refuse_same_images(self, prints: list[Print]) -> None:
        """A picture that is trained on with gaze must not stand in for another domain."""
        part = self.parts["source", "train"]
        trained = {f"source|{part.sets[key]}|{s.id}" for key, s in part.stimuli.items()}
        same = [
            (pair.one, pair.other)
            for pair in alike(prints, bits=_SAME_BITS, difference=_SAME_LEVELS)
            if pair.one in trained and not pair.other.startswith("source|")
        ]
        if same:
            one, other = (key.split("|", 1)[1].replace("|", "/") for key in same[0])
            domain = same[0][1].partition("|")[0]
            raise ValueError(
                f"{len(same)} pictures of the source's training images are in another domain too: "
                f"{one} is {other} of data.{domain}; take them out of one, or allow it by "
                "+data.allow_same_images=true"
            )

    @property
    def trained_on(self) -> dict[str, dict[str, str]]:
        """Image id to content hash of every set trained on, both domains: for checkpoints."""
        found: dict[str, dict[str, str]] = {}
        for domain in ("source", "target"):
            part = self.parts[domain, "train"]
            for name in self.sets[domain]:
                ids = [part.stimuli[key].id for key in part.of_set(name)]
                found[name] = {i: self._prints[f"{domain}|{name}|{i}"].content for i in ids}
        return found

    @property
    def gaze_kind(self) -> str:
        """How source gaze was recorded: ``eye``, ``mouse``, ``simulated`` or ``mixed``."""
        kinds = {gaze.gaze for gaze in self.sets["source"].values()}
        return kinds.pop() if len(kinds) == 1 else "mixed"

    def _ranks(self) -> tuple[int, int]:
        trainer = self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)

    @property
    def steps(self) -> int:
        """Training steps an epoch: one pass over the source."""
        images = len(self.parts["source", "train"].stimuli)
        return max(math.ceil(images / (self.batch_size * self._ranks()[1])), 1)

    def _loader(
        self, dataset: SourceSet | TargetSet, sampler: Iterable[object], batch_size: int
    ) -> StreamLoader:
        return StreamLoader(
            dataset,
            batch_size,
            sampler=sampler,
            num_workers=self.workers,
            collate_fn=dataset.collate,
            worker_init_fn=_single_threaded,
            persistent_workers=self.workers > 0,
            # Its own, so that making an iterator takes nothing from what dropout draws.
            generator=torch.Generator().manual_seed(self.seed),
        )

    def source_set(self, split: str) -> SourceSet:
        """Source images of a split with their gaze; in training augmented and in other styles."""
        part, training = self.parts["source", split], split == "train"
        return SourceSet(
            part.stimuli,
            part.paths,
            self.cache,
            self.augment if training else None,
            {key: (self.weights or {}).get(name, 1.0) for key, name in part.sets.items()},
            self.max_fixations,
            self.seed,
            self.style_stimuli if training else {},
            self.style_share,
            training and self.originals,
            self.viewing if training else None,
            self.datasets,
        )

    def planes(self, stimuli: Iterable[Stimulus]) -> Tensor:
        """Images in the frame, uint8 RGB ``(image, 3, height, width)``."""
        return planes([self.cache.get(stimulus) for stimulus in stimuli])

    def train_dataloader(self) -> CombinedLoader:
        """Steps of ``{"source": SourceBatch, "target": TargetBatch}``."""
        rank, world = self._ranks()
        stimuli = self.parts["target", "train"].stimuli
        sets: dict[str, SourceSet | TargetSet] = {"source": self.source_set("train")}
        if stimuli:
            sets["target"] = TargetSet(stimuli, self.cache, self.augment, self.seed)
        sizes = {"source": self.batch_size, "target": self.target_batch_size or self.batch_size}
        loaders = {}
        for domain, dataset in sets.items():
            size = sizes[domain]
            sampler = ShuffledStream(len(dataset), self.steps, size, self.seed, rank, world)
            loaders[domain] = self._loader(dataset, sampler, size)
            if self._resumed is not None:
                loaders[domain].load_state_dict(self._resumed)
        self._resumed = None
        self._stream = loaders["source"]
        return CombinedLoader(loaders, "min_size")

    def state_dict(self) -> dict[str, int]:
        """How far the stream of training batches has come; saved in checkpoints."""
        return {} if self._stream is None else self._stream.state_dict()

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on from there. The trainer itself would tell the loaders too late: it makes them
        to count the steps, before it has restored its loops.
        """
        self._resumed = state_dict or None

    def val_dataloader(self) -> StreamLoader:
        """Source images of the validation split."""
        dataset = self.source_set("val")
        rank, world = self._ranks()
        if 1 <= len(dataset) < world:
            # A process without an image would skip the sums that the others wait for.
            raise ValueError(
                f"{len(dataset)} validation images do not go round {world} processes; raise "
                "data.val or use fewer devices"
            )
        return self._loader(dataset, range(rank, len(dataset), world), self.batch_size)


# Lightning takes dataclasses to pieces when it spawns processes on CPUs, and fails on frozen ones
# such as readers: to it this is a data module like any other.
delattr(DomainMix, "__dataclass_fields__")
