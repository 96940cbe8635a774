"""Export: torch's paths by ONNX Runtime without torch, and the model card."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.networks import tree

from spgen_lit.batch import viewing_rows
from spgen_lit.instantiation import build_network
from spgen_lit.network.noise import path_seed
from spgen_lit.predictor import Predictor

onnx_sampler = pytest.importorskip(
    "spgen_lit.exporting.onnx_sampler", reason="needs the export extra"
)
model_card = pytest.importorskip("spgen_lit.exporting.export_run").model_card

SPEC = tree(options={"domain_norm": "affine"}, frame=[128, 96], channels=16, max_fixations=6)
FILES = {
    "image.onnx",
    "step.onnx",
    "image.pt2",
    "step.pt2",
    "sample.py",
    "images.py",
    "noise.py",
    "scanpath.py",
    "settings.json",
    "card.json",
    "README.md",
}


def write_checkpoint(file: Path, spec: dict[str, Any], mode: str = "stretch") -> Path:
    torch.manual_seed(0)
    network = build_network(spec)
    for parameter in network.parameters():
        # Untrained terms of the history are zero, and a wrong graph of them would pass.
        if parameter.abs().max() == 0:
            torch.nn.init.normal_(parameter, std=0.1)
    card = {
        "version": "1.2.3",
        "network": spec,
        "frame": {"size": spec["frame"], "mode": mode},
        "source": ["osie"],
        "target": ["paintings"],
        "gaze": "eye",
        "seed": 4,
        "licences": {"osie": "MIT"},
        "viewing": {"seconds": 3.0, "degrees": 25.0, "task": "free"},
    }
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"spgen_lit": card, "state_dict": state}, file)
    return file


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spgen_lit.export", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@dataclass
class Exported:
    folder: Path
    checkpoint: Path
    painting: Path
    said: str


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    root = tmp_path_factory.mktemp("export")
    checkpoint = write_checkpoint(root / "run" / "checkpoints" / "best.ckpt", SPEC, "letterbox")
    scores = root / "run" / "results" / "source-osie"
    scores.mkdir(parents=True)
    summary = {
        "images": 63,
        "meta": {"data": "osie", "split": "val", "gaze": "eye", "seed": 0},
        "metrics": {"scanmatch": {"value": 0.35, "low": 0.33, "high": 0.37, "normalized": 0.8}},
    }
    (scores / "summary.json").write_text(json.dumps(summary))
    (scores / "protocol.json").write_text("{}")
    painting = root / "painting.jpg"
    noise = np.random.default_rng(1).integers(0, 256, (65, 50, 3), np.uint8)
    Image.fromarray(noise).resize((400, 520)).save(painting, quality=95)
    done = command(f"ckpt_path={checkpoint}", "output=out", "domain=target", cwd=root)
    assert done.returncode == 0, done.stderr
    return Exported(root / "out", checkpoint, painting, done.stdout)


def test_export_writes_these_files_and_says_how_near_they_are(exported: Exported) -> None:
    assert {file.name for file in exported.folder.iterdir()} == FILES
    assert {file.name for file in exported.folder.parent.iterdir()} == {
        "out",
        "run",
        "painting.jpg",
    }
    assert "64 scanpaths as torch's to" in exported.said
    card = (exported.folder / "README.md").read_text()
    row = next(line for line in card.splitlines() if "osie (val, 63 images)" in line)
    assert [cell.strip() for cell in row.split("|")[2:-1]] == [
        "scanmatch",
        "0.350",
        "0.330",
        "0.370",
        "0.800",
    ]
    assert "osie: MIT" in card
    assert "SIMULATED" not in card


@pytest.mark.parametrize("temperature", [0.0, 0.7, None])
def test_onnx_runtime_draws_torchs_paths(exported: Exported, temperature: float | None) -> None:
    sampler = onnx_sampler.OnnxSampler(exported.folder, threads=1)
    predictor = Predictor.from_pretrained(exported.checkpoint, domain="target")
    for image in (exported.painting, np.asarray(Image.open(exported.painting))[:200]):
        theirs = predictor(image, samples=5, temperature=temperature, seed=9)
        ours = sampler(image, samples=5, temperature=temperature, seed=9)
        assert len(theirs) == len(ours) == 5
        for mine, path in zip(ours, theirs, strict=True):
            assert (mine.image, mine.size, mine.observer) == (path.image, path.size, path.observer)
            assert mine.xy == pytest.approx(path.xy, abs=1e-4)
            assert mine.durations == pytest.approx(path.durations, abs=1e-4)
    photographs = Predictor.from_pretrained(exported.checkpoint)
    other = photographs(image, samples=1, temperature=temperature, seed=9)[0]
    assert not np.array_equal(other.durations, theirs[0].durations), (
        "the domains' branches are the same"
    )
    if temperature:
        assert len({path.xy.tobytes() for path in ours}) == 5


def test_paths_of_the_graph_are_those_of_the_network_from_the_same_seeds(
    exported: Exported,
) -> None:
    sampler = onnx_sampler.OnnxSampler(exported.folder, threads=1)
    predictor = Predictor.from_pretrained(exported.checkpoint, domain="target")
    planes = np.random.default_rng(3).integers(0, 255, (3, 96, 128), np.uint8)
    seeds, shown = [path_seed(7, "any", k) for k in range(6)], predictor.viewing((128, 96))
    for viewing_time in (None, 0.8, 6.0):
        known = replace(shown, seconds=viewing_time or shown.seconds)
        with torch.inference_mode():
            encoded = predictor.network.train(False).encode(
                torch.from_numpy(planes)[None], "target"
            )
            rows = viewing_rows([known], [96])
            drawn = predictor.network.sample(encoded, [seeds], 1.0, rows)
        ours = sampler.draw(sampler.encode(planes), seeds, 1.0, viewing_time)
        theirs = zip(drawn.arrays(0), drawn.seconds(0), strict=True)
        for (xy, seconds), (true_xy, true_seconds) in zip(ours, theirs, strict=True):
            assert xy == pytest.approx(true_xy, abs=1e-4)
            assert seconds == pytest.approx(true_seconds, abs=1e-4)


def test_paths_follow_their_seeds_and_a_bad_temperature_is_named(exported: Exported) -> None:
    sampler = onnx_sampler.OnnxSampler(exported.folder, threads=1)
    terms = sampler.encode(np.full((3, 96, 128), 90, np.uint8))
    one, two, again = (sampler.draw(terms, [seed], 1.0)[0] for seed in (1, 2, 1))
    assert np.array_equal(one[0], again[0]) and np.array_equal(one[1], again[1])
    assert not np.array_equal(one[0][0], two[0][0])
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="temperature must be finite"):
            sampler.draw(terms, [1], wrong)


def test_the_exported_folder_runs_without_torch_lightning_or_hydra(exported: Exported) -> None:
    blocked = """
