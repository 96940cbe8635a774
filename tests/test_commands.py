"""The commands of README and docs: each runs as it stands there, or its page says why not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.data import exporters
from tests.networks import tree

from spgen_lit.instantiation import build_network
from spgen_lit.pretrained import write_pretrained

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(<!-- not run: [^>]+-->\n+)?^([ ]*)```(?:bash|sh|console)?\n(.*?)^\2```",
    re.DOTALL | re.MULTILINE,
)
COMMANDS = ("spgen", "python", "make", "pip", "uv", "torchrun", "experiments/", "PYTHONPATH")


def commands(page: Path) -> list[str]:
    """Blocks of shell commands that the page does not mark as not run."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [code for mark, _, code in found if not mark and code.lstrip().startswith(COMMANDS)]


def _pages() -> list[pytest.param]:
    # The README is read first and must never be wrong; the rest is run with the slow tests.
    return [
        pytest.param(page, id=page.relative_to(ROOT).as_posix(), marks=marks)
        for page in PAGES
        if commands(page)
        for marks in [() if page.name in ("README.md", "predict.md") else (pytest.mark.slow,)]
    ]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What the pages take for granted: paintings, a table of gaze, a checkpoint, a model."""
    torch.manual_seed(0)
    spec = tree(frame=[128, 96], channels=16, max_fixations=6)
    state = {f"network.{k}": v for k, v in build_network(spec).state_dict().items()}
    frame = {"size": [128, 96], "mode": "stretch"}
    card = {"network": spec, "frame": frame, "gaze": "simulated", "source": ["gallery"]}
    torch.save({"spgen_lit": card, "state_dict": state}, tmp_path / "best.ckpt")
    write_pretrained(tmp_path / "best.ckpt", tmp_path / "models" / "natural")
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    trials = exporters.truth(tmp_path / "my", images=12)
    content = [
        (f"{image}.png", who, n, *(xy[n] + exporters.CORNER), ms[n])
        for image, who, xy, ms in trials
        for n in range(len(xy))
    ]
    header = ("image", "person", "n", "x", "y", "ms")
    exporters.rows(tmp_path / "my" / "fixations.csv", header, content, ",")
    (tmp_path / "my_paintings").mkdir()
    for name in ("painting.jpg", "my_paintings/a.jpg", "my_paintings/b.png"):
        Image.fromarray(noise).save(tmp_path / name)
    return tmp_path


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("page", _pages())
def test_commands_run_as_they_stand(page: Path, place: Path) -> None:
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "SPGEN_MODELS": str(place / "models"),
        "BROWSER": "true",  # a program that opens nothing
    }
    for code in commands(page):
        done = subprocess.run(
            ["bash", "-e", "-c", code], cwd=place, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"


def test_no_command_is_cut_short_with_dots() -> None:
    for page in PAGES:
        for code in commands(page):
            assert "…" not in code, f"{page.name}: {code}"
