"""Tiny sets of noise images, data modules and trainers, for training in a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from PIL import Image
from tests.networks import spgen

from spgen_lit.data.augment import Augment
from spgen_lit.data.module import DomainMix
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.learning.adaptation import Adaptation
from spgen_lit.learning.callbacks.checkpointing import (
    AtomicCheckpointIO,
    Ema,
    LastCheckpoint,
)
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.learning.optimizer import ScheduledAdamW
from spgen_lit.learning.reversal import Schedule
from spgen_lit.scanpath import Scanpath

SIZE = (64, 64)


@dataclass
class NoiseImages:
    """Random images with random gaze of three observers."""

    root: Path
    count: int = 8
    seed: int = 0
    gaze: bool = True

    def read(self) -> GazeSet:
        self.root.mkdir(parents=True, exist_ok=True)
        stimuli, paths = {}, []
        for number in range(self.count):
            rng = np.random.default_rng([self.seed, number])
            name = f"{self.seed}-{number}.png"
            file = self.root / name
            pixels = rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8)
            if not file.exists():
                Image.fromarray(pixels).save(file)
            stimuli[name] = Stimulus(name, file, SIZE)
            for observer in range(3 if self.gaze else 0):
                length = int(rng.integers(2, 6))
                xy, seconds = rng.uniform(0, 1, (length, 2)), rng.uniform(0.1, 0.5, length)
                paths.append(Scanpath(name, SIZE, xy, seconds, str(observer)))
        return GazeSet("noise", stimuli, paths, "eye" if self.gaze else "none")


@pytest.fixture
def make_data(tmp_path: Path) -> Callable[..., DomainMix]:
    """Eight source images (six to train on, one to validate), five target images."""

    def make(**settings: Any) -> DomainMix:
        target = {"b": NoiseImages(tmp_path / "b", 5, 9, gaze=False)}
        defaults = {"target": target, "size": SIZE, "batch_size": 2, "augment": Augment(flip=0.5)}
        source = {"a": NoiseImages(tmp_path / "a")}
        return DomainMix(source, **{**defaults, "cache_dir": tmp_path / "cache", **settings})

    return make


@pytest.fixture
def make_module() -> Callable[..., ScanpathModule]:
    """A module around a small network for 64x64 px; the same weights every time."""

    def make(ceiling: float = 0.5, method: str = "adversarial", **settings: Any) -> ScanpathModule:
        torch.manual_seed(0)
        defaults = {"frame": SIZE, "channels": 8, "priors": 2, "max_fixations": 5}
        network = spgen(**{**defaults, **settings})
        schedule = Schedule("constant", ceiling)
        module = ScanpathModule(
            network,
            Adaptation(network, method, schedule=schedule),
            optimizer=ScheduledAdamW(lr=3e-3, encoder_lr=1e-3),
            samples=2,
        )
        torch.manual_seed(1)
        return module

    return make


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[..., L.Trainer]:
    """A trainer as the command line makes it, for two epochs on one thread."""

    def make(name: str, *callbacks: L.Callback, **settings: Any) -> L.Trainer:
        best = ModelCheckpoint(tmp_path / name, "best", "val/energy", enable_version_counter=False)
        last = LastCheckpoint(str(tmp_path / name))
        defaults: dict[str, Any] = {"max_epochs": 2, "num_sanity_val_steps": 0, "logger": False}
        return L.Trainer(
            **{**defaults, "gradient_clip_val": 1.0, "log_every_n_steps": 1, **settings},
            accelerator="cpu",
            plugins=[AtomicCheckpointIO()],
            callbacks=[best, last, Ema(0.9), *callbacks],
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=tmp_path,
        )

    return make
