"""Batch norms of the target's own: separate, followed, re-estimated, saved."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from tests.networks import encoder as made
from tests.networks import spgen
from torch import Tensor

from spgen_lit.data.images import Frame
from spgen_lit.network.encoders.base import Encoder
from spgen_lit.predictor import Predictor


def batches(count: int = 3, shift: float = 0.0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(4, 3, 32, 32, generator=generator) * 0.3 + shift for _ in range(count)]


def encoder(kind: Any = "shared") -> Encoder:
    torch.manual_seed(0)
    return made(taps=(6,), frozen_stages=2, domain_norm=kind)


def first_maps(module: Encoder, images: Tensor) -> Tensor:
    """What the first batch norm takes."""
    conv: Any = module.stages[0][0]  # type: ignore[index]
    maps: Tensor = conv((images - module.mean) / module.std)
    return maps


@pytest.mark.parametrize("kind", ["statistics", "affine"])
def test_both_domains_begin_alike(kind: str) -> None:
    image = batches(1)[0]
    whole, split = encoder().eval(), encoder(kind).eval()
    expected = whole(image)[0]
    torch.testing.assert_close(split(image)[0], expected)
    torch.testing.assert_close(split(image, "target")[0], expected)
    named = [n for n, p in split.named_parameters() if n.startswith("target_stages.")]
    assert bool(named) == (kind == "affine")
    frozen = {n for n, p in split.named_parameters() if not p.requires_grad}
    assert {n for n in named if n.startswith(("target_stages.0.", "target_stages.1."))} <= frozen


@pytest.mark.parametrize("copied", [False, True])
def test_training_follows_the_target_alone_and_leaves_the_source(copied: bool) -> None:
    split = encoder("statistics").train()
    if copied:  # as for averaged weights: the copy follows for itself
        original, split = split, copy.deepcopy(split)
    before = {k: v.clone() for k, v in split.state_dict().items()}
    for images in batches(2, shift=0.6):
        split(images)
    for name, value in split.state_dict().items():
        torch.testing.assert_close(value, before[name])
    with torch.no_grad():
        for images in batches(30, shift=0.6):
            split(images, "target")
    first = split.batch_norms("target")[0]
    seen = torch.cat([first_maps(split, images) for images in batches(30, shift=0.6)[-10:]])
    torch.testing.assert_close(first.running_mean, seen.mean((0, 2, 3)), rtol=0.05, atol=0.02)
    for name, value in split.state_dict().items():
        if name.startswith("stages."):
            assert torch.equal(value, before[name]), name
    split.eval()
    assert first.running_mean is not None
    kept = first.running_mean.clone()
    split(batches(1)[0], "target")
    torch.testing.assert_close(first.running_mean, kept)
    if copied:
        untouched = original.batch_norms("target")[0].running_mean
        assert untouched is not None and untouched.abs().max() == 0


def test_two_target_batches_of_one_step_can_be_learned_from() -> None:
    split = encoder("affine").train()
    one, two = batches(2)
    (split(one, "target")[0].mean() + split(two, "target")[0].mean()).backward()
    target, source = split.batch_norms("target")[-1], split.batch_norms()[-1]
    assert target.weight.grad is not None and target.weight.grad.norm() > 0
    assert source.weight.grad is None
    # The convolutions are one and the same.
    conv: Any = split.stages[6].conv[0][0]  # type: ignore[union-attr, index]
    assert conv.weight.grad.norm() > 0
    assert split.target_stages[6].conv[0][0].weight is conv.weight  # type: ignore[index, union-attr]


def test_a_state_holds_shared_weights_once_and_fills_both_domains() -> None:
    whole = encoder()
    for value in whole.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5)
    split = encoder("affine")
    split.load_state_dict(whole.state_dict())
    for source, target in zip(split.batch_norms(), split.batch_norms("target"), strict=True):
        torch.testing.assert_close(target.running_mean, source.running_mean)
        torch.testing.assert_close(target.weight, source.weight)
    names = {n for n in split.state_dict() if n.startswith("target_stages.")}
    assert names == {f"target_{n}" for n in whole.state_dict() if _of_norm(n)}
    only = {n for n in encoder("statistics").state_dict() if n.startswith("target_stages.")}
    assert only == {n for n in names if n.rpartition(".")[2] not in ("weight", "bias")}
    again = encoder("affine")
    mean = split.batch_norms("target")[0].running_mean
    assert mean is not None
    mean.fill_(7)
    again.load_state_dict(split.state_dict())
    assert again.batch_norms("target")[0].running_mean.eq(7).all()  # type: ignore[union-attr]
    assert not again.batch_norms()[0].running_mean.eq(7).any()  # type: ignore[union-attr]


def _of_norm(name: str) -> bool:
    path, _, kind = name.rpartition(".")
    return kind != "weight" or f"{path}.running_mean" in encoder().state_dict()


def test_predictor_takes_the_statistics_of_its_domain() -> None:
    torch.manual_seed(0)
    network = spgen(channels=16, priors=4, max_fixations=5, domain_norm="statistics")
    for norm in network.encoder.batch_norms("target"):
        assert norm.running_mean is not None
        norm.running_mean.add_(0.5)
    image = torch.randint(0, 255, (64, 64, 3), dtype=torch.uint8).numpy()

    def drawn(name: str) -> Any:
        predictor = Predictor(network, Frame((64, 64)), domain=name)
        return predictor(image, samples=2, temperature=0.0)[0].xy.tolist()

    assert drawn("source") == drawn("source") != drawn("target")
    with pytest.raises(ValueError, match=r"domain must be one of .*'painting'"):
        drawn("painting")


def test_targets_statistics_follow_in_a_real_training(make_data, make_module, make_trainer) -> None:
    module = make_module(0.0, domain_norm="statistics")
    make_trainer("run", max_epochs=2).fit(module, make_data())
    state = module.network.encoder.state_dict()
    means = {n: v for n, v in state.items() if n.startswith("target_") and n.endswith("_mean")}
    assert len(means) == 52
    source = {name: state[name.removeprefix("target_")] for name in means}
    assert all(bool((value != source[name]).any()) for name, value in means.items())
    # The source's own stay: the encoder's batch norms are frozen.
    fresh = make_module(0.0, domain_norm="statistics").network.encoder.state_dict()
    assert all((state[n] == fresh[n]).all() for n in (s.removeprefix("target_") for s in means))
