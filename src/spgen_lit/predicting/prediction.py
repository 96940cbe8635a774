"""Prediction for many images: sampled, drawn and written as they come, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.progress import Progress

from spgen_lit.data.images import ImageError, Pixels
from spgen_lit.predicting.illustration import Illustrator, read_within
from spgen_lit.predicting.outputs import Failure, Item, Outputs
from spgen_lit.scanpath import Scanpath


class Sampler(Protocol):
    """What prediction needs of a predictor."""

    def batch(
        self,
        images: Sequence[Any],
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
    ) -> list[list[Scanpath]]:
        """Sample scanpaths on several images."""
        ...


@dataclass(frozen=True)
class Sampling:
    """What decides the scanpaths, given the model.

    Attributes:
        samples: Scanpaths an image.
        temperature: 0 or more; None for the model's own.
        seed: Any integer.
        batch_size: Images encoded together; changes nothing but speed.
        workers: Threads that read and draw.

    Raises:
        ValueError: For a number out of range; the message names the setting.
    """

    samples: int = 10
    temperature: float | None = None
    seed: int = 0
    batch_size: int = 8
    workers: int = 2

    def __post_init__(self) -> None:
        for name in ("samples", "batch_size", "workers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.temperature is not None and not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature must be finite and >= 0, found {self.temperature}")


def predict(
    predictor: Sampler,
    items: Sequence[Item],
    outputs: Outputs,
    illustrator: Illustrator,
    sampling: Sampling,
    progress: Progress | None = None,
) -> tuple[int, list[Failure]]:
    """Sample and draw every image that is not done yet.

    Memory stays the same however many images there are: two batches are held at a time, the
    next being read while one is sampled. An image's JSON is written after its other files,
    so that a run cut short goes on behind the last whole image.

    Returns:
        How many images were done before, and the ones that could not be read.
    """
    pending = [item for item in items if not _done(item, outputs, illustrator)]
    failures: list[Failure] = []
    bar = progress or Progress(disable=True)
    task = bar.add_task("images", total=len(items), completed=len(items) - len(pending))
    with ThreadPoolExecutor(sampling.workers) as pool:
        drawings: list[tuple[Item, Future[None]]] = []
        for batch in _ahead(pool, pending, sampling.batch_size, illustrator.side):
            readable: list[tuple[Item, Pixels]] = []
            for item, reading in batch:
                try:
                    readable.append((item, reading.result()))
                except (ImageError, OSError, MemoryError) as error:
                    failures.append(Failure(item.path, _reason(error, item.path)))
            sampled = _sample(predictor, [item for item, _ in readable], sampling, failures)
            _finish(drawings, failures)
            drawings = [
                (item, pool.submit(_complete, outputs, illustrator, item, picture, sampled[item]))
                for item, picture in readable
                if item in sampled
            ]
            bar.advance(task, len(batch))
        _finish(drawings, failures)
    return len(items) - len(pending), failures


def _done(item: Item, outputs: Outputs, illustrator: Illustrator) -> bool:
    try:
        pictures = illustrator.files(item).values()
        return outputs.done(item) and all(file.is_file() for file in pictures)
    except OSError:  # the image itself cannot be looked at: reading will say why
        return False


def _ahead(
    pool: ThreadPoolExecutor, items: Sequence[Item], size: int, side: int
) -> Iterator[list[tuple[Item, Future[Pixels]]]]:
    """Batches being read, each submitted before the one in front of it is used."""
    waiting: list[tuple[Item, Future[Pixels]]] = []
    for start in range(0, len(items), size):
        batch = items[start : start + size]
        following = [(item, pool.submit(read_within, item.path, side)) for item in batch]
        if waiting:
            yield waiting
        waiting = following
    if waiting:
        yield waiting


def _sample(
    predictor: Sampler, items: Sequence[Item], sampling: Sampling, failures: list[Failure]
) -> dict[Item, list[Scanpath]]:
    """Scanpaths by image; if a batch fails, its images are tried one by one."""
    if not items:
        return {}
    settings = (sampling.samples, sampling.temperature, sampling.seed)
    try:
        found = predictor.batch([item.path for item in items], *settings)
        return dict(zip(items, found, strict=True))
    except (ImageError, OSError) as error:
        if len(items) == 1:
            failures.append(Failure(items[0].path, _reason(error, items[0].path)))
            return {}
    singles = [_sample(predictor, [item], sampling, failures) for item in items]
    return {item: paths for single in singles for item, paths in single.items()}


def _complete(
    outputs: Outputs,
    illustrator: Illustrator,
    item: Item,
    picture: Pixels,
    paths: Sequence[Scanpath],
) -> None:
    illustrator.draw(item, picture, paths)
    outputs.write(item, paths)


def _finish(drawings: Sequence[tuple[Item, Future[None]]], failures: list[Failure]) -> None:
    """Wait for one batch's files, so that no more than two batches are ever in memory."""
    for item, drawing in drawings:
        try:
            drawing.result()
        except OSError as error:
            failures.append(Failure(item.path, f"output not written: {error}"))


def _reason(error: BaseException, path: Path) -> str:
    """The error's first line, without the path that stands beside it."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return line.removeprefix(f"{path}: ")
