"""Overlays: places, colors, sizes and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from spgen_lit.pictures.figure import save_figure, save_png
from spgen_lit.pictures.overlay import (
    TIME,
    Caption,
    disc_radius,
    draw_scanpath,
    scanpath_figure,
    stroke_unit,
)
from spgen_lit.pictures.sheets import contact_sheet, footed, side_by_side
from spgen_lit.scanpath import Scanpath, Viewing

RED = (255, 0, 0)
# Of the first and the last fixation of a path.
YELLOW, BLUE = (255, 221, 51), (70, 90, 245)
SIZES = [(800, 600), (1600, 200), (200, 1600), (641, 479), (301, 800)]


def picture(size: tuple[int, int], level: int = 128) -> np.ndarray:
    return np.full((size[1], size[0], 3), level, np.uint8)


def centre_of(drawn: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Centroid in px of everything colored so, the first pixel's outer corner being 0, 0."""
    rows, columns = np.nonzero(np.abs(drawn.astype(int) - color).max(axis=2) < 45)
    assert len(rows), "the color is not in the picture"
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("share", [(0.25, 0.75), (0.7, 0.2), (0.5, 0.5)])
def test_fixation_is_centred_at_its_pixel(
    size: tuple[int, int], share: tuple[float, float]
) -> None:
    place = (share[0] * size[0], share[1] * size[1])
    path = Scanpath("i", size, np.divide([place], size), [0.25])
    drawn = draw_scanpath(picture(size), path, numbers=False)
    assert np.abs(centre_of(drawn, YELLOW) - place).max() < 0.6


def test_order_of_x_and_y_and_of_time_is_kept() -> None:
    size = (800, 300)
    places = [(100, 50), (700, 80), (650, 250), (60, 240)]
    path = Scanpath("i", size, np.divide(places, size), [0.3] * 4)
    drawn = draw_scanpath(picture(size), path, numbers=False)
    unit = stroke_unit(*size)
    for (x, y), share in zip(places, (0.0, 1 / 3, 2 / 3, 1.0), strict=True):
        expected = 255 * np.array(TIME(share)[:3])
        ring = drawn[y, x - round(disc_radius(0.3, unit))].astype(float)
        assert np.abs(ring - expected).max() < 40, (x, y)


def test_area_grows_with_duration_and_the_first_fixation_is_marked() -> None:
    size = (800, 600)
    spots = [(150, 300), (400, 300), (650, 300)]
    path = Scanpath("i", size, np.divide(spots, size), [0.2, 0.2, 0.8])
    drawn = draw_scanpath(picture(size), path, numbers=False)
    changed = (drawn != 128).any(axis=2)

    def tall(x: int) -> int:
        return int(changed[:, x].sum())

    assert tall(650) > 1.7 * tall(400)
    assert tall(150) > tall(400) + 6, "the first of equal fixations wears a second ring"
    ring = np.flatnonzero((np.abs(drawn.astype(int) - BLUE).max(axis=2) < 45)[:, 650])
    assert np.ptp(ring) == pytest.approx(2 * 15 * np.sqrt(0.8 / 0.25), abs=5)


def test_what_was_looked_at_stays_visible_inside_the_disc() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    path = Scanpath("i", (400, 300), np.divide([(200, 150)], (400, 300)), [0.6])
    inside = (slice(144, 157), slice(194, 207))
    drawn = draw_scanpath(noise, path)[inside].astype(float)
    likeness = np.corrcoef(drawn.ravel(), noise[inside].astype(float).ravel())[0, 1]
    assert likeness > 0.9


@pytest.mark.parametrize("level", [0, 255])
def test_marks_stand_out_on_black_and_on_white(level: int) -> None:
    size = (400, 300)
    path = Scanpath("i", size, np.divide([(100, 150), (300, 150)], size), [0.25, 0.25])
    drawn = draw_scanpath(picture(size, level), path, numbers=False)
    ring = drawn[150, 60:140].astype(int).mean(axis=1)
    line = drawn[120:180, 200].astype(int).mean(axis=1)
    for profile in (ring, line):
        assert profile.max() > 200
        assert profile.min() < 110


def test_numbers_stand_beside_their_fixation() -> None:
    size = (800, 600)
    path = Scanpath("i", size, np.divide([(400, 300)], size), [0.5])
    bare = draw_scanpath(picture(size), path, numbers=False)
    numbered = draw_scanpath(picture(size), path)
    rows, columns = np.nonzero((bare != numbered).any(axis=2))
    assert len(rows) > 20
    assert rows.max() < 300 < rows.min() + 60
    assert columns.min() > 400 > columns.max() - 60


def test_image_is_left_as_it_is() -> None:
    small = picture((120, 90))
    path = Scanpath("i", (120, 90), np.divide([(60, 45)], (120, 90)), [0.25])
    assert draw_scanpath(small, path).shape == (90, 120, 3)
    assert (small == 128).all()


