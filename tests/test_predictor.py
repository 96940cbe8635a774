"""From a checkpoint to scanpaths: the same path alone or in a batch, in the image's own frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.networks import tree

from spgen_lit.data.frame import Frame
from spgen_lit.instantiation import build_network
from spgen_lit.predictor import Predictor

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
    predictor = Predictor.from_checkpoint(checkpoint)
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
    predictor = Predictor.from_checkpoint(checkpoint)
    first = predictor(images[0], samples=3, temperature=0, seed=1)
    for path in [*first, *predictor(images[0], samples=2, temperature=0, seed=2)]:
        assert np.allclose(path.xy, first[0].xy)


def test_sampling_leaves_the_mode_of_the_network(checkpoint, images) -> None:
    network = build_network(SPEC).train()
    Predictor(network, Frame((96, 64)))(images[0], samples=1)
    assert network.training


def test_what_is_no_checkpoint_or_image_is_named(checkpoint, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none.ckpt: no such file or folder"):
        Predictor.from_checkpoint(tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("hello")
    with pytest.raises(ValueError, match=r"cannot read checkpoint .*text.ckpt"):
        Predictor.from_checkpoint(tmp_path / "text.ckpt")
    predictor = Predictor.from_checkpoint(checkpoint)
    with pytest.raises(ValueError, match=r"uint8 RGB .*float64 \(4, 4\)"):
        predictor(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="samples must be at least 1, found 0"):
        predictor(np.zeros((4, 4, 3), np.uint8), samples=0)
