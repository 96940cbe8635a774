"""Training that begins with the weights of a finished run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.networks import spgen

from spgen_lit.checkpoint import CheckpointError
from spgen_lit.instantiation import ConfigError
from spgen_lit.network.spgen import SPGen
from spgen_lit.training.resumption import start_from

CARD = {"network": {}, "frame": {"size": [64, 64], "mode": "stretch"}}


def _network(seed: int, frozen: int = 4, priors: int = 4) -> SPGen:
    torch.manual_seed(seed)
    return spgen(frozen_stages=frozen, channels=16, priors=priors)


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    state = {f"network.{key}": value for key, value in _network(0).state_dict().items()}
    state["adaptation.heads.0.weight"] = torch.zeros(1)
    file = tmp_path / "best.ckpt"
    torch.save({"spgen_lit": CARD, "state_dict": state}, file)
    return file


def test_weights_are_taken_over_whichever_layers_are_trained(finished: Path) -> None:
    other = _network(1, frozen=7)
    start_from(finished, other)
    for ours, theirs in zip(other.parameters(), _network(0).parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert not next(other.encoder.stages[6].parameters()).requires_grad
    assert next(other.encoder.stages[7].parameters()).requires_grad


def test_other_shapes_and_other_files_are_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"another shape .*priors"):
        start_from(finished, _network(1, priors=8))
    with pytest.raises(FileNotFoundError, match=r"start_from: .*no such file"):
        start_from(tmp_path / "none.ckpt", _network(1))
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    with pytest.raises(CheckpointError, match=r"start_from: .*cannot read checkpoint .*text\.ckpt"):
        start_from(tmp_path / "text.ckpt", _network(1))
    torch.save({"weights": 1}, tmp_path / "other.ckpt")
    with pytest.raises(CheckpointError, match="is not a checkpoint of spgen_lit"):
        start_from(tmp_path / "other.ckpt", _network(1))
