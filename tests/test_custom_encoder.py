"""The encoder of docs/encoders.md: a user's file, one line of configuration, the real command."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from spgen_lit.config import check_overrides
from spgen_lit.predictor import Predictor

PAGE = Path(__file__).resolve().parents[1] / "docs" / "encoders.md"


def test_encoder_of_the_page_trains_and_predicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    line = re.search(r"python -m (spgen_lit\.train .*my_encoder.*)", text)
    assert code and line
    (tmp_path / "my_encoder.py").write_text(code[1], encoding="utf-8")
    assert len(code[1].splitlines()) <= 36
    output = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-m", *line[1].split(), f"hydra.run.dir={output}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "SPGEN_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Small: random (weights: none)" in done.stdout
    checkpoint = output / "checkpoints" / "best.ckpt"
    card = torch.load(checkpoint, weights_only=True)["spgen_lit"]
    assert card["network"]["encoder"]["_target_"] == "my_encoder.Small"
    with pytest.raises(
        ValueError, match=r"'my_encoder.Small', which is not of spgen_lit.network.*trust"
    ):
        Predictor.from_pretrained(checkpoint)
    monkeypatch.syspath_prepend(tmp_path)
    predictor = Predictor.from_pretrained(checkpoint, trust=["my_encoder"])
    image = torch.zeros(96, 128, 3, dtype=torch.uint8).numpy()
    assert len(predictor(image, samples=2)) == 2


def test_training_commands_of_the_page_compose() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"python -m spgen_lit\.train (.*)", text)
    assert len(commands) == 3
    for command in commands:
        check_overrides("train", shlex.split(command))
