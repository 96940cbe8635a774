"""Scores by what images are of: files, and the table beside observers and chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_results import frame
from rich.console import Console

from spgen_lit.evaluation.protocol import preset
from spgen_lit.evaluation.results import Results, Scores
from spgen_lit.evaluation.score import grouped_by, groups_table, save_groups, score_groups

IMAGES = ("a", "b", "c", "d", "e")
ATTRIBUTES = {
    "a": {"movement": "Cubism", "century": "20"},
    "b": {"movement": "Cubism", "century": "20"},
    "c": {"movement": "Realism", "century": "19"},
    "d": {"movement": "Realism"},
    "e": {},
}


def results() -> Results:
    columns = {"energy": [0.1, 0.3, 0.5, 0.7, 0.9], "nss": [1.0, 1.0, 2.0, 4.0, 9.0]}
    values = np.array(list(columns.values())).T
    rows = {who: Scores(frame(values + add, IMAGES, tuple(columns))) for who, add in ROWS.items()}
    return Results(rows.pop("model"), rows, preset("spgen_lit"), {})


ROWS = {"model": 0.0, "observers": -0.1, "other_image": 0.1}


def frames(*names: str) -> dict[str, pd.DataFrame]:
    return {name: score_groups(results(), ATTRIBUTES, name) for name in names}


def test_each_group_is_scored_on_its_own_images() -> None:
    found = frames("movement", "century")
    energy = found["movement"].query("metric == 'energy'").set_index("group")
    assert energy["value"].to_dict() == pytest.approx({"Cubism": 0.2, "Realism": 0.6})
    assert energy["observers"].to_dict() == pytest.approx({"Cubism": 0.1, "Realism": 0.5})
    assert energy["images"].to_dict() == {"Cubism": 2, "Realism": 2}
    # What has no such attribute is in none of its groups.
    assert found["century"].query("metric == 'energy'")["images"].sum() == 3


def test_the_first_two_attributes_are_shown_or_the_one_asked_for(tmp_path: Path) -> None:
    more = {image: {**known, "artist": "A"} for image, known in ATTRIBUTES.items()}
    assert grouped_by(more) == ["movement", "century"]
    assert grouped_by(more, "artist") == ["artist"]
    with pytest.raises(ValueError, match="group=style: the images have movement, century, artist"):
        grouped_by(more, "style")
    assert grouped_by({image: {} for image in IMAGES}) == []
    assert save_groups(tmp_path, results(), more, []) is None
    assert save_groups(tmp_path, results(), more, ["century"]) is not None
    (written,) = tmp_path.iterdir()
    assert set(pd.read_csv(written)["group"]) == {19, 20}


def test_the_table_shows_measures_beside_observers_and_chance(tmp_path: Path) -> None:
    console = Console(width=120, record=True, file=(tmp_path / "log").open("w"))
    console.print(groups_table(frames("movement", "century")))
    text = console.export_text()
    assert "by movement" in text and "by century" in text
    (line,) = [line for line in text.splitlines() if line.startswith("Realism")]
    assert line.split(maxsplit=2)[2].split("  ")[-2:] == [
        "0.600 (0.500, 0.700)",
        "3.000 (2.900, 3.100)",
    ]
    assert "1 images are too few" in text
