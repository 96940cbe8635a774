"""Spectral residual saliency and winner-take-all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from spgen_lit.evaluation.baselines import spectral_residual, winner_take_all


def striped(place: tuple[int, int], size: tuple[int, int] = (120, 160)) -> np.ndarray:
    """Regular stripes with one patch that breaks them, around (row, column)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = (127 + 100 * np.sin(columns * 0.8)).astype(np.uint8)
    row, column = place
    patch = (abs(rows - row) < 8) & (abs(columns - column) < 8)
    image[patch] = (127 + 100 * np.sin(rows * 0.9))[patch].astype(np.uint8)
    return np.repeat(image[..., None], 3, axis=2)


@pytest.mark.parametrize("place", [(30, 40), (90, 120), (60, 130)])
def test_the_odd_one_out_is_most_salient(place: tuple[int, int]) -> None:
    path = winner_take_all(spectral_residual(striped(place)), 1)
    expected = np.array([place[1] / 160, place[0] / 120])
    assert np.abs(path[0] - expected).max() < 0.1


def test_map_keeps_the_aspect_and_takes_grey() -> None:
    wide = striped((30, 40), (100, 400))
    assert spectral_residual(wide).shape == (16, 64)
    np.testing.assert_allclose(
        spectral_residual(wide), spectral_residual(wide[..., 0]), rtol=1e-6, atol=1e-9
    )
    with pytest.raises(ValueError, match="shape"):
        spectral_residual(np.zeros(5, dtype=np.uint8))


def test_winner_visits_peaks_in_order_and_does_not_return() -> None:
    saliency = np.zeros((48, 64))
    for value, row, column in ((3, 10, 10), (2, 40, 50), (1, 10, 50)):
        saliency[row, column] = value
    path = winner_take_all(saliency, 3)
    cells = (path * (64, 48) - 0.5).round().astype(int).tolist()
    assert cells == [[10, 10], [50, 40], [50, 10]]
    blob = np.exp(-((np.mgrid[:48, :64][1] - 32) ** 2 + (np.mgrid[:48, :64][0] - 24) ** 2) / 800)
    steps = winner_take_all(blob, 6)
    apart = np.hypot(*(steps[:, None] - steps[None]).transpose(2, 0, 1))[np.triu_indices(6, 1)]
    assert apart.min() > 0.05
    assert ((steps > 0) & (steps < 1)).all()


def test_borders_do_not_draw_gaze() -> None:
    # Bright on the left, dark on the right, as many photographs are.
    random = np.random.default_rng(0)
    texture = ndimage.gaussian_filter(random.normal(size=(120, 160)), 2)
    image = np.linspace(220, 30, 160) + 60 * texture / texture.std() * 0.3
    path = winner_take_all(spectral_residual(image.clip(0, 255).astype(np.uint8)), 9)
    assert ((path > 0.05) & (path < 0.95)).all()


def test_a_blank_image_still_gives_a_path() -> None:
    path = winner_take_all(spectral_residual(np.full((30, 40, 3), 90, dtype=np.uint8)), 5)
    assert path.shape == (5, 2)
    assert np.isfinite(path).all()
