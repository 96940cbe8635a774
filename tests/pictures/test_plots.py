"""Plots: tables become pictures; a record that holds nothing is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spgen_lit.pictures import plots
from spgen_lit.pictures.sweep import curves, heat_map

_SAME = {"label": "ScanMatch", "better": "up", "observers": 0.39, "low": 0.2, "high": 0.5}
SWEEP = [
    {"temperature": t, "priors": p, "value": 0.3 + 0.01 * t * p, **_SAME}
    for t in (0, 0.5, 1)
    for p in (4, 8)
]


def drawn_map(rows: list[dict[str, object]] = SWEEP, **changes: object) -> np.ndarray:
    return heat_map(pd.DataFrame(rows).assign(**changes), "temperature", "priors")


def is_picture(rgb: np.ndarray) -> bool:
    return rgb.dtype == np.uint8 and rgb.ndim == 3 and rgb.shape[2] == 3 and rgb.std() > 5


def red_frame(rgb: np.ndarray) -> tuple[float, float]:
    """Centre of the best cell's frame, as shares of the picture's width and height."""
    red = (np.abs(rgb.astype(int) - [0xD5, 0, 0]).max(axis=2)) < 30
    rows, columns = np.nonzero(red)
    assert len(rows)
    return columns.mean() / rgb.shape[1], rows.mean() / rgb.shape[0]


def test_heat_map_frames_the_best_cell() -> None:
    high = drawn_map()
    low = drawn_map(better="down", observers=float("nan"))
    none = drawn_map(better="observers")
    assert is_picture(high)
    best, worst = red_frame(high), red_frame(low)
    assert best[0] > worst[0]  # the highest value stands at the right, in the top row
    assert best[1] < 0.5
    with pytest.raises(AssertionError):
        red_frame(none)


def test_heat_map_averages_and_leaves_gaps() -> None:
    rows = [*SWEEP[:-1], {**SWEEP[0], "value": 9.0}, {**SWEEP[1], "value": float("nan")}]
    assert is_picture(drawn_map(rows))


def test_curves_have_a_line_a_group_and_are_saved(tmp_path: Path) -> None:
    saved = tmp_path / "out" / "curve.png"
    rows = pd.DataFrame(SWEEP).assign(chance=float("nan"))
    rows.loc[5, "value"] = float("nan")
    assert is_picture(curves(rows, "temperature", ["priors"], saved))
    assert saved.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert is_picture(curves(rows, "temperature"))
    assert is_picture(curves(rows.assign(name=list("abcdef")), "name"))


def test_scatter_of_two_domains() -> None:
    generator = np.random.default_rng(0)
    points = generator.normal(size=(20, 2))
    assert is_picture(plots.domain_scatter(points, ["photograph"] * 10 + ["painting"] * 10))
    with pytest.raises(ValueError, match="20"):
        plots.domain_scatter(points, ["photograph"] * 19)


def test_training_curves_of_a_sparse_record(tmp_path: Path) -> None:
    record = tmp_path / "metrics.csv"
    record.write_text(
        "epoch,step,train/scanpath_loss,lambda,val/scanmatch,train/domain_acc_source,grad_norm,odd\n"
        "0,0,3.0,0.0,,0.5,1.0,\n0,10,2.5,0.1,,0.6,1.1,\n0,10,,,0.3,,,1\n1,20,2.0,0.2,,0.5,0.9,\n"
    )
    saved = tmp_path / "curves.png"
    assert is_picture(plots.training_curves(record, saved))
    assert saved.is_file()


def test_a_record_without_a_logged_value_is_named(tmp_path: Path) -> None:
    record = tmp_path / "metrics.csv"
    record.write_text("epoch,step\n0,1\n")
    with pytest.raises(ValueError, match=r"metrics\.csv: holds no logged value"):
        plots.training_curves(record)
