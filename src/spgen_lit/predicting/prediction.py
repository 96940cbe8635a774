"""Prediction for many images: sampled, drawn and written as they come, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from rich.progress import Progress

from spgen_lit.data.images import ImageError, Pixels
from spgen_lit.files import WriteError
from spgen_lit.metrics.scanmatch import scanmatch
from spgen_lit.predicting import Settings
from spgen_lit.predicting.illustration import Illustrator, read_within
from spgen_lit.predicting.outputs import Failure, Item, Outputs
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath


def typical_path(paths: Sequence[Scanpath]) -> int | None:
    """Which path stands for all: the one nearest to the others, as ScanMatch measures it.

    It is the medoid in the distance 1 - ScanMatch, on which the energy score is built: of all
    single paths the one with the best energy score as a forecast of the others.

    Args:
        paths: Scanpaths on one image.

    Returns:
        Its place in the list; None where there is none with a fixation.
    """
    places = [index for index, path in enumerate(paths) if len(path)]
    if not places:
        return None
    arrays = [paths[index].array() for index in places]
    pairs = [(a, b) for a in arrays for b in arrays]
    likeness = scanmatch([a for a, _ in pairs], [b for _, b in pairs], paths[0].size)
    means = np.nan_to_num(likeness).reshape(len(arrays), len(arrays)).mean(axis=1)
    return places[int(means.argmax())]


def predict(
    predictor: Predictor,
    items: Sequence[Item],
    outputs: Outputs,
    illustrator: Illustrator,
    settings: Settings,
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
    with ThreadPoolExecutor(settings.workers) as pool:
        drawings: list[tuple[Item, Future[None]]] = []
        for batch in _ahead(pool, pending, settings.batch_size, settings.picture_side):
            readable: list[tuple[Item, Pixels]] = []
            for item, reading in batch:
                try:
                    readable.append((item, reading.result()))
                except (ImageError, OSError, MemoryError) as error:
                    failures.append(Failure(item.path, _reason(error, item)))
            sampled = _sample(predictor, [item for item, _ in readable], settings, failures)
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
        return outputs.done(item) and all(file.is_file() for file in illustrator.files(item))
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
    predictor: Predictor, items: Sequence[Item], settings: Settings, failures: list[Failure]
) -> dict[Item, list[Scanpath]]:
    """Scanpaths by image; if a batch fails, its images are tried one by one."""
    if not items:
        return {}
    seconds = settings.viewing_time
    how = (settings.samples, settings.temperature, settings.seed, None, seconds)
    try:
        found = predictor.batch([item.path for item in items], *how)
    except (ImageError, OSError) as error:
        if len(items) == 1:
            failures.append(Failure(items[0].path, _reason(error, items[0])))
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
    outputs: Outputs,
    illustrator: Illustrator,
    item: Item,
    picture: Pixels,
    paths: Sequence[Scanpath],
) -> None:
    typical = typical_path(paths)
    illustrator.draw(item, picture, paths, typical)
    outputs.write(item, paths, typical)


def _finish(drawings: Sequence[tuple[Item, Future[None]]], failures: list[Failure]) -> None:
    """Wait for one batch's files, so that no more than two batches are ever in memory."""
    for item, drawing in drawings:
        try:
            drawing.result()
        except WriteError:
            raise  # a disk that is full takes no other image's files either
        except OSError as error:
            failures.append(Failure(item.path, f"output not written: {error}"))


def _reason(error: BaseException, item: Item) -> str:
    """The error's first line, without the path that stands beside it."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return line.removeprefix(f"{item.path}: ")
