"""Scanpath losses: likelihoods by hand, masks, and weights of images."""

from __future__ import annotations

import math

import pytest
import torch

from spgen_lit.batch import PathBatch
from spgen_lit.network.losses import end_loss, mean_of_image, place_loss, regression_loss, weighted

GRID = (2, 4)


def _paths(lengths: list[list[int]], seconds: float = 0.25) -> PathBatch:
    length = torch.tensor(lengths)
    steps = int(length.max())
    generator = torch.Generator().manual_seed(length.numel())
    mask = torch.arange(steps) < length[..., None]
    xy = torch.rand(*length.shape, steps, 2, generator=generator) * mask[..., None]
    return PathBatch(xy, mask * seconds, length, torch.full((*length.shape, 4), math.nan))


def test_uniform_maps_cost_the_log_of_their_cells() -> None:
    paths = _paths([[3, 2]])
    assert place_loss(torch.zeros(1, 2, 3, 8), paths, GRID, 0.7, 2.0).item() == pytest.approx(
        math.log(8), rel=1e-5
    )
    assert end_loss(torch.zeros(1, 2, 3), paths).item() == pytest.approx(math.log(2), rel=1e-5)


def test_with_sigma_zero_the_loss_is_the_negative_log_likelihood_of_the_cells() -> None:
    paths = _paths([[3, 2]])
    logits = torch.randn(1, 2, 3, 8, generator=torch.Generator().manual_seed(0))
    logs, values = logits.log_softmax(-1), []
    for row, length in enumerate([3, 2]):
        for step in range(length):
            x, y = paths.xy[0, row, step].tolist()
            values.append(-logs[0, row, step, int(y * 2) * 4 + int(x * 4)].item())
    found = place_loss(logits, paths, GRID, 0.0, 2.0)
    assert found.item() == pytest.approx(sum(values) / 5, rel=1e-5)


def test_what_lies_beyond_a_path_and_paths_that_do_not_exist_count_nothing() -> None:
    paths = _paths([[3, 1, 0]])
    logits, ends = torch.randn(1, 3, 3, 8), torch.randn(1, 3, 3)
    before = place_loss(logits, paths, GRID, 0.7, 2.0), end_loss(ends, paths)
    for values in (logits, ends):
        values[0, 1, 1:] = 1e4
        values[0, 2] = -1e4
    after = place_loss(logits, paths, GRID, 0.7, 2.0), end_loss(ends, paths)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_end_is_learned_at_the_last_fixation() -> None:
    paths = _paths([[2]])
    assert end_loss(torch.tensor([[[-9.0, 9.0]]]), paths) < 1e-3
    assert end_loss(torch.tensor([[[9.0, -9.0]]]), paths) > 8


def test_images_weigh_the_same_however_many_observers_looked_and_by_their_weights() -> None:
    paths = _paths([[3, 2], [4, 0]])
    values = mean_of_image(torch.arange(16.0).view(2, 2, 4), paths.mask)
    assert values.tolist() == pytest.approx([(0 + 1 + 2 + 4 + 5) / 5, (8 + 9 + 10 + 11) / 4])
    found = weighted({"total": values}, torch.tensor([1.0, 3.0]))["total"]
    assert found.item() == pytest.approx((values[0] + 3 * values[1]).item() / 2)


def test_regression_is_the_squared_distance_to_every_observer() -> None:
    xy = torch.tensor([[[[0.2, 0.2], [0.4, 0.4]], [[0.6, 0.2], [0.0, 0.0]]]])
    paths = PathBatch(xy, torch.zeros(1, 2, 2), torch.tensor([[2, 1]]), torch.zeros(1, 2, 4))
    places = torch.tensor([[[0.4, 0.2], [0.4, 0.0], [0.9, 0.9]]])
    parts = regression_loss(places, torch.full((1, 3), 0.5), paths)
    assert parts["fixation"].item() == pytest.approx((0.04 + 0.16 + 0.04) / 3)
    # Gates are compared with the fraction of observers with a k-th fixation: 1, 1/2, 0.
    assert parts["end"].item() == pytest.approx(math.log(2), rel=1e-4)
