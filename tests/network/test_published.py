"""The published design as a network like any other: trained, sampled, without a likelihood."""

from __future__ import annotations

import inspect

import pytest
import torch
from tests.networks import published
from torch import Tensor

from spgen_lit.batch import PathBatch
from spgen_lit.network.noise import path_seed
from spgen_lit.network.protocol import Network
from spgen_lit.network.published import PublishedSPGen, selected

SEEDS = [[path_seed(0, f"{image}", k) for k in range(4)] for image in range(3)]


@pytest.fixture(scope="module")
def network() -> PublishedSPGen:
    torch.manual_seed(11)
    network = published()
    for parameter in network.gate.merge.parameters():
        torch.nn.init.normal_(parameter)  # gates apart, so that selection leaves some out
    return network.eval()


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(3, 3, 64, 96, generator=torch.Generator().manual_seed(6))


@pytest.fixture
def paths() -> PathBatch:
    """Two observers on each of three images."""
    generator = torch.Generator().manual_seed(2)
    xy = torch.rand(3, 2, 5, 2, generator=generator)
    nothing = torch.full((3, 2, 4), float("nan"))
    return PathBatch(xy, torch.full((3, 2, 5), 0.3), torch.full((3, 2), 5), nothing)


def test_it_has_all_that_a_network_needs(network: PublishedSPGen) -> None:
    for name in ("encode", "loss", "sample", "log_prob", "next_maps"):
        needed = inspect.signature(getattr(Network, name)).parameters
        assert list(inspect.signature(getattr(PublishedSPGen, name)).parameters) == list(needed)
    for name in ("frame", "channels", "temperature", "max_fixations", "encoder"):
        assert getattr(network, name)


def test_images_give_one_map_a_fixation(network: PublishedSPGen, images: Tensor) -> None:
    encoded = network.encode(images)
    assert encoded.features.shape == (3, 1280, 2, 3)
    assert encoded.maps.shape == (3, 20, 2, 3)
    xy, keep = network(encoded)
    assert xy.shape == (3, 20, 2) and keep.shape == (3, 20)
    assert bool(((xy > 0) & (xy < 1)).all()) and bool(((keep > 0) & (keep < 1)).all())


@pytest.mark.parametrize("frozen", [True, False])
def test_every_trained_parameter_is_reached_and_the_frozen_encoder_is_not(
    frozen: bool, images: Tensor, paths: PathBatch
) -> None:
    torch.manual_seed(0)
    network = published(frozen, max_fixations=6, priors=4).train()
    parts = network.loss(network.encode(images), paths, torch.ones(3))
    parts["total"].backward()
    unreached = [n for n, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert unreached == []  # a parameter that no gradient reaches stops distributed training
    first = network.encoder.stages[0][0].weight
    assert (first.grad is None) is frozen
    if not frozen:
        assert float(first.grad.abs().sum()) > 0
    assert float(network.priors.gaussians.grad.abs().sum()) > 0


def test_loss_is_the_squared_error_and_images_count_by_their_weights(
    network: PublishedSPGen, images: Tensor, paths: PathBatch
) -> None:
    with torch.no_grad():
        encoded = network.encode(images)
        xy, _ = network(encoded)
        parts = network.loss(encoded, paths, torch.ones(3))
        first = network.loss(encoded, paths, torch.tensor([3.0, 0.0, 0.0]))
    error = (xy[:, None, :5] - paths.xy).square().sum(-1)
    assert parts["fixation"].item() == pytest.approx(error.mean().item(), rel=1e-5)
    assert first["fixation"].item() == pytest.approx(error[0].mean().item(), rel=1e-5)
    total = parts["fixation"] + 0.1 * parts["end"]
    assert parts["total"].item() == pytest.approx(total.item())


def test_a_path_depends_on_image_seed_and_temperature_alone(
    network: PublishedSPGen, images: Tensor
) -> None:
    together = network.sample(network.encode(images), SEEDS, 0.5)
    encoded = network.encode(images[1:2])
    alone = network.sample(encoded, [SEEDS[1][:2]], 0.5)
    for path in range(2):
        n = int(alone.length[0, path])
        assert n == int(together.length[1, path])
        torch.testing.assert_close(
            together.xy[1, path, :n], alone.xy[0, path, :n], rtol=0, atol=1e-5
        )
    other = network.sample(encoded, [SEEDS[2][:2]], 0.5)
    assert not torch.allclose(other.xy[0, 0, 0], alone.xy[0, 0, 0], atol=1e-4)
    assert not torch.allclose(alone.xy[0, 0, 0], alone.xy[0, 1, 0], atol=1e-4)


def test_paths_hold_the_selected_places_in_order_without_durations(
    network: PublishedSPGen, images: Tensor
) -> None:
    encoded = network.encode(images)
    with torch.no_grad():
        xy, keep = network(encoded)
    drawn = network.sample(encoded, SEEDS, 0.0)
    for image in range(3):
        expected = xy[image][selected(keep[image])]
        assert 1 <= len(expected) < 20
        for path, seconds in zip(drawn.arrays(image), drawn.seconds(image), strict=True):
            assert path == pytest.approx(expected.double().numpy(), abs=1e-5)
            assert seconds is None
    assert not drawn.xy[~drawn.mask].any()


def test_equal_gates_still_leave_one_fixation() -> None:
    chosen = selected(torch.tensor([[0.5] * 4, [0.1, 0.9, 0.8, 0.2]]))
    assert chosen.tolist() == [[True, False, False, False], [False, True, True, False]]


def test_heat_beyond_one_is_noise_alone(network: PublishedSPGen, images: Tensor) -> None:
    hot, elsewhere = (
        network.sample(network.encode(images[n : n + 1]), SEEDS[:1], 1.5) for n in (0, 2)
    )
    torch.testing.assert_close(hot.xy, elsewhere.xy)


def test_likelihoods_are_refused_with_the_network_that_has_them(
    network: PublishedSPGen, images: Tensor, paths: PathBatch
) -> None:
    encoded = network.encode(images)
    with pytest.raises(ValueError, match=r"no likelihood; use network=spgen"):
        network.log_prob(encoded, paths)
    with pytest.raises(ValueError, match=r"no map of the next fixation; use network=spgen"):
        network.next_maps(encoded, paths)


def test_bad_arguments_are_named(network: PublishedSPGen, images: Tensor) -> None:
    with pytest.raises(ValueError, match="max_fixations must be at least 1, found 0"):
        published(max_fixations=0)
    with pytest.raises(ValueError, match="temperature must be finite and at least 0"):
        network.sample(network.encode(images), SEEDS, -0.1)
