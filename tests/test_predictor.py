"""From a checkpoint to scanpaths: the same path alone or in a batch, in the image's own frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.networks import tree

from spgen_lit.batch import pad_paths
from spgen_lit.data.images import Frame
from spgen_lit.instantiation import build_network
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath, Viewing

SPEC = tree(frame=[96, 64], channels=8, priors=2, max_fixations=5)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    state = {f"network.{k}": v for k, v in build_network(SPEC).state_dict().items()}
    card = {"network": SPEC, "frame": {"size": [96, 64], "mode": "letterbox"}}
    torch.save({"spgen_lit": card, "state_dict": state}, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    files = []
    for number, size in enumerate([(200, 100), (61, 180), (96, 64)]):
        pixels = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), np.uint8)
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(files[-1])
    return files


def test_paths_do_not_depend_on_batch_number_of_samples_or_array(checkpoint, images) -> None:
    predictor = Predictor.from_pretrained(checkpoint)
    together = predictor.batch(images, samples=4, seed=3)
    for file, paths in zip(images, together, strict=True):
        alone = predictor(file, samples=2, seed=3)
        pixels = np.asarray(Image.open(file))
        given = predictor(pixels, samples=2, seed=3, id=file.name)
        for path, one, other in zip(paths[:2], alone, given, strict=True):
            assert np.allclose(path.xy, one.xy, atol=1e-5)
            assert np.allclose(path.xy, other.xy, atol=1e-5)
            assert path.size == Image.open(file).size and path.image == file.name
            assert ((path.xy >= 0) & (path.xy <= 1)).all() and len(path.durations) == len(path)
    assert [p.observer for p in together[0]] == [f"model-{k}" for k in range(4)]
    assert not np.array_equal(together[0][0].xy[0], predictor(images[0], seed=4)[0].xy[0])


def test_at_temperature_zero_seeds_do_not_matter(checkpoint, images) -> None:
    predictor = Predictor.from_pretrained(checkpoint)
    first = predictor(images[0], samples=3, temperature=0, seed=1)
    for path in [*first, *predictor(images[0], samples=2, temperature=0, seed=2)]:
        assert np.allclose(path.xy, first[0].xy)


def test_sampling_leaves_the_mode_of_the_network(checkpoint, images) -> None:
    network = build_network(SPEC).train()
    Predictor(network, Frame((96, 64)))(images[0], samples=1)
    assert network.training


def test_what_is_no_checkpoint_or_image_is_named(checkpoint, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none.ckpt: no such file or folder"):
        Predictor.from_pretrained(tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("hello")
    with pytest.raises(ValueError, match=r"cannot read checkpoint .*text.ckpt"):
        Predictor.from_pretrained(tmp_path / "text.ckpt")
    predictor = Predictor.from_pretrained(checkpoint)
    with pytest.raises(ValueError, match=r"uint8 RGB .*float64 \(4, 4\)"):
        predictor(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="samples must be at least 1, found 0"):
        predictor(np.zeros((4, 4, 3), np.uint8), samples=0)


@pytest.fixture
def stretched() -> Predictor:
    """A network whose every term speaks, and which ends a path when its time is over."""
    torch.manual_seed(5)
    network = build_network(SPEC)
    head = network.head
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
        first, last = head.end[0], head.end[-1]
        for layer in (first, last):
            layer.weight.zero_()
            layer.bias.zero_()
        first.weight[0, SPEC["channels"] + 16 + 3 + 1] = -1.0  # a step where no time is left
        first.bias[0] = 1.0
        last.weight[0, 0] = 20.0
        last.bias.fill_(-20.0)
    return Predictor(network, Frame((96, 64)), {"viewing": {"seconds": 1.0, "degrees": 20.0}})


PATH = Scanpath(
    "a.png",
    (200, 100),
    np.array([[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]),
    np.array([0.2, 0.3, 0.25]),
    "one",
    Viewing(3.0, 5.0, "free", "free"),
)


def test_the_viewing_time_makes_paths_longer(stretched, images) -> None:
    usual = stretched(images[0], samples=6)
    assert all(path.viewing.seconds == 1.0 for path in usual)
    assert all(path.viewing.px_per_degree == 100 / 20 for path in usual)
    lengths = []
    for seconds in (0.5, 1.0, 4.0):
        paths = stretched(images[0], samples=6, viewing_time=seconds)
        for path in paths:
            assert path.viewing.seconds == seconds
            gone = path.durations.sum() + 0.09 * (len(path) - 1)
            assert seconds - 0.2 < gone < seconds + path.durations[-1] + 0.2
        lengths.append(np.mean([len(path) for path in paths]))
        if seconds == 1.0:
            assert all(np.array_equal(a.xy, b.xy) for a, b in zip(paths, usual, strict=True))
    assert lengths[0] < lengths[1] < lengths[2]
    (batch,) = stretched.batch(images[:1], samples=6, viewing_time=4.0)
    assert [len(path) for path in batch] == [len(path) for path in paths]


def test_a_likelihood_is_the_networks_own(stretched, images) -> None:
    found = stretched.log_likelihood(images[0], PATH)
    planes = stretched.frame.image(np.asarray(Image.open(images[0])))
    network = stretched.network.eval()
    with torch.no_grad():
        encoded = network.encode(torch.from_numpy(planes).permute(2, 0, 1)[None])
        bits = network.log_prob(encoded, pad_paths([[PATH]], 3))
    assert set(found) == {"place", "duration", "end"}
    for name, values in bits._asdict().items():
        assert found[name] == pytest.approx(values[0, 0].numpy(), abs=1e-5)
        assert np.isfinite(found[name]).all()
    untimed = replace(PATH, durations=None, viewing=Viewing())
    unknown = stretched.log_likelihood(images[0], untimed)
    assert np.isnan(unknown["duration"]).all() and np.isfinite(unknown["place"]).all()
    assert not np.allclose(unknown["place"], found["place"])


def test_the_next_fixation_follows_the_path_so_far(stretched, images) -> None:
    first, second, third = (
        stretched.next_fixation(images[0], replace(PATH, xy=PATH.xy[:n], durations=seconds))
        for n, seconds in ((0, PATH.durations[:0]), (1, PATH.durations[:1]), (2, None))
    )
    for maps in (first, second, third, stretched.next_fixation(images[0])):
        assert maps.shape == (4, 6) and (maps > 0).all()
        assert maps.sum() == pytest.approx(1, abs=1e-5)
    assert not np.allclose(first, second) and not np.allclose(second, third)
    # The density over the image of area 1 is the cell's probability by the number of cells.
    bits = stretched.log_likelihood(images[0], PATH)["place"]
    assert bits[1] == pytest.approx(np.log2(second[3, 1] * 24), abs=1e-4)


def test_the_density_is_the_mean_of_the_maps_that_are_drawn_from(stretched, images) -> None:
    density = stretched.density(images[0], samples=40, viewing_time=1.0)
    assert density.shape == (4, 6)
    assert density.sum() == pytest.approx(1, abs=1e-5)
    places = np.concatenate(
        [p.xy for p in stretched(images[0], samples=400, temperature=1.0, viewing_time=1.0)]
    )
    cells = (places * (6, 4)).astype(int).clip(0, (5, 3))
    drawn = np.bincount(cells[:, 1] * 6 + cells[:, 0], minlength=24) / len(cells)
    assert density.ravel() == pytest.approx(drawn, abs=0.03)
    assert np.array_equal(density, stretched.density(images[0], samples=40, viewing_time=1.0))


def test_likelihoods_are_refused_where_they_would_be_wrong(checkpoint, stretched, images) -> None:
    letterboxed = Predictor.from_pretrained(checkpoint)
    for ask in (letterboxed.log_likelihood, letterboxed.next_fixation):
        with pytest.raises(ValueError, match=r"needs frame mode stretch, .* has letterbox"):
            ask(images[0], PATH)
    off = replace(PATH, xy=PATH.xy + 0.2)
    with pytest.raises(ValueError, match=r"a\.png: a fixation lies off the image"):
        stretched.log_likelihood(images[0], off)
