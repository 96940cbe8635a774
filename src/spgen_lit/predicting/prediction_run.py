"""One run of prediction, from a composed configuration to files, page and summary."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from spgen_lit.config import plain
from spgen_lit.data.catalogue import CATALOGUE
from spgen_lit.predicting.illustration import Illustrator, Observers, illustrate_page, observers_of
from spgen_lit.predicting.interest_tables import tabulate_regions
from spgen_lit.predicting.outputs import Failure, Outputs, find_images, from_trials, shown
from spgen_lit.predicting.prediction import Sampling, predict
from spgen_lit.predicting.regions import find_regions
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath


def load_observers(people: str | None) -> Observers:
    """People's scanpaths from a COCO-style JSON file or a set, ``<set>:<folder>``.

    Raises:
        FileNotFoundError: If the file or the set's folder is absent.
        ValueError: For a set that is not in the catalogue, or a file of another structure.
    """
    if people is None:
        return observers_of({})
    if people.endswith(".json"):
        records = json.loads(Path(people).read_text(encoding="utf-8"))
        try:
            paths = from_trials(records)
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"people={people}: every record needs name, subject, width, height, X and Y in "
                f"px and, if known, T in ms; missing or wrong: {error}"
            ) from error
    else:
        name, _, root = people.partition(":")
        if name not in CATALOGUE or not root:
            raise ValueError(
                f"people={people}: neither a .json file nor <set>:<folder> with a set among "
                f"{', '.join(sorted(CATALOGUE))}"
            )
        module, _, reader = CATALOGUE[name].reader.rpartition(".")
        paths = getattr(importlib.import_module(module), reader)(root).read().scanpaths
    gaze: dict[str, list[Scanpath]] = {}
    for path in paths:
        gaze.setdefault(path.image, []).append(path)
    return observers_of(gaze)


def identity(checkpoint: Path) -> str:
    """The first 16 hexadecimal digits of a checkpoint's SHA-256."""
    digest = hashlib.sha256()
    with checkpoint.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()[:16]


def run(config: DictConfig, console: Console) -> int:
    """Predict by a composed ``conf/predict.yaml``; returns the exit code.

    Raises:
        ValueError: For a setting that cannot be used; the message names it.
        FileNotFoundError: If checkpoint, images or observers are absent.
    """
    missing = [key for key in ("ckpt_path", "images") if OmegaConf.is_missing(config, key)]
    if missing:
        raise ValueError(
            f"{' and '.join(missing)} must be given, for example: python -m spgen_lit.predict "
            "ckpt_path=outputs/run/checkpoints/best.ckpt images=my_paintings"
        )
    sampling = Sampling(
        config.samples, config.temperature, config.seed, config.batch_size, config.workers
    )
    items, failures = find_images(plain(config.images))
    observers = load_observers(config.people)
    regions = find_regions(config.regions)
    predictor = Predictor.from_checkpoint(
        config.ckpt_path, config.device, config.domain, plain(config.trust)
    )
    warmth = predictor.temperature if sampling.temperature is None else sampling.temperature
    settings = {
        "checkpoint": identity(Path(config.ckpt_path)),
        "samples": sampling.samples,
        "temperature": float(warmth),
        "seed": sampling.seed,
        "domain": predictor.domain,
    }
    outputs = Outputs(config.output, settings)
    illustrator = Illustrator(
        outputs, config.overlay, config.density, config.replay, config.picture_side
    )
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("predicting"), *columns, console=console) as progress:
        before, refused = predict(predictor, items, outputs, illustrator, sampling, progress)
    failures += refused
    bad = {failure.path for failure in failures}
    done = [item for item in items if item.path not in bad]
    outputs.join(done)
    marked, faulty = tabulate_regions(outputs, done, regions, observers, config.picture_side)
    failures += faulty
    outputs.refuse(failures)
    if config.page:
        notes = _notes(predictor.info, settings)
        illustrate_page(outputs, done, observers=observers, notes=notes, limit=config.page_limit)
    _tell(console, outputs, len(done), before, failures)
    if config.regions:
        console.print(f"{marked} images with regions: {outputs.root}/regions", markup=False)
    return 1 if failures and config.strict else 0


def _notes(info: dict[str, Any], settings: dict[str, Any]) -> str:
    """The line under the page's heading: how the paths were made, and by what."""
    network = str(info.get("network", {}).get("_target_", "model")).rpartition(".")[2]
    trained = " and ".join(info.get("source", [])) or "unknown data"
    gaze = " (simulated gaze)" if info.get("gaze") == "simulated" else ""
    return (
        f"{network} trained on {trained}{gaze} · {settings['samples']} samples an image · "
        f"temperature {settings['temperature']:g} · seed {settings['seed']}"
    )


def _tell(
    console: Console, outputs: Outputs, done: int, before: int, failures: Sequence[Failure]
) -> None:
    resumed = f" ({before} of them before this run)" if before else ""
    console.print(f"{done} images done{resumed}: {outputs.root}", markup=False, highlight=False)
    if failures:
        console.print(
            f"{len(failures)} could not be read (all listed in {outputs.root}/unreadable.csv):",
            markup=False,
            highlight=False,
        )
        for failure in failures[:20]:
            line = f"  {shown(failure.path)}: {shown(failure.reason)}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
