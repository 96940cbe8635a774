"""One run of prediction, from its settings to files, page and summary."""

from __future__ import annotations

import webbrowser

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from spgen_lit.data.catalogue import build_reader
from spgen_lit.data.readers.scanpath_file import ScanpathFile
from spgen_lit.files import file_hash, shown
from spgen_lit.predicting import Settings
from spgen_lit.predicting.illustration import (
    Illustrator,
    Observers,
    illustrate_page,
    read_captions,
)
from spgen_lit.predicting.outputs import Outputs, find_images
from spgen_lit.predicting.prediction import predict
from spgen_lit.predicting.regions import find_regions, tabulate_regions
from spgen_lit.predictor import Predictor
from spgen_lit.pretrained import training_warning, weights_file


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
        return Observers.of(gaze.scanpaths, gaze.observers_title)
    samples = ScanpathFile(people, "px", "ms").read().samples
    return Observers.of([path for paths in samples.values() for path in paths])


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
    regions = find_regions(settings.regions) if settings.regions else None
    model = settings.ckpt_path or settings.model
    predictor = Predictor.from_pretrained(model, settings.device, settings.domain, settings.trust)
    info = predictor.info
    name, warning = str(info["name"]), training_warning(info)
    label = f"{name}: {warning}" if warning else name
    _say(console, f"warning: {label}" if warning else "", "bold red")
    temperature = settings.temperature
    made_by = {
        "model": name,
        "weights": file_hash(weights_file(model))[:16],
        "gaze": info.get("gaze", "unknown"),
        "warning": warning,
        "samples": settings.samples,
        "viewing_time": settings.viewing_time,
        "temperature": float(predictor.temperature if temperature is None else temperature),
        "seed": settings.seed,
        "domain": predictor.domain,
    }
    outputs = Outputs(settings.output, made_by, label)
    note = f"{name} · typical of {settings.samples} sampled scanpaths · seed {settings.seed}"
    warning = label if warning else ""
    illustrator = Illustrator(outputs, settings, read_captions(items), note, warning)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("predicting"), *columns, console=console) as progress:
        before, unread = predict(predictor, items, outputs, illustrator, settings, progress)
    failures += unread
    done = [item for item in items if item.path not in {failure.path for failure in failures}]
    outputs.join(done)
    if regions is not None:
        count, faulty = tabulate_regions(illustrator, done, regions, observers)
        failures += faulty
        _say(console, f"{count} images with regions: {outputs.root}/regions")
    outputs.refuse(failures)
    resumed = f" ({before} of them before this run)" if before else ""
    _say(console, f"{len(done)} images done{resumed}: {outputs.root}")
    if failures:
        listing = outputs.root / "unreadable.csv"
        _say(console, f"{len(failures)} could not be read (all listed in {listing}):")
    for failure in failures[:20]:
        _say(console, f"  {failure.path}: {failure.reason}")
    if settings.page and done:
        learned = " and ".join(info.get("source", [])) or "unknown data"
        notes = (
            f"{name}, trained on {learned} · {settings.samples} samples an image · "
            f"temperature {made_by['temperature']:g} · seed {settings.seed}"
        )
        page = illustrate_page(illustrator, done, observers, notes)
        _say(console, f"look at them in a browser: {page}")
        if show:
            webbrowser.open(page.absolute().as_uri())
    return 1 if failures and settings.strict else 0


def _say(console: Console, text: str, style: str | None = None) -> None:
    """One line as it is, whatever brackets a name holds; nothing for empty text."""
    if text:
        console.print(shown(text), markup=False, highlight=False, soft_wrap=True, style=style)
