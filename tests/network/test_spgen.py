"""SPGen: training and sampling agree step by step, and samples depend on nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from tests.networks import spgen

from spgen_lit.batch import PathBatch
from spgen_lit.network.fixation import soft_argmax
from spgen_lit.network.noise import path_seed
from spgen_lit.network.spgen import Drawn, SPGen

Build = Callable[..., SPGen]
SEEDS = [[path_seed(0, f"{image}", k) for k in range(5)] for image in range(3)]


def _as_batch(drawn: list[Drawn], steps: int, index: int = 0) -> PathBatch:
    xy, seconds = torch.zeros(len(drawn), steps, 2), torch.zeros(len(drawn), steps)
    length = torch.tensor([len(path.xy) for path in drawn])
    for row, path in enumerate(drawn):
        xy[row, : length[row]], seconds[row, : length[row]] = path.xy, path.durations
    return PathBatch(xy, seconds, length, torch.full_like(length, index))


def _same(a: list[Drawn], b: list[Drawn]) -> bool:
    return all(
        len(p.xy) == len(q.xy)
        and torch.allclose(p.xy, q.xy, atol=1e-5)
        and torch.allclose(p.durations, q.durations, rtol=1e-4)
        for p, q in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("history", ["full", "gates", "none"])
def test_teacher_forcing_and_sampling_give_the_same_logits(
    small: Build, images: torch.Tensor, history: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = small(history=history, stride=8)
    steps = network.max_fixations
    seen: dict[str, list[torch.Tensor]] = {"logits": [], "end": [], "duration": []}
    network.choice.register_forward_hook(lambda _m, _i, out: seen["logits"].append(out))
    ends, durations = network.timing.ends, network.timing.durations
    monkeypatch.setattr(
        network.timing, "ends", lambda *a: seen["end"].append(out := ends(*a)) or out
    )
    monkeypatch.setattr(
        network.timing, "durations", lambda *a: seen["duration"].append(out := durations(*a)) or out
    )
    with torch.no_grad():
        scenes = network.encode(images)
        drawn = network._draw(scenes, 1, SEEDS[1], 1.0)
        told = {name: list(values) for name, values in seen.items()}
        batch = _as_batch(drawn, steps)
        out = network._teach(scenes, 1, batch)
    assert max(len(path.xy) for path in drawn) > 3
    for row, path in enumerate(drawn):
        for step in range(len(path.xy)):
            logits = told["logits"][step][row]
            assert torch.allclose(out.logits[row, step], logits, atol=2e-4), (row, step)
            assert out.end[row, step] == pytest.approx(told["end"][step][row].item(), abs=1e-4)
            law = told["duration"][step].log_prob(batch.durations[:, step])[row]
            assert out.duration[row, step] == pytest.approx(law.item(), abs=1e-3)


def test_every_image_of_a_batch_is_given_its_own_paths(small: Build, images: torch.Tensor) -> None:
    network = small()
    with torch.no_grad():
        scenes = network.encode(images)
        parts = [_as_batch(own, 6, i) for i, own in enumerate(network.sample(scenes, SEEDS))]
        whole = network(
            scenes, PathBatch(*(torch.cat(field) for field in zip(*parts, strict=True)))
        )
        for index, own in enumerate(parts):
            steps = int(own.length.max())
            alone = network._teach(scenes, index, own)
            assert whole[index].logits.shape == (5, steps, 32)
            assert torch.allclose(whole[index].logits, alone.logits[:, :steps], atol=1e-5)


def test_given_paths_do_not_see_each_other_nor_their_own_future(
    small: Build, images: torch.Tensor
) -> None:
    network = small()
    with torch.no_grad():
        scenes = network.encode(images)
        batch = _as_batch(network.sample(scenes, SEEDS)[0], 6)
        out = network._teach(scenes, 0, batch)
        changed = batch.xy.clone()
        changed[1:] = 0.5
        changed[0, 3:] = 0.1
        other = network._teach(scenes, 0, batch._replace(xy=changed))
    # The fixation at step 3 changes what comes after it, and its own duration.
    assert torch.allclose(out.logits[0, :4], other.logits[0, :4], atol=1e-5)
    assert not torch.allclose(out.logits[0, 4:], other.logits[0, 4:])


def test_same_seed_gives_the_same_path_alone_and_in_any_batch(
    small: Build, images: torch.Tensor
) -> None:
    network = small()
    with torch.no_grad():
        together = network.sample(network.encode(images), SEEDS)
        for index in range(3):
            own = network.encode(images[index : index + 1])
            assert _same(network.sample(own, [SEEDS[index]])[0], together[index])
            alone = network.sample(own, [SEEDS[index][3:4]])[0]
            assert _same(alone, together[index][3:4])
        turned = network.sample(network.encode(images.flip(0)), SEEDS[::-1])
    assert all(_same(a, b) for a, b in zip(turned[::-1], together, strict=True))
    assert not torch.equal(together[0][0].xy[0], together[0][1].xy[0])


def test_temperature_zero_is_one_path_whatever_the_seed(small: Build, images: torch.Tensor) -> None:
    network = small()
    with torch.no_grad():
        for paths in network.sample(network.encode(images), SEEDS, temperature=0.0):
            assert all(_same([path], [paths[0]]) for path in paths)


def test_first_fixations_follow_the_softmax(small: Build, images: torch.Tensor) -> None:
    network = small(stride=32)
    noised: list[torch.Tensor] = []
    told: list[torch.Tensor] = []
    network.noise.register_forward_hook(lambda _m, _i, out: noised.append(out))
    network.choice.register_forward_hook(lambda _m, _i, out: told.append(out))
    seeds = [path_seed(1, "x", k) for k in range(3000)]
    network.sample(network.encode(images[:1]), [seeds], temperature=1.0)
    counts = np.bincount(noised[0].argmax(1).numpy(), minlength=8)
    expected = told[0][0].detach().double().softmax(0).numpy()
    assert expected.max() - expected.min() > 0.02  # not the uniform distribution
    assert stats.chisquare(counts, expected * counts.sum()).pvalue > 1e-3


def test_lengths_follow_the_end_decision(small: Build, images: torch.Tensor) -> None:
    network = small(stirred=0.0, max_fixations=5)
    with torch.no_grad():
        network.timing.end[-1].bias.fill_(-0.8)
    seeds = [path_seed(2, "x", k) for k in range(3000)]
    paths = network.sample(network.encode(images[:1]), [seeds], temperature=1.0)[0]
    counts = np.bincount([len(path.xy) for path in paths], minlength=6)[1:]
    stop = 1 / (1 + np.exp(0.8))
    expected = np.array([stop * (1 - stop) ** n for n in range(4)] + [(1 - stop) ** 4])
    assert stats.chisquare(counts, expected * counts.sum()).pvalue > 1e-3


def test_durations_have_the_mixture_mean_and_deviation(small: Build, images: torch.Tensor) -> None:
    network = small(stirred=0.0, max_fixations=1)
    bias = network.timing.last[-1].bias
    with torch.no_grad():
        network.timing.last[-1].weight.zero_()
        # Weights 3:1, medians 0.2 s and 0.6 s, log deviations 0.3 and 0.2.
        bias.copy_(torch.tensor([3.0, 1.0, 0.2, 0.6, 0.3, 0.2]).log())
    seeds = [path_seed(3, "x", k) for k in range(4000)]
    paths = network.sample(network.encode(images[:1]), [seeds], temperature=1.0)[0]
    logs = np.log([path.durations[0].item() for path in paths])
    short = logs < np.log(0.2 * 0.6) / 2
    assert short.mean() == pytest.approx(0.75, abs=0.05)
    mean = 0.75 * np.log(0.2) + 0.25 * np.log(0.6)
    spread = 0.75 * 0.3**2 + 0.25 * 0.2**2 + 0.75 * 0.25 * np.log(3) ** 2
    assert logs.mean() == pytest.approx(mean, abs=0.03)
    assert logs.std() == pytest.approx(spread**0.5, rel=0.04)


def test_durations_and_lengths_stay_in_range_at_any_temperature(
    small: Build, images: torch.Tensor
) -> None:
    network = small(stirred=1.0)
    for temperature in (0.0, 1.0, 5.0):
        for paths in network.sample(network.encode(images), SEEDS, temperature):
            for path in paths:
                assert 1 <= len(path.xy) <= 6 and path.durations.shape == (len(path.xy),)
                assert ((path.xy > 0) & (path.xy < 1)).all()
                assert ((path.durations >= 0.02) & (path.durations <= 5)).all()


def test_paths_go_where_the_maps_point(small: Build, images: torch.Tensor) -> None:
    network = small(stirred=0.0, history="none", stride=8)
    with torch.no_grad():
        scenes = network.encode(images[:1])
        scenes.places.static.zero_()
        for step, cell in enumerate((0, 15, 112, 127, 37, 90)):  # corners of 8x16 first
            scenes.places.static[0, step, cell] = 100.0
        network.timing.end[-1].bias.fill_(-100.0)
        path = network.sample(scenes, [[1]], temperature=1.0)[0][0]
        expected = soft_argmax(scenes.places.static[0].view(6, 8, 16))
    assert torch.allclose(path.xy, expected, atol=1e-5)
    assert path.xy[1].tolist() == pytest.approx([15.5 / 16, 0.5 / 8])  # x first


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame": (100, 64)}, "multiples of 32"),
        ({"stride": 12}, "8, 16 or 32"),
        ({"noise": "pink"}, "noise"),
        ({"history": "some"}, "history"),
        ({"priors": -1}, "priors"),
        ({"temperature": -1.0}, "temperature"),
        ({"max_fixations": 0}, "max_fixations"),
        ({"channels": 20}, "channels"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spgen(**settings)
