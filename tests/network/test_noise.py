"""Random numbers of paths: by their seeds alone, and of the laws that are stated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from spgen_lit.network.noise import draw_noise, path_seed

DURATION = -0.448565
PLACES = [0.392874, -0.681168]
LOGITS = np.array([0.3, -1.0, 1.2, 0.0, 0.7])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_gumbel_picks_follow_the_softmax_at_the_temperature(temperature: float) -> None:
    noise = draw_noise([5], 20_000, len(LOGITS), 2).place[0]
    counts = np.bincount((LOGITS + temperature * noise).argmax(1), minlength=len(LOGITS))
    expected = np.exp(LOGITS / temperature)
    expected *= counts.sum() / expected.sum()
    assert stats.chisquare(counts, expected).pvalue > 1e-3
    wrong = np.exp(LOGITS / (1.1 * temperature))
    assert stats.chisquare(counts, wrong * counts.sum() / wrong.sum()).pvalue < 1e-3


@pytest.mark.parametrize("kind", ["gumbel", "gaussian", "uniform"])
def test_all_kinds_are_equally_wide_and_depend_on_seed_and_step_alone(kind: str) -> None:
    many = draw_noise([7, 8, 9], 40, 500, 2, kind)
    for one, other in zip(draw_noise([8], 12, 500, 2, kind), many, strict=True):
        assert np.array_equal(one[0], other[1, :12])
        assert not np.array_equal(other[0], other[1])
        assert np.isfinite(other).all()
    assert many.place.std() == pytest.approx(np.pi / 6**0.5, rel=0.02)


def test_offsets_durations_and_ends_follow_their_laws() -> None:
    noise = draw_noise([3], 20_000, 1, 3)
    for values, law in (
        (noise.offset[0].ravel(), "uniform"),
        (noise.duration[0], "norm"),
        (noise.end[0], "logistic"),
        (noise.component[0].ravel(), "gumbel_r"),
    ):
        assert stats.kstest(values, law).pvalue > 1e-3, law
    assert ((noise.offset >= 0) & (noise.offset < 1)).all()


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gumbel.*'laplace'"):
        draw_noise([1], 1, 1, 1, "laplace")


def test_numbers_never_change() -> None:
    noise = draw_noise([path_seed(0, "1001.jpg", 0)], 1, 2, 2)
    assert noise.duration[0, 0] == pytest.approx(DURATION, abs=1e-6)
    assert noise.place[0, 0].tolist() == pytest.approx(PLACES, abs=1e-5)


def test_path_seeds_differ_by_seed_image_and_sample_and_never_change() -> None:
    seeds = {path_seed(s, i, k) for s in (0, 1) for i in ("a", "b", "1\n2") for k in range(50)}
    assert len(seeds) == 300
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert path_seed(0, "1001.jpg", 0) == 4643532343518343616
