"""Protocol cards: complete, readable again, and explicit about differences."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from spgen_lit.evaluation.protocol import PRESETS, Protocol, preset


@pytest.mark.parametrize("name", PRESETS)
def test_card_survives_json_with_every_field(name: str) -> None:
    protocol = PRESETS[name]
    card = json.loads(json.dumps(protocol.card()))
    assert set(card) == {field.name for field in fields(Protocol)}
    assert Protocol.from_card(card) == protocol
    assert card["name"] == name


def test_simplification_thresholds_survive_a_card() -> None:
    protocol = Protocol(multimatch_simplify={"amplitude": 10.0, "direction": 45.0})  # type: ignore[arg-type]
    again = Protocol.from_card(json.loads(json.dumps(protocol.card())))
    assert again == protocol
    assert dict(again.multimatch_simplify or ()) == {"amplitude": 10.0, "direction": 45.0}


def test_differences_name_field_and_both_values() -> None:
    found = PRESETS["spgen_lit"].differences(PRESETS["scandiff2025"])
    assert found == ["screen: None / [512, 384]", "sed_grid: 5 / 10", "max_fixations: None / 16"]


def test_name_and_note_are_no_difference() -> None:
    ours = Protocol()
    assert ours.differences(replace(ours, name="other", note="words")) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"screen": (0, 5)}, "screen"),
        ({"scanmatch_bins": (16,)}, "scanmatch_bins"),
        ({"temp_bin": 0.0}, "temp_bin"),
        ({"samples": 0}, "samples"),
        ({"max_fixations": 0}, "max_fixations"),
        ({"stde_convention": "l3"}, "stde_convention"),
        ({"pairs": "best of"}, "pairs"),
        ({"map_sigma": -1.0}, "map_sigma"),
    ],
)
def test_values_out_of_range_are_refused_by_field(change: dict, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Protocol(**change)


def test_a_card_of_a_newer_version_is_refused_by_field() -> None:
    card = Protocol().card() | {"color": 1}
    with pytest.raises(ValueError, match=r"unknown fields \['color'\].*newer version"):
        Protocol.from_card(card)


def test_a_card_written_before_a_field_existed_stays_readable() -> None:
    card = Protocol().card()
    del card["rss_threshold"]
    assert Protocol.from_card(card) == Protocol()


def test_what_is_known_of_published_protocols() -> None:
    chen = preset("chen2021")
    assert (chen.screen, chen.scanmatch_bins, chen.temp_bin) == ((320, 240), (16, 12), 0.05)
    assert (chen.samples, chen.sed_grid, chen.stde_convention) == (10, 5, "chen2021")
    assert preset("scandiff2025").screen == (512, 384)
    assert (preset("scandiff2025").sed_grid, preset("scandiff2025").max_fixations) == (10, 16)
    assert all(p.note for name, p in PRESETS.items() if name != "spgen_lit")
    with pytest.raises(ValueError, match="choose one of spgen_lit, chen2021"):
        preset("chen")
