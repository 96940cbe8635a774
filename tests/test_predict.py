"""Prediction for files: what is written, where, what is resumed and what is refused."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from spgen_lit.data.images import ImageError, image_size, read_image
from spgen_lit.predicting import Settings
from spgen_lit.predicting.illustration import (
    Observers,
    illustrate_page,
    read_captions,
)
from spgen_lit.predicting.outputs import Item, Outputs, find_images
from spgen_lit.predicting.run import predict, typical_path
from spgen_lit.scanpath import Scanpath

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems allow fewer names")
MADE_BY = {
    "model": "fixed",
    "warning": "SIMULATED gaze",
    "samples": 3,
    "temperature": None,
    "seed": 0,
}
PLACES = [(0.2, 0.3), (0.8, 0.4), (0.5, 0.9)]
SECONDS = [0.2, 0.3, 0.25]


class Fixed:
    """Stands in for a model: one known path a sample, and a record of what was asked."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.asked: list[str] = []
        self.stop_after = stop_after

    def batch(
        self,
        images: Sequence[Any],
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
        ids: Sequence[str] | None = None,
        viewing_time: float | None = None,
    ) -> list[list[Scanpath]]:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += [str(image) for image in images]
        return [
            [
                Scanpath(Path(image).stem, image_size(image), np.array(PLACES), np.array(SECONDS))
                for _ in range(samples)
            ]
            for image in images
        ]


def paint(path: Path, size: tuple[int, int] = (320, 240), level: int = 120) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)
    return path


def go(
    images: str | list[str], output: Path, model: Fixed | None = None, **drawing: Any
) -> tuple[list[Item], Outputs, dict[Path, str], int]:
    items, failures = find_images(images)
    settings = Settings(output=str(output), samples=3, batch_size=2, **drawing)
    outputs = Outputs(settings, MADE_BY, read_captions(items))
    before, refused = predict(model or Fixed(), items, outputs)
    failures |= refused
    outputs.join([item for item in items if item.path not in failures])
    outputs.refuse(failures)
    return items, outputs, failures, before


def files_of(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def digests(folder: Path) -> dict[str, str]:
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files_of(folder)
    }


def test_a_folder_gives_exactly_these_files(tmp_path: Path) -> None:
    paint(tmp_path / "in" / "a.png")
    paint(tmp_path / "in" / "deep" / "b.jpg")
    _, outputs, failures, _ = go(str(tmp_path / "in"), tmp_path / "out")
    assert not failures
    expected = {"run.json", "scanpaths.csv", "scanpaths.json"}
    for key in ("a", "deep/b"):
        expected |= {f"json/{key}.json"}
        expected |= {f"{kind}/{key}.png" for kind in ("overlay", "density")}
    assert files_of(outputs.root) == expected


@pytest.mark.parametrize("size", [(1200, 90), (90, 1200), (321, 241), (800, 600)])
def test_pixels_and_order_in_csv_json_and_overlay(tmp_path: Path, size: tuple[int, int]) -> None:
    paint(tmp_path / "a.png", size)
    _, outputs, _, _ = go(str(tmp_path / "a.png"), tmp_path / "out")
    with (outputs.root / "scanpaths.csv").open() as file:
        rows = list(csv.DictReader(file))
    first = [row for row in rows if row["observer"] == "1"]
    assert [int(row["fixation"]) for row in first] == [1, 2, 3]
    found = np.array([[float(row["x"]), float(row["y"])] for row in first])
    assert found == pytest.approx(np.array(PLACES) * size, abs=1e-3)
    assert [float(row["duration"]) for row in first] == pytest.approx([200, 300, 250])
    assert {(row["width"], row["height"]) for row in rows} == {(str(size[0]), str(size[1]))}

    records = json.loads((outputs.root / "scanpaths.json").read_text())
    assert [record["subject"] for record in records] == [1, 2, 3]
    assert records[0]["name"] == "a.png"
    assert (records[0]["width"], records[0]["height"]) == size
    assert np.column_stack([records[0]["X"], records[0]["Y"]]) == pytest.approx(found)
    again, typical = outputs.read(find_images(str(tmp_path / "a.png"))[0][0])
    assert again[0].xy == pytest.approx(np.array(PLACES), abs=1e-5) and typical == 0

    assert [record["typical"] for record in records] == [True, False, False]
    assert {row["model"] for row in rows} == {"fixed: SIMULATED gaze"}


