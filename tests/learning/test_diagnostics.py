"""A-distance by its ends, the plane, and gradient norms that change nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from spgen_lit.learning.module import gradient_norm
from spgen_lit.learning.validators import plane, proxy_a_distance


def clouds(shift: float, count: int = 60, channels: int = 20) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(2, count, channels))
    return source, target + shift


def test_a_distance_of_equal_and_of_separate_domains() -> None:
    assert proxy_a_distance(*clouds(0.0)) < 0.6
    assert proxy_a_distance(*clouds(3.0)) == pytest.approx(2)
    between = proxy_a_distance(*clouds(0.3))
    assert proxy_a_distance(*clouds(0.0)) < between < 2
    assert between == proxy_a_distance(*clouds(0.3))


def test_a_distance_does_not_count_what_is_learned_by_heart() -> None:
    # More channels than images: any classifier is perfect on what it has seen.
    rng = np.random.default_rng(1)
    assert proxy_a_distance(*rng.normal(size=(2, 30, 200))) < 0.8


def test_a_distance_weighs_domains_alike() -> None:
    source, target = clouds(0.0, 200)
    assert proxy_a_distance(source, target[:12]) < 0.9


def test_a_distance_needs_images() -> None:
    with pytest.raises(ValueError, match="4 images of each domain, found 3 of the source and 60"):
        proxy_a_distance(clouds(0.0)[0][:3], clouds(0.0)[1])


def test_plane_shows_what_tells_domains_apart() -> None:
    source, target = clouds(4.0)
    places = plane(source, target)
    assert places.shape == (120, 2)
    first = places[:, 0]
    assert first[:60].max() < first[60:].min() or first[60:].max() < first[:60].min()


def test_gradient_norm_is_the_gradients_and_leaves_them_alone() -> None:
    layer = nn.Linear(3, 1, bias=False)
    frozen = nn.Parameter(torch.ones(1), requires_grad=False)
    loss = 2 * layer(torch.tensor([[3.0, 4.0, 0.0]])).sum()
    assert gradient_norm(loss, [layer.weight, frozen]).item() == pytest.approx(10)
    assert layer.weight.grad is None
    loss.backward()
    assert layer.weight.grad is not None and layer.weight.grad.norm() == pytest.approx(10)
    other = nn.Parameter(torch.ones(1))
    assert gradient_norm((other * 2).sum(), [layer.weight]).item() == 0
    assert gradient_norm(torch.ones(()), [layer.weight]).item() == 0
