"""SPGen: training and sampling are one step, and samples depend on nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats

from spgen_lit.batch import VIEWING, PathBatch, viewing_rows
from spgen_lit.network.fixation import cell_of
from spgen_lit.network.noise import Noise, path_seed
from spgen_lit.network.spgen import ImageTerms, SPGen
from spgen_lit.scanpath import Viewing

Build = Callable[..., SPGen]
SEEDS = [[path_seed(0, f"{image}", k) for k in range(5)] for image in range(3)]
SHOWN = viewing_rows(
    [Viewing(2.0, 20.0, "given", "memory"), Viewing(seconds=4.0), Viewing()], [600, 600, 600]
)


def _row(paths: PathBatch, image: int, path: int) -> tuple[torch.Tensor, torch.Tensor]:
    n = int(paths.length[image, path])
    return paths.xy[image, path, :n], paths.durations[image, path, :n]


def _one_step(network: SPGen, images: torch.Tensor, count: int, seed: int = 0):
    """Laws and draws of the first step of many paths on one image at temperature 1."""
    with torch.no_grad():
        encoded = network.encode(images[:1])
        seeds = [path_seed(seed, "x", k) for k in range(count)]
        drawn = network.sample(encoded, [seeds], 1.0, torch.full((1, len(VIEWING)), float("nan")))
        out = network(encoded, drawn)
    return drawn, out


@pytest.mark.parametrize("history", ["full", "gates", "none"])
def test_teacher_forcing_equals_stepping(small: Build, images: torch.Tensor, history: str) -> None:
    network = small(history=history, stride=8, max_fixations=14)
    head = network.head
    with torch.no_grad():
        encoded = network.encode(images)
        terms = ImageTerms(*encoded.terms)
        seconds = torch.rand(3, 5, 12) * 0.4 + 0.1
        seconds[2, 4, 3:] = float("nan")
        paths = PathBatch(
            torch.rand(3, 5, 12, 2),
            seconds,
            torch.randint(1, 13, (3, 5)),
            SHOWN[:, None].expand(3, 5, 5),
        )
        whole = network(encoded, paths)
        state = head.maps.begin(3, 5)
        for step in range(paths.xy.shape[2]):
            exists = paths.mask[:, :, step]
            xy, seconds = paths.xy[:, :, step], paths.durations[:, :, step]
            logits = head.place_logits(terms, state, paths.viewing)
            law = head.duration_law(terms, state, paths.viewing, xy)
            state = head.maps.extend(state, xy, seconds)
            end = head.end_logits(terms, state, paths.viewing)
            for one, other in (
                (logits, whole.logits[:, :, step]),
                (end, whole.end[:, :, step]),
                (law.log_prob(seconds.nan_to_num(0.25)), whole.duration[:, :, step]),
            ):
                assert torch.allclose(one[exists], other[exists], atol=1e-5, rtol=1e-5), step


def test_given_paths_do_not_see_each_other_nor_their_future(
    small: Build, images: torch.Tensor
) -> None:
    network = small()
    with torch.no_grad():
        encoded = network.encode(images)
        xy = torch.rand(3, 5, 6, 2)
        paths = PathBatch(
            xy, torch.full((3, 5, 6), 0.3), torch.full((3, 5), 6), SHOWN[:, None].expand(3, 5, 5)
        )
        out = network(encoded, paths)
        changed = xy.clone()
        changed[0, 1:], changed[1:] = 0.5, 0.5
        changed[0, 0, 3:] = 0.1
        other = network(encoded, paths._replace(xy=changed))
    # The fixation at step 3 changes what comes after it, and its own duration.
    assert torch.allclose(out.logits[0, 0, :4], other.logits[0, 0, :4], atol=1e-5)
    assert not torch.allclose(out.logits[0, 0, 4:], other.logits[0, 0, 4:])


def test_same_seed_gives_the_same_path_alone_and_in_any_batch(
    small: Build, images: torch.Tensor
) -> None:
    network = small()
    with torch.no_grad():
        all_paths = network.sample(network.encode(images), SEEDS, viewing=SHOWN)
        turned = network.sample(network.encode(images.flip(0)), SEEDS[::-1], viewing=SHOWN.flip(0))
        for image, path in itertools.product(range(3), range(5)):
            encoded = network.encode(images[image : image + 1])
            alone = network.sample(
                encoded, [[SEEDS[image][path]]], viewing=SHOWN[image : image + 1]
            )
            for found in (_row(alone, 0, 0), _row(turned, 2 - image, path)):
                for one, other in zip(found, _row(all_paths, image, path), strict=True):
                    assert torch.allclose(one, other, atol=1e-5, rtol=1e-4)
    assert not torch.equal(all_paths.xy[0, 0, 0], all_paths.xy[0, 1, 0])


def test_temperature_zero_is_one_path_whatever_the_seed(small: Build, images: torch.Tensor) -> None:
    network = small()
    with torch.no_grad():
        paths = network.sample(network.encode(images), SEEDS, temperature=0.0)
    assert torch.allclose(paths.xy, paths.xy[:, :1].expand_as(paths.xy), atol=1e-6)
    assert (paths.length == paths.length[:, :1]).all()


def test_first_places_follow_the_stated_density(small: Build, images: torch.Tensor) -> None:
    network = small(stride=16)
    drawn, out = _one_step(network, images, 4000)
    first = drawn.xy[0, :, 0]
    expected = out.logits[0, 0, 0].double().softmax(0).numpy()
    assert expected.max() > 3 * expected.min()  # not the uniform distribution
    # Each cell and its quarters: the place is uniform within its cell.
    quarters = (first * torch.tensor([16.0, 8.0])).long()
    counts = np.zeros((8, 16))
    np.add.at(counts, (quarters[:, 1].numpy(), quarters[:, 0].numpy()), 1)
    fine = expected.reshape(4, 8).repeat(2, 0).repeat(2, 1) / 4
    assert stats.chisquare(counts.ravel(), fine.ravel() * counts.sum()).pvalue > 1e-3
    cells = cell_of(first, 4, 8)
    assert stats.chisquare(np.bincount(cells, minlength=32), expected * len(first)).pvalue > 1e-3
    wrong = (out.logits[0, 0, 0].double() * 1.4).softmax(0).numpy()
    assert stats.chisquare(np.bincount(cells, minlength=32), wrong * len(first)).pvalue < 1e-3


def test_the_density_integrates_to_one_and_bits_are_its_logarithm(
    small: Build, images: torch.Tensor
) -> None:
    network = small()
    centers = torch.stack(
        torch.meshgrid((torch.arange(8) + 0.5) / 8, (torch.arange(4) + 0.5) / 4, indexing="xy"), -1
    ).view(1, 32, 1, 2)
    paths = PathBatch(
        centers,
        torch.full((1, 32, 1), 0.25),
        torch.ones(1, 32, dtype=torch.long),
        torch.full((1, 32, 5), float("nan")),
    )
    with torch.no_grad():
        bits = network.log_prob(network.encode(images[:1]), paths)
    assert (2**bits.place).mean().item() == pytest.approx(1, abs=1e-5)  # the frame's area is 1
    assert (bits.end < 0).all()


def test_likelihoods_leave_out_what_does_not_exist_or_is_not_known(
    small: Build, images: torch.Tensor
) -> None:
    network = small()
    durations = torch.tensor([[[0.2, 0.3, 0.4], [float("nan"), float("nan"), 0.0]]])
    paths = PathBatch(
        torch.rand(1, 2, 3, 2), durations, torch.tensor([[3, 2]]), torch.full((1, 2, 5), 3.0)
    )
    with torch.no_grad():
        bits = network.log_prob(network.encode(images[:1]), paths)
    assert bits.duration[0, 0].isfinite().all()
    assert bits.duration[0, 1, :2].isnan().all()
    assert not any(values[0, 1, 2] for values in bits)
    with pytest.raises(ValueError, match=r"noise=uniform .*gumbel"):
        small(noise="uniform").log_prob(network.encode(images[:1]), paths)


def test_lengths_follow_the_end_decision(small: Build, images: torch.Tensor) -> None:
    network = small(stirred=0.0, max_fixations=5)
    with torch.no_grad():
        network.head.end[-1].bias.fill_(-0.8)
    drawn, _ = _one_step(network, images, 3000, seed=2)
    counts = np.bincount(drawn.length[0].numpy(), minlength=6)[1:]
    stop = 1 / (1 + np.exp(0.8))
    expected = np.array([stop * (1 - stop) ** n for n in range(4)] + [(1 - stop) ** 4])
    assert stats.chisquare(counts, expected * counts.sum()).pvalue > 1e-3


def test_durations_have_the_mean_and_sigma_of_their_mixture(
    small: Build, images: torch.Tensor
) -> None:
    network = small(stirred=0.0, max_fixations=1)
    law = network.head.duration[-1]
    with torch.no_grad():
        law.weight.zero_()
        # Weights 3:1, medians 0.2 s and 0.6 s, log sigmas 0.3 and 0.2.
        law.bias.copy_(torch.tensor([3.0, 1.0, 0.2, 0.6, 0.3, 0.2]).log())
    drawn, out = _one_step(network, images, 4000, seed=3)
    logs = drawn.durations[0, :, 0].log().numpy()
    assert (logs < np.log(0.2 * 0.6) / 2).mean() == pytest.approx(0.75, abs=0.05)
    variance = 0.75 * 0.3**2 + 0.25 * 0.2**2 + 0.75 * 0.25 * np.log(3) ** 2
    assert logs.mean() == pytest.approx(0.75 * np.log(0.2) + 0.25 * np.log(0.6), abs=0.03)
    assert logs.std() == pytest.approx(variance**0.5, rel=0.04)
    # A density per second: the mean of its inverse over draws is the width of its range.
    assert out.duration[0, :, 0].exp().isfinite().all()


def test_time_ends_a_path_and_longer_viewing_makes_it_longer(
    small: Build, images: torch.Tensor
) -> None:
    network = small(stirred=0.0)
    with torch.no_grad():  # ends when no time is left, and not before
        first = network.head.end[0]
        first.weight.zero_()
        first.bias.zero_()
        first.weight[0, 8 + 16 + 3 + 1] = -1.0  # a step where no time is left
        first.bias[0] = 1.0
        network.head.end[-1].weight[0, 0] = 20.0
        network.head.end[-1].bias.fill_(-20.0)
    lengths = []
    for seconds in (1.0, 3.0, 15.0):
        shown = viewing_rows([Viewing(seconds=seconds)], [64])
        drawn = network.sample(network.encode(images[:1]), [SEEDS[0]], 1.0, shown)
        gone = drawn.durations.sum(2) + 0.09 * (drawn.length - 1)
        assert ((gone > seconds - 0.2) & (gone < seconds + 2)).all()
        lengths.append(drawn.length.float().mean().item())
    assert lengths[2] > 30 > lengths[1] > lengths[0]
    assert lengths[2] / lengths[1] == pytest.approx(5, rel=0.3)


def test_unknown_viewing_is_a_condition_of_its_own(small: Build, images: torch.Tensor) -> None:
    network = small()
    with torch.no_grad():
        encoded = network.encode(images[:1].expand(3, -1, -1, -1))
        paths = PathBatch(
            torch.rand(1, 1, 4, 2).expand(3, -1, -1, -1),
            torch.full((3, 1, 4), 0.25),
            torch.full((3, 1), 4),
            SHOWN[:, None],
        )
        out = network(encoded, paths)
    for values in (out.logits, out.end, out.duration):
        assert all(
            not torch.allclose(values[a], values[b]) for a, b in itertools.combinations(range(3), 2)
        )


def test_steps_beyond_those_learned_share_the_last(small: Build, images: torch.Tensor) -> None:
    network = small(steps=3, history="none")
    with torch.no_grad():
        paths = PathBatch(
            torch.rand(1, 1, 40, 2),
            torch.full((1, 1, 40), 0.25),
            torch.full((1, 1), 40),
            torch.full((1, 1, 5), float("nan")),
        )
        logits = network(network.encode(images[:1]), paths).logits[0, 0]
    assert torch.allclose(logits[2], logits[39], atol=1e-6)
    assert not torch.allclose(logits[1], logits[2])


def test_values_stay_in_range_at_any_temperature(small: Build, images: torch.Tensor) -> None:
    network = small(stirred=1.0)
    for temperature in (0.0, 1.0, 5.0):
        paths = network.sample(network.encode(images), SEEDS, temperature)
        mask = paths.mask
        assert (paths.length >= 1).all() and (paths.length <= 6).all()
        xy, seconds = paths.xy[mask], paths.durations[mask]
        assert ((xy >= 0) & (xy <= 1)).all() and ((seconds >= 0.02) & (seconds <= 5)).all()
        assert not paths.xy[~mask].any()


def test_paths_go_where_the_maps_point(small: Build, images: torch.Tensor) -> None:
    network = small(stirred=0.0, history="none", stride=8)
    corners = (0, 15, 112, 127)  # of 8x16 cells
    with torch.no_grad():
        encoded = network.encode(images[:1])
        terms = ImageTerms(*encoded.terms)
        network.head.mix.weight.zero_()
        network.head.mix.weight[range(4), range(4)] = 1.0
        network.head.end[-1].bias.fill_(-100.0)
        ranks = torch.zeros_like(terms.ranks)
        for step, cell in enumerate(corners):
            ranks[0, step, cell] = 100.0
        state = network.head.maps.begin(1, 1)
        viewing = torch.full((1, 1, len(VIEWING)), float("nan"))
        still = Noise(*(torch.zeros(1, 1, *s) for s in ((128,), (2,), (2,), (), ())))
        given = terms._replace(base=torch.zeros_like(terms.base), ranks=ranks)
        places = []
        for _ in corners:
            fixation, state = network.head.step(given, state, viewing, still, torch.tensor(0.0))
            places.append(fixation.xy[0, 0].tolist())
    left, right, top, bottom = 0.5 / 16, 15.5 / 16, 0.5 / 8, 7.5 / 8
    expected = [(left, top), (right, top), (left, bottom), (right, bottom)]  # x first
    assert np.allclose(places, expected, atol=1e-5)


def test_the_step_compiles_to_one_graph(small: Build, images: torch.Tensor) -> None:
    network = small()
    head = network.head
    step = torch.compile(head.step, fullgraph=True, backend="eager")
    with torch.no_grad():
        terms = ImageTerms(*network.encode(images).terms)
        noise = Noise(*(torch.rand(3, 2, *s) for s in ((32,), (2,), (2,), (), ())))
        viewing = SHOWN[:, None].expand(3, 2, 5)
        state = head.maps.begin(3, 2)
        given = (terms, state, viewing, noise, torch.tensor(1.0))
        found, state = step(*given)
        for one, other in zip(found, head.step(*given)[0], strict=True):
            assert torch.allclose(one, other, atol=1e-6)
        with torch._dynamo.config.patch(error_on_recompile=True):
            step(terms, state, viewing, noise, torch.tensor(1.0))


def test_half_precision_draws(small: Build, images: torch.Tensor) -> None:
    network = small()
    with torch.autocast("cpu", torch.bfloat16):
        encoded = network.encode(images)
        drawn = network.sample(encoded, [[1, 2, 3]] * len(images))
    xy = np.concatenate(drawn.arrays(0))
    assert np.isfinite(xy).all() and (xy >= 0).all() and (xy <= 1).all()


def test_loss_is_the_likelihood_of_what_observers_did(small: Build, images: torch.Tensor) -> None:
    network = small(sigma=0.0, duration_weight=0.0)
    with torch.no_grad():
        encoded = network.encode(images)
        paths = network.sample(encoded, SEEDS, 1.0, SHOWN)
        parts = network.loss(encoded, paths, torch.ones(3))
        bits = network.log_prob(encoded, paths)
    count = paths.length.sum(1)
    nats = np.log(2)
    place = (np.log(32) - bits.place.sum((1, 2)) / count * nats).mean()
    end = (-bits.end.sum((1, 2)) / count * nats).mean()
    assert parts["fixation"].item() == pytest.approx(place.item(), rel=1e-4)
    assert parts["total"].item() == pytest.approx((place + end).item(), rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame": (100, 64)}, "multiples of 32"),
        ({"frame": (128,)}, "multiples of 32"),
        ({"stride": 12}, "8, 16 or 32"),
        ({"noise": "pink"}, "noise"),
        ({"history": "some"}, "history"),
        ({"priors": -1}, "priors"),
        ({"temperature": -1.0}, "temperature"),
        ({"max_fixations": 0}, "max_fixations"),
        ({"channels": 20}, "channels"),
        ({"channels": 0}, "channels"),
        ({"sigma": -0.1}, "sigma"),
    ],
)
def test_settings_out_of_range_are_refused(small: Build, settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**settings)


def test_images_of_another_size_are_refused(small: Build) -> None:
    with pytest.raises(ValueError, match=r"\(image, 3, 64, 128\)"):
        small().encode(torch.rand(1, 3, 64, 96))


def test_a_data_set_has_parameters_of_its_own_and_any_other_their_mean(
    small: Build, images: torch.Tensor
) -> None:
    plain, network = small(), small(datasets=("a", "b"))
    network.load_state_dict(plain.state_dict(), strict=False)
    viewing = viewing_rows([Viewing(3.0, dataset=n) for n in ("a", "b", "c")], [64] * 3, ("a", "b"))
    paths = PathBatch(
        torch.rand(1, 3, 4, 2), torch.full((1, 3, 4), 0.3), torch.full((1, 3), 4), viewing[None]
    )
    table = network.head.datasets.table
    with torch.no_grad():
        table.zero_()
        assert torch.equal(
            network(network.encode(images[:1]), paths).logits,
            plain(plain.encode(images[:1]), paths).logits,
        )
        table[0, 0], table[1, 0] = 0.4, -0.2
        out = network(network.encode(images[:1]), paths._replace(xy=torch.full((1, 3, 4, 2), 0.3)))
    logits = out.logits[0, :, 0]
    factors = [(row.std() / logits[2].std()).log().item() for row in logits]
    assert factors == pytest.approx([0.3, -0.3, 0.0], abs=1e-4)
