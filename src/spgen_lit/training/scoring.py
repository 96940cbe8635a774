"""What follows training: scores beside observers and chance, pictures, and the summary."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig
from rich.console import Console

from spgen_lit import provenance
from spgen_lit.config import LateError, plain
from spgen_lit.data.images import read_image
from spgen_lit.data.module import DomainMix
from spgen_lit.data.records import Split
from spgen_lit.data.splits import SPLITS
from spgen_lit.evaluation import tables
from spgen_lit.evaluation.comparison import compare, comparison_table
from spgen_lit.evaluation.measures import select
from spgen_lit.evaluation.protocol import Protocol, preset
from spgen_lit.evaluation.results import CHANCE, OBSERVERS, Results
from spgen_lit.evaluation.score import check_temperatures, score, score_temperatures
from spgen_lit.evaluation.sweep import TEMPERATURES
from spgen_lit.instantiation import built
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.pictures.figure import save_png
from spgen_lit.pictures.plots import training_curves
from spgen_lit.pictures.sheets import side_by_side
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath
from spgen_lit.training.loggers import log_end
from spgen_lit.training.summary import headline, write_summary

_BATCH = 8


@dataclass(frozen=True)
class Scoring:
    """How a run is scored once it is trained: the section ``evaluation`` of the configuration.

    Attributes:
        protocol: Name of the protocol.
        samples: Scanpaths an image.
        temperature: Of sampling; None for the network's own.
        temperatures: Further ones that the checkpoint is scored at.
        metrics: ``full``, ``quick``, or a list of names.
        split: What is scored; of a set without test images its validation images.
        pictures: Images drawn of each set.

    Raises:
        ValueError: For a value that cannot be used, named by its key.
    """

    protocol: str = "spgen_lit"
    samples: int = 10
    temperature: float | None = None
    temperatures: Sequence[float] | None = None
    metrics: str | Sequence[str] = "full"
    split: str = "test"
    pictures: int = 6

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f"evaluation.split={self.split}: choose one of {', '.join(SPLITS)}")
        try:
            select(self.metrics)
            check_temperatures([self.temperature or 0, *(self.temperatures or ())])
            _ = self.card
        except (TypeError, ValueError) as error:
            raise ValueError(f"evaluation: {error}") from error

    @property
    def card(self) -> Protocol:
        """The protocol with the number of samples asked for."""
        return replace(preset(self.protocol), samples=int(self.samples))

    @classmethod
    def of(cls, config: DictConfig) -> Scoring:
        """The section of a composed configuration, checked."""
        scoring: Scoring = built(cls, plain(config.evaluation), "evaluation")
        return scoring


Bits = dict[str, list[NDArray[np.float64]]]


def draw_part(
    predictor: Predictor, data: DomainMix, part: Split, samples: int, temperature: float | None
) -> tuple[dict[str, list[Scanpath]], Bits | None]:
    """Sampled scanpaths on every image of a split, and observers' log-likelihoods if known."""
    keys = list(part.stimuli)
    out: dict[str, list[Scanpath]] = {}
    bits: Bits = {}
    for first in range(0, len(keys), _BATCH):
        own = keys[first : first + _BATCH]
        planes = data.planes(part.stimuli[key] for key in own)
        sizes = [part.stimuli[key].size for key in own]
        observers = {key: part.paths.get(key, []) for key in own}
        drawn, known = predictor.observed(planes, sizes, observers, samples, temperature)
        out |= dict(zip(own, drawn, strict=True))
        bits |= dict(zip(own, known or [], strict=False))
    return out, bits if len(bits) == len(out) else None


def score_run(
    config: DictConfig,
    module: ScanpathModule,
    data: DomainMix,
    trainer: L.Trainer,
    console: Console,
    started: float,
) -> float:
    """Score the best checkpoint on every set with gaze, draw pictures, write the summary.

    Returns:
        Validation energy score of the best checkpoint (lower is better).

    Raises:
        LateError: If scoring fails: with the checkpoint and the command that scores again.
    """
    output = Path(config.paths.output_dir)
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    device = str(trainer.strategy.root_device)
    # The run's own classes are trusted: they have just been trained.
    trust = [type(made).__module__ for made in (module.network, module.network.encoder)]
    predictor = (
        Predictor.from_pretrained(best, device, trust=trust)
        if best
        else Predictor(module.network, data.frame, module.card, device)
    )
    scoring, scored = Scoring.of(config), {}
    for domain, sets in data.sets.items():
        predictor.domain = "source" if domain == "source" else "target"
        for name in sets:
            try:
                found = _score_set(config, scoring, predictor, data, domain, name, best, console)
                if found is not None and domain == "source" and config.same_network:
                    # Its own classes, again: the checkpoint before is of the same network.
                    start = Predictor.from_pretrained(config.start_from, device, trust=trust)
                    _score_set(config, scoring, start, data, "before", name, "", console)
                    _tell_gain(output / "results", name, console)
            except Exception as error:
                raise LateError(_again(config, data, domain, name, best, error)) from error
            if found is not None:
                scored[f"{domain}-{name}"] = found
    if (output / "metrics.csv").is_file():
        training_curves(output / "metrics.csv", output / "pictures" / "training.png")
    energy = _validation_energy(trainer)
    outcome = {
        "checkpoint": os.path.relpath(best, output) if best else None,
        "validation_energy": energy,
        "results": scored,
    }
    write_summary(output, config, data, module, started, outcome)
    log_end(trainer, output, best, energy)
    console.print(f"Results, pictures and checkpoints: {output}")
    return energy


