"""How pictures were shown comes with the gaze: per public set, scaled with the stored image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spgen_lit.data.catalogue import CATALOGUE, build_reader
from spgen_lit.data.images import list_images
from spgen_lit.data.readers.mit1003 import Mit1003FixaTons
from spgen_lit.scanpath import Viewing


def picture(path: Path, size: tuple[int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((size[1], size[0], 3), np.uint8)).save(path)


def fixatons(root: Path, size: tuple[int, int]) -> Path:
    picture(root / "STIMULI" / "i1.jpeg", size)
    file = root / "SCANPATHS" / "i1" / "ajs"
    file.parent.mkdir(parents=True)
    file.write_text("10 20 0 .2\n30 40 .3 .5\n")
    return root


@pytest.mark.parametrize(("size", "degree"), [((1024, 768), 35.0), ((384, 512), 17.5)])
def test_a_degree_shrinks_with_the_stored_image(tmp_path, size, degree):
    gaze = Mit1003FixaTons(fixatons(tmp_path, size)).read()
    assert gaze.scanpaths[0].viewing == Viewing(3, degree, "given", "free")


def test_without_the_given_fixation_the_first_is_free(tmp_path):
    gaze = Mit1003FixaTons(fixatons(tmp_path, (1024, 768)), first=False).read()
    assert gaze.scanpaths[0].viewing.first_fixation == "free"


@pytest.mark.parametrize(("name", "timed"), [("figrim", False), ("scene", True)])
def test_figrim_and_scene_are_read_as_trials(tmp_path, name, timed):
    picture(tmp_path / "images" / "a.jpg", (384, 256))
    trial = {"name": "a.jpg", "subject": "02", "width": 384, "height": 256, "length": 2}
    trial |= {"X": [96.0, 192.0], "Y": [64.0, 128.0]} | ({"T": [200, 300]} if timed else {})
    (tmp_path / "scanpaths.json").write_text(json.dumps([trial]))
    gaze = build_reader(name, tmp_path).read()
    (path,) = gaze.scanpaths
    assert path.xy.tolist() == [[0.25, 0.25], [0.5, 0.5]]
    assert (path.durations is not None) == timed
    assert (gaze.name, gaze.citation) == (name, CATALOGUE[name].citation)
    assert path.viewing.task == ("free" if timed else "memory")
    assert path.viewing.seconds == (3 if timed else 2)


def test_every_recorded_public_set_says_how_it_was_shown():
    asked = {"osie", "mit1003", "mit1003_mat", "salicon", "cat2000", "eyecrowd", "figrim", "scene"}
    for name in asked | {"coco_freeview", "coco_search18"}:
        assert CATALOGUE[name].viewing.task is not None, name


def test_a_degree_of_a_cropped_or_scaled_photograph_on_a_screen():
    shown = CATALOGUE["coco_freeview"]
    assert shown.viewing_at((1680, 1050)).px_per_degree == pytest.approx(31.1)
    assert shown.viewing_at((640, 480)).px_per_degree == pytest.approx(31.1 * 480 / 1050)


def test_images_behind_links_are_found_and_a_loop_ends(tmp_path):
    picture(tmp_path / "elsewhere" / "deep" / "b.jpg", (8, 8))
    folder = tmp_path / "set"
    picture(folder / "a.jpg", (8, 8))
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    names = [path.relative_to(folder).as_posix() for path in list_images(folder)]
    assert names == ["a.jpg", "linked/deep/b.jpg"]
