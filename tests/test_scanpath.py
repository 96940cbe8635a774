"""The one data type: tables and pictures of a scanpath."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import spgen_lit
from spgen_lit.scanpath import Scanpath


def test_the_package_offers_its_public_names() -> None:
    assert {"SPGen", "ScanpathModule", "DomainMix", "Predictor", "evaluate", "load_dataset"} <= set(
        dir(spgen_lit)
    )
    for name in dir(spgen_lit):
        assert getattr(spgen_lit, name) is not None


def test_a_set_is_loaded_by_its_name(tmp_path) -> None:
    gaze = spgen_lit.load_dataset("gallery", tmp_path, images=2, observers=2)
    assert len(gaze.stimuli) == 2 and len(gaze.scanpaths) == 4


XY = np.array([[0.25, 0.5], [0.75, 0.1], [0.5, 0.9]])


def test_to_frame_gives_pixels_and_seconds() -> None:
    table = Scanpath("a.jpg", (400, 200), XY, np.array([0.2, 0.3, 0.1]), "me").to_frame()
    assert table["x"].tolist() == [100, 300, 200] and table["fixation"].tolist() == [0, 1, 2]
    assert set(table["image"]) == {"a.jpg"} and table["duration"].sum() == 0.6
    assert Scanpath("a.jpg", (400, 200), XY).to_frame()["duration"].isna().all()


def test_plot_draws_every_fixation_in_pixels_with_y_down() -> None:
    path = Scanpath("a.jpg", (400, 200), XY, np.array([0.2, 0.3, 0.1]))
    ax = path.plot(np.zeros((20, 40, 3), np.uint8))
    np.testing.assert_allclose(ax.lines[0].get_xydata(), path.pixels)
    assert [text.get_text() for text in ax.texts] == ["1", "2", "3"]
    assert ax.get_ylim() == (200, 0) and ax.get_xlim() == (0, 400)
    assert path.plot(ax=ax) is ax
    plt.close("all")
