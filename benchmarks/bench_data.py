"""How fast images reach the training loop, with and without the cache, and what it costs.

    python -m benchmarks.bench_data                      # 300 made photographs
    python -m benchmarks.bench_data --images data/osie/data/stimuli
    python -m benchmarks.bench_data --memory 10000         # also the cost of a large set

Prints images per second of a plain loop (decode whole, resize, one process), of the loader
without the cache, of building the cache, and of the loader with it; then the memory that a
large set adds to each process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader

from spgen_lit.data.augment import Augment
from spgen_lit.data.cache import ImageCache
from spgen_lit.data.dataset import SourceSet
from spgen_lit.data.images import Frame
from spgen_lit.data.readers.folder import Folder
from spgen_lit.data.records import Stimulus
from spgen_lit.scanpath import Scanpath

SIZE = (800, 600)


def photographs(folder: Path, count: int, distinct: int = 20) -> None:
    """JPEGs of 800x600, a few pictures under many names (hard links)."""
    rng = np.random.default_rng(0)
    for number in range(min(count, distinct)):
        small = rng.integers(0, 256, (75, 100, 3), dtype=np.uint8)
        pixels = cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC)
        Image.fromarray(pixels).save(folder / f"{number:06d}.jpg", quality=90)
    for number in range(distinct, count):
        os.link(folder / f"{number % distinct:06d}.jpg", folder / f"{number:06d}.jpg")


def gaze(stimuli: Sequence[Stimulus], observers: int = 15) -> dict[str, list[Scanpath]]:
    """Random paths as long as OSIE's, so that batches hold what training's hold."""
    rng = np.random.default_rng(0)
    return {
        s.id: [Scanpath(s.id, s.size, rng.random((9, 2)), rng.random(9)) for _ in range(observers)]
        for s in stimuli
    }


def loader(stimuli: dict[str, Stimulus], cache: ImageCache, workers: int) -> DataLoader:
    data = SourceSet(stimuli, gaze(list(stimuli.values())), cache, Augment())
    return DataLoader(data, 16, num_workers=workers, collate_fn=data.collate)


def rate(batches: DataLoader) -> float:
    """Images per second of one pass, workers' start left out."""
    iterator = iter(batches)
    seen = len(next(iterator).ids)
    start, first = time.perf_counter(), seen
    for batch in iterator:
        seen += len(batch.ids)
    return (seen - first) / (time.perf_counter() - start)


def plain(paths: Sequence[Path], size: tuple[int, int]) -> float:
    start = time.perf_counter()
    for path in paths:
        with Image.open(path) as image:
            cv2.resize(np.asarray(image.convert("RGB")), size, interpolation=cv2.INTER_AREA)
    return len(paths) / (time.perf_counter() - start)


def resident(process: int | str) -> tuple[float, float]:
    """Memory of a process in MiB: resident in all, and its own (not shared with others)."""
    fields = {}
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]:
        key, value = line.split(":")
        fields[key] = int(value.split()[0]) / 1024
    return fields["Rss"], fields["Private_Clean"] + fields["Private_Dirty"]


class Watch(threading.Thread):
    """The most memory that this process and its children held while it ran."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.base = resident("self")
        self.most: dict[str, tuple[float, float]] = {}
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.1):
            processes = {"main": "self"} | {
                f"worker {n}": str(child.pid)
                for n, child in enumerate(multiprocessing.active_children())
            }
            for name, process in processes.items():
                try:
                    now = resident(process)
                except (OSError, KeyError):
                    continue  # it ended in this moment
                before = self.most.get(name, (0.0, 0.0))
                self.most[name] = max(before[0], now[0]), max(before[1], now[1])


def speeds(folder: Path, size: tuple[int, int], workers: int, work: Path) -> Table:
    stimuli = Folder(folder).read().stimuli
    cache = ImageCache(work / "cache", Frame(size))
    table = Table(title=f"{len(stimuli)} images to {size[0]}x{size[1]}, {workers} workers")
    table.add_column("way")
    table.add_column("images/s", justify="right")
    rows = {"plain loop, one process": plain([s.path for s in stimuli.values()], size)}
    rows["loader without cache"] = rate(loader(stimuli, cache, workers))
    start = time.perf_counter()
    cache.build(stimuli.values())
    rows["building the cache"] = len(stimuli) / (time.perf_counter() - start)
    rows["loader with cache"] = rate(loader(stimuli, cache, workers))
    for name, value in rows.items():
        table.add_row(name, f"{value:.0f}")
    return table


def memory(count: int, size: tuple[int, int], workers: int, work: Path) -> Table:
    folder = work / "many"
    folder.mkdir()
    photographs(folder, count)
    watch = Watch()
    watch.start()
    stimuli = Folder(folder).read().stimuli
    cache = ImageCache(work / "many-cache", Frame(size))
    cache.build(stimuli.values())
    paths = {i: [Scanpath(i, s.size, np.full((9, 2), 0.5))] for i, s in stimuli.items()}
    data = SourceSet(stimuli, paths, cache)
    for batch in DataLoader(data, 16, num_workers=workers, collate_fn=data.collate):
        del batch
    watch.stop.set()
    watch.join()
    table = Table(title=f"{count} images: memory added to what the imports take, MiB")
    for column in ("process", "resident", "its own"):
        table.add_column(column, justify="right" if column != "process" else "left")
    for name, (whole, own) in watch.most.items():
        base = watch.base[1] if name == "main" else 0.0
        table.add_row(name, f"{whole - watch.base[0]:.0f}", f"{own - base:.0f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="folder of images (default: made ones)")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 192), metavar=("W", "H"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", type=int, default=0, metavar="N", help="also N images' memory")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    size = (options.size[0], options.size[1])
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder = options.images
        if folder is None:
            folder = work / "images"
            folder.mkdir()
            photographs(folder, 300)
        console = Console()
        console.print(speeds(folder, size, options.workers, work))
        if options.memory:
            console.print(memory(options.memory, size, options.workers, work))


if __name__ == "__main__":
    main()
