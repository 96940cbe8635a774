"""MobileNetV2 in plain torch, with torchvision's checkpoint names and a padding option."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

Padding = Literal["torch", "tf_same"]

# Sandler et al. 2018, table 2: expansion, channels, repeats, stride of the first.
_BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
LAYERS = 19
CHANNELS = (32, 16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320, 1280)
STRIDES = (2, 2, 4, 4, 8, 8, 8, 16, 16, 16, 16, 16, 16, 16, 32, 32, 32, 32, 32)


class _Conv(nn.Conv2d):
    """A convolution that can pad as TensorFlow does: on the right and bottom when striding."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, groups: int, padding: Padding
    ) -> None:
        self.late = padding == "tf_same" and stride == 2
        pad = 0 if self.late else (kernel - 1) // 2
        super().__init__(inputs, outputs, kernel, stride, pad, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        if self.late:
            # SAME pads (0, 1) on even sizes and (1, 1) on odd ones.
            right, bottom = (1, 1)
            left, top = input.shape[-1] % 2, input.shape[-2] % 2
            input = F.pad(input, (left, right, top, bottom))
        return super().forward(input)


def _conv_bn_relu(
    inputs: int, outputs: int, padding: Padding, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        _Conv(inputs, outputs, kernel, stride, groups, padding),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter by depthwise 3x3, project by 1x1; a shortcut where sizes match."""

    def __init__(
        self, inputs: int, outputs: int, stride: int, expand: int, padding: Padding
    ) -> None:
        super().__init__()
        hidden = inputs * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers.append(_conv_bn_relu(inputs, hidden, padding, kernel=1))
        layers += [
            _conv_bn_relu(hidden, hidden, padding, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(batch, channels, height, width)``; height and width shrink by the stride."""
        out: Tensor = self.conv(x)
        return x + out if self.shortcut else out


def mobilenet_v2_features(padding: Padding = "torch") -> nn.Sequential:
    """The 19 layers of MobileNetV2 1.0, named as torchvision's ``features``.

    Args:
        padding: ``torch`` for torchvision's checkpoint, ``tf_same`` for weights trained
            in TensorFlow, whose stride-2 layers pad only right and bottom on even sizes.

    Raises:
        ValueError: For another padding.
    """
    if padding not in ("torch", "tf_same"):
        raise ValueError(f"padding must be 'torch' or 'tf_same', found {padding!r}")
    layers: list[nn.Module] = [_conv_bn_relu(3, 32, padding, stride=2)]
    channels = 32
    for expand, outputs, repeats, first_stride in _BLOCKS:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            layers.append(InvertedResidual(channels, outputs, stride, expand, padding))
            channels = outputs
    layers.append(_conv_bn_relu(channels, 1280, padding, kernel=1))
    features = nn.Sequential(*layers)
    for module in features.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
    return features
