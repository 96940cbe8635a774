"""The report command, run as users run it."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import Results, Scores
from spgen_lit.report import main

IMAGES = tuple(f"{i}.jpg" for i in range(30))


def save(folder: Path, shift: float, **fields: object) -> Path:
    values = np.random.default_rng(0).normal(0.4, 0.1, (30, 2)) + np.array([shift, -shift])
    values += np.random.default_rng(1 + abs(int(shift * 100))).normal(0, 0.01, (30, 2))
    rows = pd.DataFrame(values, pd.Index(IMAGES, name="image"), ["energy", "scanmatch"])
    scores = Scores(rows)
    results = Results(scores, {}, Protocol(), {"data": "made up"})
    return replace(results, **fields).save(folder)


def test_compare_through_the_real_command(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", 0.0), save(tmp_path / "b", -0.05)
    out = tmp_path / "differences.csv"
    command = [sys.executable, "-m", "spgen_lit.report", "compare", "a", "b", "--out", str(out)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "against a, 30 images" in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("energy score"))
    assert line.split()[-1] == "better"
    with out.open() as lines:
        rows = list(csv.DictReader(lines))
    assert [row["metric"] for row in rows] == ["energy", "scanmatch"]
    assert float(rows[0]["difference"]) == pytest.approx(-0.05, abs=0.01)
    assert float(rows[0]["high"]) < 0 < float(rows[1]["low"])
    assert (a, b) == (tmp_path / "a", tmp_path / "b")


def test_refusals_exit_with_two_and_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = save(tmp_path / "a", 0.0)
    other = save(tmp_path / "other", 0.1, protocol=replace(Protocol(), scanmatch_bins=(8, 6)))
    assert main(["compare", str(a), str(other)]) == 2
    assert "scanmatch_bins: [16, 12] / [8, 6]" in capsys.readouterr().err
    assert main(["compare", str(a), str(tmp_path / "nothing")]) == 2
    assert "holds no scores.csv" in capsys.readouterr().err
    assert main(["compare", str(a)]) == 2
    assert "two or more results" in capsys.readouterr().err
    assert main(["compare", str(a), f"b={a}", "--metrics", "nss"]) == 2
    assert "not every result has nss" in capsys.readouterr().err


def test_unknown_commands_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["contrast"])
    assert ended.value.code == 2
    assert "compare" in capsys.readouterr().err


def test_leaderboard_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [f"{n}={save(tmp_path / n, shift)}" for n, shift in (("a", 0.0), ("b", -0.05))]
    outs = [tmp_path / f"board{suffix}" for suffix in (".html", ".csv", ".md", ".tex")]
    assert main(["leaderboard", *folders, "--out", *map(str, outs)]) == 0
    printed = capsys.readouterr().out
    assert printed.index(" b ") < printed.index(" a ")
    with outs[1].open() as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["rank"], row["entry"]) for row in rows] == [("1", "b"), ("2", "a")]
    assert float(rows[0]["energy_low"]) < float(rows[0]["energy"]) < float(rows[0]["energy_high"])
    page, markdown, latex = (outs[i].read_text() for i in (0, 2, 3))
    assert "<table" in page and "default-src 'none'" in page and "30 images" in page
    assert markdown.count("\n|") == 4
    assert r"\toprule" in latex and r"$\downarrow$" in latex


def test_a_result_without_provenance_cannot_be_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = save(tmp_path / "a", 0.0)
    assert main(["verify", str(a)]) == 2
    assert "holds no provenance" in capsys.readouterr().err
