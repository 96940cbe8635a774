"""The batched metrics against independent implementations on random paths."""

from __future__ import annotations

import itertools

import multimatch_gaze
import numpy as np
import pytest
import similaritymeasures
from rapidfuzz.distance import LCSseq, Levenshtein
from scipy.spatial.distance import cdist, directed_hausdorff
from sklearn.cluster import MeanShift

from spgen_lit import metrics
from spgen_lit.metrics.scanmatch import grid_cells

SCREEN = (800, 600)
COUNT = 60


@pytest.fixture(scope="module")
def pairs() -> tuple[list[np.ndarray], list[np.ndarray]]:
    random = np.random.default_rng(3)

    def path() -> np.ndarray:
        n = int(random.integers(1, 23))
        return np.column_stack([random.uniform(0, SCREEN, (n, 2)), random.uniform(0.05, 0.9, n)])

    return [path() for _ in range(COUNT)], [path() for _ in range(COUNT)]


def test_multimatch_equals_multimatch_gaze(pairs) -> None:
    def record(path: np.ndarray) -> np.recarray:
        return np.rec.fromarrays(path.T, names="start_x,start_y,duration")

    expected = [
        np.ravel(multimatch_gaze.docomparison(record(a), record(b), SCREEN))
        for a, b in zip(*pairs, strict=True)
    ]
    np.testing.assert_allclose(metrics.multimatch(*pairs, screen=SCREEN), expected, atol=1e-9)


def test_trajectory_distances_equal_their_oracles(pairs) -> None:
    xy = [(a[:, :2], b[:, :2]) for a, b in zip(*pairs, strict=True)]
    np.testing.assert_allclose(
        metrics.dtw(*pairs), [similaritymeasures.dtw(a, b)[0] for a, b in xy]
    )
    np.testing.assert_allclose(
        metrics.frechet(*pairs), [similaritymeasures.frechet_dist(a, b) for a, b in xy]
    )
    expected = [max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0]) for a, b in xy]
    np.testing.assert_allclose(metrics.hausdorff(*pairs), expected)
    matrices = [cdist(a, b) for a, b in xy]
    np.testing.assert_allclose(
        metrics.eyenalysis(*pairs),
        [(d.min(0).sum() + d.min(1).sum()) / max(d.shape) for d in matrices],
    )


