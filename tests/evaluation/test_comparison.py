"""Comparison: pairing by image, direction of better, and refusals."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from spgen_lit.evaluation.comparison import compare, comparison_table
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.scores import Scores

METRICS = ("energy", "scanmatch", "diversity")
IMAGES = tuple(f"{i}.jpg" for i in range(40))


def make(shift: float, images: tuple[str, ...] = IMAGES, **meta: str) -> Results:
    base = np.random.default_rng(0).normal(0.4, 0.1, (len(IMAGES), 1))
    noise = np.random.default_rng(int(shift * 1000) % 99).normal(0, 0.005, (len(IMAGES), 3))
    table = base + shift + noise
    order = [IMAGES.index(image) for image in images]
    return Results(Scores(images, METRICS, table[order]), {}, Protocol(), meta)


def test_a_difference_much_smaller_than_the_spread_of_images_is_found() -> None:
    rows = compare([make(0), make(0.02)], ["a", "b"])
    assert [row.metric for row in rows] == list(METRICS)
    for row in rows:
        assert row.difference.mean == pytest.approx(0.02, abs=0.005)
        assert row.difference.low > 0
        assert row.difference.p < 0.01
        assert row.second - row.first == pytest.approx(row.difference.mean)
    # More ScanMatch is better, more energy is worse, more diversity is neither by itself.
    assert [row.better for row in rows] == [False, True, None]
    assert all(row.better is None for row in compare([make(0), make(0)], ["a", "b"]))


def test_images_are_paired_by_name_not_by_place() -> None:
    forward = compare([make(0), make(0.02)], ["a", "b"])
    shuffled = compare([make(0), make(0.02, images=IMAGES[::-1])], ["a", "b"])
    for one, two in zip(forward, shuffled, strict=True):
        assert one.difference.mean == pytest.approx(two.difference.mean)
        assert one.difference.high - one.difference.low == pytest.approx(
            two.difference.high - two.difference.low, rel=0.3
        )


def test_several_results_are_each_held_against_the_first() -> None:
    rows = compare([make(0), make(0.02), make(-0.02)], ["a", "b", "c"], metrics=["energy"])
    assert [(row.name, row.better) for row in rows] == [("b", False), ("c", True)]


def test_different_protocols_are_refused_by_field() -> None:
    other = replace(make(0), protocol=replace(Protocol(), sed_grid=10, temp_bin=0.1))
    with pytest.raises(ValueError, match=r"temp_bin: 0.05 / 0.1; sed_grid: 5 / 10"):
        compare([make(0), other], ["a", "b"])
    renamed = replace(make(0), protocol=replace(Protocol(), name="mine"))
    assert compare([make(0), renamed], ["a", "b"])


def test_different_images_and_data_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"only in a: 38.jpg, 39.jpg; only in b: none"):
        compare([make(0), make(0, images=IMAGES[:38])], ["a", "b"])
    with pytest.raises(ValueError, match="differ in data: osie / mit1003"):
        compare([make(0, data="osie"), make(0, data="mit1003")], ["a", "b"])
    with pytest.raises(ValueError, match="two or more results"):
        compare([make(0)], ["a"])
    with pytest.raises(ValueError, match=r"not every result has nss; all have energy"):
        compare([make(0), make(1)], ["a", "b"], metrics=["nss"])


def test_table_fits_eighty_columns_and_marks_what_is_better() -> None:
    rows = compare([make(0), make(0.02)], ["a", "b"])
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(comparison_table(rows, "b", "a"))
    shown = console.export_text()
    assert "…" not in shown
    energy = next(line for line in shown.splitlines() if line.startswith("energy"))
    agreement = next(line for line in shown.splitlines() if line.startswith("ScanMatch"))
    assert energy.split()[-1] == "worse"
    assert agreement.split()[-1] == "better"
    assert "against a, 40 images" in shown
