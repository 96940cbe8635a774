"""Operator calls of a training step and of sampling, and the files that a step runs through.

python -m benchmarks.calls

Counts ``aten::`` operators with torch's profiler on the CPU, nested calls included: encoder,
loss and backward of 8 (32) images with 15 observers and 16 fixations each, and ten paths on
each of 8 (64) images. A GPU waits for every one of them. ``files`` are the files of the package
that run between a batch's arrival and the optimizer's step, by ``sys.setprofile``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

import spgen_lit
from spgen_lit.batch import VIEWING, PathBatch, SourceBatch
from spgen_lit.learning.adaptation import Adaptation
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.network.encoders.efficientnet_lite import EfficientNetLite0
from spgen_lit.network.spgen import SPGen

OBSERVERS, FIXATIONS = 15, 16
_PACKAGE = Path(spgen_lit.__file__).parent


def random_paths(images: int, observers: int = OBSERVERS, steps: int = FIXATIONS) -> PathBatch:
    """Random scanpaths of full length, three seconds of viewing."""
    shape = (images, observers)
    viewing = torch.full((*shape, len(VIEWING)), float("nan"))
    viewing[..., 0] = 3.0
    durations = torch.rand(*shape, steps) * 0.3 + 0.1
    return PathBatch(torch.rand(*shape, steps, 2), durations, torch.full(shape, steps), viewing)


def random_images(count: int) -> torch.Tensor:
    """Noise in the default frame, uint8 ``(image, 3, 384, 512)``."""
    return torch.randint(0, 255, (count, 3, 384, 512), dtype=torch.uint8)


def network() -> SPGen:
    """The default network with random weights: they change no count."""
    torch.manual_seed(0)
    return SPGen(EfficientNetLite0(weights="none"))


def train_step(net: SPGen, images: torch.Tensor, paths: PathBatch) -> None:
    """One forward and backward pass."""
    total = net.loss(net.encode(images), paths, torch.ones(len(images)))["total"]
    total.backward()
    net.zero_grad(set_to_none=True)


def sample_step(net: SPGen, images: torch.Tensor, paths: int = 10) -> PathBatch:
    """Ten paths on every image, of three seconds."""
    viewing = torch.full((len(images), len(VIEWING)), float("nan"))
    viewing[:, 0] = 3.0
    seeds = [[100 * i + k for k in range(paths)] for i in range(len(images))]
    with torch.inference_mode():
        return net.sample(net.encode(images), seeds, 1.0, viewing)


def count_calls(step: Callable[[], Any]) -> int:
    """Number of ``aten::`` operators that a step calls, after one that is not counted."""
    step()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        step()
    return sum(event.count for event in found.key_averages() if event.key.startswith("aten::"))


class _Untrained(ScanpathModule):
    """The training module without a trainer: it logs nothing and makes no progress."""

    progress = 0.0

    def log(self, *args: object, **kwargs: object) -> None:
        """Nothing."""


def files_of_step() -> list[str]:
    """Files of the package that run in one training step of the Lightning module."""
    net = network()
    module = _Untrained(net, Adaptation(net, "none"))
    batch = SourceBatch(random_images(2), random_paths(2), ["a", "b"], torch.ones(2))
    seen: set[str] = set()

    def watch(frame: FrameType, event: str, argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(_PACKAGE):
            seen.add(path.relative_to(_PACKAGE).as_posix())

    sys.setprofile(watch)
    try:
        module.training_step({"source": batch}, 0).backward()
    finally:
        sys.setprofile(None)
    return sorted(seen)


def main() -> None:
    """Print the counts as JSON."""
    net = network()
    counts: dict[str, Any] = {}
    for size in (8, 32):
        images, paths = random_images(size), random_paths(size)
        counts[f"train_{size}"] = count_calls(lambda i=images, p=paths: train_step(net, i, p))
    net.eval()
    for size in (8, 64):
        images = random_images(size)
        counts[f"sample_{size}"] = count_calls(lambda i=images: sample_step(net, i))
    files = files_of_step()
    print(json.dumps({**counts, "files": len(files), "files_named": files}, indent=2))


if __name__ == "__main__":
    main()
