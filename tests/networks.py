"""Small networks with random weights, and the trees that name them."""

from __future__ import annotations

from typing import Any

from spgen_lit.network.encoders.mobilenet import MobileNetV2
from spgen_lit.network.published import PublishedSPGen
from spgen_lit.network.spgen import SPGen


def encoder(**options: Any) -> MobileNetV2:
    """MobileNetV2 with random weights."""
    return MobileNetV2(**{"weights": "none", "frozen_stages": 4, **options})


def spgen(frame: tuple[int, int] = (64, 64), **settings: Any) -> SPGen:
    """SPGen on that encoder; settings of either, by name."""
    named = ("frozen_stages", "taps", "freeze_batch_norm", "smooth", "domain_norm", "padding")
    options = {name: settings.pop(name) for name in named if name in settings}
    return SPGen(encoder(**options), frame, **settings)


def published(frozen: bool = True, **settings: Any) -> PublishedSPGen:
    """The published design, trainable, its encoder frozen whole or not at all."""
    stages = "all" if frozen else 0
    return PublishedSPGen(encoder(taps=(18,), frozen_stages=stages), **settings)


def tree(kind: str = "spgen", options: dict[str, Any] | None = None, **settings: Any) -> dict:
    """The tree of a card or configuration."""
    targets = {
        "spgen": "spgen_lit.network.spgen.SPGen",
        "published": "spgen_lit.network.published.PublishedSPGen",
    }
    made = {
        "_target_": "spgen_lit.network.encoders.mobilenet.MobileNetV2",
        "weights": "none",
        "padding": "torch",
        **({"taps": [18], "frozen_stages": "all"} if kind == "published" else {}),
        **(options or {}),
    }
    return {"_target_": targets[kind], "encoder": made, **settings}