def _score_set(
    config: DictConfig,
    scoring: Scoring,
    predictor: Predictor,
    data: DomainMix,
    domain: str,
    name: str,
    checkpoint: str,
    console: Console,
) -> dict[str, Any] | None:
    """Draw and score one set; its headline, or None where it has no image or no gaze.

    Domain ``before`` is the source with the model that training began with.
    """
    label, output = f"{domain}-{name}", Path(config.paths.output_dir)
    domain = "source" if domain == "before" else domain
    gaze = data.sets[domain][name]
    part, split = _shown_part(data, domain, name, scoring)
    if not part.stimuli:
        return None

    def draw(temperature: float | None) -> dict[str, list[Scanpath]]:
        return draw_part(predictor, data, part, scoring.samples, temperature)[0]

    drawn, bits = draw_part(predictor, data, part, scoring.samples, scoring.temperature)
    titles = ("model", gaze.observers_title)
    _draw_pictures(output / "pictures" / label, drawn, part, scoring.pictures, titles)
    if not gaze.scanpaths:
        return None
    observers = {key: part.paths[key] for key in drawn}
    trained = data.parts["source", "train"]
    # The set's own center bias where it was trained on, else that of all sources.
    keys = trained.of_set(name) if domain == "source" else list(trained.paths)
    training = [path for key in keys for path in trained.paths.get(key, ())]
    full = scoring.metrics == "full"
    results = score(
        drawn,
        observers,
        scoring.card,
        metrics=scoring.metrics,
        baselines=None if full or len(observers) < 2 else (OBSERVERS, CHANCE),
        training=training,
        images={key: _reader(part, key) for key in drawn} if full else None,
        log_likelihood=bits,
        meta={
            "title": label.removesuffix(f"-{name}"),
            "data": name,
            "split": split,
            "gaze": gaze.gaze,
            "model": config.name,
            "provenance": provenance.describe(
                {"ckpt_path": checkpoint},
                checkpoint,
                plain(config.data[domain][name]),
                gaze,
                observers,
            ),
        },
    )
    console.print(results.table())
    folder = results.save(output / "results" / label)
    if scoring.temperatures:
        scan = score_temperatures(draw, scoring.temperatures, observers, results.protocol, training)
        tables.write(folder / TEMPERATURES, scan)
    return headline(results, split)


def _tell_gain(results: Path, name: str, console: Console) -> None:
    """Print and keep how far training took the model that it began with."""
    before, after = (Results.load(results / f"{when}-{name}") for when in ("before", "source"))
    rows = compare({"before": before, "after": after})
    tables.write(results / f"source-{name}" / "against_start.csv", rows)
    console.print(comparison_table(rows, "after", "before"))


def _again(
    config: DictConfig, data: DomainMix, domain: str, name: str, best: str, error: Exception
) -> str:
    """What failed, where the checkpoint is, and the command that scores it."""
    divided = {"split_seed": data.split_seed, **data.fractions}
    division = " ".join(f"{key}={value}" for key, value in divided.items())
    command = (
        f"python -m spgen_lit.evaluate data={name} split={config.evaluation.split} {division} "
        f"ckpt_path={best}" + ("" if domain == "source" else " domain=target")
    )
    saved = f"the checkpoint is {best}; score it with: {command}" if best else "nothing was saved"
    return f"training ended, scoring {domain}-{name} failed ({error}); {saved}"


def _reader(part: Split, key: str) -> Any:
    stimulus = part.stimuli[key]
    return lambda: read_image(stimulus.path, stimulus.size)


def _shown_part(data: DomainMix, domain: str, name: str, scoring: Scoring) -> tuple[Split, str]:
    """One set's images to score, and their split.

    Validation images where official test images are held elsewhere; of a set without gaze a
    few training images, to be drawn only.
    """
    gaze = bool(data.sets[domain][name].scanpaths)
    split = scoring.split if gaze else "train"
    keys = data.parts[domain, split].of_set(name)
    if split == "test" and not keys:
        split = "val"
        keys = data.parts[domain, split].of_set(name)
    if not gaze:
        keys = keys[: scoring.pictures]
    part = data.parts[domain, split]
    return Split({key: part.stimuli[key] for key in keys}, part.paths, part.sets), split


def _draw_pictures(
    folder: Path,
    drawn: Mapping[str, list[Scanpath]],
    part: Split,
    pictures: int,
    titles: tuple[str, str],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for key in list(drawn)[:pictures]:
        stimulus = part.stimuli[key]
        image = read_image(stimulus.path, stimulus.size)
        picture = side_by_side(image, drawn[key], part.paths.get(key, []), titles=titles)
        save_png(folder / f"{Path(key.replace('/', '_')).stem}.png", picture)


def _validation_energy(trainer: L.Trainer) -> float:
    """The best checkpoint's; without one, the last that was measured."""
    callback: Any = trainer.checkpoint_callback
    score = getattr(callback, "best_model_score", None)
    path: str = getattr(callback, "best_model_path", "")
    if score is None and path:
        # Processes that ddp_spawn started hand back the checkpoint's path, not its score.
        saved = torch.load(path, map_location="cpu", weights_only=True)
        score = saved["callbacks"][callback.state_key]["best_model_score"]
    if getattr(callback, "monitor", None) != "val/energy":
        # Chosen by a validator, whose value is no energy: that of the last epoch stands in.
        score = None
    value = float(trainer.callback_metrics.get("val/energy", 1) if score is None else score)
    # Sweepers stop at a value that is not finite; 1 is the worst that an energy can be.
    return value if np.isfinite(value) else 1.0