import os, runpy, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "lightning", "hydra", "omegaconf", "spgen_lit"):
            raise ImportError(f"{name} is not installed here")
sys.meta_path.insert(0, Block())
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))  # as for any script
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    script = [str(exported.folder / "sample.py"), str(exported.painting), "--samples", "3"]
    done = subprocess.run(
        [sys.executable, "-I", "-c", blocked, *script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    header, *rows = [line.split(",") for line in done.stdout.splitlines()]
    assert header == ["image", "width", "height", "observer", "fixation", "x", "y", "duration"]
    paths = Predictor.from_pretrained(exported.checkpoint, domain="target")(
        exported.painting, samples=3
    )
    expected = np.concatenate([path.pixels for path in paths])
    assert np.array([[float(x), float(y)] for *_, x, y, _ in rows]) == pytest.approx(
        expected, abs=0.05
    )
    assert {tuple(row[1:3]) for row in rows} == {("400", "520")}


def test_programs_load_and_give_the_networks_values(exported: Exported) -> None:
    program = torch.export.load(exported.folder / "image.pt2")
    images = torch.randint(0, 256, (1, 3, 96, 128), dtype=torch.uint8)
    with torch.no_grad():
        found = program.module()(images)
    terms = onnx_sampler.OnnxSampler(exported.folder, threads=1).encode(images[0].numpy())
    for (name, expected), value in zip(terms.items(), found, strict=True):
        assert value.numpy() == pytest.approx(expected, abs=1e-3), name


def test_what_cannot_be_exported_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    published = write_checkpoint(tmp_path / "p.ckpt", tree("published", frame=[160, 128]))
    done = command(f"ckpt_path={published}", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        "export takes networks of network=spgen; this checkpoint holds 'PublishedSPGen'"
        in done.stderr
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    done = command(f"ckpt_path={published}", "output=mine", cwd=tmp_path)
    assert done.returncode == 2
    assert "is no earlier export" in done.stderr
    assert {file.name for file in (tmp_path / "mine").iterdir()} == {"thesis.txt"}
    assert {file.name for file in tmp_path.iterdir()} <= {"mine", "p.ckpt", "outputs"}
    with pytest.raises(FileNotFoundError, match="give a folder that export wrote"):
        onnx_sampler.OnnxSampler(tmp_path)


def test_a_model_card_says_what_is_not_known_and_warns() -> None:
    card = {"name": "mine", "gaze": "simulated", "source": ["gallery"], "scores": []}
    text = model_card(card, "source", {"paths": 3})
    assert "**trained on SIMULATED gaze: " in text
    assert "`spgen evaluate`" in text
    assert "- seed: not recorded" in text
