"""Classes from files outside the package: those of the documentation's pages, each by one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DOCS = Path(__file__).resolve().parents[1] / "docs"
FILE = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SMALL = (
    "+experiment=smoke",
    "trainer.max_epochs=1",
    "callbacks.progress=null",
    "evaluation.metrics=quick",
    "evaluation.pictures=0",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that a page shows, and a few pictures."""
    folder = tmp_path_factory.mktemp("mine")
    for page in DOCS.rglob("*.md"):
        for name, code in FILE.findall(page.read_text(encoding="utf-8")):
            (folder / name).write_text(code, encoding="utf-8")
    (folder / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        pixels = rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{number}.png")
    return folder


def train(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spgen_lit.train", *SMALL, *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_loss_encoder_and_reader_of_ones_own(place: Path) -> None:
    done = train(
        place,
        "loss._target_=my_losses.SmoothLoss",
        "loss.weight=0.2",
        "network/encoder=custom",
        "network.encoder._target_=my_encoder.Small",
        "~data.source.gallery",
        "+data.source.mine._target_=my_reader.MyReader",
        "+data.source.mine.root=pictures",
        "data.simulated_target=true",
        "hydra.run.dir=run",
    )
    assert done.returncode == 0, done.stderr
    metrics = (place / "run" / "metrics.csv").read_text()
    assert "uneven" in metrics.splitlines()[0]
    assert (place / "run" / "results" / "source-mine").is_dir()


def test_network_of_ones_own(place: Path) -> None:
    done = train(place, "network._target_=my_network.MyNetwork", "hydra.run.dir=other")
    assert done.returncode == 0, done.stderr


def test_a_mistyped_argument_of_ones_own_is_answered_with_the_nearest(place: Path) -> None:
    done = train(place, "loss._target_=my_losses.SmoothLoss", "loss.wieght=0.2")
    assert done.returncode == 2
    assert "did you mean 'weight'" in done.stderr or "did you mean 'loss.weight'" in done.stderr
