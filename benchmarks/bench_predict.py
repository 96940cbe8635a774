"""How fast scanpaths are drawn for image files, and what many files cost in memory.

    python -m benchmarks.bench_predict                        # a network with random weights
    python -m benchmarks.bench_predict --checkpoint best.ckpt --images 40
    python -m benchmarks.bench_predict --memory 10000         # also the cost of many images

Prints images per second on 1 and 2 threads of sampling alone, each image encoded once and ten
paths drawn together, beside ten calls that draw one path each; of the whole prediction with
files and pictures; and the peak memory of predicting for 100 images and for many.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from spgen_lit.data.images import Frame
from spgen_lit.instantiation import build_network
from spgen_lit.predicting import Settings
from spgen_lit.predicting.outputs import Outputs, find_images
from spgen_lit.predicting.run import predict
from spgen_lit.predictor import Predictor

SAMPLES = 10
SPEC = {
    "_target_": "spgen_lit.network.spgen.SPGen",
    "encoder": {
        "_target_": "spgen_lit.network.encoders.efficientnet_lite.EfficientNetLite0",
        "weights": "none",
    },
}
# What is kept an image does not depend on the network: a small one shows it sooner.
SMALL = {**SPEC, "frame": [128, 96], "channels": 16, "max_fixations": 6}


def photographs(folder: Path, count: int, distinct: int = 20) -> list[Path]:
    """JPEGs of 800x600, a few pictures under many names (hard links)."""
    generator = np.random.default_rng(0)
    files = [folder / f"{number:06d}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        if number >= distinct:
            os.link(files[number % distinct], file)
            continue
        small = generator.integers(0, 256, (75, 100, 3), dtype=np.uint8)
        pixels = cv2.resize(small, (800, 600), interpolation=cv2.INTER_CUBIC)
        Image.fromarray(pixels).save(file, quality=90)
    return files


def load(checkpoint: str | None, small: bool = False) -> Predictor:
    if checkpoint:
        return Predictor.from_pretrained(checkpoint)
    torch.manual_seed(0)
    network = build_network(SMALL if small else SPEC)
    return Predictor(network, Frame(network.frame))


def rate(work: Callable[[], object], count: int) -> float:
    """Images a second of the faster of two runs."""
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return count / best


def measure(predictor: Predictor, files: list[Path]) -> list[float]:
    """Images a second: ten paths together, one by one, the whole prediction."""
    predictor.batch(files[:2], 1)

    def together() -> None:
        for start in range(0, len(files), 8):
            predictor.batch(files[start : start + 8], SAMPLES)

    def one_by_one() -> None:
        for file in files:
            for number in range(SAMPLES):
                predictor(file, 1, seed=number)

    def whole() -> None:
        with tempfile.TemporaryDirectory() as place:
            items, _ = find_images([str(file) for file in files])
            predict(predictor, items, Outputs(Settings(output=place), {"model": "benchmark"}))

    return [rate(work, len(files)) for work in (together, one_by_one, whole)]


def peak(checkpoint: str | None, count: int) -> float:
    """Peak memory in MiB of a new process that predicts for so many images."""
    command = [sys.executable, "-m", "benchmarks.bench_predict", "--alone", str(count)]
    command += ["--checkpoint", checkpoint] if checkpoint else []
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def alone(checkpoint: str | None, count: int) -> None:
    """Predict for so many images and print this process's peak memory in MiB."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "in")
        folder.mkdir()
        photographs(folder, count)
        items, _ = find_images(str(folder))
        settings = Settings(output=f"{place}/out", samples=2, overlay=False, density=False)
        outputs = Outputs(settings, {"model": "benchmark"})
        predict(load(checkpoint, small=True), items, outputs)
        outputs.join(items)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--memory", type=int, default=0, metavar="IMAGES")
    parser.add_argument("--alone", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        alone(given.checkpoint, given.alone)
        return
    title = f"images a second, 800x600 JPEG, {SAMPLES} scanpaths each"
    table = Table("threads", "encoded once", "one by one", "with files and pictures", title=title)
    predictor = load(given.checkpoint)
    with tempfile.TemporaryDirectory() as place:
        files = photographs(Path(place), given.images)
        for threads in (1, 2):
            torch.set_num_threads(threads)
            cv2.setNumThreads(threads)
            table.add_row(str(threads), *(f"{value:.2f}" for value in measure(predictor, files)))
    console = Console()
    console.print(table)
    if given.memory:
        few, many = peak(given.checkpoint, 100), peak(given.checkpoint, given.memory)
        console.print(
            f"peak memory: {few:.0f} MiB for 100 images, {many:.0f} MiB for {given.memory}"
        )


if __name__ == "__main__":
    main()