def test_whole_run_file_equals_the_single_ones(tmp_path: Path) -> None:
    for name in "abc":
        paint(tmp_path / "in" / f"{name}.png")
    _, outputs, _, _ = go(str(tmp_path / "in"), tmp_path / "out")
    single = [json.loads((outputs.root / "json" / f"{n}.json").read_text()) for n in "abc"]
    assert json.loads((outputs.root / "scanpaths.json").read_text()) == [
        *single[0],
        *single[1],
        *single[2],
    ]
    lines = (outputs.root / "scanpaths.csv").read_text().splitlines()
    assert len(lines) == 1 + 3 * 3 * 3
    assert sum(line.startswith("image,") for line in lines) == 1


def test_a_run_cut_short_goes_on_and_ends_with_the_same_files(tmp_path: Path) -> None:
    for index in range(7):
        paint(tmp_path / "in" / f"{index}.png", level=20 * index)
    whole = tmp_path / "whole"
    go(str(tmp_path / "in"), whole)
    cut = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        go(str(tmp_path / "in"), cut, Fixed(stop_after=4))
    again = Fixed()
    _, _, failures, before = go(str(tmp_path / "in"), cut, again)
    assert not failures
    assert before in (2, 4)
    assert len(again.asked) == 7 - before
    assert digests(cut) == digests(whole)
    idle = Fixed()
    assert go(str(tmp_path / "in"), cut, idle)[3] == 7
    assert idle.asked == []


def test_a_changed_image_or_a_missing_picture_is_made_again(tmp_path: Path) -> None:
    paint(tmp_path / "in" / "a.png")
    image = paint(tmp_path / "in" / "b.png")
    _, outputs, _, _ = go(str(tmp_path / "in"), tmp_path / "out")
    (outputs.root / "density" / "a.png").unlink()
    later = (outputs.root / "json" / "b.json").stat().st_mtime + 5
    os.utime(image, (later, later))
    model = Fixed()
    go(str(tmp_path / "in"), tmp_path / "out", model)
    assert [Path(name).name for name in model.asked] == ["a.png", "b.png"]


def test_other_settings_are_not_mixed_into_a_folder(tmp_path: Path) -> None:
    settings = Settings(output=str(tmp_path))
    Outputs(settings, MADE_BY)
    with pytest.raises(ValueError, match=r"seed was 0, now 1.*output="):
        Outputs(settings, {**MADE_BY, "seed": 1})


def test_what_images_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one/x.png", "two/x.png", "two/.hidden.png", "two/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    monkeypatch.chdir(tmp_path)

    def keys(images: str | list[str]) -> list[str]:
        return [item.key for item in find_images(images)[0]]

    assert keys(str(tmp_path)) == keys(".") == ["one/x.png", "two/x.png"]
    assert keys(["one/x.png", "two/x.png", "one"]) == ["one/x.png", "two/x.png"]
    assert keys("two/x.png") == ["x.png"]
    assert keys("*/x.*") == keys(str(tmp_path / "*" / "x.*")) == ["one/x.png", "two/x.png"]
    assert keys("../" + tmp_path.name + "/one/*.png") == ["x.png"]
    for absent in ("nowhere", "*.jpg", str(tmp_path / "no*")):
        with pytest.raises(FileNotFoundError, match="no file matches"):
            find_images(absent)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no image file"):
        find_images("empty")


