"""The command ``python -m spgen_lit.predict``, run for real."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.networks import tree

from spgen_lit.network.build import build_network
from spgen_lit.predictor import Predictor

SPEC = tree(frame=[128, 96], channels=16, max_fixations=6)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    card = {"network": SPEC, "frame": {"size": [128, 96], "mode": "stretch"}, "source": ["gallery"]}
    state = {f"network.{k}": v for k, v in build_network(SPEC).state_dict().items()}
    file = tmp_path_factory.mktemp("model") / "best.ckpt"
    torch.save({"spgen_lit": {**card, "gaze": "simulated"}, "state_dict": state}, file)
    return file


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "deep").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (90, 121, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "a.png")
    Image.fromarray(noise[:, ::-1]).save(folder / "deep" / "b.jpg")
    return folder


def predict(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spgen_lit.predict", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_paths_page_and_regions_from_one_command(
    checkpoint: Path, images: Path, tmp_path: Path
) -> None:
    (images / "broken.jpg").write_text("no image")
    regions = {"width": 121, "height": 90, "regions": [{"name": "left", "box": [0, 0, 60, 90]}]}
    (tmp_path / "r.json").write_text(json.dumps({"images": {"a.png": regions}}))
    people = [
        {
            "name": "a.png",
            "subject": "P1",
            "width": 121,
            "height": 90,
            "X": [9],
            "Y": [8],
            "T": [250],
        }
    ]
    (tmp_path / "people.json").write_text(json.dumps(people))
    common = (f"ckpt_path={checkpoint}", f"images={images}", "samples=2", "temperature=0.5")
    extra = ("regions=r.json", "people=people.json", "device=cpu")
    done = predict(*common, *extra, "output=out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 images done" in done.stderr
    assert "1 could not be read" in done.stderr
    assert "broken.jpg: the contents are not an image" in done.stderr

    records = json.loads((tmp_path / "out" / "scanpaths.json").read_text())
    assert [(r["name"], r["subject"]) for r in records] == [
        (name, number) for name in ("a.png", "deep/b.jpg") for number in (1, 2)
    ]
    expected = Predictor.from_checkpoint(checkpoint)(
        images / "deep" / "b.jpg", samples=2, temperature=0.5
    )
    assert np.column_stack([records[3]["X"], records[3]["Y"]]) == pytest.approx(
        expected[1].pixels, abs=0.01
    )
    page = (tmp_path / "out" / "index.html").read_text()
    assert "spgen trained on gallery (simulated gaze) · 2 samples an image" in page
    assert '"title":"people","paths":[{"n":"P1"' in page
    assert (tmp_path / "out" / "regions" / "a.png.png").is_file()

    again = predict(*common, *extra, "output=out", "strict=true", cwd=tmp_path)
    assert again.returncode == 1
    assert "2 images done (2 of them before this run)" in again.stderr


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("sampels=3", "did you mean 'samples'"),
        ("images=nowhere", "images=nowhere: no such file or folder"),
        ("people=osis:x", "people=osis:x: neither"),
    ],
)
def test_faulty_settings_end_in_one_line(
    checkpoint: Path, images: Path, tmp_path: Path, wrong: str, told: str
) -> None:
    done = predict(f"ckpt_path={checkpoint}", f"images={images}", wrong, cwd=tmp_path)
    assert done.returncode == 2
    line = done.stderr.strip()
    assert told in line
    assert "\n" not in line
    assert not (tmp_path / "outputs").exists()


def test_what_must_be_given_is_named(tmp_path: Path) -> None:
    done = predict(cwd=tmp_path)
    assert done.returncode == 2
    assert "ckpt_path and images must be given" in done.stderr
