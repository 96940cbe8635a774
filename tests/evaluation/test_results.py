"""Results: files that come back as they were, tables that say what they show."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from rich.table import Table
from simulated_people import make_people

from spgen_lit.evaluation import tables
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.score import score, score_folds, score_temperatures


@pytest.fixture(scope="module")
def results() -> Results:
    people = make_people(24)
    samples = {i: [*paths, people[i][0]] for i, paths in make_people(24, seed=1).items()}
    lone = samples["0.jpg"][0]
    samples["0.jpg"][0] = replace(lone, xy=lone.xy[:2], durations=lone.durations[:2])
    meta = {"data": "made up", "split": "test", "gaze": "simulated", "seed": 0}
    return score(samples, people, Protocol(), meta=meta)


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
        pd.testing.assert_frame_equal(ours.rows, theirs.rows, check_exact=True)
        pd.testing.assert_frame_equal(ours.counts, theirs.counts, check_dtype=False)
        assert (ours.notes, ours.samples) == (theirs.notes, theirs.samples)
        assert dict(ours.whole) == pytest.approx(dict(theirs.whole), nan_ok=True)
    # As text: NaN is not equal to itself.
    assert json.dumps(tables.finite(again.summary())) == json.dumps(
        tables.finite(results.summary())
    )


def test_files_are_exactly_these_and_readable_by_others(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names - {"scores.parquet"} == {"scores.csv", "summary.json", "protocol.json"}
    with (tmp_path / "scores.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    everyone = 1 + len(results.band)
    assert len(rows) == everyone * results.model.rows.size
    assert set(rows[0]) == {"image", "metric", "who", "value"}

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=refuse)
    energy = summary["metrics"]["energy"]
    assert energy["value"] == results.model.mean("energy")
    assert energy["low"] < energy["value"] < energy["high"]
    assert energy["observers"] == results.band["observers"].mean("energy")
    assert energy["images"] == 24
    assert energy["normalized"] == results.normalized("energy")
    assert summary["metrics"]["multimatch_shape"]["missing"] == 5
    assert summary["notes"]["model"]["self_pairs"] == 24
    assert summary["format"] == 2


def test_parquet_holds_the_same_rows(results: Results, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    results.save(tmp_path)
    table = pd.read_parquet(tmp_path / "scores.parquet")
    comma = pd.read_csv(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(table, comma, check_dtype=False)


def test_a_write_that_fails_leaves_no_summary(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.save(tmp_path)

    def full(*_: object, **more: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="disk full"):
        results.save(tmp_path)
    assert not (tmp_path / "summary.json").exists()
    with pytest.raises(FileNotFoundError, match=r"holds no summary.json: not a finished result"):
        Results.load(tmp_path)


def test_results_of_older_versions_are_refused_with_the_reason(
    results: Results, tmp_path: Path
) -> None:
    results.save(tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    del summary["format"]
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(ValueError, match=r"format 1, needed 2; .* how many samples .* score again"):
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
    assert "made up, test: 24 images, 6 scanpaths each" in shown
    lines = shown.splitlines()
    header = next(line for line in lines if line.startswith("measure"))
    assert header.split() == [
        "measure",
        "model",
        "95",
        "%",
        "interval",
        "observers",
        "chance",
        "normalized",
    ]
    energy = next(line for line in lines if line.startswith("energy score ↓"))
    assert f"{results.model.mean('energy'):.3f}" in energy
    assert f"{results.normalized('energy'):.3f}" in energy
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


def test_observers_score_one_and_chance_scores_zero(results: Results) -> None:
    observers = replace(results, model=results.band["observers"])
    chance = replace(results, model=results.band["other_image"])
    assert observers.normalized("energy") == pytest.approx(1)
    assert chance.normalized("nss") == pytest.approx(0)
    assert np.isnan(observers.normalized("diversity"))
    bare = replace(results, band={"observers": results.band["observers"]})
    assert np.isnan(bare.normalized("energy"))
    assert "normalized" not in text(bare.table())


def test_no_scale_is_made_where_observers_and_chance_coincide(results: Results) -> None:
    # On MultiMatch shape a few images cannot tell observers from chance: at 7e451e6 the
    # quotient of two noises was printed, 6.65 or -30.3.
    rows = results.band["observers"].rows
    noise = np.random.default_rng(0).normal(0, 0.02, len(rows))
    same = replace(results.band["observers"], rows=rows.add(noise - noise.mean() + 1e-3, axis=0))
    close = replace(results, band={"observers": results.band["observers"], "other_image": same})
    assert np.isnan(close.normalized("scanmatch"))
    line = next(x for x in text(close.table()).splitlines() if x.startswith("ScanMatch ↑"))
    assert line.split()[-1] == "-"


def test_the_number_of_samples_is_what_was_scored() -> None:
    people, drawn = make_people(), make_people(observers=10, seed=1)
    three = {image: paths[:3] for image, paths in drawn.items()}
    for samples, count in ((drawn, 10), (three, 3)):
        results = score(samples, people, Protocol(samples=7), metrics=["energy"])
        assert results.protocol.samples == count
        assert results.model.samples == (count, count)
    uneven = drawn | {"0.jpg": drawn["0.jpg"][:4]}
    assert score(uneven, people, Protocol(), metrics=["energy"]).model.samples == (4, 10)


def test_few_images_are_said_to_be_few() -> None:
    results = score(make_people(4, seed=1), make_people(4), Protocol(), metrics=["energy"])
    shown = " ".join(text(results.table()).split())
    assert "4 images are too few: Student's interval, nothing is called better or worse" in shown


def test_temperatures_come_in_one_frame_with_the_band() -> None:
    people = make_people()
    hot = {t: make_people(seed=number) for number, t in enumerate((0.5, 1.0), start=1)}
    frame = score_temperatures(hot.__getitem__, hot, people, Protocol())
    assert list(frame["temperature"].unique()) == [0.5, 1.0]
    energy = frame[frame["metric"] == "energy"].set_index("temperature")
    one = score(hot[1.0], people, Protocol(), metrics=["energy"]).frame.loc["energy"]
    assert energy.loc[1.0, "value"] == one["value"]
    assert energy["observers"].nunique() == 1
    with pytest.raises(ValueError, match=r"finite and >= 0, found \[-1.0\]"):
        score_temperatures(hot.__getitem__, [-1], people, Protocol())


@pytest.mark.parametrize(("folds", "parts"), [(3, 3), ("observers", 5)])
def test_folds_score_every_part(folds: int | str, parts: int) -> None:
    people, samples = make_people(), make_people(seed=1)
    options = {"metrics": ["energy", "nss"], "baselines": ("observers",)}
    frame = score_folds(samples, people, Protocol(), folds, **options)
    assert frame["fold"].nunique() == parts
    energy = frame[frame["metric"] == "energy"]
    assert energy["images"].sum() == (6 if folds == 3 else 6 * 5)
    whole = score(samples, people, Protocol(), **options).model.mean("energy")
    assert energy["value"].mean() == pytest.approx(whole, abs=1e-9)
    with pytest.raises(ValueError, match="from 2 to the number of images"):
        score_folds(samples, people, Protocol(), 7, **options)
