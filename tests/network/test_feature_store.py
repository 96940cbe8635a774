"""Frozen layers' outputs kept on disk: the same numbers, computed once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests import networks
from torch import Tensor

from spgen_lit.network.encoders.base import Encoder
from spgen_lit.network.encoders.feature_store import FeatureStore


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def _encoder(images: Tensor, frozen: int) -> Encoder:
    """Random weights, with batch-norm statistics under which features keep their size."""
    encoder = networks.encoder(frozen_stages=frozen)
    norms = [m for m in encoder.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.train().momentum = 1.0
    with torch.no_grad():
        encoder(images)
    return encoder.train()


def _refuse(*_: object) -> None:
    raise AssertionError("a frozen layer was run again")


@pytest.mark.parametrize("frozen", [4, 7, 14, 19])
def test_kept_features_are_those_of_the_encoder(
    frozen: int, images: Tensor, tmp_path: Path
) -> None:
    encoder = _encoder(images, frozen)
    plain = [out.detach() for out in encoder(images)]
    encoder.keep_features(FeatureStore(tmp_path))
    for _ in range(2):
        for ours, theirs in zip(encoder(images), plain, strict=True):
            assert ours.shape == theirs.shape
            assert (ours - theirs).norm().item() < 0.1 * theirs.norm().item()


def test_first_and_later_passes_agree_exactly_in_any_batch(images: Tensor, tmp_path: Path) -> None:
    encoder = _encoder(images, 14)
    encoder.keep_features(FeatureStore(tmp_path))
    first = encoder(images)
    later = encoder(images.flip(0))
    # Two taps are of frozen layers; the third has trained layers before it.
    assert torch.equal(first[0], later[0].flip(0))
    assert torch.equal(first[1], later[1].flip(0))
    assert torch.allclose(first[2], later[2].flip(0), rtol=1e-4, atol=1e-4)
    assert len(list(tmp_path.glob("*/*.npz"))) == 3


def test_frozen_layers_are_not_run_again(images: Tensor, tmp_path: Path) -> None:
    encoder = networks.encoder(frozen_stages=19)
    encoder.keep_features(FeatureStore(tmp_path))
    encoder(images)
    for stage in encoder.stages:
        stage.register_forward_pre_hook(_refuse)
    assert encoder(images)[0].shape == (3, 32, 8, 12)


def test_trained_layers_get_their_gradient(images: Tensor, tmp_path: Path) -> None:
    encoder = networks.encoder(taps=(13, 18), frozen_stages=14)
    encoder.keep_features(FeatureStore(tmp_path))
    sum(out.sum() for out in encoder(images)).backward()
    assert encoder.stages[17].conv[0][0].weight.grad is not None
    assert encoder.stages[13].conv[0][0].weight.grad is None


def test_other_weights_have_features_of_their_own(images: Tensor, tmp_path: Path) -> None:
    one, two = _encoder(images, 19), _encoder(images, 19)
    expected = two(images)[1]
    one.keep_features(FeatureStore(tmp_path))
    two.keep_features(FeatureStore(tmp_path))
    assert not torch.allclose(one(images)[1], expected, rtol=0.1)
    assert (two(images)[1] - expected).norm().item() < 0.1 * expected.norm().item()


def test_damaged_file_is_computed_again(images: Tensor, tmp_path: Path) -> None:
    encoder = networks.encoder(frozen_stages=19)
    encoder.keep_features(FeatureStore(tmp_path))
    expected = encoder(images)[0]
    file = next(tmp_path.glob("*/*.npz"))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=file.name):
        assert torch.equal(encoder(images)[0], expected)
    assert file.read_bytes() == whole


def test_unwritable_folder_says_what_to_do(images: Tensor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    encoder = networks.encoder(frozen_stages=19)
    encoder.keep_features(FeatureStore(tmp_path / "file"))
    with pytest.raises(OSError, match="file"):
        encoder(images)
