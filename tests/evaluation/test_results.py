"""Results: files that come back as they were, tables that say what they show."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table
from simulated_people import make_people

from spgen_lit.evaluation import archive
from spgen_lit.evaluation.baselines import band
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.suite import evaluate


@pytest.fixture(scope="module")
def results() -> Results:
    people, protocol = make_people(), Protocol()
    samples = {i: [*paths, people[i][0]] for i, paths in make_people(seed=1).items()}
    lone = samples["0.jpg"][0]
    samples["0.jpg"][0] = replace(lone, xy=lone.xy[:2], durations=lone.durations[:2])
    scores = evaluate(samples, people, protocol)
    meta = {"data": "made up", "split": "test", "gaze": "simulated", "seed": 0}
    return Results(scores, band(people, protocol), protocol, meta)


def text(table: Table, width: int = 80) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def test_what_is_saved_comes_back(results: Results, tmp_path: Path) -> None:
    folder = results.save(tmp_path / "deep" / "run")
    again = Results.load(folder)
    assert again.protocol == results.protocol
    assert again.meta == results.meta
    assert list(again.band) == list(results.band)
    for ours, theirs in [(again.model, results.model)] + [
        (again.band[name], results.band[name]) for name in results.band
    ]:
        assert (ours.images, ours.metrics) == (theirs.images, theirs.metrics)
        np.testing.assert_array_equal(ours.values, theirs.values)
        assert (ours.nan, ours.comparisons, ours.notes) == (
            theirs.nan,
            theirs.comparisons,
            theirs.notes,
        )
        assert ours.pooled == pytest.approx(theirs.pooled, nan_ok=True)
    # As text: NaN is not equal to itself.
    assert json.dumps(again.summary()) == json.dumps(results.summary())


def test_files_are_exactly_these_and_readable_by_others(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names - {"scores.parquet"} == {"scores.csv", "summary.json", "protocol.json"}
    with (tmp_path / "scores.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    everyone = 1 + len(results.band)
    assert len(rows) == everyone * results.model.n * len(results.model.metrics)
    assert set(rows[0]) == {"image", "metric", "who", "value"}

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=refuse)
    energy = summary["metrics"]["energy"]
    assert energy["mean"] == results.model.mean("energy")
    assert energy["interval"][0] < energy["mean"] < energy["interval"][1]
    assert energy["people"] == results.band["people"].mean("energy")
    assert energy["n"] == 6
    assert energy["normalised"] == results.normalised("energy")
    assert summary["metrics"]["multimatch_shape"]["nan"] == 5
    assert summary["counts"]["notes"]["model"]["self_pairs"] == 6


def test_parquet_holds_the_same_rows(results: Results, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    results.save(tmp_path)
    table = pandas.read_parquet(tmp_path / "scores.parquet")
    comma = pandas.read_csv(tmp_path / "scores.csv")
    pandas.testing.assert_frame_equal(table, comma, check_dtype=False)


def test_a_write_that_fails_leaves_no_summary(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.save(tmp_path)

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(archive, "_parquet", full)
    with pytest.raises(OSError, match="disk full"):
        results.save(tmp_path)
    assert not (tmp_path / "summary.json").exists()
    with pytest.raises(FileNotFoundError, match=r"holds no summary.json: not a finished result"):
        Results.load(tmp_path)


def test_other_columns_are_refused(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path)
    (tmp_path / "scores.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"scores.csv: columns \['a', 'b'\], needed"):
        Results.load(tmp_path)


def test_table_fits_eighty_columns_and_says_what_it_is(results: Results) -> None:
    shown = text(results.table())
    assert "…" not in shown
    assert "SIMULATED gaze" in shown
    assert "made up, test: 6 images" in shown
    lines = shown.splitlines()
    header = next(line for line in lines if line.startswith("measure"))
    assert header.split() == [
        "measure",
        "model",
        "95",
        "%",
        "interval",
        "people",
        "chance",
        "normalised",
    ]
    energy = next(line for line in lines if line.startswith("energy score ↓"))
    assert f"{results.model.mean('energy'):.3f}" in energy
    assert f"{results.normalised('energy'):.3f}" in energy
    assert any(line.startswith("ScanMatch ↑") for line in lines)
    assert "amplitude distance ↓" in shown
    whole = text(results.band_table())
    assert "…" not in whole
    for name, scores in results.band.items():
        assert f"{scores.mean('energy'):.3f}" in whole, name


def test_recorded_gaze_is_not_called_simulated(results: Results) -> None:
    real = replace(results, meta={"gaze": "eye", "data": "osie"})
    assert "SIMULATED" not in text(real.table())
    assert "mouse" in text(replace(results, meta={"gaze": "mouse"}).table())


def test_people_score_one_and_chance_scores_zero(results: Results) -> None:
    people = replace(results, model=results.band["people"])
    chance = replace(results, model=results.band["other_image"])
    assert people.normalised("energy") == pytest.approx(1)
    assert chance.normalised("nss") == pytest.approx(0)
    assert np.isnan(people.normalised("diversity"))
    bare = replace(results, band={"people": results.band["people"]})
    assert np.isnan(bare.normalised("energy"))
    assert "normalised" not in text(bare.table())
