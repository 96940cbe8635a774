"""The second stage: its gradient is the energy score's."""

from __future__ import annotations

import pytest
import torch
from tests.networks import spgen

from spgen_lit.batch import PathBatch
from spgen_lit.learning.refinement import Refinement
from spgen_lit.network.spgen import SPGen


def _people(paths: int, steps: int) -> PathBatch:
    generator = torch.Generator().manual_seed(1)
    xy = 0.1 + 0.2 * torch.rand(paths, steps, 2, generator=generator)
    return PathBatch(
        xy,
        torch.full((paths, steps), 0.25),
        torch.full((paths,), steps),
        torch.zeros(paths, dtype=torch.long),
    )


def _energy(network: SPGen, scenes: object, people: PathBatch) -> float:
    with torch.no_grad():
        _, energy = Refinement(weight=1.0, samples=60)(network, scenes, people)
    return float(energy)


def test_descending_the_loss_lowers_the_energy_score() -> None:
    torch.manual_seed(0)
    network = spgen((96, 64), taps=(6,), channels=16, priors=4, max_fixations=6, dropout=0.0)
    people = _people(5, 5)
    scenes = network.encode(torch.randn(1, 3, 64, 96))
    before = _energy(network, scenes, people)
    refinement = Refinement(weight=1.0, samples=24)
    taps = [tap.detach() for tap in scenes.taps]
    head = [p for name, p in network.named_parameters() if not name.startswith("encoder.")]
    optimiser = torch.optim.Adam(head, 0.01)
    for _ in range(40):
        optimiser.zero_grad()
        loss, _ = refinement(network, network.scenes(taps, (64, 96)), people)
        loss.backward()
        optimiser.step()
    after = _energy(network, network.scenes(taps, (64, 96)), people)
    assert after < before - 0.1


def test_the_stage_begins_at_its_share_and_only_with_a_weight() -> None:
    assert not Refinement(weight=0.0, start=0.0).active(1.0)
    later = Refinement(weight=1.0, start=0.5)
    assert [later.active(p) for p in (0.0, 0.49, 0.5, 1.0)] == [False, False, True, True]


@pytest.mark.parametrize("wrong", [{"weight": -1.0}, {"start": 1.5}, {"samples": 2}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="refinement needs"):
        Refinement(**wrong)  # type: ignore[arg-type]
