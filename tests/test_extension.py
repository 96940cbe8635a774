"""Classes from files outside the package: those of the documentation's pages, each by one line."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spgen_lit.evaluation.results import Results

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
        "evaluation.metric._target_=my_metrics.first_fixation",
        "hydra.run.dir=run",
    )
    assert done.returncode == 0, done.stderr
    metrics = (place / "run" / "metrics.csv").read_text()
    assert "uneven" in metrics.splitlines()[0]
    scores = Results.load(place / "run" / "results" / "source-mine").frame
    assert scores.loc["first_fixation", "label"] == "first fixation (px) ↓"


def test_metric_of_ones_own(place: Path) -> None:
    words = ["metrics=[scanmatch]", "metric._target_=my_metrics.first_fixation", "output=scores"]
    done = subprocess.run(
        [sys.executable, "-m", "spgen_lit.evaluate", "baseline=uniform", *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "first fixation (px) ↓" in done.stdout
    results = Results.load(place / "scores")
    assert results.frame.loc["first_fixation", "better"] == "down"
    assert results.band["observers"].mean("first_fixation") < results.model.mean("first_fixation")


def test_a_fault_in_scoring_leaves_the_checkpoint_and_the_command(place: Path) -> None:
    # At 7e451e6 such a run ended in a traceback that named neither.
    (place / "broken.py").write_text(
        "from spgen_lit.evaluation.measures import Measure\n\n\n"
        "def metric():\n"
        "    return Measure('broken', 'broken', 'up', compare=lambda a, b, screen: 1 / 0)\n"
    )
    done = train(place, "evaluation.metric._target_=broken.metric", "hydra.run.dir=late")
    assert done.returncode != 0
    assert "scoring source-gallery failed (division by zero)" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((place / "late" / "checkpoints").glob("*.ckpt"))
    command = shlex.split(done.stderr.partition("score it with: ")[2].splitlines()[0])
    assert command[:3] == ["python", "-m", "spgen_lit.evaluate"]
    again = subprocess.run(
        [sys.executable, *command[1:], "metrics=[scanmatch]", "samples=2", "output=again"],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert again.returncode == 0, again.stderr
    assert len(Results.load(place / "again").model.rows) == 3  # of twelve, by their ids


def test_network_of_ones_own(place: Path) -> None:
    done = train(place, "network._target_=my_network.MyNetwork", "hydra.run.dir=other")
    assert done.returncode == 0, done.stderr


def test_a_mistyped_argument_of_ones_own_is_answered_with_the_nearest(place: Path) -> None:
    done = train(place, "loss._target_=my_losses.SmoothLoss", "loss.wieght=0.2")
    assert done.returncode == 2
    assert "did you mean 'weight'" in done.stderr or "did you mean 'loss.weight'" in done.stderr
