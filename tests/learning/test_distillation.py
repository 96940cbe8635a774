"""Features of renditions drawn to those of the photograph, without gaze."""

from __future__ import annotations

import pytest
import torch
from tests.learning.conftest import NoiseImages
from tests.networks import spgen
from torch import Tensor

from spgen_lit.learning.adaptation import Adaptation
from spgen_lit.learning.distillation import Distillation
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.network.spgen import SPGen


def _network(frozen: int = 4) -> SPGen:
    torch.manual_seed(0)
    network = spgen(frozen_stages=frozen, channels=16, priors=4)
    for module in network.encoder.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.train().momentum = 1.0
    with torch.no_grad():
        network.encoder(_images())
    return network.train()


def _images(seed: int = 0) -> Tensor:
    shape = (2, 3, 64, 64)
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed)).byte()


def test_untouched_encoder_is_at_no_distance_from_its_photographs() -> None:
    network = _network()
    distillation = Distillation(network.encoder, 1.0)
    taps = network.encoder(_images())
    assert distillation(taps, _images()).item() < 1e-8
    assert distillation(taps, _images(1)).item() > 0.01


def test_learning_draws_renditions_to_photographs_and_leaves_the_teacher() -> None:
    network = _network()
    distillation = Distillation(network.encoder, 1.0)
    before = [p.clone() for p in distillation.teacher.parameters()]
    trained = [p for p in network.encoder.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, 1e-3)
    losses = []
    for _ in range(8):
        loss = distillation(network.encoder(_images(1)), _images())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    for old, new in zip(before, distillation.teacher.parameters(), strict=True):
        assert torch.equal(old, new)
        assert new.grad is None


def test_teacher_is_no_part_of_the_module() -> None:
    network = _network()
    alone = ScanpathModule(network, Adaptation(network, "none"))
    distillation = Distillation(network.encoder, 1.0)
    module = ScanpathModule(network, Adaptation(network, "none"), distillation=distillation)
    assert module.state_dict().keys() == alone.state_dict().keys()


def test_maps_of_nothing_are_at_no_distance() -> None:
    distillation = Distillation(_network().encoder, 1.0)
    for norm in distillation.teacher.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.zeros_(norm.weight)
    empty = distillation.teacher(_images())
    assert distillation(empty, _images()).item() == 0.0


def test_frozen_encoder_and_weights_without_effect_are_refused() -> None:
    with pytest.raises(ValueError, match=r"frozen; lower network\.encoder\.frozen_stages"):
        Distillation(_network(19).encoder, 1.0)
    for weight in (0.0, -1.0):
        with pytest.raises(ValueError, match=f"above 0, found {weight}"):
            Distillation(_network().encoder, weight)


def test_training_logs_the_distance_and_adds_it(make_data, make_module, make_trainer, tmp_path):
    losses = {}
    for weight in (0.0, 5.0):
        styles = {"a": NoiseImages(tmp_path / "painted", 8, 0)}
        data = make_data(originals=weight > 0, styles=styles)
        module = make_module(0.0)
        if weight:
            module.distillation = Distillation(module.network.encoder, weight)
        trainer = make_trainer(f"run-{weight}", limit_train_batches=1, max_epochs=1)
        trainer.fit(module, data)
        losses[weight] = {k: float(v) for k, v in trainer.callback_metrics.items()}
    apart = losses[5.0]["train/distillation"]
    assert "train/distillation" not in losses[0.0]
    assert losses[5.0]["train/loss"] == pytest.approx(losses[0.0]["train/loss"] + 5 * apart)
