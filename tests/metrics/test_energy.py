"""Energy score, all-pairs helpers and diversity; and the band they give on real people."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from spgen_lit import metrics

SCREEN = (800, 600)


def test_energy_is_fit_minus_half_the_spread() -> None:
    to_people = [[0.2, 0.8], [0.4, 0.6], [0.6, 0.7]]
    within = np.array([[9.0, 0.1, 0.2], [0.1, 9.0, 0.6], [0.2, 0.6, 9.0]])
    expected = np.array([0.4, 0.7]) - 0.5 * 0.3
    np.testing.assert_allclose(metrics.energy_score(to_people, within), expected)
    assert within[0, 0] == 9.0  # the caller's matrix is left alone
    biased = metrics.energy_score(to_people, within, biased=True)
    np.testing.assert_allclose(biased, np.array([0.4, 0.7]) - 0.5 * 0.2)


def test_energy_does_not_depend_on_the_number_of_samples_in_expectation() -> None:
    random = np.random.default_rng(0)

    def mean_energy(samples: int) -> float:
        scores = []
        for _ in range(4000):
            x, y = random.normal(size=samples), random.normal()
            scores.append(metrics.energy_score(abs(x - y)[:, None], abs(x[:, None] - x))[0])
        return float(np.mean(scores))

    # CRPS of a standard normal against itself is 1 / sqrt(pi).
    assert mean_energy(2) == pytest.approx(np.pi**-0.5, abs=0.03)
    assert mean_energy(10) == pytest.approx(np.pi**-0.5, abs=0.03)


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0])
def test_neither_sameness_nor_wildness_pays(scale: float) -> None:
    random = np.random.default_rng(1)
    people, samples = random.normal(size=2000), random.normal(size=1000)

    def energy(x: np.ndarray) -> float:
        distance = abs(x[:, None] - people)
        return float(metrics.energy_score(distance, abs(x[:, None] - x)).mean())

    assert energy(samples) < energy(scale * samples) - 0.01


def test_missing_distances_are_left_out() -> None:
    nan = float("nan")
    within = np.array([[nan, 0.4, nan], [0.4, nan, nan], [nan, nan, nan]])
    found = metrics.energy_score([[0.5, nan], [0.7, nan], [nan, nan]], within)
    assert found[0] == pytest.approx(0.4)
    assert np.isnan(found[1])
    assert np.isnan(metrics.energy_score([[0.3]], [[0.0]])).all()  # one sample has no spread


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 1\) and \(3, 3\)"):
        metrics.energy_score([[0.1], [0.2]], np.zeros((3, 3)))


def some_paths(count: int, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.uniform(0, 1, (random.integers(3, 9), 3)) * (800, 600, 1) for _ in range(count)]


def test_cross_is_every_pair_in_order() -> None:
    a, b = some_paths(4, 0), some_paths(3, 1)
    matrix = metrics.cross(metrics.scanmatch, a, b, screen=SCREEN)
    rows = metrics.cross(metrics.multimatch, a, b, screen=SCREEN)
    assert matrix.shape == (4, 3)
    assert rows.shape == (4, 3, 5)
    assert matrix[2, 1] == metrics.scanmatch([a[2]], [b[1]], SCREEN)[0]
    np.testing.assert_array_equal(rows[3, 0], metrics.multimatch([a[3]], [b[0]], SCREEN)[0])


@pytest.mark.parametrize("metric", [metrics.scanmatch, metrics.stde, metrics.multimatch])
def test_within_is_cross_with_itself_but_for_the_diagonal(metric) -> None:
    a = some_paths(5, 2)
    full, half = (
        metrics.cross(metric, a, a, screen=SCREEN),
        metrics.within(metric, a, screen=SCREEN),
    )
    off = ~np.eye(5, dtype=bool)
    np.testing.assert_allclose(half[off], full[off], atol=1e-9)
    assert np.isnan(half[~off]).all()


def test_within_knows_that_swapping_turns_the_sign_of_corm() -> None:
    a = some_paths(4, 3)
    found = metrics.within(metrics.recurrence, a, radius=200.0)
    expected = metrics.cross(metrics.recurrence, a, a, radius=200.0)
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(found[off], expected[off], atol=1e-9)


def test_diversity_is_the_mean_distance_of_distinct_samples() -> None:
    a = some_paths(4, 4)
    same = metrics.diversity([a[0]] * 3, screen=SCREEN)
    mixed = metrics.diversity(a, screen=SCREEN)
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    scores = metrics.scanmatch([a[i] for i, _ in pairs], [a[j] for _, j in pairs], SCREEN)
    assert same == 0.0
    assert mixed == pytest.approx(1 - scores.mean())
    assert np.isnan(metrics.diversity(a[:1], screen=SCREEN))


def test_the_band_on_osie(data_dir) -> None:
    cells = scipy.io.loadmat(data_dir / "osie/data/eye/fixations.mat", simplify_cells=True)
    people = [
        [np.column_stack([np.atleast_1d(s[k]) for k in ("fix_x", "fix_y")]) for s in e["subjects"]]
        for e in cells["fixations"][:150]
    ]
    random = np.random.default_rng(0)
    agreement, chance, level, strangers, shape, centre = [], [], [], [], [], []
    for i, paths in enumerate(people):
        scores = metrics.within(metrics.scanmatch, paths, screen=SCREEN)
        agreement.append(np.nanmean(scores))
        level.append(metrics.leave_one_out_energy(1 - scores).mean())
        elsewhere = random.permutation(np.delete(np.arange(len(people)), i))[:15]
        others = [people[j][random.integers(15)] for j in elsewhere]
        to_people = metrics.cross(metrics.scanmatch, others, paths, screen=SCREEN)
        chance.append(to_people.mean())
        apart = 1 - metrics.within(metrics.scanmatch, others, screen=SCREEN)
        strangers.append(metrics.energy_score(1 - to_people, apart).mean())
        shape.append(np.nanmean(metrics.within(metrics.multimatch, paths, screen=SCREEN)[..., 0]))
        still = [np.full((9, 2), (400.0, 300.0))]
        centre.append(
            np.nanmean(metrics.cross(metrics.multimatch, still, paths, screen=SCREEN)[..., 0])
        )
    assert np.mean(agreement) == pytest.approx(0.390, abs=0.01)
    assert np.mean(chance) == pytest.approx(0.193, abs=0.01)
    assert np.mean(level) == pytest.approx(0.305, abs=0.005)
    assert np.mean(strangers) == pytest.approx(0.403, abs=0.006)
    assert np.mean(centre) > np.mean(shape)  # a path that never moves beats people on shape
