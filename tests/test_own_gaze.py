"""One's own gaze through the real commands: fine-tuning a model, and paintings by movement."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from tests.data import exporters
from tests.data.test_paintings_and_daemons import painting, parquet
from tests.networks import tree

from spgen_lit.instantiation import build_network
from spgen_lit.pretrained import write_pretrained


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a model called ``natural``."""
    torch.manual_seed(0)
    spec = tree(frame=[96, 64], channels=16, max_fixations=12)
    state = {f"network.{k}": v for k, v in build_network(spec).state_dict().items()}
    frame = {"size": [96, 64], "mode": "stretch"}
    card = {"network": spec, "frame": frame, "gaze": "simulated", "source": ["gallery"]}
    torch.save({"spgen_lit": card, "state_dict": state}, tmp_path / "best.ckpt")
    write_pretrained(tmp_path / "best.ckpt", tmp_path / "models" / "natural")
    return tmp_path


def command(place: Path, *words: str) -> str:
    environment = {
        **os.environ,
        "SPGEN_MODELS": str(place / "models"),
        "SPGEN_DATA": str(place / "data"),
        "SPGEN_CACHE": str(place / "cache"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "120",
    }
    done = subprocess.run(
        [sys.executable, "-m", f"spgen_lit.{words[0]}", *words[1:]],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_fine_tuning_on_forty_images_beats_the_model_it_began_with(place: Path) -> None:
    trials = exporters.truth(place / "my", images=40, observers=5)
    # People who keep to the top left: what a model can learn in a minute.
    exporters.plain(place / "my" / "fixations.csv", trials, scale=(0.5, 0.5))
    declared = ["units=px", "size=image", "order=fixation", "duration=ms", "time=ms"]
    words = [word for setting in declared for word in ("--set", setting)]
    command(place, "data", "check", "table", "my/fixations.csv", *words)
    own = ["data/source=table", "data.source.table.root=my", "hydra.run.dir=run"]
    quick = ["evaluation.pictures=1", "evaluation.samples=4", "trainer.max_epochs=4"]
    fast = ["optimizer.lr=3e-3", "optimizer.encoder_lr=1e-3", "feature_cache=false"]
    said = command(place, "train", "+experiment=finetune", *own, *quick, *fast)
    assert "none: training on the source alone" in said
    assert "95 % interval" in said
    gain = pd.read_csv(place / "run/results/source-table/against_start.csv")
    energy = gain.set_index("metric").loc["energy"]
    assert energy["high"] < 0, energy  # lower is better
    assert (place / "run/results/before-table/scores.csv").is_file()


def test_paintings_are_scored_by_movement(place: Path) -> None:
    pytest.importorskip("pyarrow")
    boxes = {"Cubism": (400, 50, 1200, 850), "Realism": (100, 100, 1500, 800)}
    content = [
        painting(f"{movement}{number}", box, movement)
        for movement, box in boxes.items()
        for number in range(4)
    ]
    parquet(place / "data" / "avatt", content)
    words = ["evaluate", "data=avatt", "model=natural", "metrics=quick", "samples=3"]
    said = command(place, *words)
    assert "by movement" in said
    assert "Cubism" in said and "Realism" in said
    (file,) = place.rglob("by_movement.csv")
    rows = pd.read_csv(file)
    rows = rows[rows["metric"] == "energy"]
    assert set(rows["group"]) == {"Cubism", "Realism"}
    assert set(rows["images"]) == {4}
    said = command(place, *words, "group=artist")
    assert "A. Painter" in said
