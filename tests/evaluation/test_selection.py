"""Validators against the truth: correlation and regret known beforehand."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import pytest

from spgen_lit.evaluation.selection import read_record, validators
from spgen_lit.report import main


def record(folder: Path, epochs: list[dict[str, float]]) -> Path:
    """A run's metrics.csv as the CSV logger writes it: sparse, a row a kind."""
    folder.mkdir()
    names = ["epoch", "step", "train/loss", *epochs[0]]
    with (folder / "metrics.csv").open("w", newline="") as lines:
        writer = csv.DictWriter(lines, names)
        writer.writeheader()
        for number, values in enumerate(epochs):
            writer.writerow({"epoch": number, "step": 10 * number, "train/loss": 1.0})
            writer.writerow({"epoch": number, "step": 10 * number + 9, **values})
    return folder


def epoch(truth: float, right: float, wrong: float) -> dict[str, float]:
    return {
        "val/energy": right,
        "oracle/energy": truth,
        "validator/right": right,
        "validator/wrong": wrong,
    }


def judged(*runs: Path) -> dict[str, Any]:
    """Validator to its row."""
    rows = validators([read_record(run) for run in runs])
    return {row.validator: row for row in rows.itertuples()}


def test_correlation_and_regret(tmp_path: Path) -> None:
    one = record(tmp_path / "a", [epoch(0.40, 5, 1), epoch(0.36, 3, 2), epoch(0.38, 4, 3)])
    two = record(tmp_path / "b", [epoch(0.39, 4.5, 1.5), epoch(0.35, 2, 2.5), epoch(0.37, 3.5, 9)])
    rows = judged(one, two)
    assert rows["validator/right"].correlation == pytest.approx(1)
    assert rows["validator/right"].regret == 0 and rows["validator/right"].regret_in_runs == 0
    assert rows["validator/wrong"].correlation < 0
    assert rows["validator/wrong"].regret == pytest.approx(0.05)
    assert rows["validator/wrong"].regret_in_runs == pytest.approx(0.04)
    assert rows["validator/wrong"].correlation_in_runs == pytest.approx(-0.5)
    assert rows["last"].regret_in_runs == pytest.approx(0.02)
    assert list(rows)[-1] == "last" and rows["last"].points == 6


def test_a_constant_validator_has_no_correlation(tmp_path: Path) -> None:
    run = record(tmp_path / "a", [epoch(0.4, 5, 1), epoch(0.36, 3, 1), epoch(0.38, 4, 1)])
    rows = judged(run)
    assert math.isnan(rows["validator/wrong"].correlation)
    assert rows["validator/wrong"].regret == pytest.approx(0.04)


def test_runs_without_the_truth_give_a_point_each_by_their_results(tmp_path: Path) -> None:
    runs = []
    for number, truth in enumerate((0.40, 0.36, 0.38)):
        values = [epoch(0, 9, 9), epoch(0, 1 + truth, -truth)]
        for row in values:
            del row["oracle/energy"]
        runs.append(record(tmp_path / f"run{number}", values))
        summary = runs[-1] / "results" / "evaluation-painted" / "summary.json"
        summary.parent.mkdir(parents=True)
        summary.write_text(f'{{"metrics": {{"energy": {{"value": {truth}}}}}}}')
    rows = judged(*runs)
    assert rows["validator/right"].correlation == pytest.approx(1)
    assert rows["validator/wrong"].correlation == pytest.approx(-1)
    assert rows["validator/wrong"].regret == pytest.approx(0.04)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = record(tmp_path / "a", [epoch(0.4, 5, 1), epoch(0.36, 3, 2), epoch(0.38, 4, 3)])
    assert main(["validators", str(run), "--out", str(tmp_path / "v.csv")]) == 0
    assert "validator/right" in capsys.readouterr().out
    with (tmp_path / "v.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert rows[-1]["validator"] == "last"
    assert float(rows[0]["correlation"]) == pytest.approx(1)
    assert main(["validators", str(tmp_path)]) == 2
    assert "no metrics.csv" in capsys.readouterr().err
    short = record(tmp_path / "b", [epoch(0.4, 5, 1)])
    assert main(["validators", str(short)]) == 2
    assert "needs 3 or more points" in capsys.readouterr().err
