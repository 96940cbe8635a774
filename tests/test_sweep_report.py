"""The report of a sweep: what is read, marked, drawn and refused."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.sweep import best_of, read_sweep, wide
from spgen_lit.evaluation.tables import BEST
from spgen_lit.pictures.sweep import draw_set, over_seeds, trade_off
from spgen_lit.report import main
from sweep_folders import CHANCE, PEOPLE, figures, temperature_sweep, write_job


def test_every_cell_of_the_table_is_the_jobs_own_figure(tmp_path: Path) -> None:
    assert main(["sweep", str(temperature_sweep(tmp_path / "s"))]) == 0
    with (tmp_path / "s" / "report" / "sweep.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 4 * 6 * 4
    for row in rows:
        expected = figures(float(row["priors"]), float(row["temperature"]))[row["metric"]]
        assert float(row["value"]) == expected
        assert float(row["observers"]) == PEOPLE[row["metric"]]
        if row["metric"] == "energy":
            scale = (expected - CHANCE["energy"]) / (PEOPLE["energy"] - CHANCE["energy"])
            assert float(row["normalized"]) == pytest.approx(scale)


def test_the_best_cell_is_marked_in_every_form(tmp_path: Path) -> None:
    sweep = read_sweep(temperature_sweep(tmp_path / "s"))
    assert sweep.factors == ["temperature", "priors"]
    text = wide(sweep.rows, sweep.factors)
    best = text[text["energy score ↓"] == BEST.format("0.320")]
    assert best.iloc[:, :2].to_numpy().tolist() == [["1", "16"]]
    assert list(text["temperature"][-2:]) == ["observers", "chance"]
    main(["sweep", str(tmp_path / "s")])
    report = tmp_path / "s" / "report"
    assert "**0.320**" in (report / "sweep.md").read_text()
    assert "<td><b>0.320</b></td>" in (report / "index.html").read_text()
    latex = (report / "sweep.tex").read_text()
    assert r"\textbf{0.320}" in latex and latex.count(r"\begin{tabular}") == 1
    assert all(line.count("&") == 5 for line in latex.splitlines() if line.endswith(r"\\"))


def test_diversity_is_best_nearest_to_people(tmp_path: Path) -> None:
    rows = read_sweep(temperature_sweep(tmp_path / "s")).rows
    values = rows[rows["metric"] == "diversity"]["value"]
    place = best_of(values, "observers", 0.60)
    assert place is not None
    assert abs(values.iloc[place] - 0.60) == (values - 0.60).abs().min()
    assert best_of(values * float("nan"), "up", 0.6) is None


def test_no_trade_without_both_measures(tmp_path: Path) -> None:
    rows = read_sweep(temperature_sweep(tmp_path / "s")).rows
    rows.loc[rows["metric"] == "diversity", "value"] = float("nan")
    assert trade_off(rows, "temperature", []).ndim == 3


def test_the_page_holds_its_pictures_and_asks_for_nothing(tmp_path: Path) -> None:
    main(["sweep", str(temperature_sweep(tmp_path / "s"))])
    page = (tmp_path / "s" / "report" / "index.html").read_text()
    assert not re.search(r"(src|href)=['\"](?!data:)", page)
    # Four measures as heat maps and curves, and the trade between two of them.
    assert page.count("<img ") == 9
    assert "SIMULATED gaze" in page and "default-src 'none'" in page
    pictures = {file.name for file in (tmp_path / "s" / "report").rglob("*.png")}
    assert {"heat-energy.png", "curve-scanmatch.png", "trade.png"} <= pictures


def test_failed_and_unfinished_jobs_are_listed_not_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = temperature_sweep(tmp_path / "s")
    write_job(root / "network.priors-64", ["network.priors=64"], error="ValueError: <b>odd</b>")
    write_job(root / "network.priors-128", ["network.priors=128"])
    sweep = read_sweep(root)
    lacking = {"network.priors-64": "failed", "network.priors-128": "unfinished"}
    assert sweep.lacking["state"].to_dict() == lacking
    assert set(sweep.rows["priors"]) == {4.0, 8.0, 16.0, 32.0}
    assert main(["sweep", str(root)]) == 0
    assert "ValueError" in capsys.readouterr().out
    page = (root / "report" / "index.html").read_text()
    assert "network.priors-64: ValueError: &lt;b&gt;odd&lt;/b&gt;" in page


def test_settings_that_are_names_make_intervals(tmp_path: Path) -> None:
    for name in ("full", "priors_0", "published"):
        write_job(tmp_path / "s" / name, [f"+ablation={name}"], values=figures(16, 1))
    sweep = read_sweep(tmp_path / "s")
    assert sweep.factors == ["ablation"]
    assert main(["sweep", str(tmp_path / "s")]) == 0
    drawn = {file.name for file in (tmp_path / "s" / "report").rglob("*.png")}
    assert "settings-energy.png" in drawn and "heat-energy.png" not in drawn


def test_jobs_under_different_protocols_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_job(tmp_path / "a", ["seed=1"], values=figures(4, 1))
    other = replace(Protocol(), sed_grid=10)
    write_job(tmp_path / "b", ["seed=2"], values=figures(4, 1), protocol=other)
    assert main(["sweep", str(tmp_path)]) == 2
    assert "sed_grid" in capsys.readouterr().err


def test_a_folder_without_jobs_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", str(tmp_path)]) == 2
    assert "no job of a sweep" in capsys.readouterr().err


def test_seeds_are_listed_one_by_one_and_drawn_together(tmp_path: Path) -> None:
    for seed in (1, 2):
        for priors in (4, 16):
            values = {t: figures(priors + seed, t) for t in (0.0, 0.5, 1.0)}
            overrides = [f"network.priors={priors}", f"seed={seed}"]
            write_job(tmp_path / f"{priors}-{seed}", overrides, by_temperature=values)
    sweep = read_sweep(tmp_path)
    assert sweep.factors == ["temperature", "priors", "seed"]
    table = wide(sweep.rows, sweep.factors)
    assert len(table) == 2 * 2 * 3 + 2
    drawn = draw_set(sweep.rows, sweep.factors, tmp_path / "pictures")
    assert len(drawn["Heat maps"]) == len(drawn["Curves"]) == 4
    rows, factors = over_seeds(sweep.rows, sweep.factors)
    assert factors == ["temperature", "priors"]
    (cell,) = rows.set_index(["metric", *factors]).loc[[("energy", 0.5, 4.0)], "value"]
    both = (figures(5, 0.5)["energy"] + figures(6, 0.5)["energy"]) / 2
    assert cell == pytest.approx(both)
