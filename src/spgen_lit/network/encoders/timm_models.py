"""Any model of timm as an encoder; the extra ``timm`` brings the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Unpack

from torch import Tensor, nn

from spgen_lit.network.encoders.base import IMAGENET_MEAN, IMAGENET_STD, Encoder, EncoderOptions


def _created(
    model: str, weights: str, out_indices: Sequence[int], arguments: dict[str, Any]
) -> Any:
    """The model as timm's feature extractor."""
    try:
        import timm
    except ImportError as error:
        raise ImportError(
            f"network.encoder: cannot import timm ({error}); run pip install 'spgen-lit[timm]', or "
            "choose another encoder with network/encoder=efficientnet_lite0"
        ) from error
    # A name with a source ("hf-hub:…") would fetch a model's definition from somewhere else.
    if not timm.is_model(model):
        raise ValueError(
            f"network.encoder.model: timm {timm.__version__} has no model {model!r}; "
            "timm.list_models() lists them"
        )
    if weights not in ("auto", "none"):
        if not Path(weights).expanduser().is_file():
            raise FileNotFoundError(
                f"weights: no file at {weights}; give a checkpoint of timm's {model}, 'auto' for "
                "its pretrained weights, or 'none' to start from random weights"
            )
        arguments["pretrained_cfg_overlay"] = {"file": str(Path(weights).expanduser())}
    try:
        return timm.create_model(
            model,
            pretrained=weights != "none",
            features_only=True,
            out_indices=tuple(out_indices),
            **arguments,
        )
    except OSError as error:
        raise OSError(
            f"weights: cannot get timm's pretrained {model} ({type(error).__name__}); give "
            "weights=PATH of its checkpoint, or weights=none to start from random weights"
        ) from error


class _Whole(nn.Module):
    """A feature extractor of timm as one stage that gives a list of maps."""

    def __init__(self, net: nn.Module, channels_last: bool) -> None:
        super().__init__()
        self.net = net
        self.channels_last = channels_last

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps ``(batch, channels, height, width)``."""
        maps = list(self.net(images))
        return [m.permute(0, 3, 1, 2) for m in maps] if self.channels_last else maps


class TimmEncoder(Encoder):
    """Features of a model of timm: convolutional networks, vision transformers, towers.

    A model that timm takes apart into a row of modules (ResNet, ConvNeXt, EfficientNet) has
    these as its stages. Any other (a vision transformer) is one stage.

    Args:
        model: A name of ``timm.list_models()``.
        weights: ``auto`` for timm's pretrained weights, by its cache or one download,
            ``none`` for random ones, or the path of a checkpoint of this model.
        out_indices: Which of the model's features are given; negative ones count from the last.
        frozen_stages: See :class:`Encoder`.
        arguments: Further arguments of the model; a vision transformer that is to take
            images of any size needs ``{dynamic_img_size: true, dynamic_img_pad: true}``.
        options: See :class:`Encoder`.

    Raises:
        ImportError: If timm is not installed.
        OSError: If the pretrained weights cannot be had.
        ValueError: For a name that timm does not have, or an option out of range.
    """

    def __init__(
        self,
        model: str,
        weights: str = "auto",
        out_indices: Sequence[int] = (-3, -2, -1),
        frozen_stages: int | Literal["all"] = 0,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[EncoderOptions],
    ) -> None:
        net = _created(model, weights, out_indices, dict(arguments or {}))
        row = getattr(net, "return_layers", None)
        flat = str(getattr(net, "output_fmt", "NCHW")).endswith("NHWC")
        if row is None or flat:
            stages: list[nn.Module] = [_Whole(net, flat)]
            taps = [0]
        else:
            stages = list(net.values())
            taps = [index for index, name in enumerate(net) if name in row]
        settings = getattr(net, "pretrained_cfg", None) or {}
        licence = str(settings.get("license") or "as timm says")
        origin = f"timm {model}: {weights}"
        if weights == "none":
            origin, licence = f"random (weights: none, timm {model})", ""
        super().__init__(
            stages,
            taps,
            net.feature_info.channels(),
            mean=settings.get("mean", IMAGENET_MEAN),
            std=settings.get("std", IMAGENET_STD),
            origin=origin,
            licence=licence,
            frozen_stages=frozen_stages,
            **options,
        )
