"""The share of the gap recovered: figures known beforehand, refusals, files."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import frame

from spgen_lit.evaluation.gap import Run, gap, gap_text, load_run
from spgen_lit.evaluation.protocol import preset
from spgen_lit.evaluation.results import Results, Scores
from spgen_lit.report import main

IMAGES = tuple(f"{number}.jpg" for number in range(40))
CHANCE = 0.2


def results(
    energy: float, scanmatch: float, seed: int = 0, images: tuple[str, ...] = IMAGES, **meta: str
) -> Results:
    """Every image with a level of its own, shared by all results, and a little scatter."""
    level = np.random.default_rng(9).normal(0, 0.05, len(images))
    scatter = np.random.default_rng(seed).normal(0, 0.002, (2, len(images)))
    values = np.stack([energy + level + scatter[0], scanmatch - level + scatter[1]], axis=1)
    chance = np.stack([np.full(len(images), 0.4), CHANCE - level], axis=1)
    names = ("energy", "scanmatch")
    band = {"other_image": Scores(frame(chance, images, names))}
    return Results(Scores(frame(values, images, names)), band, preset("spgen_lit"), meta)


def run(
    folder: Path, photographs: tuple[float, float], paintings: tuple[float, float], seed: int
) -> Path:
    facts = {"model": folder.name.rstrip("0123456789"), "gaze": "eye"}
    for name, values in (("source-osie", photographs), ("evaluation-painted-osie", paintings)):
        data = name.partition("-")[2]
        own = results(*values, seed=seed + 100 * len(name), data=data, **facts)
        own.save(folder / "results" / name)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Gap .04 in energy and .06 in ScanMatch; one wins three quarters back, one nothing."""
    root = tmp_path_factory.mktemp("runs")
    values = {
        "plain": ((0.34, 0.34), (0.38, 0.28)),
        "good": ((0.343, 0.337), (0.35, 0.325)),
        "idle": ((0.34, 0.34), (0.38, 0.28)),
    }
    return {
        name: [run(root / f"{name}{k}", *pair, seed=k + 7 * len(name)) for k in range(3)]
        for name, pair in values.items()
    }


def load(folders: list[Path]) -> list[Run]:
    return [load_run(folder) for folder in folders]


def test_share_recovered_cost_and_intervals(runs: dict[str, list[Path]]) -> None:
    plain, good, idle = (load(runs[name]) for name in ("plain", "good", "idle"))
    rows = gap(plain, {"good": good, "idle": idle})
    table = {(row["name"], row["metric"]): row for row in rows.to_dict("records")}
    for metric in ("energy", "scanmatch"):
        good, idle = table["good", metric], table["idle", metric]
        assert good["recovered"] == pytest.approx(0.75, abs=0.03)
        assert good["recovered_low"] < good["recovered"] < good["recovered_high"]
        assert good["recovered_low"] > 0.6
        assert idle["recovered_low"] < 0 < idle["recovered_high"]
        assert good["cost"] == pytest.approx(0.003, abs=0.001)
        assert good["cost_low"] > 0
        assert good["gap_open"] and good["images"] == 40
        assert (good["source_only_seeds"], good["adapted_seeds"]) == (3, 3)
    assert table["good", "energy"]["ceiling"] == pytest.approx(0.34, abs=0.02)
    # Above chance: .34 less .2, whatever the level of the images.
    assert table["good", "scanmatch"]["ceiling"] == pytest.approx(0.14, abs=0.002)


