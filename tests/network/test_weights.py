"""Initial weights: where they are looked for, and a plain word where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from spgen_lit.network.weights import find_weights


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights in torch's cache, no network."""
    monkeypatch.delenv("SPGEN_WEIGHTS", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)


def _save(folder: Path, name: str, value: float = 1.0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"features.0.0.weight": torch.tensor([value])}, folder / name)
    return folder / name


def test_without_any_the_weights_are_random_and_say_so() -> None:
    found = find_weights("auto")
    assert found.random and found.state is None
    assert found.origin == "random (no ImageNet weights: OSError)"
    assert find_weights("none").random


def test_a_folder_is_looked_into_and_the_name_tells_the_padding(tmp_path: Path) -> None:
    _save(tmp_path / "a", "mobilenet_v2_imagenet_tfsame.pth")
    found = find_weights("auto", [tmp_path / "missing", tmp_path / "a"])
    assert (found.origin, found.padding) == ("mobilenet_v2_imagenet_tfsame.pth", "tf_same")
    other = _save(tmp_path / "b", "mobilenet_v2-7ebf99e0.pth")
    assert find_weights(str(other)).padding == "torch"


def test_environment_stands_before_folders_and_the_cache_behind(tmp_path, monkeypatch) -> None:
    _save(tmp_path / "hub" / "checkpoints", "mobilenet_v2-x.pth", 3.0)
    assert find_weights("auto").state["features.0.0.weight"].item() == 3.0
    _save(tmp_path / "folder", "mobilenet_v2-x.pth", 2.0)
    assert find_weights("auto", [tmp_path / "folder"]).state["features.0.0.weight"].item() == 2.0
    monkeypatch.setenv("SPGEN_WEIGHTS", str(_save(tmp_path / "own", "mine.pth", 1.0)))
    assert find_weights("auto", [tmp_path / "folder"]).state["features.0.0.weight"].item() == 1.0


def test_a_named_file_must_be_there_and_readable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing.pth.*'auto'.*'none'"):
        find_weights(str(tmp_path / "nothing.pth"))
    (tmp_path / "text.pth").write_text("no checkpoint")
    with pytest.raises(ValueError, match=r"text.pth: not a readable torch checkpoint"):
        find_weights(str(tmp_path / "text.pth"))