def test_off_image_and_empty_paths_are_drawn_without_harm() -> None:
    size = (200, 100)
    away = Scanpath("i", size, np.array([[5.0, -3.0], [-1e7, 1e7], [0.5, 0.5]]))
    assert draw_scanpath(picture(size), away).shape == (100, 200, 3)
    nothing = Scanpath("i", size, np.empty((0, 2)))
    assert (draw_scanpath(picture(size), nothing) == 128).all()


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 3000)])
def test_extreme_sizes(size: tuple[int, int]) -> None:
    path = Scanpath("i", size, np.array([[0.5, 0.5], [1.0, 1.0]]))
    assert draw_scanpath(picture(size), path).shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_other_arrays_are_refused(bad: np.ndarray) -> None:
    path = Scanpath("i", (4, 4), np.array([[0.5, 0.5]]))
    with pytest.raises(ValueError, match=r"uint8 RGB array of shape"):
        draw_scanpath(bad, path)


def test_side_by_side_has_a_row_a_path_and_one_column_without_people() -> None:
    size = (300, 200)
    ground = picture(size)
    paths = [Scanpath("i", size, np.array([[0.1 * k, 0.5]])) for k in range(1, 5)]
    both = side_by_side(ground, paths, paths[:2], width=300)
    alone = side_by_side(ground, paths[:1], [], width=300)
    assert both.shape[1] > 2 * 300 > alone.shape[1] >= 300
    assert both.shape[0] >= 3 * 200 > alone.shape[0] >= 200


def test_contact_sheet_keeps_pictures_whole_and_in_place() -> None:
    red, green, blue = (
        np.full((50, 100, 3), c, np.uint8) for c in ([255, 0, 0], [0, 255, 0], [0, 0, 255])
    )
    sheet = contact_sheet([[red, green], [blue, green]], ["a", "Картина"], cell_width=100)
    r, g, b = (centre_of(sheet, color) for color in (RED, (0, 255, 0), (0, 0, 255)))
    assert r[0] == b[0] < g[0]
    assert r[1] < g[1] < b[1]  # green stands in both rows


def test_png_is_exact_and_leaves_nothing_else(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    target = tmp_path / "new" / "a.png"
    save_png(target, noise)
    read = cv2.cvtColor(cv2.imread(str(target)), cv2.COLOR_BGR2RGB)
    assert (read == noise).all()
    assert [file.name for file in target.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_figure_says_what_it_shows_in_three_formats(tmp_path: Path, kind: str) -> None:
    size = (600, 400)
    path = Scanpath("i", size, np.divide([(100, 100), (300, 200)], size), [0.25, 0.5])
    caption = Caption("50% [$x$]", "Артемизия, 1620", 120.0, "a note", "SIMULATED gaze")
    target = tmp_path / f"figure.{kind}"
    save_figure(target, scanpath_figure(picture(size), path, caption))
    data = target.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == [target.name]
    if kind == "png":
        drawn = cv2.imread(str(target))
        assert drawn.shape[1] == 600
        # Title and artist above, legend and foot below, the picture itself px by px.
        rows = np.flatnonzero((drawn[:, 3] == 128).all(axis=1))
        assert len(rows) == 400
        assert rows[0] > 20
        assert drawn.shape[0] - rows[-1] > 60
    else:
        assert data.startswith(b"%PDF" if kind == "pdf" else b"<?xml")
    with pytest.raises(ValueError, match="xyz"):
        save_figure(tmp_path / "a.xyz", scanpath_figure(picture(size), path))
    assert [file.name for file in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize(
    ("viewing", "width_cm", "label"),
    [
        (Viewing(), None, "100 px"),
        (Viewing(px_per_degree=30), None, "5°"),
        (Viewing(), 254, "50 cm"),
    ],
)
def test_the_scale_bar_is_a_round_length(
    viewing: Viewing, width_cm: float | None, label: str
) -> None:
    path = Scanpath("i", (900, 700), np.array([[0.5, 0.5]]), np.array([0.2]), viewing=viewing)
    figure = scanpath_figure(picture((450, 350)), path, Caption(width_cm=width_cm))
    assert label in [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize("size", [(90, 1200), (1600, 60)])
def test_figures_of_odd_pictures_and_of_empty_paths(size: tuple[int, int]) -> None:
    empty = Scanpath("i", size, np.empty((0, 2)))
    assert scanpath_figure(picture(size), empty, Caption("t")).get_size_inches().min() > 0


def test_a_warning_stands_under_the_picture() -> None:
    ground = picture((400, 300))
    assert footed(ground, "") is ground
    drawn = footed(ground, "SIMULATED gaze")
    assert (drawn[:300] == 128).all()
    assert (drawn[300:].astype(int)[..., 0] - drawn[300:].astype(int)[..., 2]).max() > 100
