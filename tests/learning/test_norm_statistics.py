"""Batch norms with a branch for the target: separate, followed, re-estimated, saved."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from spgen_lit.data.frame import Frame
from spgen_lit.learning.statistics import adapt_statistics
from spgen_lit.network.build import build_network
from spgen_lit.network.domain_norm import (
    DomainBatchNorm,
    current_domain,
    domain,
    split_batch_norms,
)
from spgen_lit.network.encoder import Encoder, normalise
from spgen_lit.predictor import Predictor

SPEC: dict[str, Any] = {
    "name": "spgen",
    "frame": (64, 64),
    "channels": 16,
    "priors": 4,
    "max_fixations": 5,
}


def batches(count: int = 3, shift: float = 0.0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        normalise(torch.rand(4, 3, 32, 32, generator=generator) * 0.3 + shift) for _ in range(count)
    ]


def encoder(kind: Any = "shared") -> Encoder:
    torch.manual_seed(0)
    out = Encoder(taps=(6,), frozen_stages=2)
    split_batch_norms(out, kind)
    return out


def norms(module: nn.Module) -> list[DomainBatchNorm]:
    return [m for m in module.modules() if isinstance(m, DomainBatchNorm)]


@pytest.mark.parametrize("kind", ["statistics", "affine"])
def test_both_branches_begin_as_the_ordinary_norm(kind: str) -> None:
    image = batches(1)[0]
    whole, split = encoder().eval(), encoder(kind).eval()
    expected = whole(image)[0]
    torch.testing.assert_close(split(image)[0], expected)
    with domain("target"):
        torch.testing.assert_close(split(image)[0], expected)
    named = [n for n, p in split.named_parameters() if "target_" in n]
    assert bool(named) == (kind == "affine")
    frozen = {n for n, p in split.named_parameters() if not p.requires_grad}
    assert {n for n in named if n.startswith(("features.0.", "features.1."))} <= frozen


def test_training_follows_the_target_alone_and_leaves_the_source() -> None:
    split = encoder("statistics").train()
    before = {k: v.clone() for k, v in split.state_dict().items()}
    for images in batches(2, shift=0.6):
        split(images)
    for name, value in split.state_dict().items():
        torch.testing.assert_close(value, before[name])
    with domain("target"), torch.no_grad():
        for images in batches(30, shift=0.6):
            split(images)
    first = norms(split)[0]
    conv = split.features[0][0]  # type: ignore[index]
    seen = torch.cat([conv(images) for images in batches(30, shift=0.6)[-10:]])
    torch.testing.assert_close(first.target_mean, seen.mean((0, 2, 3)), rtol=0.05, atol=0.02)
    torch.testing.assert_close(first.running_mean, before["features.0.1.running_mean"])
    split.eval()
    kept = first.target_mean.clone()
    with domain("target"):
        split(batches(1)[0])
    torch.testing.assert_close(first.target_mean, kept)


def test_two_target_batches_of_one_step_can_be_learned_from() -> None:
    split = encoder("affine").train()
    one, two = batches(2)
    with domain("target"):
        (split(one)[0].mean() + split(two)[0].mean()).backward()
    last = norms(split.features[6])[-1]
    assert last.target_weight is not None and last.target_weight.grad is not None
    assert last.target_weight.grad.norm() > 0
    assert last.weight.grad is None


@pytest.mark.parametrize("kind", ["shared", "statistics"])
def test_adapted_statistics_are_those_of_the_images(kind: str) -> None:
    module = encoder(kind).train()
    modes = [m.training for m in module.modules()]
    count = adapt_statistics(module, iter(batches(3, shift=0.5)))
    assert count == 3
    assert [m.training for m in module.modules()] == modes
    norm: Any = module.features[0][1]  # type: ignore[index]
    conv: Any = module.features[0][0]  # type: ignore[index]
    seen = torch.stack([conv(images).mean((0, 2, 3)) for images in batches(3, shift=0.5)]).mean(0)
    torch.testing.assert_close(
        norm.running_mean if kind == "shared" else norm.target_mean, seen, rtol=1e-4, atol=1e-5
    )
    if kind == "statistics":
        assert norm.running_mean.abs().max() == 0
    module.eval()
    with domain("target"):
        adapted = module(batches(1, shift=0.5)[0])[0]
    # A linear bottleneck ends in a norm: its maps are standardised on what it adapted to.
    assert adapted.mean((0, 2, 3)).abs().max() < 1


def test_adapt_statistics_refuses_nothing() -> None:
    module = encoder()
    before = module.state_dict()["features.0.1.running_mean"].clone()
    with pytest.raises(ValueError, match="no batch of target images"):
        adapt_statistics(module, [])
    torch.testing.assert_close(module.state_dict()["features.0.1.running_mean"], before)
    with pytest.raises(ValueError, match="no batch norm"):
        adapt_statistics(nn.Conv2d(3, 3, 1), batches(1))


def test_ordinary_weights_fill_both_branches() -> None:
    torch.manual_seed(1)
    whole = Encoder(taps=(6,))
    for value in whole.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5)
    split = encoder("affine")
    split.load_imagenet(whole.state_dict())
    for norm in norms(split):
        torch.testing.assert_close(norm.target_mean, norm.running_mean)
        assert norm.target_weight is not None
        torch.testing.assert_close(norm.target_weight, norm.weight)
    again = encoder("affine")
    norms(split)[0].target_mean.fill_(7)
    again.load_state_dict(split.state_dict())
    assert norms(again)[0].target_mean.eq(7).all()


def test_predictor_takes_the_branch_of_its_domain() -> None:
    torch.manual_seed(0)
    network = build_network({**SPEC, "domain_norm": "statistics"})
    for norm in norms(network):
        norm.target_mean.add_(0.5)
    image = torch.randint(0, 255, (64, 64, 3), dtype=torch.uint8).numpy()
    frame = Frame((64, 64))

    def drawn(name: str) -> Any:
        predictor = Predictor(network, frame, domain=name)
        return predictor(image, samples=2, temperature=0.0)[0].xy.tolist()

    assert drawn("source") == drawn("source") != drawn("target")
    assert current_domain() == "source"
    with pytest.raises(ValueError, match=r"domain must be one of .*'painting'"):
        drawn("painting")


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="domain_norm must be one of"):
        build_network({**SPEC, "domain_norm": "both"})
    with pytest.raises(RuntimeError), domain("target"):
        raise RuntimeError
    assert current_domain() == "source"


def test_targets_statistics_follow_in_a_real_training(make_data, make_module, make_trainer) -> None:
    module = make_module(0.0, domain_norm="statistics")
    make_trainer("run", max_epochs=2).fit(module, make_data())
    state = module.network.encoder.state_dict()
    means = {name: value for name, value in state.items() if name.endswith("target_mean")}
    assert len(means) == 52
    moved = [
        bool((value != state[name.replace("target_mean", "running_mean")]).any())
        for name, value in means.items()
    ]
    assert all(moved)
    # The source's own stay: the encoder's batch norms are frozen.
    fresh = make_module(0.0, domain_norm="statistics").network.encoder.state_dict()
    assert all((state[k] == fresh[k]).all() for k in state if k.endswith("running_mean"))
