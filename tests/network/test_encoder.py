"""The encoder: torchvision's names, TensorFlow's padding, frozen stages, clear refusals."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from spgen_lit.network.encoder import Encoder, normalise, smoothed
from spgen_lit.network.mobilenet import CHANNELS, STRIDES, mobilenet_v2_features
from spgen_lit.network.weights import find_weights


def test_parameters_and_names_are_those_of_mobilenet_v2() -> None:
    features = mobilenet_v2_features()
    # 3,504,872 parameters of the whole network less 1,281,000 of its classifier.
    assert sum(p.numel() for p in features.parameters()) == 2_223_872
    names = set(features.state_dict())
    assert {"0.0.weight", "1.conv.0.0.weight", "17.conv.3.running_var", "18.1.bias"} <= names
    assert len(names) == 312


def test_real_checkpoint_loads_and_gives_its_padding(data_dir: Path) -> None:
    files = sorted((data_dir.parent / "weights").glob("mobilenet_v2*.pth"))
    if not files:
        pytest.skip("no ImageNet weights beside the real data")
    weights = find_weights(str(files[0]))
    assert weights.state is not None
    encoder = Encoder(weights.padding)
    encoder.load_imagenet(weights.state)
    first = encoder.state_dict()["features.0.0.weight"]
    assert torch.equal(first, weights.state["features.0.0.weight"])


def test_taps_have_the_channels_and_strides_that_are_announced() -> None:
    encoder = Encoder(taps=range(19)).eval()
    outputs = encoder(torch.zeros(2, 3, 64, 96))
    for output, channels, stride in zip(outputs, CHANNELS, STRIDES, strict=True):
        assert output.shape == (2, channels, 64 // stride, 96 // stride)


@pytest.mark.parametrize(("size", "pads"), [((32, 48), (0, 1, 0, 1)), ((33, 47), (1, 1, 1, 1))])
def test_same_padding_pads_late_on_even_sides_only(
    size: tuple[int, int], pads: tuple[int, int, int, int]
) -> None:
    convolution = mobilenet_v2_features("tf_same")[0][0]
    image = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    expected = F.conv2d(F.pad(image, pads), convolution.weight, stride=2)
    assert torch.equal(convolution(image), expected)
    assert expected.shape[-2:] == (-(-size[0] // 2), -(-size[1] // 2))


def test_paddings_differ_where_they_should() -> None:
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch_like, tf_like = Encoder("torch", taps=[0]).eval(), Encoder("tf_same", taps=[0]).eval()
    tf_like.load_state_dict(torch_like.state_dict())
    assert not torch.allclose(torch_like(image)[0], tf_like(image)[0])


def test_frozen_stages_neither_learn_nor_count_and_the_next_layer_does() -> None:
    encoder = Encoder(taps=[13, 18], frozen_stages=4, freeze_batch_norm=False).train()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    sum(out.square().mean() for out in encoder(torch.randn(2, 3, 64, 64))).backward()
    for name, parameter in encoder.named_parameters():
        frozen = int(name.split(".")[1]) < 4
        assert (parameter.grad is None) == frozen, name
        assert parameter.requires_grad == (not frozen)
    first_trained = encoder.features[4].conv[0][0].weight.grad
    assert first_trained is not None and first_trained.abs().max() > 0
    after = encoder.state_dict()
    assert torch.equal(before["features.0.1.running_mean"], after["features.0.1.running_mean"])
    assert not torch.equal(
        before["features.4.conv.0.1.running_mean"], after["features.4.conv.0.1.running_mean"]
    )


def test_statistics_stay_in_training_by_default() -> None:
    encoder = Encoder(frozen_stages=0).train()
    before = {k: v.clone() for k, v in encoder.state_dict().items() if "running" in k}
    encoder(torch.randn(2, 3, 64, 64))
    assert all(torch.equal(before[k], v) for k, v in encoder.state_dict().items() if k in before)


def test_normalise_takes_bytes_and_shares_alike() -> None:
    pixels = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    assert torch.allclose(normalise(pixels), normalise(pixels.float() / 255))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert normalise(mean).abs().max() < 1e-6
    with pytest.raises(ValueError, match=r"\(batch, 3, height, width\).*\(2, 4, 5, 3\)"):
        normalise(pixels.permute(0, 2, 3, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("features.3.conv.0.0.weight"), "lacks 'features.3.conv.0.0.weight'"),
        (lambda s: s.update({"features.19.x": torch.zeros(1)}), "unexpected entry 'features.19.x'"),
        (lambda s: s.update({"features.0.0.weight": torch.zeros(8, 3, 3, 3)}), r"\(8, 3, 3, 3\)"),
    ],
)
def test_foreign_checkpoints_are_refused_by_entry(change, message: str) -> None:
    state = Encoder().state_dict()
    change(state)
    with pytest.raises(ValueError, match=message):
        Encoder().load_imagenet(state)


@pytest.mark.parametrize(
    "settings",
    [{"taps": []}, {"taps": [18, 6]}, {"taps": [19]}, {"frozen_stages": 20}, {"padding": "same"}],
)
def test_settings_out_of_range_are_refused(settings: dict) -> None:
    with pytest.raises(ValueError, match="found"):
        Encoder(**settings)


def test_smoothing_is_a_gaussian_that_keeps_flat_and_bright() -> None:
    flat = torch.full((1, 3, 32, 48), 0.4)
    assert torch.allclose(smoothed(flat, 2.0), flat, atol=1e-6)
    assert smoothed(flat, 0.0) is flat
    image = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    kernel = (13, 13)  # three deviations to each side
    expected = cv2.GaussianBlur(
        image[1].permute(1, 2, 0).numpy(), kernel, 2.0, borderType=cv2.BORDER_REFLECT_101
    )
    assert np.allclose(smoothed(image, 2.0)[1].permute(1, 2, 0).numpy(), expected, atol=1e-5)
    encoder, blurred = Encoder(), Encoder(smooth=2.0)
    blurred.load_state_dict(encoder.state_dict())
    for ours, theirs in zip(blurred(image), encoder(smoothed(image, 2.0)), strict=True):
        assert torch.allclose(ours, theirs)
    with pytest.raises(ValueError, match="smooth must be from 0 to 8 px, found 9"):
        Encoder(smooth=9)


def test_half_adds_the_maps_of_the_smaller_image() -> None:
    image = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    encoder, both = Encoder(taps=(6, 18)), Encoder(taps=(6, 18), two_scales=True)
    both.load_state_dict(encoder.state_dict())
    assert both.channels == (32, 1280, 32, 1280)
    small = image.unflatten(2, (32, 2)).unflatten(4, (48, 2)).mean((3, 5))
    expected = [*encoder(image), *encoder(small)]
    for ours, theirs in zip(both(image), expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)
