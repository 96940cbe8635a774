"""The command ``python -m spgen_lit.predict``, run for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.networks import tree

from spgen_lit.instantiation import build_network
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
    (tmp_path / "areas").mkdir()
    (tmp_path / "areas" / "a.json").write_text(json.dumps(regions))
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
    extra = ("regions=areas", "people=people.json", "device=cpu")
    done = predict(*common, *extra, "output=out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 images done" in done.stderr
    assert "1 could not be read" in done.stderr
    assert "broken.jpg: the contents are not an image" in done.stderr

    records = json.loads((tmp_path / "out" / "scanpaths.json").read_text())
    assert [(r["name"], r["subject"]) for r in records] == [
        (name, number) for name in ("a.png", "deep/b.jpg") for number in (1, 2)
    ]
    expected = Predictor.from_pretrained(checkpoint)(
        images / "deep" / "b.jpg", samples=2, temperature=0.5
    )
    assert np.column_stack([records[3]["X"], records[3]["Y"]]) == pytest.approx(
        expected[1].pixels, abs=0.01
    )
    page = (tmp_path / "out" / "index.html").read_text()
    assert "best, trained on gallery · 2 samples an image" in page
    # A model of simulated gaze says so at every door.
    told = "trained on SIMULATED gaze"
    out = tmp_path / "out"
    assert f"warning: best: {told}" in done.stderr
    assert told in page
    assert told in json.loads((out / "run.json").read_text())["warning"]
    assert all(told in record["model"] for record in records)
    assert all(told in line for line in (out / "scanpaths.csv").read_text().splitlines()[1:])
    assert '"title":"observers","paths":[{"n":"P1"' in page
    assert (tmp_path / "out" / "regions" / "a.png").is_file()

    again = predict(*common, *extra, "output=out", "strict=true", cwd=tmp_path)
    assert again.returncode == 1
    assert "2 images done (2 of them before this run)" in again.stderr


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("sampels=3", "did you mean 'samples'"),
        ("images=nowhere", "images=nowhere: no such file or folder"),
        ("people=osis:x", "did you mean 'osie'?"),
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
    assert "Missing argument 'PATHS...'" in done.stderr
    done = predict("samples=3", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: images must be given")
    assert "Traceback" not in done.stderr


def spgen(*arguments: str | bytes, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spgen_lit", "predict", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow fewer names")
def test_flags_do_what_the_settings_do_whatever_the_names(
    checkpoint: Path, images: Path, tmp_path: Path
) -> None:
    names = (
        "van Eyck \u2013 Arnolfini (1434).jpg",
        "Vermeer, Mistress and Maid.jpg",
        "50% [a], b=c #1 ?.png",
        "\"'><script>alert(1)<\\script>\U0001f600 שלום.png",
        os.fsdecode(b"caf\xe9.png"),
    )
    picture = (images / "a.png").read_bytes()
    (images / "a.png").unlink()
    for name in names:
        (images / name).write_bytes(picture)
    os.mkfifo(images / "pipe.jpg")
    (images / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    flags = ("--model", str(checkpoint), "--samples", "2", "--seed", "3", "--viewing-time", "0.4")
    more = ("--out", "out", "--format", "svg", "--format", "png")
    done = spgen(os.fsencode(images), *flags, *more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{len(names) + 1} images done" in done.stderr
    assert "2 could not be read" in done.stderr
    assert "pipe.jpg: not a regular file" in done.stderr
    assert "phone.heic: " in done.stderr
    out = tmp_path / "out"
    records = json.loads((out / "scanpaths.json").read_text())
    assert {record["name"] for record in records} == {*names, "deep/b.jpg"}
    assert all(sum(record["T"]) <= 400.1 for record in records)
    drawn = {file.name for file in (out / "overlay").iterdir() if file.is_file()}
    assert drawn == {f"{Path(name).stem}.{kind}" for name in names for kind in ("svg", "png")}
    card = json.loads((out / "run.json").read_text())
    assert (card["samples"], card["seed"], card["viewing_time"]) == (2, 3, 0.4)
    # One file by a name that is a pattern and holds "=": it is neither to the command line.
    again = spgen(names[2], *flags, "--out", str(tmp_path / "one"), cwd=images)
    assert again.returncode == 0, again.stderr
    assert "1 images done" in again.stderr


def test_help_fits_a_screen_and_completion_knows_the_flags(tmp_path: Path) -> None:
    shown = spgen("--help", cwd=tmp_path)
    lines = shown.stdout.splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 80
    for flag in ("--out", "--samples", "--model", "--viewing-time", "--seed", "--regions"):
        assert flag in shown.stdout
    doors = subprocess.run(
        [sys.executable, "-m", "spgen_lit", "--help"], capture_output=True, text=True
    ).stdout.splitlines()
    assert len(doors) <= 24 and max(map(len, doors)) <= 80
    words = {"COMP_WORDS": "spgen predict --view", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", "from spgen_lit.__main__ import main; main(prog_name='spgen')"],
        env={**os.environ, **words, "_SPGEN_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
    )
    assert "--viewing-time" in done.stdout