@LINUX
def test_bad_input_ends_in_a_line_and_harms_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    whole = paint(folder / "good.jpg")
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("I am no picture")
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "cut.jpg")
    data = (folder / "cut.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 3])
    (folder / "header.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    readable = {"good.jpg", "one.png", "wide.png", "cmyk.jpg", "deep.png", "moving.gif"}
    Image.new("RGB", (1, 1)).save(folder / "one.png")
    Image.new("RGB", (30_000, 20)).save(folder / "wide.png")
    Image.new("CMYK", (90, 60)).save(folder / "cmyk.jpg")
    Image.fromarray(np.full((60, 90), 40_000, np.uint16)).save(folder / "deep.png")
    stills = [Image.new("P", (90, 60), shade) for shade in (3, 200)]
    stills[0].save(folder / "moving.gif", save_all=True, append_images=stills[1:])
    paint(folder / "sub" / "good.jpg", (64, 48))
    raw = os.fsencode(folder) + b"/caf\xe9.png"
    Path(os.fsdecode(raw)).write_bytes((folder / "one.png").read_bytes())
    (folder / "dangling.png").symlink_to(folder / "absent.png")
    (folder / "folder.png").mkdir()

    _, outputs, failures, _ = go(str(folder), tmp_path / "out")
    refused = {path.name: reason for path, reason in failures.items()}
    assert set(refused) == {"empty.png", "text.jpg", "cut.jpg", "header.png", "dangling.png"}
    for name, reason in refused.items():
        assert reason, name
        assert "\n" not in reason
        assert str(folder) not in reason or name == "dangling.png"
    done = {record["name"] for record in json.loads((outputs.root / "scanpaths.json").read_text())}
    assert done == readable | {"sub/good.jpg", "caf\udce9.png"}
    listing = list(csv.DictReader((outputs.root / "unreadable.csv").open(encoding="utf-8")))
    assert len(listing) == 5
    text = (outputs.root / "scanpaths.csv").read_text(encoding="utf-8")
    assert "caf\\xe9.png" in text
    for name in (*readable, "sub/good.jpg", "caf\udce9.png"):
        assert read_image((outputs.root / "overlay" / name).with_suffix(".png")).size
    assert whole.is_file()

    for name in refused:
        (folder / name).unlink()
    _, _, failures, _ = go(str(folder), tmp_path / "out")
    assert not failures
    assert not (outputs.root / "unreadable.csv").exists()


def test_a_folder_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(tmp_path / "in" / "a.png")
    closed = tmp_path / "in" / "closed"
    closed.mkdir()
    real = os.scandir

    def scandir(place: Any) -> Any:
        # Taking the permission away would not stop the superuser.
        if Path(place) == closed:
            raise PermissionError(13, "Permission denied", str(closed))
        return real(place)

    monkeypatch.setattr(os, "scandir", scandir)
    items, failures = find_images(str(tmp_path / "in"))
    assert [item.key for item in items] == ["a.png"]
    assert failures == {closed: "folder not searched: Permission denied"}


def test_one_bad_image_does_not_take_its_batch_with_it(tmp_path: Path) -> None:
    class Fussy(Fixed):
        def batch(self, images: Sequence[Any], *settings: Any, **more: Any) -> Any:
            for image in images:
                if Path(image).stem == "b":
                    raise ImageError(f"{image}: refused by the model")
            return super().batch(images, *settings, **more)

    for name in "abc":
        paint(tmp_path / "in" / f"{name}.png")
    _, outputs, failures, _ = go(str(tmp_path / "in"), tmp_path / "out", Fussy())
    assert failures == {tmp_path / "in" / "b.png": "refused by the model"}
    assert {file.name for file in (outputs.root / "json").iterdir()} == {"a.json", "c.json"}


def test_the_typical_path_is_the_one_nearest_to_the_others() -> None:
    size = (800, 600)
    near = [(0.2, 0.2), (0.5, 0.5), (0.8, 0.8)]
    far = [(0.9, 0.1), (0.1, 0.9)]
    paths = [Scanpath("i", size, np.array(xy)) for xy in (far, near, near[:2], near)]
    assert typical_path(paths) == 1
    assert typical_path(paths[:1]) == 0
    empty = Scanpath("i", size, np.empty((0, 2)))
    assert typical_path([empty, paths[0]]) == 1
    assert typical_path([empty]) is None


def test_a_viewing_time_ends_the_paths(tmp_path: Path) -> None:
    paint(tmp_path / "a.png")
    _, outputs, _, _ = go(str(tmp_path / "a.png"), tmp_path / "out", viewing_time=0.3)
    record = json.loads((outputs.root / "scanpaths.json").read_text())[0]
    assert record["T"] == pytest.approx([200, 100])


def test_figures_in_other_formats_and_none_at_all(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", (640, 480))
    (tmp_path / "captions.csv").write_text("file,title,artist,year\na.png,Night,Anna,1650\n")
    both = go(str(tmp_path / "a.png"), tmp_path / "both", formats=["svg", "pdf"])[1]
    assert {file.name for file in (both.root / "overlay").iterdir()} == {"a.svg", "a.pdf"}
    settings = {"overlay": False, "density": False, "replay": "gif"}
    film = go(str(tmp_path / "a.png"), tmp_path / "film", **settings)[1]
    assert not (film.root / "overlay").exists()
    assert (film.root / "replay" / "a.gif").read_bytes().startswith(b"GIF8")
    (item,) = find_images(str(tmp_path / "a.png"))[0]
    caption = read_captions([item])[item.path]
    assert (caption.title, caption.artist) == ("Night", "Anna, 1650")


def test_outputs_are_named_after_the_picture_and_twins_are_told_apart(tmp_path: Path) -> None:
    names = ("a.jpg", "A.png", "b.tif", "b-.tif", "deep/a.jpg", "x.y.png")
    for name in names:
        paint(tmp_path / name)
    items, _ = find_images(str(tmp_path))
    stems = {item.key: item.stem for item in items}
    assert stems == {
        "a.jpg": "a-jpg",
        "A.png": "A-png",
        "b.tif": "b",
        "b-.tif": "b-",
        "deep/a.jpg": "deep/a",
        "x.y.png": "x.y",
    }


@LINUX
def test_names_in_the_wild(tmp_path: Path) -> None:
    names = (
        "van Eyck \u2013 Arnolfini (1434).jpg",
        "Vermeer, Mistress and Maid.jpg",
        "50% [detail].png",
        "a=b.png",
        "$x$ {y}.png",
    )
    folder = tmp_path / "in [new], 2"
    for name in names:
        paint(folder / name)
    raw = os.fsencode(folder) + b"/caf\xe9.png"
    Path(os.fsdecode(raw)).write_bytes((folder / names[2]).read_bytes())
    os.mkfifo(folder / "pipe.jpg")
    for images in (str(folder), [str(folder / name) for name in names]):
        items, outputs, failures, _ = go(images, tmp_path / f"out-{type(images).__name__}")
        assert {item.path.name for item in items} >= set(names)
        for item in items:
            done = (outputs.root / "overlay" / f"{item.stem}.png").is_file()
            assert done is (item.path.name != "pipe.jpg")
        refused = [(path.name, reason) for path, reason in failures.items()]
        assert refused == [("pipe.jpg", mock.ANY)] * isinstance(images, str)
        assert all("not a regular file" in reason for _, reason in refused)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"samples": 0}, "samples must be at least 1"),
        ({"temperature": -0.1}, "temperature must be finite"),
        ({"batch_size": 0}, "batch_size"),
        ({"viewing_time": 0.0}, "viewing_time must be above 0"),
        ({"replay": "avi"}, "replay must be mp4, gif or null, found 'avi'"),
        ({"formats": ["gif"]}, "formats must be among png, svg, pdf"),
    ],
)
def test_settings_out_of_range_are_named(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Settings(**wrong)


def test_page_shows_people_beside_the_model_and_stops_at_its_limit(tmp_path: Path) -> None:
    for name in "abc":
        paint(tmp_path / "in" / f"{name}.png")
    items, outputs, _, _ = go(str(tmp_path / "in"), tmp_path / "out")
    person = Scanpath("a.png", (320, 240), np.array(PLACES), observer="P7")
    person = replace(person, image="elsewhere/a.png")
    observers = Observers({person.image: [person]}, "simulated observers")
    outputs.settings.page_limit = 2
    page = illustrate_page(outputs, items, observers, "noted")
    assert page == outputs.root / "index.html"
    text = page.read_text(encoding="utf-8")
    assert text.count('class="entry"') == 2
    assert text.count('"title":"simulated observers"') == 1
    assert '"n":"P7"' in text
    assert '"n":"typical (01)"' in text
    assert text.count("SIMULATED gaze") == 2
    assert "noted · the first 2 of 3 images" in text
