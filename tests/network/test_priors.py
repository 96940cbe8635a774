"""Gaussian priors: any number of them, the published layout at sixteen, learnable."""

from __future__ import annotations

import math

import pytest
import torch

from spgen_lit.network.priors import GaussianPriors, prior_layout, published_layout


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 8, 16, 17, 32])
def test_any_number_gives_as_many_maps_within_the_image(count: int) -> None:
    maps = GaussianPriors(count)(12, 16)
    assert maps.shape == (count, 12, 16)
    means = prior_layout(count)[:, :, 0]
    assert ((means > 0) & (means < 1)).all()
    assert not count or maps.max() <= 6.0


def test_sixteen_start_as_published() -> None:
    assert torch.equal(GaussianPriors(16).gaussians.data, published_layout())
    # Nine round ones, three columns, three rows, one broad.
    deviations = published_layout()[:, :, 1]
    assert (deviations == -1.5).all(1).sum() == 9
    assert (deviations == 0).all(1).sum() == 1


def test_value_is_the_product_of_two_bells() -> None:
    priors = GaussianPriors(1)
    with torch.no_grad():
        priors.gaussians.copy_(torch.tensor([[[0.25, -1.0], [0.5, -2.0]]]))
    maps = priors(5, 9)[0].detach()
    assert maps[1, 4] == pytest.approx(6.0)  # y = .25, x = .5: the peak
    across = math.exp(-0.5 * (0.125 / math.exp(-2)) ** 2)
    assert maps[1, 5] == pytest.approx(6.0 * across, rel=1e-5)
    assert maps[1, 5] < maps[2, 4] < maps[1, 4]  # narrower across than down


def test_first_is_central_and_full_grids_are_symmetric() -> None:
    for count in (5, 10, 17, 26):
        means = prior_layout(count)[:, :, 0]
        assert torch.equal(means[0], torch.tensor([0.5, 0.5]))
        assert torch.allclose(means.mean(0), torch.tensor([0.5, 0.5]), atol=1e-6)


def test_centres_and_widths_learn() -> None:
    priors = GaussianPriors(4)
    (priors(6, 8) * torch.rand(6, 8, generator=torch.Generator().manual_seed(0))).sum().backward()
    assert priors.gaussians.grad is not None
    assert (priors.gaussians.grad.flatten(1).abs().amax(1) > 0).all()


def test_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        GaussianPriors(-1)
