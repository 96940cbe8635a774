"""Density maps: where the peak is, and what counts."""

from __future__ import annotations

import numpy as np
import pytest

from spgen_lit.pictures.density import density_overlay, fixation_density
from spgen_lit.scanpath import Scanpath


@pytest.mark.parametrize("size", [(400, 100), (101, 399)])
def test_peak_is_where_most_looked(size: tuple[int, int]) -> None:
    often, once = (0.8, 0.3), (0.2, 0.7)
    paths = [Scanpath("i", size, np.array([often, once] if k else [often])) for k in range(3)]
    density = fixation_density(paths, *size)
    row, column = np.unravel_index(density.argmax(), density.shape)
    assert abs(column + 0.5 - often[0] * size[0]) <= 1
    assert abs(row + 0.5 - often[1] * size[1]) <= 1
    assert density.max() == 1
    at_once = density[int(once[1] * size[1]), int(once[0] * size[0])]
    assert at_once == pytest.approx(2 / 3, abs=0.05)


def test_fixations_off_the_image_do_not_count() -> None:
    path = Scanpath("i", (200, 200), np.array([[0.2, 0.5], [0.8, 0.5], [1.5, 0.5]]))
    counted = fixation_density([path], 200, 200)
    assert counted[100, 40] == pytest.approx(counted[100, 160], rel=1e-3)
    assert counted[100, 199] < 0.1
    assert fixation_density([], 20, 10).max() == 0


def test_overlay_warms_the_peak_and_leaves_the_rest_grey() -> None:
    image = np.full((100, 200, 3), 100, np.uint8)
    drawn = density_overlay(image, [Scanpath("i", (200, 100), np.array([[0.25, 0.5]]))])
    assert drawn.shape == image.shape
    assert int(drawn[50, 50, 0]) > int(drawn[50, 50, 2]) + 80
    assert np.abs(drawn[50, 190].astype(int) - 100).max() <= 2