@pytest.mark.parametrize("grid", [5, 10, 7])
def test_edit_distance_equals_rapidfuzz(pairs, grid: int) -> None:
    side = np.array(SCREEN) // grid

    def string(path: np.ndarray) -> list[tuple[int, ...]]:
        return [tuple(cell) for cell in np.minimum(path[:, :2].astype(int) // side, grid - 1)]

    expected = [Levenshtein.distance(string(a), string(b)) for a, b in zip(*pairs, strict=True)]
    found = metrics.string_edit_distance(*pairs, screen=SCREEN, grid=grid)
    assert found.tolist() == expected


def test_clusters_equal_scikit_learn_and_strings_equal_rapidfuzz(pairs) -> None:
    clusters = metrics.FixationClusters.fit(pairs[0][:20], bandwidth=150.0)
    places = np.concatenate(pairs[0][:20])[:, :2]
    peer = MeanShift(bandwidth=150.0).fit(places)
    np.testing.assert_allclose(clusters.centers, peer.cluster_centers_, atol=1e-6)
    assert clusters.labels(places).tolist() == peer.labels_.tolist()
    strings = [[clusters.labels(path[:, :2]).tolist() for path in side] for side in pairs]
    both = list(zip(*strings, strict=True))
    assert metrics.fed(*pairs, clusters).tolist() == [Levenshtein.distance(a, b) for a, b in both]
    np.testing.assert_allclose(
        metrics.sequence_score(*pairs, clusters),
        [LCSseq.similarity(a, b) / max(len(a), len(b)) for a, b in both],
    )


def test_default_bandwidth_is_that_of_scikit_learn(pairs) -> None:
    places = np.concatenate(pairs[1])[:, :2]
    clusters = metrics.FixationClusters.fit(pairs[1])
    np.testing.assert_allclose(clusters.centers, MeanShift().fit(places).cluster_centers_)


def test_each_pair_may_have_its_own_clusters(pairs) -> None:
    one = metrics.FixationClusters.fit(pairs[0], bandwidth=120.0)
    two = metrics.FixationClusters.fit(pairs[1], bandwidth=250.0)
    mixed = [one if i % 2 else two for i in range(COUNT)]
    expected = np.where(np.arange(COUNT) % 2, metrics.fed(*pairs, one), metrics.fed(*pairs, two))
    assert metrics.fed(*pairs, mixed).tolist() == expected.tolist()
    with pytest.raises(ValueError, match="one for each of 60, found 2"):
        metrics.fed(*pairs, [one, two])


@pytest.mark.parametrize("temp_bin", [None, 0.05])
@pytest.mark.parametrize("gap", [0.0, -0.7])
def test_scanmatch_equals_plain_needleman_wunsch(pairs, gap: float, temp_bin: float | None) -> None:
    def string(path: np.ndarray) -> np.ndarray:
        cells = grid_cells(path[:, :2], SCREEN, (16, 12), "matlab")
        times = 1 if temp_bin is None else np.floor(path[:, 2] / temp_bin + 0.5).astype(int)
        return np.repeat(cells, times, axis=0)

    def score(a: np.ndarray, b: np.ndarray) -> float:
        table = np.zeros((len(a) + 1, len(b) + 1))
        table[:, 0] = gap * np.arange(len(a) + 1)
        table[0] = gap * np.arange(len(b) + 1)
        for i, j in itertools.product(range(len(a)), range(len(b))):
            match = table[i, j] + 3.5 - np.hypot(*(a[i] - b[j]))
            table[i + 1, j + 1] = max(match, table[i, j + 1] + gap, table[i + 1, j] + gap)
        return table[-1, -1] / (3.5 * max(len(a), len(b)))

    few = [side[:12] for side in pairs]
    expected = [score(string(a), string(b)) for a, b in zip(*few, strict=True)]
    found = metrics.scanmatch(*few, screen=SCREEN, gap=gap, temp_bin=temp_bin, convention="matlab")
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("convention", ["chen2021", "vame"])
def test_stde_equals_plain_loops(pairs, convention: str) -> None:
    def window_distance(one: np.ndarray, two: np.ndarray) -> float:
        apart = np.hypot(*(one - two).T)
        return apart.sum() if convention == "chen2021" else np.sqrt((apart**2).sum())

    def scaled(people: np.ndarray, prediction: np.ndarray) -> float:
        values = []
        for k in range(1, min(len(people), len(prediction)) + 1):
            nearest = [
                min(
                    window_distance(prediction[i : i + k], people[j : j + k])
                    for j in range(len(people) - k + 1)
                )
                for i in range(len(prediction) - k + 1)
            ]
            values.append(np.exp(-np.mean(nearest) / k))
        return float(np.mean(values))

    few = [side[:15] for side in pairs]
    expected = [scaled(a[:, :2] / 800, b[:, :2] / 800) for a, b in zip(*few, strict=True)]
    np.testing.assert_allclose(metrics.stde(*few, SCREEN, convention), expected, atol=1e-12)


def test_recurrence_equals_plain_loops(pairs) -> None:
    radius = 180.0

    def share_on_runs(matrix: np.ndarray) -> float:
        points = 0
        for line in matrix:
            padded = np.concatenate([[0], line, [0]])
            edges = np.flatnonzero(np.diff(padded))
            points += sum(stop - start for start, stop in edges.reshape(-1, 2) if stop - start >= 2)
        return points

    for a, b, found in zip(*pairs, metrics.recurrence(*pairs, radius=radius), strict=True):
        n = min(len(a), len(b))
        close = (cdist(a[:n, :2], b[:n, :2]) <= radius).astype(int)
        total = close.sum()
        if total == 0:
            assert found.tolist() == [0.0, 0.0, 0.0, 0.0]
            continue
        diagonals = [np.diagonal(close, k) for k in range(1 - n, n)]
        i, j = np.nonzero(close)
        corm = 100 * (j - i).sum() / ((n - 1) * total) if n > 1 else np.nan
        held = share_on_runs(close) + share_on_runs(close.T)
        expected = [
            100 * total / n**2,
            100 * share_on_runs(diagonals) / total,
            100 * held / (2 * total),
            corm,
        ]
        np.testing.assert_allclose(found, expected, atol=1e-9)
