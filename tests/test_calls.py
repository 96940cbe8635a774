"""What a GPU waits for: the operator calls of a step, and the files that a step runs through."""

from __future__ import annotations

import pytest
import torch
from benchmarks.calls import count_calls, files_of_step, random_paths, sample_step, train_step

from spgen_lit.network.encoders.efficientnet_lite import EfficientNetLite0
from spgen_lit.network.spgen import SPGen


@pytest.fixture(scope="module")
def network() -> SPGen:
    """The default network for small images: their size changes no count."""
    torch.manual_seed(0)
    network = SPGen(EfficientNetLite0(weights="none"), frame=(64, 64))
    with torch.no_grad():
        network.head.end[-1].bias.fill_(-100.0)  # paths of one length
    return network


def pixels(count: int) -> torch.Tensor:
    return torch.randint(0, 255, (count, 3, 64, 64), dtype=torch.uint8)


def test_a_training_step_calls_as_much_for_any_batch(network: SPGen) -> None:
    network.train()
    counts = []
    for size in (8, 12):
        images, paths = pixels(size), random_paths(size, 3, 4)
        counts.append(count_calls(lambda i=images, p=paths: train_step(network, i, p)))
    assert counts[0] == pytest.approx(counts[1], abs=3)  # torch may fill a buffer more
    assert max(counts) <= 6000


def test_sampling_calls_as_much_for_any_number_of_images_and_paths(network: SPGen) -> None:
    network.eval()
    counts = []
    for size, paths in ((2, 4), (5, 7)):
        images = pixels(size)
        counts.append(count_calls(lambda i=images, n=paths: sample_step(network, i, n)))
    assert counts[0] == counts[1]


def test_a_training_step_runs_through_few_files() -> None:
    files = files_of_step()
    assert {"learning/module.py", "network/spgen.py", "network/losses.py"} <= set(files)
    assert len(files) <= 12, files
