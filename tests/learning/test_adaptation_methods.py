"""Every method pulls on the network as it should, and only as its coefficient lets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from tests.networks import spgen, tree
from torch import Tensor

from spgen_lit.config import CONFIG_DIR, plain
from spgen_lit.instantiation import build_network, instantiated
from spgen_lit.learning.adaptation import (
    Adaptation,
    coral,
    disagreement,
    features_at,
    map_entropy,
    map_logs,
    missing_information,
    mmd,
    rows,
    second_view,
)
from spgen_lit.learning.reversal import Schedule
from spgen_lit.network.spgen import SPGen

METHODS = ("adversarial", "coral", "mmd", "entropy", "information", "consistency")
CONSTANT = Schedule("constant", 1.0)


@pytest.fixture(scope="module")
def network() -> SPGen:
    torch.manual_seed(0)
    network = spgen(frame=(64, 64), channels=16, priors=4, max_fixations=5, frozen_stages=12)
    # Random history-free maps are nearly flat; sharper ones give every loss something to do.
    with torch.no_grad():
        network.head.static.weight.mul_(20)
    return network.eval()


@pytest.fixture(scope="module")
def images() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    source, target = torch.rand(2, 3, 3, 64, 64, generator=generator)
    return source, target * 0.4 + torch.tensor([0.5, 0.2, 0.0]).view(3, 1, 1)


def losses(
    network: SPGen, images: tuple[Tensor, Tensor], adaptation: Adaptation, progress: float = 0.5
) -> dict[str, Tensor]:
    source, target = images
    view = None
    if adaptation.needs_view:
        view = network.encode(second_view(target, 0))
    encoded = network.encode(source), network.encode(target)
    out: dict[str, Tensor] = adaptation(*encoded, progress, view)
    return out


def pull(network: SPGen, loss: Tensor) -> Tensor:
    """The loss's gradient on the encoder's trained layers, in one row."""
    trained = [p for p in network.encoder.parameters() if p.requires_grad]
    found = torch.autograd.grad(loss, trained, allow_unused=True, retain_graph=True)
    pairs = zip(trained, found, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in pairs])


@pytest.mark.parametrize("method", METHODS)
def test_each_method_reaches_the_encoder_by_its_coefficient(
    network: SPGen, images: tuple[Tensor, Tensor], method: str
) -> None:
    torch.manual_seed(2)
    adaptation = Adaptation(network, method, schedule=Schedule("linear", 0.6))
    for share in (0.0, 0.5, 1.0):
        out = losses(network, images, adaptation, share)
        assert out["coefficient"].item() == pytest.approx(0.6 * share)
        assert out["loss"].isfinite()
        gradient = pull(network, out["loss"])
        if share == 0:
            assert gradient.abs().max() == 0
        elif share == 0.5:
            half = gradient
        else:
            assert half.norm() > 0
            torch.testing.assert_close(gradient, 2 * half, rtol=1e-3, atol=1e-7)


def test_reversal_pulls_against_the_classifier(
    network: SPGen, images: tuple[Tensor, Tensor]
) -> None:
    adaptation = Adaptation(network, schedule=CONSTANT)
    against = pull(network, losses(network, images, adaptation)["loss"])
    encoded = [network.encode(pixels) for pixels in images]
    logits = [adaptation.heads[0](features_at(e, "deep")) for e in encoded]
    plain_loss = torch.stack(
        [
            torch.nn.functional.cross_entropy(row, torch.full((3,), label))
            for label, row in enumerate(logits)
        ]
    ).mean()
    torch.testing.assert_close(against, -pull(network, plain_loss), rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("method", [*METHODS, "adversarial+consistency"])
def test_source_only_leaves_the_network_alone(
    network: SPGen, images: tuple[Tensor, Tensor], method: str
) -> None:
    adaptation = Adaptation(network, method, schedule=Schedule("constant", 0.0))
    assert adaptation.source_only and not adaptation.needs_view
    out = losses(network, images, adaptation)
    assert pull(network, out["loss"]).abs().max() == 0
    # The classifier learns all the same, so that domain accuracy is known.
    (head,) = torch.autograd.grad(out["loss"], [adaptation.heads[0].last.weight])
    assert head.norm() > 0
    assert 0 <= out["source_accuracy"] <= 1


def test_methods_add_up_with_their_weights(network: SPGen, images: tuple[Tensor, Tensor]) -> None:
    def of(method: Any, **weights: float) -> Tensor:
        torch.manual_seed(3)
        adaptation = Adaptation(network, method, schedule=CONSTANT, weights=weights)
        return pull(network, losses(network, images, adaptation)["loss"])

    together = of("adversarial+coral+entropy", coral=2.0, entropy=0.5)
    apart = of("adversarial") + 2 * of("coral") + 0.5 * of("entropy")
    torch.testing.assert_close(together, apart, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(of(["coral", "mmd"]), of("coral+mmd"))


@pytest.mark.parametrize("per_position", [False, True])
def test_all_levels_at_once(
    network: SPGen, images: tuple[Tensor, Tensor], per_position: bool
) -> None:
    levels: Any = ("shallow", "middle", "deep", "bottleneck", "prediction")
    adaptation = Adaptation(network, "adversarial", levels, per_position, CONSTANT)
    out = losses(network, images, adaptation)
    assert len(adaptation.heads) == 5
    assert pull(network, out["loss"]).norm() > 0


def test_the_conditional_level_is_the_product_with_the_prediction(
    network: SPGen, images: tuple[Tensor, Tensor]
) -> None:
    encoded = network.encode(images[0])
    pooled = features_at(encoded, "prediction").mean((2, 3))
    share = encoded.maps[:, :4].flatten(2).softmax(-1).mean(1)
    expected = torch.einsum("bcp,bp->bc", encoded.features.flatten(2), share)
    torch.testing.assert_close(pooled, expected)
    # No gradient through the prediction, as in the paper's code.
    weight = network.head.static.weight
    (through,) = torch.autograd.grad(pooled.sum(), [weight], allow_unused=True)
    assert through is None


@pytest.mark.parametrize("distance", [coral, mmd])
def test_distances_are_zero_for_equal_sets_free_of_scale_and_fall_by_their_gradient(
    distance: Any,
) -> None:
    generator = torch.Generator().manual_seed(4)
    a = torch.randn(200, 12, generator=generator)
    b = torch.randn(200, 12, generator=generator)
    mixed = torch.randn(12, 12, generator=generator)
    assert distance(a, a).abs() < 1e-5
    noise, shifted, turned = distance(a, b), distance(a, b + 1), distance(a, b @ mixed)
    assert shifted > 3 * noise.abs() and turned > 2 * noise.abs()
    scale = torch.rand(12, generator=generator) * 100 + 0.01
    torch.testing.assert_close(distance(a * scale, (b + 1) * scale), shifted, rtol=1e-3, atol=1e-4)
    moving = (b + 1).requires_grad_()
    (gradient,) = torch.autograd.grad(distance(a, moving), [moving])
    assert distance(a, moving - 5 * gradient / gradient.norm()) < shifted


def test_rows_are_spread_over_all_images() -> None:
    maps = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 2, 20, 30)
    chosen = rows(maps)
    assert chosen.shape == (512, 2)
    assert set(chosen[:, 0].tolist()) == set(range(6))
    assert rows(maps[:, :, :2, :2]).shape == (24, 2)


def test_second_view_is_mirrored_seeded_and_within_range() -> None:
    images = torch.rand(3, 3, 32, 48, generator=torch.Generator().manual_seed(5))
    state = torch.get_rng_state()
    view = second_view(images, 7)
    assert torch.equal(state, torch.get_rng_state())
    assert view.shape == images.shape and view.min() >= 0 and view.max() <= 1
    torch.testing.assert_close(view, second_view(images, 7))
    assert not torch.equal(view, second_view(images, 8))
    grey, seen = images.mean(1).flip(-1).flatten(1), view.mean(1).flatten(1)
    for one, other in zip(grey, seen, strict=True):
        assert torch.corrcoef(torch.stack([one, other]))[0, 1] > 0.5


def test_agreement_of_views_is_zero_for_the_mirrored_map_alone() -> None:
    logits = torch.randn(2, 4, 6 * 8, generator=torch.Generator().manual_seed(6))
    logs = logits.log_softmax(-1).unflatten(-1, (6, 8))
    assert disagreement(logs, logs.flip(-1)).abs() < 1e-6
    assert disagreement(logs, logs) > 0.1


def test_entropy_and_information_know_their_ends() -> None:
    flat = torch.full((3, 2, 4, 4), 1 / 16).log()
    assert map_entropy(flat) == pytest.approx(1)
    assert missing_information(flat).abs() < 1e-6
    apart = torch.full((3, 2, 4, 4), 1e-9)
    for image in range(3):
        apart[image, :, image, image] = 1
    same = apart[:1].expand(3, -1, -1, -1)
    assert map_entropy(apart.log()) < 1e-5
    assert missing_information(apart.log()) < missing_information(same.log()) - 0.3


def test_target_priors_are_the_targets_own() -> None:
    torch.manual_seed(0)
    network = spgen(channels=16, priors=4, max_fixations=5, domain_priors=True).eval()
    image = torch.rand(1, 3, 64, 64)
    before = network.encode(image, "target").features
    torch.testing.assert_close(before, network.encode(image).features)
    with torch.no_grad():
        network.neck.priors.target_gaussians.add_(0.3)  # type: ignore[union-attr]
    after = network.encode(image, "target").features
    assert (after - before).abs().max() > 1e-3
    torch.testing.assert_close(before, network.encode(image).features)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "magic"}, "adaptation.method must be one of .*'magic'"),
        ({"method": "none+coral"}, "adaptation.method"),
        ({"levels": ()}, "adaptation.levels is empty"),
        ({"weights": {"coral": 1.0}}, "adaptation.weights: found .*coral.*'adversarial'"),
        ({"weights": {"adversarial": -1.0}}, "adaptation.weights"),
    ],
)
def test_faulty_settings_are_named(network: SPGen, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Adaptation(network, **settings)


@pytest.mark.parametrize(
    "choice", sorted(p.stem for p in (Path(CONFIG_DIR) / "adaptation").glob("*.yaml"))
)
def test_every_shipped_adaptation_can_be_built(choice: str) -> None:
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        config = compose("train", ["+experiment=smoke", f"adaptation={choice}"])
    network = build_network(plain(config.network))
    adaptation = instantiated(plain(config.adaptation), "adaptation", network=network)
    levels = config.adaptation.get("levels", ["deep"])
    assert len(adaptation.heads) == len(levels)
    assert isinstance(adaptation.schedule, Schedule)


def test_the_published_network_has_maps_to_agree_on() -> None:
    torch.manual_seed(0)
    published = build_network(tree("published", frame=(64, 64), max_fixations=6)).train(False)
    image = torch.rand(2, 3, 64, 64)
    encoded = published.encode(image)
    logs = map_logs(encoded)
    torch.testing.assert_close(logs.exp().sum((2, 3)), torch.ones(2, 4))
    adaptation = Adaptation(published, "consistency+entropy", schedule=CONSTANT)
    view = published.encode(second_view(image, 0))
    out = adaptation(encoded, encoded, 1.0, view)
    assert out["consistency"] >= 0 and out["loss"].isfinite()
