"""The demo: pictures that installed packages carry, and three lines at its end."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from spgen_lit import demo
from spgen_lit.predicting import run as predicting


def test_pictures_and_renditions_are_written_with_their_credits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "_MEDIA", ("oil",))
    demo.write_pictures(tmp_path)
    names = ["china", "flower", "grace_hopper"]
    files = {file.name: Image.open(file).size for file in tmp_path.glob("*.png")}
    assert set(files) == {f"{name}{end}.png" for name in names for end in ("", "_oil")}
    assert all(files[f"{name}.png"] == files[f"{name}_oil.png"] for name in names)
    with (tmp_path / "captions.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert {row["file"] for row in rows} == set(files)
    assert all("CC BY 2.0" in row["artist"] or "public domain" in row["artist"] for row in rows)


def test_it_ends_with_what_was_seen_what_it_is_not_and_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[Any] = []

    def train(command: Any) -> subprocess.CompletedProcess[str]:
        called.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(demo.subprocess, "run", train)
    monkeypatch.setattr(demo, "write_pictures", called.append)
    monkeypatch.setattr(predicting, "run", lambda settings, console: called.append(settings))
    done = CliRunner().invoke(demo.command, ["--out", str(tmp_path), "trainer.max_epochs=1"])
    assert done.exit_code == 0, done.output
    lines = done.output.strip().splitlines()
    assert [line.partition(":")[0] for line in lines[-3:]] == [
        "What you saw",
        "What it is not",
        "What to type next",
    ]
    assert "simulated" in lines[-2]
    pictures, settings, command = called
    assert settings.images == str(pictures)
    assert (settings.model, settings.output) == ("natural", str(tmp_path / "looked_at"))
    assert command[-1] == "trainer.max_epochs=1"
