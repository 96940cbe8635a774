"""What users of a trusted system expect: no traceback, no silent loss, old files readable."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from PIL import Image

from spgen_lit.config import CONFIG_DIR, one_line_errors
from spgen_lit.evaluation.results import Results
from spgen_lit.predict import main as predict
from spgen_lit.predictor import Predictor
from spgen_lit.training.devices import trainer_settings
from spgen_lit.training.run import prepare, run

FIXTURES = Path(__file__).parent / "fixtures" / "run"
TINY = (
    "+experiment=smoke",
    *(f"data.{domain}.gallery.images=10" for domain in ("source", "target")),
    *(f"++data.{domain}.gallery.size=[96,64]" for domain in ("source", "target")),
    "network/encoder=custom",
    "network.encoder._target_=tests.small_encoder.Small",
    "network.frame=[64,64]",
    "network.channels=8",
    "trust=[tests]",
    "callbacks.progress=null",
    "~callbacks.domain_monitor",
    "evaluation.metrics=[scanmatch,energy]",
)


class Interrupt(L.Callback):
    """Ctrl-C in the second step."""

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        """As a terminal sends it."""
        if trainer.global_step == 1:
            os.kill(os.getpid(), signal.SIGINT)


class Vanish(L.Callback):
    """The images are gone in the second step."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        """As an archive that is unmounted."""
        if trainer.global_step == 1:
            shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own."""
    return tmp_path_factory.mktemp("cache")


def _config(cache: Path, *overrides: str) -> DictConfig:
    folders = (f"paths.output_dir={cache}/run", f"paths.cache_dir={cache}")
    with initialize_config_dir(CONFIG_DIR, version_base="1.3"):
        return compose("train", [*TINY, *folders, *overrides])


def _ended(capsys: pytest.CaptureFixture[str], call: Any, *arguments: Any) -> tuple[int, str]:
    """Exit code and last line on standard error."""
    with pytest.raises(SystemExit) as ended, one_line_errors():
        call(*arguments)
    lines = capsys.readouterr().err.strip().splitlines()
    assert not any("Traceback" in line for line in lines)
    return int(str(ended.value.code)), lines[-1]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.batch_size=2.5", r"data\.batch_size must be int, found 2\.5"),
        ("data.batch_size=1000000", r"data\.batch_size must be .*max_batch_size=512"),
        ("data.workers=-1", r"data\.workers must be 0 or more"),
        ("data.style_share=9", r"data\.style_share must be from 0 to 1"),
        ("trainer.max_epochs=abc", r"trainer\.max_epochs must be .*found 'abc'"),
        ("network.frame=[128]", r"(data\.size|network\.frame) must be"),
        ("network.channels=0", r"network.*channels"),
        ("logger.csv=3", r"logger\.csv has settings"),
    ],
)
def test_settings_that_cannot_be_used_end_in_one_line(
    override: str, message: str, gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = _ended(capsys, prepare, _config(gallery, override))
    assert code == 2 and re.search(message, line), line


def test_more_processes_than_cores_are_refused() -> None:
    with pytest.raises(ValueError, match=r"trainer\.devices=9999: this machine has \d+ cores"):
        trainer_settings({"accelerator": "cpu", "devices": 9999})


def test_ctrl_c_saves_and_ends_with_130(gallery: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "+callbacks.test._target_=tests.test_trust.Interrupt"
    code, line = _ended(capsys, run, _config(gallery, words))
    assert code == 130
    assert re.search(r"stopped and saved; go on with: .*ckpt_path=\S*last\.ckpt", line)
    assert (gallery / "run" / "checkpoints" / "last.ckpt").is_file()


def test_images_that_vanish_are_named_and_the_checkpoint_with_them(
    gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "+callbacks.test._target_=tests.test_trust.Vanish",
        f"+callbacks.test.folder={gallery}/gallery",
    )
    code, line = _ended(capsys, run, _config(gallery, *words))
    assert code == 1
    assert re.search(r"scoring source-gallery failed \(.*No such file.*\); the checkpoint is", line)
    assert "score it with: python -m spgen_lit.evaluate" in line


def test_predict_on_a_full_disk_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (64, 48), (90, 90, 90)).save(tmp_path / "a.png")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.chdir(tmp_path)
    words = [f"ckpt_path={FIXTURES}/best.ckpt", "images=a.png", "samples=1", "trust=[tests]"]
    monkeypatch.setattr("sys.argv", ["predict", *words, "output=out", "device=cpu"])
    code, line = _ended(capsys, predict)
    assert code == 1 and "cannot be written (No space left on device)" in line


@pytest.mark.parametrize("command", ["predict", "evaluate", "train"])
@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_said(command: str, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (90, 90, 90)).save(tmp_path / "a.png")
    words = {
        "predict": ["images=a.png", "device=cuda"],
        "evaluate": ["data=gallery", "model=natural", "device=cuda"],
        "train": ["+experiment=smoke", "trainer.accelerator=gpu"],
    }
    code, line = _said(tmp_path, command, *words[command])
    assert code == 2 and re.search(r"device=cuda: no CUDA device here; use|trainer: .*gpu", line)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("predict", ["images=a.png", "samples=1", "output=file/out", "device=cpu"]),
        ("train", ["+experiment=smoke", "hydra.run.dir=file/out"]),
        ("train", ["+experiment=smoke", "hydra.run.dir=run", "paths.output_dir=file/out"]),
    ],
)
def test_an_output_that_cannot_be_made_is_said(
    command: str, words: list[str], tmp_path: Path
) -> None:
    """A file in the place of the folder: root may write to a folder that is read-only."""
    Image.new("RGB", (64, 48), (90, 90, 90)).save(tmp_path / "a.png")
    (tmp_path / "file").write_text("kept")
    code, line = _said(tmp_path, command, *words)
    assert code in (1, 2) and re.search(r"file/out.*: .*Not a directory", line), line
    assert (tmp_path / "file").read_text() == "kept"


def _said(folder: Path, command: str, *words: str) -> tuple[int, str]:
    """Exit code and the one line on standard error of a command run in this folder."""
    done = subprocess.run(
        [sys.executable, "-m", f"spgen_lit.{command}", *words, f"paths.cache_dir={folder}/cache"]
        if command != "predict"
        else [sys.executable, "-m", "spgen_lit.predict", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [line for line in done.stderr.strip().splitlines() if line.startswith("error")]
    assert len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
    return done.returncode, lines[0]


def test_the_first_checkpoint_and_results_stay_readable() -> None:
    predictor = Predictor.from_pretrained(FIXTURES / "best.ckpt", trust=["tests"])
    image = np.full((48, 64, 3), 90, np.uint8)
    (path,) = predictor(image, samples=1, seed=0)
    assert len(path) and np.isfinite(path.xy).all()
    results = Results.load(FIXTURES / "source-gallery")
    assert 0 < results.frame.loc["energy", "value"] < 1
