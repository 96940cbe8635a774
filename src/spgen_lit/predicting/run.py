"""One run of prediction: images sampled, drawn and written as they come, in constant memory."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from spgen_lit.data.augment import cut_path
from spgen_lit.data.catalogue import build_reader
from spgen_lit.data.images import ImageError
from spgen_lit.data.readers.scanpath_file import ScanpathFile
from spgen_lit.files import WriteError, file_hash, first_line, shown
from spgen_lit.metrics.scanmatch import scanmatch
from spgen_lit.predicting import Settings
from spgen_lit.predicting.illustration import (
    Observers,
    draw_pictures,
    illustrate_page,
    read_captions,
)
from spgen_lit.predicting.outputs import Failures, Item, Outputs, find_images
from spgen_lit.predicting.regions import tabulate_regions
from spgen_lit.predictor import Predictor
from spgen_lit.pretrained import training_warning, weights_file
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
    first, second = zip(*product(arrays, arrays), strict=True)
    likeness = scanmatch(list(first), list(second), paths[0].size)
    means = np.nan_to_num(likeness).reshape(len(arrays), len(arrays)).mean(axis=1)
    return looking[int(means.argmax())]


def predict(
    predictor: Predictor, items: Sequence[Item], outputs: Outputs, console: Console | None = None
) -> tuple[int, Failures]:
    """Sample and draw every image that is not done yet.

    Memory stays the same however many images there are: pictures are drawn while the next
    batch is sampled. An image's JSON is written after its other files, so that a run cut short
    goes on behind the last whole image.

    Returns:
        How many images were done before, and the ones that could not be read.
    """
    settings = outputs.settings
    pending = [item for item in items if not outputs.done(item)]
    failures: Failures = {}
    complete = partial(_complete, outputs, failures)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with (
        Progress(*columns, console=console, disable=console is None) as bar,
        ThreadPoolExecutor(settings.workers) as pool,
    ):
        before = len(items) - len(pending)
        task = bar.add_task("predicting", total=len(items), completed=before)
        illustrated: Iterable[None] = ()
        for start in range(0, len(pending), settings.batch_size):
            batch = pending[start : start + settings.batch_size]
            sampled = _sample(predictor, batch, settings, failures)
            # One batch's files are waited for, so that no more than two are ever in memory.
            list(illustrated)
            illustrated = pool.map(complete, sampled, sampled.values())
            bar.advance(task, len(batch))
        list(illustrated)
    return before, failures


def _sample(
    predictor: Predictor, items: Sequence[Item], settings: Settings, failures: Failures
) -> dict[Item, list[Scanpath]]:
    """Scanpaths by image; if a batch fails, its images are tried one by one."""
    seconds = settings.viewing_time
    how = (settings.samples, settings.temperature, settings.seed, None, seconds)
    try:
        found = predictor.batch([item.path for item in items], *how)
    except _UNREADABLE as error:
        if len(items) == 1:
            failures[items[0].path] = _reason(items[0], error)
            return {}
        singles = [_sample(predictor, [item], settings, failures) for item in items]
        return {item: paths for single in singles for item, paths in single.items()}
    if seconds is not None:
        # The fixation of the moment that the picture is taken away ends with it.
        found = [[cut_path(path, seconds, gap=0) for path in paths] for paths in found]
    return dict(zip(items, found, strict=True))


def _complete(outputs: Outputs, failures: Failures, item: Item, paths: Sequence[Scanpath]) -> None:
    """Draw and then write what was sampled on one image; a failure if it cannot be read."""
    try:
        typical = typical_path(paths)
        draw_pictures(outputs, item, paths, typical)
        outputs.write(item, paths, typical)
    except WriteError:
        raise  # a disk that is full takes no other image's files either
    except _UNREADABLE as error:
        failures[item.path] = _reason(item, error)


def _reason(item: Item, error: BaseException) -> str:
    """The error's first line, without the path that stands beside it."""
    return first_line(error).removeprefix(f"{item.path}: ")


def load_observers(people: str | None) -> Observers:
    """People's scanpaths from a COCO-style JSON file or a set, ``<set>:<folder>``.

    Raises:
        FileNotFoundError: If the file or the set's folder is absent.
        ValueError: For a set that is not in the catalogue, or a file of another structure.
    """
    if people is None:
        return Observers()
    if not people.endswith(".json"):
        name, _, root = people.partition(":")
        if not root:
            raise ValueError(f"people={people}: neither a .json file nor <set>:<folder>")
        gaze = build_reader(name, root).read()
        return Observers(gaze.by_image(), gaze.observers_title)
    return Observers(ScanpathFile(people, "px", "ms").read().samples)


def run(settings: Settings, console: Console, *, show: bool = False) -> int:
    """Predict, write and report; returns the exit code.

    Args:
        settings: Keys of ``conf/predict.yaml``.
        console: Where progress, warnings and the summary are printed.
        show: Whether the page is opened in a browser.

    Raises:
        ValueError: For a setting that cannot be used; the message names it.
        OSError: If model, images or observers are absent, or files cannot be written.
        ImportError: For a model of a hub without the package that fetches it.
    """
    if not settings.images:
        raise ValueError("images must be given, for example: spgen predict my_paintings")
    items, failures = find_images(settings.images)
    observers = load_observers(settings.people)
    if settings.regions and not Path(settings.regions).is_dir():
        raise FileNotFoundError(
            f"regions={settings.regions}: no such folder; give one with <image name>.json or .png "
            "files"
        )
    model = settings.ckpt_path or settings.model
    predictor = Predictor.from_pretrained(model, settings.device, settings.domain, settings.trust)
    info = predictor.info
    temperature = settings.temperature
    made_by = {
        "model": str(info["name"]),
        "weights": file_hash(weights_file(model))[:16],
        "gaze": info.get("gaze", "unknown"),
        "warning": training_warning(info),
        "samples": settings.samples,
        "viewing_time": settings.viewing_time,
        "temperature": float(predictor.temperature if temperature is None else temperature),
        "seed": settings.seed,
        "domain": predictor.domain,
    }
    outputs = Outputs(settings, made_by, read_captions(items))
    if outputs.warning:
        _say(console, f"warning: {outputs.warning}", "bold red")
    before, unread = predict(predictor, items, outputs, console)
    failures |= unread
    done = [item for item in items if item.path not in failures]
    outputs.join(done)
    if settings.regions:
        count, faulty = tabulate_regions(outputs, done, Path(settings.regions), observers)
        failures |= faulty
        _say(console, f"{count} images with regions: {outputs.root}/regions")
    outputs.refuse(failures)
    resumed = f" ({before} of them before this run)" if before else ""
    _say(console, f"{len(done)} images done{resumed}: {outputs.root}")
    if failures:
        listing = outputs.root / "unreadable.csv"
        _say(console, f"{len(failures)} could not be read (all listed in {listing}):")
    for path, reason in sorted(failures.items())[:20]:
        _say(console, f"  {path}: {reason}")
    if settings.page and done:
        learned = " and ".join(info.get("source", [])) or "unknown data"
        notes = (
            f"{made_by['model']}, trained on {learned} · {settings.samples} samples an image · "
            f"temperature {made_by['temperature']:g} · seed {settings.seed}"
        )
        page = illustrate_page(outputs, done, observers, notes)
        _say(console, f"look at them in a browser: {page}")
        if show:
            webbrowser.open(page.absolute().as_uri())
    return 1 if failures and settings.strict else 0


def _say(console: Console, text: str, style: str | None = None) -> None:
    """One line as it is, whatever brackets a name holds."""
    console.print(shown(text), markup=False, highlight=False, soft_wrap=True, style=style)
