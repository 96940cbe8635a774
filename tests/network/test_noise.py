"""The noise sampler: seeds, temperatures, and the distribution that it draws from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from spgen_lit.network.noise import NoiseSampler, normal_from_gumbel, path_seed

LOGITS = torch.tensor([0.3, -1.0, 1.2, 0.0, 0.7])


def _picks(temperature: float, draws: int = 20_000) -> np.ndarray:
    sampler = NoiseSampler("gumbel")
    noise = sampler.draw((draws, len(LOGITS)), [5])[0]
    chosen = sampler(LOGITS.expand(draws, -1), noise, temperature).argmax(1)
    return np.bincount(chosen.numpy(), minlength=len(LOGITS))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_gumbel_picks_follow_the_softmax_at_the_temperature(temperature: float) -> None:
    counts = _picks(temperature)
    expected = (LOGITS / temperature).softmax(0).double().numpy() * counts.sum()
    assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-3


def test_another_temperature_would_have_been_noticed() -> None:
    counts = _picks(1.0)
    wrong = (LOGITS / 1.1).softmax(0).double().numpy()
    assert stats.chisquare(counts, wrong * counts.sum() / wrong.sum()).pvalue < 1e-3


def test_temperature_zero_leaves_logits_alone() -> None:
    noise = torch.full_like(LOGITS, float("inf"))
    assert torch.equal(NoiseSampler()(LOGITS[None], noise[None], 0.0), LOGITS[None])


@pytest.mark.parametrize("temperature", [-0.1, float("nan"), float("inf")])
def test_impossible_temperatures_are_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature must be finite"):
        NoiseSampler()(LOGITS[None], LOGITS[None], temperature)


@pytest.mark.parametrize("kind", ["gumbel", "gaussian", "uniform"])
def test_all_kinds_are_equally_wide_and_depend_on_their_own_seed_alone(kind) -> None:
    sampler = NoiseSampler(kind)
    together = sampler.draw((40, 500), [7, 8, 9])
    assert torch.equal(together[1], sampler.draw((40, 500), [8])[0])
    assert not torch.equal(together[0], together[1])
    assert together.std().item() == pytest.approx(np.pi / 6**0.5, rel=0.02)
    assert together.isfinite().all()


def test_gumbel_draws_become_normal_ones() -> None:
    gumbel = NoiseSampler("gumbel").draw((2, 20_000), [3])[0]
    normal = normal_from_gumbel(*gumbel).numpy()
    assert stats.kstest(normal, "norm").pvalue > 0.01
    # Beyond three deviations too, where a logistic law has eight times as many.
    assert (np.abs(normal) > 3).mean() == pytest.approx(2 * stats.norm.sf(3), rel=0.4)
    extreme = normal_from_gumbel(torch.tensor([-4.0, 60.0]), torch.tensor([60.0, -4.0]))
    assert extreme.isfinite().all()


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gumbel.*'laplace'"):
        NoiseSampler("laplace")  # type: ignore[arg-type]


def test_path_seeds_differ_by_seed_image_and_sample_and_never_change() -> None:
    seeds = {path_seed(s, i, k) for s in (0, 1) for i in ("a", "b", "1\n2") for k in range(50)}
    assert len(seeds) == 300
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert path_seed(0, "1001.jpg", 0) == 4643532343518343616
