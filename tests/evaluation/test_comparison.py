"""Comparison and leaderboard: pairing by image, what is certain, refusals, ties."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_results import IMAGES, METRICS, make
from rich.console import Console
from simulated_people import make_people

from spgen_lit.evaluation.comparison import (
    compare,
    comparison_table,
    leaderboard,
)
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.score import score


def test_a_difference_much_smaller_than_the_spread_of_images_is_found() -> None:
    rows = compare({"a": make(0), "b": make(0.02)})
    assert list(rows["metric"]) == list(METRICS)
    assert rows["difference"].to_numpy() == pytest.approx(0.02, abs=0.005)
    assert (rows["low"] > 0).all()
    assert (rows["p_holm"] < 0.01).all() and (rows["p_holm"] >= rows["p"]).all()
    np.testing.assert_allclose(rows["second"] - rows["first"], rows["difference"])
    # More ScanMatch is better, more energy is worse, more diversity is neither by itself.
    assert list(rows["better"]) == [False, True, None]
    assert compare({"a": make(0), "b": make(0)})["better"].isna().all()


@pytest.mark.parametrize("images", [2, 4, 19])
def test_few_images_get_no_flag(images: int) -> None:
    # At 7e451e6 two images were called better or worse with p = .0004.
    few = IMAGES[:images]
    rows = compare({"a": make(0, few), "b": make(0.3, few)})
    assert rows["better"].isna().all()
    assert (rows["p"] >= 2 / 2**images).all()


def test_many_measures_are_corrected_for() -> None:
    random = np.random.default_rng(3)
    names = [f"m{k}" for k in range(30)]
    first = pd.DataFrame(random.normal(size=(40, 30)), IMAGES, names)
    second = pd.DataFrame(random.normal(size=(40, 30)), IMAGES, names)
    a = make(0)
    sides = [replace(a, model=replace(a.model, rows=rows)) for rows in (first, second)]
    rows = compare(dict(zip("ab", sides, strict=True)))
    assert (rows["p"] < 0.05).any()
    assert (rows["p_holm"] >= 0.05).all()


def test_images_are_paired_by_name_not_by_place() -> None:
    forward = compare({"a": make(0), "b": make(0.02)})
    shuffled = compare({"a": make(0), "b": make(0.02, IMAGES[::-1])})
    np.testing.assert_allclose(forward["difference"], shuffled["difference"])


def test_several_results_are_each_held_against_the_first() -> None:
    rows = compare({"a": make(0), "b": make(0.02), "c": make(-0.02)}, ["energy"])
    assert list(zip(rows["result"], rows["better"], strict=True)) == [("b", False), ("c", True)]


def test_different_protocols_are_refused_by_field() -> None:
    other = replace(make(0), protocol=replace(Protocol(), sed_grid=10, temp_bin=0.1))
    with pytest.raises(ValueError, match=r"temp_bin: 0.05 / 0.1; sed_grid: 5 / 10"):
        compare({"a": make(0), "b": other})
    renamed = replace(make(0), protocol=replace(Protocol(), name="mine"))
    assert len(compare({"a": make(0), "b": renamed}))


def test_other_numbers_of_samples_are_refused() -> None:
    # At 7e451e6 both cards said 10, and 3 samples were called worse than 10 of the same model.
    people, drawn = make_people(), make_people(observers=10, seed=1)
    three = {image: paths[:3] for image, paths in drawn.items()}
    ten = score(drawn, people, Protocol(), metrics=["nss"])
    few = score(three, people, Protocol(), metrics=["nss"])
    with pytest.raises(ValueError, match=r"other numbers of samples .*\(10 / 3\).*samples=3"):
        compare({"ten": ten, "three": few})
    # One path an image stands for a model that always gives it.
    one = score({i: p[:1] for i, p in drawn.items()}, people, Protocol(), metrics=["nss"])
    assert len(compare({"ten": ten, "one": one}))


def test_different_images_and_data_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"only in a: 38.jpg, 39.jpg; only in b: none"):
        compare({"a": make(0), "b": make(0, IMAGES[:38])})
    with pytest.raises(ValueError, match="differ in data: osie / mit1003"):
        compare({"a": make(0, data="osie"), "b": make(0, data="mit1003")})
    with pytest.raises(ValueError, match="two or more results"):
        compare({"a": make(0)})
    with pytest.raises(ValueError, match=r"not every result has nss; all have energy"):
        compare({"a": make(0), "b": make(1)}, ["nss"])


def test_table_fits_eighty_columns_and_marks_what_is_better() -> None:
    rows = compare({"a": make(0), "b": make(0.02)})
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(comparison_table(rows, "b", "a"))
    shown = console.export_text()
    assert "…" not in shown
    energy = next(line for line in shown.splitlines() if line.startswith("energy"))
    agreement = next(line for line in shown.splitlines() if line.startswith("ScanMatch"))
    assert energy.split()[-1] == "worse"
    assert agreement.split()[-1] == "better"
    assert "against a, 40 images" in shown


def test_leaderboard_ranks_with_ties() -> None:
    entries = {"worse": make(0.05), "best": make(-0.02), "tied": make(-0.0212), "mid": make(0.01)}
    board = leaderboard(entries).frame
    assert set(board["entry"][:2]) == {"tied", "best"}
    assert list(board["entry"][2:]) == ["mid", "worse"]
    assert list(board["rank"]) == [1, 1, 3, 4]
    few = leaderboard({name: replace_images(one) for name, one in entries.items()})
    assert set(few.frame["rank"]) == {1}


def replace_images(results):
    rows = results.model.rows.iloc[:8]
    return replace(results, model=replace(results.model, rows=rows))


def test_leaderboard_shows_the_band_and_says_how() -> None:
    people = make_people(24)
    entries = {
        f"model {seed}": score(make_people(24, seed=seed), people, Protocol(), metrics="quick")
        for seed in (1, 2)
    }
    board = leaderboard(entries, ["energy", "scanmatch"])
    assert set(board.frame["kind"]) == {"result", "band"}
    assert board.frame["entry"].iloc[0] == "observers"
    text = board.text()
    assert "energy score ↓" in text and "[" in text["energy score ↓"].iloc[0]
    assert "24 images" in board.title and "zero in its interval share a rank" in board.note
