"""Declarations that a user is likely to get wrong: each is found, with its likely cause."""

import re

import numpy as np
import pytest
from tests.data import exporters
from tests.data.exporters import CORNER, SCREEN, SIZE

from spgen_lit.data.check import check
from spgen_lit.data.readers.table import Table

RIGHT = {"units": "px", "size": "image", "order": "fixation", "duration": "ms", "time": "ms"}
ON_SCREEN = RIGHT | {"size": SCREEN, "picture": "centered"}
LARGE = 24  # pictures, so that content shows


def said(reader, images=True):
    """Every finding, or the one line with which the reader refuses."""
    try:
        report = check(reader, images=images)
    except (ValueError, FileNotFoundError) as error:
        return str(error)
    return "\n".join(f"{f.kind}: {f.what}" for f in report.findings)


def moved(trials, change):
    return [(image, who, change(xy), ms) for image, who, xy, ms in trials]


# What is wrong; what is written and how it is declared; what the user is told.
WRONG = {
    "screen taken for the picture": ("screen", {"size": "image"}, "off the image: are size and"),
    "picture on a screen not placed": ("screen", {"size": SCREEN}, "does not fill 1920x1080 px"),
    "picture said to fill the screen": (
        "screen",
        {"size": SCREEN, "picture": [0, 0, *SCREEN]},
        "fills only .* a picture on a larger screen",
    ),
    "picture centered though fitted": (
        "fitted",
        {"size": SCREEN, "picture": "centered"},
        "off the image: are size and picture",
    ),
    "picture fitted though centered": (
        "screen",
        {"size": SCREEN, "picture": "fitted"},
        "fills only .* larger screen",
    ),
    "shares of the screen": ("shares", {"units": "relative", "size": None}, "fills only"),
    "pixels called relative": ("plain", {"units": "relative", "size": None}, "another unit"),
    "shares called pixels": ("relative", {}, "shares declared as px"),
    "a larger frame than declared": ("half", {}, "fills only the first"),
    "a smaller frame than declared": ("double", {}, "off the image"),
    "upside down": ("up", {}, "upside down: does y grow upwards"),
    "y_up though y grows down": ("plain", {"y_up": True}, "upside down"),
    "origin in the center": ("center", {}, "origin: center"),
    "mirrored": ("mirror", {}, "mirrored left to right"),
    "turned": ("turned", {}, "turned by 180 degrees"),
    "x and y exchanged": ("plain", {"x": "y", "y": "x"}, "x and y exchanged"),
    "one line off": ("shifted", {}, "on the image (before|after).*one line off"),
    "seconds called milliseconds": ("seconds", {}, "s declared as ms"),
    "milliseconds called seconds": ("plain", {"time": "s"}, "ms declared as s"),
    "microseconds called milliseconds": ("micro", {}, "ms declared as s, or another column"),
    "start times for durations": ("starts", {}, "durations grow along the paths"),
    "no durations in the column": ("plain", {"duration": "fixation"}, "s declared as ms|another"),
    "no observer": ("plain", {"observer": "none"}, "name the columns observer and trial"),
    "a row's number for the observer": ("plain", {"observer": "row"}, "changes with every row"),
    "a trial's number for the observer": ("plain", {"observer": "trial"}, "number of a trial"),
    "samples for fixations": ("samples", {"duration": None}, "samples taken for fixations"),
    "both eyes' rows": ("eyes", {}, "rows of both eyes"),
    "fixation on the cross kept": ("cross", {}, "first_fixation: given"),
    "given though free": ("plain", {"first_fixation": "given"}, "first_fixation: free"),
    "viewing time in ms": ("plain", {"seconds": 3000}, "seconds in another unit"),
    "px per degree of another screen": ("plain", {"px_per_degree": 3}, "px_per_degree"),
    "comma decimals": ("comma", {"delimiter": ";"}, "give decimal: ','"),
    "a mark for missing values": ("missing", {}, r"give missing: \['.'\]"),
    "UTF-16 without its mark": ("utf16", {}, "give encoding: utf-16-le"),
    "a wrong separator": ("plain", {"delimiter": ";"}, "no column"),
    "a wrong column": ("plain", {"x": "gaze_x"}, "no column gaze_x; it has image"),
    "a wrong folder of images": ("plain", {"images": "pictures"}, "folder of images not found"),
    "an eye that is not there": ("plain", {"eye_column": "eye", "eye": "left"}, "eyes r"),
    "a filter that nothing passes": ("plain", {"keep": {"eye": "BOTH"}}, "it holds r"),
}


