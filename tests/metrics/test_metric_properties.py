"""What must hold for every pair metric, whatever the paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spgen_lit import metrics
from spgen_lit.scanpath import Scanpath

SCREEN = (640, 480)
CLUSTERS = metrics.FixationClusters(np.array([[100.0, 100.0], [400.0, 300.0], [600.0, 50.0]]), 90.0)
Metric = Callable[..., np.ndarray]
METRICS: dict[str, Metric] = {
    "multimatch": lambda a, b, **k: metrics.multimatch(a, b, SCREEN, **k),
    "simplified": lambda a, b, **k: metrics.multimatch(
        a, b, SCREEN, {"amplitude": 60.0, "direction": 30.0}, **k
    ),
    "scanmatch": lambda a, b, **k: metrics.scanmatch(a, b, SCREEN, **k),
    "scanmatch_time": lambda a, b, **k: metrics.scanmatch(a, b, SCREEN, temp_bin=0.1, **k),
    "scanmatch_gap": lambda a, b, **k: metrics.scanmatch(a, b, SCREEN, gap=-1.0, **k),
    "sed": lambda a, b, **k: metrics.string_edit_distance(a, b, SCREEN, **k),
    "sequence_score": lambda a, b, **k: metrics.sequence_score(a, b, CLUSTERS, **k),
    "fed": lambda a, b, **k: metrics.fed(a, b, CLUSTERS, **k),
    "tde": lambda a, b, **k: metrics.tde(a, b, **k),
    "stde": lambda a, b, **k: metrics.stde(a, b, SCREEN, **k),
    "dtw": lambda a, b, **k: metrics.dtw(a, b, **k),
    "frechet": lambda a, b, **k: metrics.frechet(a, b, **k),
    "hausdorff": lambda a, b, **k: metrics.hausdorff(a, b, **k),
    "eyenalysis": lambda a, b, **k: metrics.eyenalysis(a, b, **k),
    "recurrence": lambda a, b, **k: metrics.recurrence(a, b, 50.0, **k),
    "disc_iou": lambda a, b, **k: metrics.disc_iou(a, b, 30.0, parts=True, **k),
}
ONE_IF_SAME = ("multimatch", "scanmatch", "scanmatch_time", "sequence_score", "stde", "disc_iou")
ZERO_IF_SAME = ("sed", "fed", "tde", "dtw", "frechet", "hausdorff", "eyenalysis")
IN_UNIT = ("multimatch", "scanmatch", "scanmatch_time", "sequence_score", "stde", "disc_iou")
SYMMETRIC = [name for name in METRICS if name not in ("tde", "stde", "recurrence", "disc_iou")]
ALL = pytest.mark.parametrize("name", METRICS)


def draw(seed: int, count: int, least: int = 3, most: int = 15) -> list[np.ndarray]:
    """Paths at random places: no ties."""
    random = np.random.default_rng(seed)
    lengths = random.integers(least, most + 1, count)
    return [
        np.column_stack([random.uniform(0, SCREEN, (n, 2)), random.uniform(0.1, 0.8, n)])
        for n in lengths
    ]


seeds = st.integers(0, 2**32 - 1)
coarse = st.tuples(  # many equal places and durations: ties, no movement, borders, off the screen
    st.sampled_from([-30.0, 0.0, 320.0, 639.0, 640.0, 700.0]),
    st.sampled_from([-5.0, 0.0, 240.0, 480.0]),
    st.sampled_from([0.0, 0.1, 0.25]),
)
coarse_path = st.lists(coarse, min_size=1, max_size=7).map(np.array)


@ALL
@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_identity(name: str, seed: int) -> None:
    a = draw(seed, 3)
    found = METRICS[name](a, [path.copy() for path in a])
    if name in ONE_IF_SAME:
        np.testing.assert_allclose(found, 1.0, atol=1e-12)
    elif name in ZERO_IF_SAME:
        np.testing.assert_array_equal(found, 0.0)
    elif name == "recurrence":
        np.testing.assert_allclose(found[:, 3], 0.0, atol=1e-9)
        assert (found[:, 0] >= 100 / np.array([len(path) for path in a]) - 1e-9).all()


@ALL
@settings(max_examples=25, deadline=None)
@given(a=st.lists(coarse_path, min_size=1, max_size=4), b=coarse_path)
def test_bounds_on_degenerate_paths(name: str, a: list[np.ndarray], b: np.ndarray) -> None:
    found = METRICS[name](a, [b] * len(a))
    known = found[~np.isnan(found)]
    assert np.isfinite(known).all()
    off = name in ("multimatch", "simplified")  # off-screen places may be farther than the diagonal
    if name in IN_UNIT and not off:
        assert (known >= 0).all() and (known <= 1 + 1e-12).all()
    elif name == "recurrence":
        assert (np.abs(known) <= 100 + 1e-9).all()
    elif off or name == "scanmatch_gap":
        assert (known <= 1 + 1e-12).all()
    else:
        assert (known >= 0).all()


@pytest.mark.parametrize("name", SYMMETRIC)
@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_symmetry(name: str, seed: int) -> None:
    a, b = draw(seed, 3, 1), draw(seed + 1, 3, 1)
    np.testing.assert_allclose(METRICS[name](a, b), METRICS[name](b, a), atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_what_swapping_does_where_symmetry_does_not_hold(seed: int) -> None:
    a, b = draw(seed, 3, 1), draw(seed + 1, 3, 1)
    there, back = metrics.recurrence(a, b, 150.0), metrics.recurrence(b, a, 150.0)
    np.testing.assert_allclose(there[:, :3], back[:, :3])
    np.testing.assert_allclose(there[:, 3], -back[:, 3], atol=1e-9)
    there = metrics.disc_iou(a, b, 60.0, parts=True)
    np.testing.assert_allclose(there, metrics.disc_iou(b, a, 60.0, parts=True)[:, [0, 2, 1]])


def test_stde_is_not_symmetric() -> None:
    people = [np.array([[10.0, 10.0], [600.0, 400.0], [320.0, 240.0]])]
    prediction = [people[0][:1]]
    assert metrics.stde(people, prediction, SCREEN)[0] == 1.0
    assert metrics.stde(prediction, people, SCREEN)[0] < 0.8


@ALL
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_a_pair_scores_the_same_alone_and_in_any_batch(name: str, seed: int) -> None:
    a, b = draw(seed, 7, 1, 12), draw(seed + 1, 7, 1, 12)
    a[3] = np.vstack(draw(seed + 2, 4))  # a much longer path pads all others
    together = METRICS[name](a, b)
    alone = np.concatenate([METRICS[name]([one], [two]) for one, two in zip(a, b, strict=True)])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-10)
    order = np.random.default_rng(seed).permutation(7)
    shuffled = METRICS[name]([a[i] for i in order], [b[i] for i in order])
    np.testing.assert_allclose(shuffled, together[order], rtol=0, atol=1e-10)


def test_large_batches_are_cut_without_a_seam() -> None:
    a, b = draw(1, 300, 1, 20), draw(2, 300, 1, 20)
    many_a, many_b = a * 40, b * 40
    for name in ("multimatch", "scanmatch", "stde"):
        once, often = METRICS[name](a, b), METRICS[name](many_a, many_b)
        np.testing.assert_allclose(often, np.concatenate([once] * 40), rtol=0, atol=1e-10)


def test_nan_exactly_where_defined() -> None:
    lengths = [0, 1, 2, 3, 4]
    paths = [np.arange(3.0 * n).reshape(n, 3) + 0.1 for n in lengths]
    for name, metric in METRICS.items():
        missing = np.isnan(metrics.cross(metric, paths, paths))
        missing = missing.any(-1) if missing.ndim == 3 else missing
        n, m = np.meshgrid(lengths, lengths, indexing="ij")
        shorter = np.minimum(n, m)
        if name in ("multimatch", "simplified", "tde"):
            expected = shorter < 3
        elif name in ("sed", "fed"):
            expected = np.zeros_like(missing)
        elif name.startswith("scanmatch") or name == "sequence_score":
            expected = np.maximum(n, m) == 0
        elif name == "recurrence":
            expected = shorter < 2  # places recur here, so a lag in one fixation is undefined
        else:
            expected = shorter == 0
        np.testing.assert_array_equal(missing, expected, err_msg=name)


@ALL
def test_scanpaths_tensors_and_arrays_score_alike(name: str) -> None:
    a, b = draw(5, 4), draw(6, 4)
    expected = METRICS[name](a, b)
    tensors = [[torch.from_numpy(path) for path in side] for side in (a, b)]
    np.testing.assert_array_equal(METRICS[name](*tensors), expected)
    scanpaths = [
        [Scanpath("i", SCREEN, np.divide(path[:, :2], SCREEN), path[:, 2]) for path in side]
        for side in (a, b)
    ]
    np.testing.assert_allclose(METRICS[name](*scanpaths), expected, rtol=1e-9, atol=1e-9)


def test_a_scanpath_is_stretched_to_the_screen_and_to_the_map() -> None:
    xy = np.array([[0.1, 0.2], [0.6, 0.9]])
    path = Scanpath("i", (100, 50), xy)
    pixels = xy * np.array(SCREEN)
    assert metrics.dtw([path], [pixels], SCREEN) == pytest.approx(0.0)
    assert metrics.dtw([path], [xy * (100, 50)]) == pytest.approx(0.0)
    saliency = np.random.default_rng(0).random((30, 40))
    assert metrics.nss(path, saliency) == metrics.nss(xy * (40, 30), torch.from_numpy(saliency))
    assert metrics.congruency(path, saliency) == metrics.congruency(xy * (40, 30), saliency)


def test_paths_without_durations() -> None:
    timed = draw(5, 4)
    bare = [path[:, :2] for path in timed]
    np.testing.assert_array_equal(
        metrics.multimatch(bare, timed, SCREEN)[:, :4],
        metrics.multimatch(timed, timed, SCREEN)[:, :4],
    )
    assert np.isnan(metrics.multimatch(bare, timed, SCREEN)[:, 4]).all()
    assert np.isnan(metrics.scanmatch(bare, timed, SCREEN, temp_bin=0.05)).all()
    assert (metrics.scanmatch(bare, timed, SCREEN) == 1).all()


@ALL
def test_nothing_in_gives_nothing_out(name: str) -> None:
    assert len(METRICS[name]([], [])) == 0


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((4, 2)), [np.zeros((4, 2))] * 3, "equally long"),
        ([np.zeros((3, 3))], [np.zeros((3, 4))], r"b\[0\].*\(3, 4\)"),
        (
            [np.zeros((3, 2)), np.array([[0.0, 1.0], [2.0, np.nan]])],
            [np.zeros((3, 2))] * 2,
            r"a\[1\]: fixation 1 is not finite",
        ),
        ([np.array([[0.0, 1.0, np.inf]])], [np.zeros((3, 3))], r"a\[0\]: fixation 0"),
    ],
)
def test_malformed_paths_are_named(a: Any, b: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metrics.scanmatch(a, b, SCREEN)


@pytest.mark.parametrize(
    "call",
    [
        lambda p: metrics.scanmatch(p, p, SCREEN, gap=0.5),
        lambda p: metrics.scanmatch(p, p, SCREEN, threshold=0.0),
        lambda p: metrics.scanmatch(p, p, SCREEN, temp_bin=0.0),
        lambda p: metrics.scanmatch(p, p, SCREEN, convention="python"),
        lambda p: metrics.multimatch(p, p, SCREEN, minimum=1),
        lambda p: metrics.multimatch(p, p, SCREEN, {"amplitude": -1.0}),
        lambda p: metrics.string_edit_distance(p, p, SCREEN, grid=0),
        lambda p: metrics.string_edit_distance(p, p, SCREEN, cells="square"),
        lambda p: metrics.stde(p, p, SCREEN, "l3"),
        lambda p: metrics.tde(p, p, k=0),
        lambda p: metrics.recurrence(p, p, -1.0),
        lambda p: metrics.disc_iou(p, p, 0.0),
        lambda p: metrics.FixationClusters.fit([]),
        lambda p: metrics.FixationClusters.fit(p, bandwidth=0.0),
    ],
)
def test_parameters_out_of_range_are_refused(call: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match=r"found|no fixations"):
        call(draw(0, 2))
