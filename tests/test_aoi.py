"""Areas of interest: regions from files, and what scanpaths do with them."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from spgen_lit.evaluation.aoi import Regions, transitions, visits
from spgen_lit.pictures.interest import draw_regions, interest_sheet, region_color
from spgen_lit.predicting import Settings
from spgen_lit.predicting.illustration import Observers
from spgen_lit.predicting.outputs import Outputs, find_images
from spgen_lit.predicting.regions import find_regions, read_regions, tabulate_regions
from spgen_lit.scanpath import Scanpath

HALVES = Regions(("left", "top right"), np.array([[1, 2], [1, 0]]))
LEFT, TOP, REST, OFF = (0.1, 0.5), (0.9, 0.1), (0.9, 0.9), (1.2, 0.1)
BOX = {"name": "face", "box": [10, 20, 30, 5]}


def path(*places: tuple[float, float], seconds: list[float] | None = None) -> Scanpath:
    return Scanpath("i", (80, 60), np.array(places), None if seconds is None else np.array(seconds))


def test_dwell_rank_time_and_entries() -> None:
    paths = [
        path(REST, LEFT, LEFT, TOP, LEFT, seconds=[0.1, 0.2, 0.3, 0.4, 0.5]),
        path(TOP, REST, seconds=[0.25, 0.75]),
    ]
    left, top, rest = visits(paths, HALVES).itertuples()
    assert (left.region, top.region, rest.region) == ("left", "top right", "elsewhere")
    assert (left.area, top.area, rest.area) == (0.5, 0.25, 0.25)
    assert (left.looked, top.looked, rest.looked) == (0.5, 1, 1)
    assert left.dwell_s == pytest.approx((0.2 + 0.3 + 0.5) / 2)
    assert left.dwell_share == pytest.approx((1.0 / 1.5) / 2)
    assert left.first_time_s == pytest.approx(0.1)
    assert left.first_rank == 2
    assert left.entries == pytest.approx(2 / 2)
    assert top.first_time_s == pytest.approx((0.6 + 0) / 2)
    assert top.first_rank == pytest.approx((4 + 1) / 2)
    assert left.dwell_share + top.dwell_share + rest.dwell_share == pytest.approx(1)


def test_unknown_durations_and_regions_never_seen() -> None:
    left, top, _ = visits([path(REST, LEFT, LEFT)], HALVES).itertuples()
    assert math.isnan(left.dwell_s)
    assert left.dwell_share == pytest.approx(2 / 3)
    assert math.isnan(left.first_time_s)
    assert left.first_rank == 2
    assert top.looked == top.fixations == top.entries == 0
    assert math.isnan(top.first_rank)
    with pytest.raises(ValueError, match="at least one scanpath"):
        visits([], HALVES)


def test_transitions_count_steps_and_off_image_is_elsewhere() -> None:
    found = transitions([path(LEFT, TOP, TOP, OFF, LEFT), path(REST, LEFT)], HALVES)
    counts = found["count"].to_numpy().reshape(3, 3)
    assert counts.tolist() == [[0, 1, 0], [0, 1, 1], [2, 0, 0]]
    assert found[["from", "to"]].to_numpy()[5].tolist() == ["top right", "elsewhere"]
    assert found["probability"][3:6].tolist() == [0, 0.5, 0.5]
    assert transitions([path(LEFT)], HALVES)["probability"].isna().all()


def test_wrong_regions_are_refused() -> None:
    with pytest.raises(ValueError, match="found labels from 0 to 3"):
        Regions(("a", "b"), np.array([[0, 3]]))
    with pytest.raises(ValueError, match="must differ"):
        Regions(("a", "a"), np.array([[0, 1]]))


@pytest.mark.parametrize(
    ("shape", "inside", "outside", "area"),
    [
        (BOX, [(10, 20), (39, 24)], [(9, 20), (40, 24), (10, 19), (39, 25)], 150),
        ({"name": "f", "polygon": [[0, 0], [40, 0], [0, 40]]}, [(5, 5)], [(35, 35)], 800),
        (
            {"name": "f", "ellipse": [40, 30, 20, 10]},
            [(40, 30), (58, 30)],
            [(40, 45), (62, 30)],
            628,
        ),
    ],
)
def test_shapes_cover_their_pixels(
    tmp_path: Path,
    shape: dict[str, Any],
    inside: list[tuple[int, int]],
    outside: list[tuple[int, int]],
    area: int,
) -> None:
    (tmp_path / "r.json").write_text(json.dumps({"width": 80, "height": 60, "regions": [shape]}))
    regions = read_regions(tmp_path / "r.json")
    assert all(regions.labels[y, x] == 1 for x, y in inside)
    assert all(regions.labels[y, x] == 0 for x, y in outside)
    assert int((regions.labels == 1).sum()) == pytest.approx(area, rel=0.03)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"regions": [BOX]}, "missing or wrong: 'width'"),
        ([{"box": [0, 0, 1, 1]}], "region 0 .*box.* wrong: 'name'; needed .*\"name\""),
        ([BOX, {"name": "a"}], 'region 1 .*\'a\'.* needed .*"polygon": .*"box": .*"ellipse": '),
        ([{"name": "a", "box": [1, 2]}], "region 0 .*box"),
        ([{"name": "a", "polygon": [[1, 2]]}], "three or more"),
        ([{"name": "a", "box": [0, 0, -1, 1]}], "region 0 .*box"),
        ([{"name": "a", "ellipse": [0, 0, 1, math.inf]}], "region 0 .*ellipse"),
        (["a"], "region 0 .a.: missing or wrong"),
    ],
)
def test_faulty_files_name_region_and_field(tmp_path: Path, content: Any, told: str) -> None:
    file = tmp_path / "r.json"
    if isinstance(content, list):
        content = {"width": 8, "height": 6, "regions": content}
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=told) as caught:
        read_regions(file)
    assert str(file) in str(caught.value)


def test_masks_by_grey_value_and_by_colour(tmp_path: Path) -> None:
    grey = np.zeros((4, 6), np.uint8)
    grey[:2, :3], grey[2:, 3:] = 200, 90
    Image.fromarray(grey).save(tmp_path / "grey.png")
    regions = read_regions(tmp_path / "grey.png")
    assert regions.names == ("1", "2")
    assert (regions.labels == np.where(grey == 90, 1, np.where(grey == 200, 2, 0))).all()
    colour = np.zeros((4, 6, 3), np.uint8)
    colour[:2, :3] = (255, 128, 0)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    assert read_regions(tmp_path / "colour.png").names == ("#ff8000",)
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "black.png")
    with pytest.raises(ValueError, match="black all over"):
        read_regions(tmp_path / "black.png")


def test_regions_are_found_by_name_in_a_folder(tmp_path: Path) -> None:
    content = {"width": 80, "height": 60, "regions": [BOX]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    (tmp_path / "b.jpg.json").write_text(json.dumps(content))
    assert find_regions(tmp_path, Path("a.jpg")) is not None
    assert find_regions(tmp_path, Path("sub/b.jpg")) is not None
    assert find_regions(tmp_path, Path("c.jpg")) is None


def test_regions_are_tinted_in_place_and_the_sheet_is_drawn() -> None:
    image = np.full((300, 400, 3), 120, np.uint8)
    labels = np.zeros((60, 80), int)
    labels[10:40, 5:35] = 1
    drawn = draw_regions(image, ["a"], labels)
    assert (image == 120).all()
    tint = 255 * np.array(to_rgb(region_color(0))) - 120
    assert drawn[70, 50].astype(int) - 120 == pytest.approx(tint / 4, abs=1)
    assert (drawn[250, 300] == 120).all()
    dwell = dict.fromkeys(("model", "people"), np.array([0.6, 0.4]))
    steps = dict.fromkeys(dwell, np.array([0.5, 0.5, np.nan, np.nan]))
    assert interest_sheet(image, ["a"], labels, dwell, steps).std() > 5


def test_tables_for_images_with_regions_and_a_line_for_faulty_files(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        Image.new("RGB", (80, 60), (90, 90, 90)).save(tmp_path / f"{name}.jpg")
    content = {"width": 80, "height": 60, "regions": [{"name": "left", "box": [0, 0, 40, 60]}]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    (tmp_path / "b.json").write_text("{}")
    outputs = Outputs(Settings(output=str(tmp_path / "out"), picture_side=400), {"model": "fixed"})
    items, _ = find_images(str(tmp_path / "*.jpg"))
    for item in items:
        outputs.write(item, [path(LEFT, TOP, seconds=[0.3, 0.1])])
    people = Observers({"a.jpg": [path(TOP, REST, seconds=[0.2, 0.2])]})
    count, failures = tabulate_regions(outputs, items, tmp_path, people)
    assert count == 1
    assert [path.name for path in failures] == ["b.jpg"]
    with outputs.file("regions", items[0], ".csv").open() as file:
        rows = {(row["group"], row["region"]): row for row in csv.DictReader(file)}
    assert float(rows["model", "left"]["dwell_s"]) == pytest.approx(0.3)
    assert float(rows["observers", "left"]["looked"]) == 0
    assert rows["observers", "left"]["first_rank"] == ""
    with outputs.file("regions", items[0], ".transitions.csv").open() as file:
        steps = {(r["group"], r["from"], r["to"]): int(r["count"]) for r in csv.DictReader(file)}
    assert steps["model", "left", "elsewhere"] == 1
    assert sum(steps.values()) == 2
    assert outputs.file("regions", items[0], ".png").is_file()
