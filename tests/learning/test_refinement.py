"""The second stage: its gradient is the energy score's."""

from __future__ import annotations

import pytest
import torch

from spgen_lit.batch import PathBatch
from spgen_lit.learning.refinement import Refinement
from spgen_lit.network.encoders.mobilenet import MobileNetV2
from spgen_lit.network.spgen import SPGen


def _observers(paths: int, steps: int) -> PathBatch:
    generator = torch.Generator().manual_seed(1)
    return PathBatch(
        0.1 + 0.2 * torch.rand(1, paths, steps, 2, generator=generator),
        torch.full((1, paths, steps), 0.25),
        torch.full((1, paths), steps),
        torch.full((1, paths, 4), float("nan")),
    )


def test_descending_the_loss_lowers_the_energy_score() -> None:
    torch.manual_seed(0)
    encoder = MobileNetV2(weights="none", taps=(6,), frozen_stages="all")
    network = SPGen(encoder, (96, 64), channels=16, priors=4, max_fixations=6, dropout=0.0)
    observers, image = _observers(5, 5), torch.rand(1, 3, 64, 96)

    def energy() -> float:
        with torch.no_grad():
            _, value = Refinement(1.0, samples=60)(network, network.encode(image), observers)
        return float(value)

    before = energy()
    refinement = Refinement(weight=1.0, samples=24)
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 0.01)
    for _ in range(40):
        optimizer.zero_grad()
        loss, _ = refinement(network, network.encode(image), observers)
        loss.backward()
        optimizer.step()
    assert energy() < before - 0.1


def test_the_stage_begins_at_its_share_and_only_with_a_weight() -> None:
    assert not Refinement(weight=0.0, start=0.0).active(1.0)
    later = Refinement(weight=1.0, start=0.5)
    assert [later.active(p) for p in (0.0, 0.49, 0.5, 1.0)] == [False, False, True, True]


@pytest.mark.parametrize("wrong", [{"weight": -1.0}, {"start": 1.5}, {"samples": 2}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="refinement needs"):
        Refinement(**wrong)  # type: ignore[arg-type]