def write(root, kind, trials):
    """The table of one way to go wrong."""
    rng = np.random.default_rng(1)
    scale = SCREEN[1] / SIZE[1]
    bar = (SCREEN[0] - SIZE[0] * scale) / 2
    changes = {
        "screen": lambda xy: xy + CORNER,
        "fitted": lambda xy: xy * scale + (bar, 0),
        "shares": lambda xy: (xy + CORNER) / SCREEN,
        "relative": lambda xy: xy / SIZE,
        "half": lambda xy: xy / 2,
        "double": lambda xy: xy * 1.6,
        "up": lambda xy: xy * [1, -1] + [0, SIZE[1]],
        "center": lambda xy: xy - np.array(SIZE) / 2,
        "mirror": lambda xy: xy * [-1, 1] + [SIZE[0], 0],
        "turned": lambda xy: np.array(SIZE) - xy,
    }
    lasting = {
        "seconds": lambda ms: ms / 1000,
        "micro": lambda ms: ms * 1000,
        "starts": np.cumsum,
    }
    content = []
    for number, (image, who, xy, ms) in enumerate(trials):
        if kind == "cross":
            xy, ms = np.vstack([np.array(SIZE) / 2, xy]), np.r_[200, ms]
        if kind == "samples":
            xy = np.repeat(xy, 12, axis=0) + rng.normal(0, 1, (12 * len(xy), 2))
            ms = np.full(len(xy), 16.0)
        if kind == "eyes":
            xy, ms = np.repeat(xy, 2, axis=0), np.repeat(ms, 2)
            xy[1::2] += 5
        xy = changes.get(kind, lambda same: same)(xy)
        ms = lasting.get(kind, lambda same: same)(ms)
        if kind == "shifted":
            image = f"pic{(int(image[3:]) + 1) % LARGE:02d}"
        for n, (x, y) in enumerate(xy):
            row = [f"{image}.png", who, n + 1, f"{x:.5f}", f"{y:.5f}", f"{ms[n]:.5f}"]
            if kind == "comma":
                row[3:] = [cell.replace(".", ",") for cell in row[3:]]
            if kind == "missing" and n == 1:
                row[3:5] = ".", "."
            content.append((*row, number, len(content), "r"))
    header = ("image", "observer", "fixation", "x", "y", "ms", "trial", "row", "eye")
    mark, encoding = (";" if kind == "comma" else ","), "utf-16-le" if kind == "utf16" else "utf-8"
    return exporters.rows(root / f"{kind}.csv", header, content, mark, encoding)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    root = tmp_path_factory.mktemp("gaze")
    return root, exporters.truth(root, images=LARGE, observers=5)


def test_the_right_declaration_is_quiet(recorded):
    root, trials = recorded
    assert said(Table(write(root, "plain", trials), **RIGHT, seconds=3, px_per_degree=30)) == ""
    assert said(Table(write(root, "screen", trials), **ON_SCREEN, first_fixation="free")) == ""


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_declaration_is_found(recorded, name):
    root, trials = recorded
    kind, declared, cause = WRONG[name]
    found = said(Table(write(root, kind, trials), **(RIGHT | declared)))
    assert re.search(cause, found), found or "nothing was said"


def test_there_are_more_than_twenty():
    assert len(WRONG) >= 35
