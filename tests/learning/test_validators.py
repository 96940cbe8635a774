"""Validators by figures known beforehand; the target's gaze reaches nothing but its scores."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from tests.networks import spgen

from spgen_lit.data.module import DomainMix
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.learning.adaptation import Adaptation
from spgen_lit.learning.callbacks.domain_monitor import DomainMonitor
from spgen_lit.learning.callbacks.target_oracle import TargetOracle
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.learning.validators import (
    deep_embedded_validation,
    density_ratio,
    soft_neighborhood_density,
    validate,
)
from spgen_lit.scanpath import Scanpath

SIZE = (64, 64)
VALIDATORS = ("source", "entropy", "information", "density", "dev")


def maps(peaks: list[int]) -> torch.Tensor:
    out = torch.full((len(peaks), 2, 16), 1e-4)
    for image, place in enumerate(peaks):
        out[image, :, place] = 1
    return (out / out.sum(-1, keepdim=True)).log().view(len(peaks), 2, 4, 4)


def test_density_is_high_where_neighbours_are_many() -> None:
    clustered = soft_neighborhood_density(maps([0, 0, 0, 0, 5, 5, 5, 5]))
    assert clustered == pytest.approx(np.log(3), abs=0.01)
    # Pairs: one neighbour each, which takes all the similarity.
    assert soft_neighborhood_density(maps([0, 0, 5, 5, 9, 9])) == pytest.approx(0, abs=0.01)
    with pytest.raises(ValueError, match="3 or more images, found 2"):
        soft_neighborhood_density(maps([0, 1]))


def test_deep_embedded_validation_estimates_the_targets_loss() -> None:
    """A loss that grows along the way from source to target: the source's mean is too low."""
    rng = np.random.default_rng(0)
    training, held_out = rng.normal(0, 1, (400, 1)), rng.normal(0, 1, (400, 1))
    target = rng.normal(1, 1, (400, 1))
    weights = density_ratio(training, target, held_out)
    assert np.corrcoef(weights, held_out[:, 0])[0, 1] > 0.8
    losses, truth = held_out[:, 0] + 2, float((target[:, 0] + 2).mean())
    estimate = deep_embedded_validation(weights, losses)
    assert abs(estimate - truth) < abs(losses.mean() - truth)
    # Without a shift the weights are near 1, and a constant loss stays as it is.
    assert deep_embedded_validation(weights, np.full(400, 0.3)) == pytest.approx(0.3)
    assert deep_embedded_validation(np.ones(3), np.array([0.1, 0.2, 0.6])) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="one weight a loss"):
        deep_embedded_validation(weights, losses[:-1])


def test_validators_leave_out_images_without_a_loss() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(3, 8, 5))
    losses = np.array([0.3, 0.4, np.nan, 0.5, 0.3, 0.4, 0.5, 0.4])
    values = validate(maps([0, 1, 2, 3, 4, 5, 6, 7]), *features, losses)
    assert tuple(values) == VALIDATORS
    assert all(np.isfinite(value) for value in values.values())
    assert values["source"] == pytest.approx(0.4)
    alike = validate(maps([0] * 8), *features, losses)
    assert values["information"] < alike["information"]


@dataclass(frozen=True)
class Noise:
    """A reader of random images; ``spread`` changes the gaze on them and nothing else."""

    root: Path
    name: str
    spread: float = 0.3
    untouchable: bool = False
    count: int = 12

    def read(self) -> GazeSet:
        self.root.mkdir(exist_ok=True)
        rng = np.random.default_rng(list(self.name.encode()))
        stimuli, paths = {}, []
        for number in range(self.count):
            file = self.root / f"{self.name}{number}.png"
            pixels = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            if not file.exists():
                cv2.imwrite(str(file), cv2.resize(pixels, SIZE))
            stimuli[file.name] = Stimulus(file.name, file, SIZE)
            for observer in range(3):
                gaze = np.random.default_rng([number, observer])
                xy = 0.5 + gaze.uniform(-self.spread, self.spread, (4, 2))
                kind = Untouchable if self.untouchable else Scanpath
                paths.append(kind(file.name, SIZE, xy, None, f"o{observer}"))
        return GazeSet(self.name, stimuli, paths, "eye")