def test_an_oracle_is_what_others_are_held_against(
    runs: dict[str, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    plain, good, idle = (load(runs[name]) for name in ("plain", "good", "idle"))
    rows = gap(plain, {"idle": idle}, good).set_index(["name", "metric"])
    idle_row = rows.loc[("idle", "energy")]
    assert idle_row["of_oracle"] == pytest.approx(0, abs=0.05)
    assert idle_row["behind_oracle"] == pytest.approx(0.03, abs=0.002)
    assert idle_row["behind_oracle_low"] > 0
    assert np.isnan(rows.loc[("oracle", "energy"), "behind_oracle"])
    # A share of what may be nothing is no figure.
    assert list(gap_text(gap(plain, {"good": good}, idle))["of oracle's"]) == [
        "no gap",
        "",
        "no gap",
        "",
    ]
    words = ["gap", "--source-only", *runs["plain"], "--adapted", *runs["idle"]]
    assert main([*map(str, words), "--oracle", *map(str, runs["good"])]) == 0
    printed = capsys.readouterr().out
    assert "behind the oracle" in printed and "oracle (3 seeds)" in printed


def test_more_seeds_narrow_the_interval(runs: dict[str, list[Path]]) -> None:
    plain, good = runs["plain"], runs["good"]
    widths = []
    for count in (1, 3):
        row = gap(load(plain[:count]), {"good": load(good[:count])}).iloc[0]
        widths.append(row["recovered_high"] - row["recovered_low"])
    assert widths[1] < widths[0]


def test_no_gap_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = run(tmp_path / "plain0", (0.34, 0.34), (0.34, 0.34), seed=1)
    other = run(tmp_path / "other0", (0.34, 0.34), (0.33, 0.35), seed=2)
    assert not gap(load([one]), {"other": load([other])})["gap_open"].iloc[0]
    assert main(["gap", "--source-only", str(one), "--adapted", str(other)]) == 0
    assert "no gap" in capsys.readouterr().out


def test_command_writes_table_csv_and_markdown(
    runs: dict[str, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tables" / "gap.csv"
    arguments = ["gap", "--source-only", *map(str, runs["plain"])]
    for name in ("good", "idle"):
        arguments += ["--adapted", *map(str, runs[name])]
    assert main([*arguments, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "good" in printed and "idle" in printed
    with out.open() as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["name"], row["metric"]) for row in rows] == [
        (name, metric) for metric in ("energy", "scanmatch") for name in ("good", "idle")
    ]
    assert float(rows[0]["recovered"]) == pytest.approx(0.75, abs=0.03)
    assert float(rows[0]["recovered_low"]) < float(rows[0]["recovered_high"])
    markdown = out.with_suffix(".md").read_text()
    assert markdown.count("\n|") == 6 and "recovered =" in markdown
    assert sorted(path.name for path in out.parent.iterdir()) == ["gap.csv", "gap.md"]


def refused(plain: Results, painted: Results, adapted: Results) -> str:
    with pytest.raises(ValueError) as caught:
        gap([(plain, painted)], {"adapted": [(plain, adapted)]})
    return str(caught.value)


def test_mismatches_are_refused() -> None:
    plain, painted = results(0.34, 0.34), results(0.38, 0.28)
    fewer = results(0.36, 0.3, images=IMAGES[:-1])
    message = refused(plain, painted, fewer)
    assert "different images" in message and "39.jpg" in message
    other = replace(painted, protocol=replace(painted.protocol, sed_grid=9))
    assert "sed_grid" in refused(plain, painted, other)
    assert "sed_grid" in refused(plain, other, other)
    message = refused(plain, fewer, fewer)
    assert "photographs and paintings were scored on different images" in message
    alone = replace(painted, band={})
    assert "other_image" in refused(plain, alone, alone)


def test_groups_of_one_name_are_not_lost(
    runs: dict[str, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    plain, good = map(str, runs["plain"]), str(runs["good"][0])
    given = ["gap", "--source-only", *plain]
    assert main([*given, "--adapted", good, "--adapted", good]) == 0
    assert main([*given, *["--adapted", good] * 3]) == 2
    assert "is given twice" in capsys.readouterr().err
    with pytest.raises(ValueError, match="oracle are taken"):
        gap(load(runs["plain"]), {"oracle": load(runs["good"])})


def test_missing_and_ambiguous_results_are_named(
    runs: dict[str, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(run(tmp_path / "more0", (0.34, 0.34), (0.35, 0.32), seed=1))
    assert main(["gap", "--source-only", str(tmp_path), "--adapted", good]) == 2
    assert "holds no results source-…" in capsys.readouterr().err
    results(0.3, 0.3).save(Path(good) / "results" / "evaluation-other")
    assert main(["gap", "--source-only", str(runs["plain"][0]), "--adapted", good]) == 2
    assert "choose one by --paintings" in capsys.readouterr().err
    assert main(["gap", "--source-only", good, "--adapted", good, "--paintings", "eval*"]) == 2
    assert "holds no results eval*" in capsys.readouterr().err
    chosen = ["--paintings", "evaluation-painted-osie"]
    assert main(["gap", "--source-only", str(runs["plain"][0]), "--adapted", good, *chosen]) == 0
