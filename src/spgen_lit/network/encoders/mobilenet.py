"""MobileNetV2 in plain torch, with torchvision's checkpoint names and a padding option."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, Unpack

import torch
from torch import Tensor, nn

from spgen_lit.network.encoders.base import Encoder, EncoderOptions
from spgen_lit.network.encoders.efficientnet_lite import SameConv2d, initialize, inverted_residuals
from spgen_lit.network.encoders.weights import Pretrained, read_weights

Padding = Literal["torch", "tf_same"]

URL = "https://download.pytorch.org/models/mobilenet_v2-7ebf99e0.pth"
SHA256 = "7ebf99e0"  # its first digits, which torchvision publishes in the name
_TIMEOUT = 15.0

# Sandler et al. 2018, table 2: expansion, channels, repeats, stride of the first, kernel.
_BLOCKS = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 32, 3, 2, 3),
    (6, 64, 4, 2, 3),
    (6, 96, 3, 1, 3),
    (6, 160, 3, 2, 3),
    (6, 320, 1, 1, 3),
)
CHANNELS = (32, 16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320, 1280)


def _conv_bn_relu(
    inputs: int, outputs: int, padding: Padding, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    if padding == "tf_same":
        conv: nn.Conv2d = SameConv2d(inputs, outputs, kernel, stride, groups)
    else:
        pad = (kernel - 1) // 2
        conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter depthwise, project by 1x1; a shortcut where sizes match."""

    def __init__(
        self, inputs: int, outputs: int, stride: int, expand: int, kernel: int, padding: Padding
    ) -> None:
        super().__init__()
        hidden = inputs * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers.append(_conv_bn_relu(inputs, hidden, padding, kernel=1))
        layers += [
            _conv_bn_relu(hidden, hidden, padding, kernel, stride, groups=hidden),
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
    features = nn.Sequential(
        _conv_bn_relu(3, 32, padding, stride=2),
        *inverted_residuals(_BLOCKS, partial(InvertedResidual, padding=padding)),
        _conv_bn_relu(320, 1280, padding, kernel=1),
    )
    initialize(features)
    return features


def _imagenet() -> Pretrained:
    file = Path(torch.hub.get_dir()) / "checkpoints" / URL.rpartition("/")[2]
    if not file.is_file():
        before = socket.getdefaulttimeout()
        # A machine without a network must not wait for minutes before it says so.
        socket.setdefaulttimeout(_TIMEOUT)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(URL, str(file), SHA256, progress=False)
        except OSError as error:
            return Pretrained(None, f"random (no ImageNet weights: {type(error).__name__})")
        except RuntimeError as error:
            raise ValueError(f"weights {URL}: {error}; the download was not kept") from error
        finally:
            socket.setdefaulttimeout(before)
    return Pretrained(read_weights(file, SHA256), file.name, "BSD-3-Clause (torchvision)")


def _layer_name(entry: str) -> str:
    """The name among the layers of an entry of torchvision's checkpoint; "" for its classifier."""
    return "" if entry.startswith("classifier.") else entry.removeprefix("features.")


def _padding(state: Mapping[str, Tensor] | None, origin: str) -> Padding:
    """The padding that weights were trained with, by the classifier that they hold.

    TensorFlow's MobileNetV2 has 1001 classes, the first of them background; torchvision's 1000.
    """
    if state is None:
        return "torch"
    classifier = state.get("classifier.1.weight")
    if classifier is not None and len(classifier) == 1000:
        return "torch"
    if classifier is not None and len(classifier) == 1001:
        return "tf_same"
    raise ValueError(
        f"weights {origin}: it holds no classifier of 1000 or 1001 classes that would tell its "
        "padding; give padding=torch, or padding=tf_same for weights trained in TensorFlow"
    )


class MobileNetV2(Encoder):
    """MobileNetV2 1.0 (Sandler et al. 2018, CVPR).

    Args:
        weights: ``auto`` for torchvision's ImageNet checkpoint, from torch's cache or by one
            download (random weights where there is no network), ``none`` for random ones,
            or the path of a checkpoint with torchvision's names.
        padding: ``torch``, or ``tf_same`` for weights trained in TensorFlow; ``auto`` takes
            what the weights were trained with, which their classifier tells.
        taps: Layers (0 to 18) whose outputs are given.
        frozen_stages: See :class:`Encoder`; 7 freezes all up to stride 8.
        options: See :class:`Encoder`.

    Raises:
        FileNotFoundError: If a path was given and no file is there.
        ValueError: If the weights' hash, names or shapes are others, their padding is not
            known, or an option is out of range.
    """

    def __init__(
        self,
        weights: str = "auto",
        padding: Padding | Literal["auto"] = "auto",
        taps: Sequence[int] = (6, 13, 18),
        frozen_stages: int | Literal["all"] = 7,
        **options: Unpack[EncoderOptions],
    ) -> None:
        found = Pretrained.find(weights, _imagenet)
        final = _padding(found.state, found.origin) if padding == "auto" else padding
        stages = mobilenet_v2_features(final)
        found.load(stages, _layer_name)
        super().__init__(
            list(stages),
            taps,
            [CHANNELS[tap] for tap in taps if 0 <= tap < len(stages)],
            origin=found.origin,
            licence=found.licence,
            frozen_stages=frozen_stages,
            **options,
        )
        self.padding: Padding = final

    def portable(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """With the padding that was found."""
        return {**super().portable(arguments), "padding": self.padding}