class Untouchable(Scanpath):
    """A scanpath whose fixations must not be read once data are set up."""

    sealed = False

    def __getattribute__(self, name: str) -> Any:
        if name in ("xy", "durations", "on_image") and Untouchable.sealed:
            raise AssertionError("the target's gaze was read")
        return super().__getattribute__(name)


def fit(
    folder: Path, images: Path, target: Noise, oracle: bool = False, monitor: str = "validator/dev"
) -> tuple[dict[str, Any], float | None, list[dict[str, str]]]:
    """Two epochs; the last weights, the best value monitored, and what was logged."""
    L.seed_everything(0, verbose=False)
    data = DomainMix(
        {"source": Noise(images, "source", count=14)},
        {"target": target},
        {"painted": replace(target, name="painted", untouchable=False)} if oracle else {},
        size=SIZE,
        batch_size=6,
        val=0.3,
        test=0.0,
        cache_dir=images / "cache",
    )
    data.setup()
    Untouchable.sealed = True
    network = spgen(frame=SIZE, channels=16, priors=4, max_fixations=4, frozen_stages=12)
    adaptation = Adaptation(network, "adversarial+consistency")
    module = ScanpathModule(network, adaptation, samples=3)
    more = [TargetOracle(data, 4, 3)] if oracle else []
    best = ModelCheckpoint(folder, "best", monitor=monitor, mode="min")
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=CSVLogger(folder, name=None, version=""),
        callbacks=[best, DomainMonitor(data, 6), *more],
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )
    trainer.fit(module, data)
    Untouchable.sealed = False
    with (folder / "metrics.csv").open() as lines:
        logged = list(csv.DictReader(lines))
    score = best.best_model_score
    return network.state_dict(), None if score is None else float(score), logged


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    images = tmp_path_factory.mktemp("images")
    folder = tmp_path_factory.mktemp("first")
    return images, (folder, *fit(folder, images, Noise(images, "target", untouchable=True)))


def test_every_validation_logs_the_validators(first: tuple[Path, Any]) -> None:
    _, (folder, _, score, logged) = first
    rows = [row for row in logged if row.get("validator/dev")]
    assert len(rows) == 2
    for name in VALIDATORS:
        assert all(np.isfinite(float(row[f"validator/{name}"])) for row in rows)
    assert all(0 <= float(row["adaptation/a_distance"]) <= 2 for row in rows)
    assert float(rows[0]["validator/source"]) == pytest.approx(
        float(rows[0]["val/energy"]), abs=1e-5
    )
    assert score == pytest.approx(min(float(row["validator/dev"]) for row in rows), abs=1e-5)
    names = {name for row in logged for name, value in row.items() if value}
    assert {"gradient/encoder_scanpath", "gradient/encoder_domain"} <= names
    assert "adaptation/coefficient" in names and "adaptation/consistency" in names
    picture = cv2.imread(str(folder / "pictures" / "domains.png"))
    assert picture is not None and picture.std() > 0


def test_target_gaze_reaches_neither_training_nor_selection(
    first: tuple[Path, Any], tmp_path: Path
) -> None:
    """It was sealed in the first run; other gaze gives the very same weights and choice."""
    images, (_, weights, score, _) = first
    other, other_score, logged = fit(
        tmp_path, images, Noise(images, "target", spread=0.05), oracle=True
    )
    assert score == other_score
    for name, value in weights.items():
        assert torch.equal(value, other[name]), name
    # The truth is known beside it, and says so of itself.
    rows = [row for row in logged if row.get("oracle/energy")]
    assert len(rows) == 2 and all(0 < float(row["oracle/energy"]) < 1 for row in rows)


def test_nothing_may_be_chosen_by_the_truth(first: tuple[Path, Any], tmp_path: Path) -> None:
    target = Noise(first[0], "target")
    with pytest.raises(ValueError, match=r"ModelCheckpoint monitors 'oracle/energy'.*val/energy"):
        fit(tmp_path, first[0], target, oracle=True, monitor="oracle/energy")


def test_the_domain_monitor_needs_images(make_data: Callable[..., DomainMix]) -> None:
    with pytest.raises(ValueError, match=r"monitor\.images must be at least 4, found 2"):
        DomainMonitor(make_data(), 2)
