"""Trained models as plain files: written, found by name, folder, file or id, listed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.networks import tree

from spgen_lit import pretrained
from spgen_lit.instantiation import build_network
from spgen_lit.predictor import Predictor

SPEC = tree(frame=[128, 96], channels=16, max_fixations=6)
CARD: dict[str, Any] = {
    "version": "1",
    "network": SPEC,
    "frame": {"size": [128, 96], "mode": "letterbox"},
    "initial_weights": "mobilenet_v2.pth",
    "source": ["osie"],
    "gaze": "eye",
    "seed": 3,
    "licences": {"osie": "MIT"},
    "config": {
        "name": "demo",
        "data": {"split_seed": 4, "val": 0.1, "test": 0.2},
        "paths": {"data_dir": "/home/somebody/data"},
    },
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    state = {f"network.{k}": v for k, v in build_network(SPEC).state_dict().items()}
    file = tmp_path / "run" / "checkpoints" / "best.ckpt"
    file.parent.mkdir(parents=True)
    torch.save({"spgen_lit": CARD, "state_dict": state}, file)
    (tmp_path / "run" / "summary.json").write_text(json.dumps({"commit": "abc1234"}))
    return file


def evaluated(folder: Path) -> Path:
    """A folder as ``spgen evaluate`` writes it."""
    folder.mkdir()
    energy = {"mean": 0.34, "interval": [0.33, 0.35], "normalized": 0.7}
    summary = {
        "images": 63,
        "meta": {"data": "osie", "split": "val", "gaze": "eye", "seed": 0},
        "metrics": {"energy": energy, "nss": {"mean": 1.0}},
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "protocol.json").write_text(json.dumps({"name": "spgen_lit"}))
    return folder


def test_a_model_is_small_plain_and_draws_nearly_the_same_paths(
    checkpoint: Path, tmp_path: Path
) -> None:
    scores = evaluated(tmp_path / "scores")
    folder = pretrained.write_pretrained(
        checkpoint, tmp_path / "mine", scores=[scores], failures=["Misses faces in profile."]
    )
    assert {file.name for file in folder.iterdir()} == {"card.json", "weights.safetensors"}
    assert (folder / "weights.safetensors").stat().st_size < 0.6 * checkpoint.stat().st_size
    text = (folder / "card.json").read_text()
    assert "/home/somebody" not in text
    card = json.loads(text)
    assert card["name"] == "mine"
    assert card["licences"] == {"osie": "MIT"}
    assert card["commit"] == "abc1234"
    assert card["config"]["data"] == {"split_seed": 4, "val": 0.1, "test": 0.2}
    assert card["known_failures"] == ["Misses faces in profile."]
    (score,) = card["scores"]
    assert (score["data"], score["split"], score["images"]) == ("osie", "val", 63)
    assert score["protocol"] == {"name": "spgen_lit"}
    assert set(score["metrics"]) == {"energy"}

    picture = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    before = Predictor.from_pretrained(checkpoint)(picture, samples=3)
    after = Predictor.from_pretrained(folder)(picture, samples=3)
    assert [len(path) for path in before] == [len(path) for path in after]
    for one, other in zip(before, after, strict=True):
        assert np.abs(one.xy - other.xy).max() < 0.02


def test_a_model_is_found_by_name_folder_file_and_run(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pretrained.write_pretrained(checkpoint, tmp_path / "models" / "natural")
    for given in (
        folder,
        str(folder / "weights.safetensors"),
        checkpoint,
        str(checkpoint.parents[1]),
    ):
        assert Predictor.from_pretrained(given).info["source"] == ["osie"]
    monkeypatch.setattr(pretrained, "shipped_models", lambda: {"natural": folder})
    assert pretrained.load_pretrained("natural").card["name"] == "natural"
    assert Predictor.from_pretrained().info["name"] == "natural"
    table = pretrained.model_table()
    assert table.row_count == 1
    again = pretrained.write_pretrained(
        Path("natural"), tmp_path / "again", scores=[evaluated(tmp_path / "scores")]
    )
    assert json.loads((again / "card.json").read_text())["commit"] == "abc1234"


def test_what_is_no_model_is_said_in_a_line(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError, match=r"model nowhere: no such file.*shipped"):
        pretrained.load_pretrained("nowhere")
    with pytest.raises(FileNotFoundError, match=r"neither card.json nor checkpoints/best.ckpt"):
        pretrained.load_pretrained(tmp_path)
    folder = pretrained.write_pretrained(checkpoint, tmp_path / "mine")
    (folder / "weights.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"cannot read model .*mine.*write it again"):
        pretrained.load_pretrained(folder)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"needs both card.json and weights"):
        pretrained.load_pretrained(folder)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'spgen-lit\[hub\]'"):
        pretrained.load_pretrained("somebody/scanpaths")


def test_a_weight_beyond_half_precision_is_refused(tmp_path: Path, checkpoint: Path) -> None:
    saved = torch.load(checkpoint, weights_only=True)
    key = next(name for name, value in saved["state_dict"].items() if value.ndim > 1)
    saved["state_dict"][key] += 1e6
    torch.save(saved, checkpoint)
    told = f"weight {key.removeprefix('network.')} is not finite in half precision"
    with pytest.raises(ValueError, match=told):
        pretrained.write_pretrained(checkpoint, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_weights_that_are_not_those_of_the_card_are_refused(
    tmp_path: Path, checkpoint: Path
) -> None:
    folder = pretrained.write_pretrained(checkpoint, tmp_path / "mine")
    state = {key: value + 1 for key, value in load_file(folder / "weights.safetensors").items()}
    save_file(state, folder / "weights.safetensors")
    with pytest.raises(ValueError, match=r"not the file that card.json was written for"):
        pretrained.load_pretrained(folder)


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ({"source": ["gallery"], "gaze": "simulated"}, "SIMULATED"),
        ({"source": []}, "RANDOM"),
        ({"source": ["osie"], "gaze": "eye", "initial_weights": "random (none)"}, "RANDOM"),
        ({"source": ["osie"], "gaze": "eye", "initial_weights": "a.pth"}, ""),
    ],
)
def test_what_must_be_said_of_a_model(card: dict[str, Any], told: str) -> None:
    warning = pretrained.training_warning(card)
    assert (told in warning) if told else warning == ""


def test_export_writes_a_model_and_warns_of_simulated_gaze(
    checkpoint: Path, tmp_path: Path
) -> None:
    saved = torch.load(checkpoint, weights_only=True)
    saved["spgen_lit"]["gaze"] = "simulated"
    torch.save(saved, checkpoint)
    words = (f"ckpt_path={checkpoint}", "format=safetensors", f"output={tmp_path / 'mine'}")
    done = subprocess.run(
        [sys.executable, "-m", "spgen_lit", "export", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stderr
    assert "card.json; use it by --model" in done.stdout
    shown = subprocess.run(
        [sys.executable, "-m", "spgen_lit", "models"], capture_output=True, text=True
    )
    assert shown.returncode == 0
    assert "model" in shown.stdout
