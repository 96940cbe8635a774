"""Batches of scanpaths: padding, lengths, and which image each path is on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spgen_lit.batch import TargetBatch, pad_paths
from spgen_lit.scanpath import Scanpath, Viewing

LENGTHS = st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=4)


def _path(length: int, number: int, timed: bool = True) -> Scanpath:
    rng = np.random.default_rng(number)
    seconds = rng.uniform(0.1, 0.5, length) if timed else None
    return Scanpath("a", (10, 10), rng.uniform(0, 1, (length, 2)), seconds)


@given(LENGTHS.filter(lambda g: any(any(own) for own in g)), st.integers(1, 8))
def test_paths_come_back_as_they_were_cut_at_the_limit(lengths, limit: int) -> None:
    groups = [[_path(n, 10 * i + k) for k, n in enumerate(own)] for i, own in enumerate(lengths)]
    batch = pad_paths(groups, limit)
    assert batch.xy.shape[2] <= limit and batch.mask.sum(2).tolist() == batch.length.tolist()
    for image, paths in enumerate(groups):
        kept = [path for path in paths if len(path)]
        assert (batch.length[image] > 0).sum() == len(kept) == len(batch.arrays(image))
        for row, path in enumerate(kept):
            n = min(len(path), limit)
            assert batch.length[image, row] == n
            assert np.allclose(batch.arrays(image)[row], path.xy[:n], atol=1e-6)
            assert np.allclose(batch.durations[image, row, :n], path.durations[:n], atol=1e-6)
            assert not batch.xy[image, row, n:].any()
            assert not batch.durations[image, row, n:].any()


def test_conditions_travel_with_their_paths_and_unknown_ones_are_nan() -> None:
    shown = Viewing(2.0, 25.0, "given", "search")
    paths = [replace(_path(2, 0), viewing=shown, size=(800, 600)), _path(1, 1)]
    batch = pad_paths([paths], 5)
    assert batch.viewing[0, 0, :4].tolist() == [2.0, 24.0, 1.0, 2.0]
    assert batch.viewing[0, 0, 4].isnan() and batch.viewing[0, 1].isnan().all()


def test_the_data_set_is_known_by_its_place_among_the_networks() -> None:
    paths = [replace(_path(2, 0), viewing=Viewing(dataset=name)) for name in ("b", "c")]
    batch = pad_paths([paths], 5, ("a", "b"))
    assert batch.viewing[0, 0, 4] == 1 and batch.viewing[0, 1].isnan().all()


def test_unknown_durations_are_not_zero() -> None:
    batch = pad_paths([[_path(2, 0, timed=False), _path(3, 1)]], 5)
    assert batch.durations[0, 0, :2].isnan().all() and batch.durations[0, 0, 2] == 0
    assert (batch.durations[0, 1] > 0).all()


def test_gaze_off_the_image_is_left_out() -> None:
    path = Scanpath("a", (10, 10), np.array([[0.5, 0.5], [1.2, 0.5], [0.1, 0.9]]))
    batch = pad_paths([[path]], 5)
    assert batch.length.tolist() == [[2]]
    assert batch.xy[0, 0, 1].tolist() == pytest.approx([0.1, 0.9])


def test_a_batch_without_gaze_is_refused() -> None:
    with pytest.raises(ValueError, match="no scanpath of this batch"):
        pad_paths([[_path(0, 0)], []], 5)


def test_target_batches_have_no_field_for_gaze() -> None:
    assert TargetBatch._fields == ("images", "ids")
