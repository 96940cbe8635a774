"""The benchmark runs from the repository root without real data, and writes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_benchmark_falls_back_on_made_up_paths(tmp_path: Path) -> None:
    before = sorted(ROOT.iterdir())
    command = [sys.executable, "-m", "benchmarks.bench_metrics", "--pairs", "210"]
    done = subprocess.run(
        [*command, "--data-dir", str(tmp_path), "--growth-pairs", "4"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "random paths of OSIE's lengths" in " ".join(done.stdout.split())
    assert "Equal to multimatch-gaze on 210 pairs" in done.stdout
    assert "whole suite" in done.stdout
    assert "Growth" in done.stdout
    assert sorted(ROOT.iterdir()) == before
    assert list(tmp_path.iterdir()) == []
