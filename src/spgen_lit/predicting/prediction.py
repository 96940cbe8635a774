"""Prediction for many images: sampled, drawn and written as they come, in constant memory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from rich.progress import Progress

from spgen_lit.data.images import ImageError
from spgen_lit.files import WriteError
from spgen_lit.metrics.scanmatch import scanmatch
from spgen_lit.predicting import Settings
from spgen_lit.predicting.illustration import Illustrator
from spgen_lit.predicting.outputs import Failure, Item, Outputs
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath

_UNREADABLE = (ImageError, OSError, MemoryError)


def typical_path(paths: Sequence[Scanpath]) -> int | None:
    """Which path stands for all: the one nearest to the others, as ScanMatch measures it.

    It is the medoid in the distance 1 - ScanMatch, on which the energy score is built: of all
    single paths the one with the best energy score as a forecast of the others.

    Args:
        paths: Scanpaths on one image.

    Returns:
        Its place in the list; None where there is none with a fixation.
    """
    looking = [index for index, path in enumerate(paths) if len(path)]
    if not looking:
        return None
    arrays = [paths[index].array() for index in looking]
    first, second = zip(*itertools.product(arrays, arrays), strict=True)
    likeness = scanmatch(list(first), list(second), paths[0].size)
    means = np.nan_to_num(likeness).reshape(len(arrays), len(arrays)).mean(axis=1)
    return looking[int(means.argmax())]


def predict(
    predictor: Predictor,
    items: Sequence[Item],
    outputs: Outputs,
    illustrator: Illustrator,
    settings: Settings,
    progress: Progress | None = None,
) -> tuple[int, list[Failure]]:
    """Sample and draw every image that is not done yet.

    Memory stays the same however many images there are: pictures are drawn while the next
    batch is sampled. An image's JSON is written after its other files, so that a run cut short
    goes on behind the last whole image.

    Returns:
        How many images were done before, and the ones that could not be read.
    """
    pending = [item for item in items if not _done(item, outputs, illustrator)]
    failures: list[Failure] = []
    bar = progress or Progress(disable=True)
    task = bar.add_task("images", total=len(items), completed=len(items) - len(pending))
    with ThreadPoolExecutor(settings.workers) as pool:
        drawings: dict[Item, Future[None]] = {}
        for start in range(0, len(pending), settings.batch_size):
            batch = pending[start : start + settings.batch_size]
            sampled = _sample(predictor, batch, settings, failures)
            _finish(drawings, failures)
            drawings = {
                item: pool.submit(_complete, outputs, illustrator, item, paths)
                for item, paths in sampled.items()
            }
            bar.advance(task, len(batch))
        _finish(drawings, failures)
    return len(items) - len(pending), failures


def _done(item: Item, outputs: Outputs, illustrator: Illustrator) -> bool:
    """Whether an image has all its files."""
    try:
        return outputs.done(item) and all(file.is_file() for file in illustrator.files(item))
    except OSError:  # the image itself cannot be looked at: reading will say why
        return False


def _sample(
    predictor: Predictor, items: Sequence[Item], settings: Settings, failures: list[Failure]
) -> dict[Item, list[Scanpath]]:
    """Scanpaths by image; if a batch fails, its images are tried one by one."""
    seconds = settings.viewing_time
    how = (settings.samples, settings.temperature, settings.seed, None, seconds)
    try:
        found = predictor.batch([item.path for item in items], *how)
    except _UNREADABLE as error:
        if len(items) == 1:
            failures.append(_failure(items[0], error))
            return {}
        singles = [_sample(predictor, [item], settings, failures) for item in items]
        return {item: paths for single in singles for item, paths in single.items()}
    if seconds is not None:
        found = [[_until(path, seconds) for path in paths] for paths in found]
    return dict(zip(items, found, strict=True))


def _until(path: Scanpath, seconds: float) -> Scanpath:
    """The path until the picture is taken away; the fixation of that moment ends with it."""
    if path.durations is None:
        return path
    starts = np.cumsum(path.durations) - path.durations
    keep = starts < seconds
    durations = np.minimum(path.durations, seconds - starts)[keep]
    return replace(path, xy=path.xy[keep], durations=durations)


def _complete(
    outputs: Outputs, illustrator: Illustrator, item: Item, paths: Sequence[Scanpath]
) -> None:
    """Draw and then write what was sampled on one image."""
    typical = typical_path(paths)
    illustrator.draw(item, paths, typical)
    outputs.write(item, paths, typical)


def _finish(drawings: Mapping[Item, Future[None]], failures: list[Failure]) -> None:
    """Wait for one batch's files, so that no more than two batches are ever in memory."""
    for item, drawing in drawings.items():
        try:
            drawing.result()
        except WriteError:
            raise  # a disk that is full takes no other image's files either
        except _UNREADABLE as error:
            failures.append(_failure(item, error))


def _failure(item: Item, error: BaseException) -> Failure:
    """The error's first line, without the path that stands beside it."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return Failure(item.path, line.removeprefix(f"{item.path}: "))
