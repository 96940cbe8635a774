"""Scanpath losses: likelihoods by hand, masks, and weights of images and parts."""

from __future__ import annotations

import math

import pytest
import torch
from spgen_lit.learning.losses import ScanpathLoss
from spgen_lit.network.published_paths import RegressionOutputs

from spgen_lit.batch import PathBatch
from spgen_lit.network.spgen import StepOutputs

GRID = (2, 4)


def _paths(lengths: list[int], image: list[int], seconds: float = 0.25) -> PathBatch:
    steps = max(lengths)
    generator = torch.Generator().manual_seed(len(lengths))
    length = torch.tensor(lengths)
    mask = torch.arange(steps) < length[:, None]
    xy = torch.rand(len(lengths), steps, 2, generator=generator) * mask[..., None]
    return PathBatch(xy, mask * seconds, length, torch.tensor(image))


def _outputs(paths: PathBatch, seed: int = 0) -> StepOutputs:
    generator = torch.Generator().manual_seed(seed)
    shape = paths.xy.shape[:2]
    return StepOutputs(
        torch.randn(*shape, 8, generator=generator),
        torch.randn(*shape, generator=generator),
        torch.randn(*shape, generator=generator),
        GRID,
    )


def test_uniform_maps_cost_the_log_of_their_places() -> None:
    paths = _paths([3, 2], [0, 0])
    flat = StepOutputs(torch.zeros(2, 3, 8), torch.zeros(2, 3), torch.zeros(2, 3), GRID)
    parts = ScanpathLoss()([flat], paths, torch.ones(1), 2.0)
    assert parts["fixation"].item() == pytest.approx(math.log(8), rel=1e-5)
    assert parts["end"].item() == pytest.approx(math.log(2), rel=1e-5)


def test_without_spread_the_loss_is_the_negative_log_likelihood_of_the_cells() -> None:
    paths = _paths([3, 2], [0, 0])
    out = _outputs(paths)
    logs = out.logits.log_softmax(-1)
    values = []
    for row, length in enumerate([3, 2]):
        for step in range(length):
            x, y = paths.xy[row, step].tolist()
            values.append(-logs[row, step, int(y * 2) * 4 + int(x * 4)].item())
    parts = ScanpathLoss(spread=0, end=0, duration=0)([out], paths, torch.ones(1), 2.0)
    assert parts["total"].item() == pytest.approx(sum(values) / 5, rel=1e-5)


def test_what_lies_beyond_a_path_and_unknown_durations_do_not_count() -> None:
    paths = _paths([3, 1], [0, 0])
    out = _outputs(paths)
    before = ScanpathLoss()([out], paths, torch.ones(1), 2.0)
    for field in (out.logits, out.end, out.duration):
        field[1, 1:] = 1e4
    after = ScanpathLoss()([out], paths, torch.ones(1), 2.0)
    assert all(torch.equal(before[name], after[name]) for name in before)
    unknown = paths._replace(durations=torch.full_like(paths.durations, math.nan))
    assert ScanpathLoss()([out], unknown, torch.ones(1), 2.0)["duration"] == 0


def test_the_end_is_learned_at_the_last_fixation() -> None:
    paths = _paths([2], [0])
    flat = torch.zeros(1, 2, 8)
    right = StepOutputs(flat, torch.tensor([[-9.0, 9.0]]), torch.zeros(1, 2), GRID)
    wrong = StepOutputs(flat, torch.tensor([[9.0, -9.0]]), torch.zeros(1, 2), GRID)
    loss = ScanpathLoss()
    assert loss([right], paths, torch.ones(1), 2.0)["end"] < 1e-3
    assert loss([wrong], paths, torch.ones(1), 2.0)["end"] > 8


def test_images_weigh_the_same_however_many_people_looked_and_by_their_weights() -> None:
    paths = _paths([3, 2, 4], [0, 0, 1])
    first, second = paths.of_image(0), paths.of_image(1)
    outs = [_outputs(first, 1), _outputs(second, 2)]
    loss = ScanpathLoss()
    alone = [
        loss([o], p._replace(image=torch.zeros_like(p.image)), torch.ones(1), 2.0)["total"]
        for o, p in zip(outs, (first, second), strict=True)
    ]
    both = loss(outs, paths, torch.tensor([1.0, 3.0]), 2.0)["total"]
    assert both.item() == pytest.approx((alone[0] + 3 * alone[1]).item() / 2, rel=1e-5)


def test_regression_is_the_squared_distance_to_every_observer() -> None:
    xy = torch.tensor([[[0.2, 0.2], [0.4, 0.4]], [[0.6, 0.2], [0.0, 0.0]]])
    paths = PathBatch(xy, torch.zeros(2, 2), torch.tensor([2, 1]), torch.zeros(2).long())
    out = RegressionOutputs(
        torch.tensor([[0.4, 0.2], [0.4, 0.0], [0.9, 0.9]]), torch.full((3,), 0.5)
    )
    parts = ScanpathLoss()([out], paths, torch.ones(1), 1.0)
    assert parts["fixation"].item() == pytest.approx((0.04 + 0.16 + 0.04) / 3)
    # Gates are compared with the share of people who had a k-th fixation: 1, 1/2, 0.
    assert parts["end"].item() == pytest.approx(math.log(2), rel=1e-4)


def test_negative_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        ScanpathLoss(end=-1)
