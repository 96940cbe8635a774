"""What follows training: scores beside observers and chance, pictures, and the summary."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import rich
import torch
from omegaconf import DictConfig

from spgen_lit import __version__, provenance
from spgen_lit.checkpoint import load_checkpoint
from spgen_lit.config import CONFIG_DIR, LateError, plain, trusted
from spgen_lit.data.images import read_image
from spgen_lit.data.module import DomainMix
from spgen_lit.data.records import Split
from spgen_lit.data.splits import SPLITS
from spgen_lit.evaluation import tables
from spgen_lit.evaluation.comparison import compare, comparison_table
from spgen_lit.evaluation.measures import Measure, select
from spgen_lit.evaluation.protocol import Protocol, preset
from spgen_lit.evaluation.results import CHANCE, OBSERVERS, Results
from spgen_lit.evaluation.score import (
    check_temperatures,
    grouped_by,
    save_groups,
    score,
    score_temperatures,
)
from spgen_lit.evaluation.sweep import TEMPERATURES
from spgen_lit.files import write_json
from spgen_lit.instantiation import instantiated
from spgen_lit.learning.module import COLLAPSED, ScanpathModule, collapse_warning
from spgen_lit.pictures.plots import training_curves
from spgen_lit.predictor import Predictor
from spgen_lit.sweeping import SUMMARY
from spgen_lit.training.image_logger import draw_pairs
from spgen_lit.training.loggers import dashboards

_HEADLINE = ("energy", "scanmatch")


@dataclass(frozen=True)
class Scoring:
    """How a run is scored once it is trained: the section ``evaluation`` of the configuration.

    Attributes:
        protocol: Name of the protocol.
        samples: Scanpaths an image.
        temperature: Of sampling; None for the network's own.
        temperatures: Further ones that the checkpoint is scored at.
        metrics: ``full``, ``quick``, or a list of names.
        metric: A measure of a user's beside them, by its ``_target_``.
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
    metric: Measure | None = None
    split: str = "test"
    pictures: int = 6

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f"evaluation.split={self.split}: choose one of {', '.join(SPLITS)}")
        select(self.metrics)
        check_temperatures([self.temperature or 0, *(self.temperatures or ())])
        _ = self.card

    @property
    def card(self) -> Protocol:
        """The protocol with the number of samples asked for."""
        return replace(preset(self.protocol), samples=int(self.samples))

    @classmethod
    def of(cls, config: DictConfig) -> Scoring:
        """The section of a composed configuration, checked."""
        section = {"_target_": f"{__name__}.{cls.__name__}", **plain(config.evaluation)}
        scoring: Scoring = instantiated(section, "evaluation", trusted(config))
        return scoring


@dataclass(frozen=True)
class _Run:
    """A trained run: its settings, data and folder, and the file of its best checkpoint."""

    config: DictConfig
    scoring: Scoring
    data: DomainMix
    output: Path
    best: str


def score_run(
    config: DictConfig, module: ScanpathModule, data: DomainMix, trainer: L.Trainer, started: float
) -> float:
    """Score the best checkpoint on every set with gaze, draw pictures, write the summary.

    Returns:
        Validation energy score of the best checkpoint (lower is better).

    Raises:
        LateError: If scoring fails: with the checkpoint and the command that scores again.
    """
    output = Path(config.paths.output_dir)
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    run = _Run(config, Scoring.of(config), data, output, best)
    device = str(trainer.strategy.root_device)
    # The run's own classes are trusted: they have just been trained.
    trust = [type(made).__module__ for made in (module.network, module.network.encoder)]
    predictor = (
        Predictor.from_pretrained(best, device, trust=trust)
        if best
        else Predictor(module.network, data.frame, module.card, device)
    )
    scored = {}
    for domain, name in [(domain, name) for domain, sets in data.sets.items() for name in sets]:
        predictor.domain = "source" if domain == "source" else "target"
        try:
            results = _score_set(run, predictor, domain, name)
            if results is not None and domain == "source" and config.same_network:
                # Its own classes, again: the checkpoint before is of the same network.
                start = Predictor.from_pretrained(config.start_from, device, trust=trust)
                before = _score_set(run, start, "before", name)
                assert before is not None
                _tell_gain(output / "results" / f"source-{name}", before, results)
        except Exception as error:
            raise LateError(_again(run, domain, name, error)) from error
        if results is not None:
            scored[f"{domain}-{name}"] = _headline(results)
    if (output / "metrics.csv").is_file():
        training_curves(output / "metrics.csv", output / "pictures" / "training.png")
    energy = _validation_energy(trainer)
    summary = _summary(config, module, data, started) | {
        "checkpoint": os.path.relpath(best, output) if best else None,
        "validation_energy": energy,
        "results": scored,
    }
    write_json(output / SUMMARY, summary)
    for dashboard in dashboards(trainer):
        dashboard.log_results(output / "results", best, energy)
    rich.print(f"Results, pictures and checkpoints: {output}")
    return energy


def _score_set(run: _Run, predictor: Predictor, domain: str, name: str) -> Results | None:
    """Draw and score one set, and save its results; None where it has no image or no gaze.

    Domain ``before`` is the source with the model that training began with.
    """
    label, file, scoring, data = f"{domain}-{name}", run.best, run.scoring, run.data
    if domain == "before":
        domain, file = "source", ""
    gaze = data.sets[domain][name]
    subset, split = _shown_part(data, domain, name, scoring)
    if not subset.stimuli:
        return None
    observers = {key: subset.paths.get(key, []) for key in subset.stimuli}

    def planes(keys: Sequence[str]) -> tuple[torch.Tensor, list[tuple[int, int]]]:
        stimuli = [subset.stimuli[key] for key in keys]
        return data.planes(stimuli), [stimulus.size for stimulus in stimuli]

    draw = partial(predictor.observed, observers, planes, samples=scoring.samples)
    sampled, bits = draw(temperature=scoring.temperature)
    first = dict(list(sampled.items())[: scoring.pictures])
    draw_pairs(run.output / "pictures" / label, first, subset, gaze.observers_title)
    if not gaze.scanpaths:
        return None
    trained = data.parts["source", "train"]
    # The set's own center bias where it was trained on, else that of all sources.
    keys = trained.of_set(name) if domain == "source" else list(trained.paths)
    training = [path for key in keys for path in trained.paths.get(key, ())]
    scored, reader = {"ckpt_path": file}, plain(run.config.data[domain][name])
    full = scoring.metrics == "full"
    pictures = {key: partial(read_image, s.path, s.size) for key, s in subset.stimuli.items()}
    results = score(
        sampled,
        observers,
        scoring.card,
        metrics=scoring.metrics,
        extra=[scoring.metric] if scoring.metric else [],
        baselines=None if full or len(observers) < 2 else (OBSERVERS, CHANCE),
        training=training,
        images=pictures if full else None,
        log_likelihood=bits,
        meta={
            "title": label.removesuffix(f"-{name}"),
            "data": name,
            "split": split,
            "gaze": gaze.gaze,
            "model": run.config.name,
            "provenance": provenance.describe(scored, file, reader, gaze, observers),
        },
    )
    rich.print(results.table())
    folder = results.save(run.output / "results" / label)
    attributes = {key: stimulus.attributes for key, stimulus in subset.stimuli.items()}
    if (groups := save_groups(folder, results, attributes, grouped_by(attributes))) is not None:
        rich.print(groups)
    if scoring.temperatures:
        scan = score_temperatures(
            lambda temperature: draw(temperature=temperature)[0],
            scoring.temperatures,
            observers,
            results.protocol,
            training,
        )
        tables.write(folder / TEMPERATURES, scan)
    return results


def _tell_gain(folder: Path, before: Results, after: Results) -> None:
    """Print and keep how far training took the model that it began with."""
    rows = compare({"before": before, "after": after})
    tables.write(folder / "against_start.csv", rows)
    rich.print(comparison_table(rows, "after", "before"))


def _again(run: _Run, domain: str, name: str, error: Exception) -> str:
    """What failed, where the checkpoint is, and the command that scores it."""
    data, best = run.data, run.best
    split = _shown_part(data, domain, name, run.scoring)[1]
    known = name if (Path(CONFIG_DIR) / "data" / "source" / f"{name}.yaml").is_file() else "gallery"
    words: dict[str, object] = {"data": known, "split": split, "ckpt_path": best}
    words |= {"split_seed": data.split_seed, **data.fractions}
    words |= {} if domain == "source" else {"domain": "target"}
    reader = plain(run.config.data[domain][name])
    plain_values = {key: value for key, value in reader.items() if not isinstance(value, dict)}
    words |= {f"++data.source.{known}.{k}": json.dumps(v) for k, v in plain_values.items()}
    values = (f"{key}={value}" for key, value in words.items())
    command = shlex.join(["python", "-m", "spgen_lit.evaluate", *values])
    saved = f"the checkpoint is {best}; score it with: {command}" if best else "nothing was saved"
    return f"training ended, scoring {domain}-{name} failed ({error}); {saved}"


def _shown_part(data: DomainMix, domain: str, name: str, scoring: Scoring) -> tuple[Split, str]:
    """One set's images to score, and their split.

    Validation images where official test images are held elsewhere; of a set without gaze a
    few training images, to be drawn only.
    """
    gaze = bool(data.sets[domain][name].scanpaths)
    split = scoring.split if gaze else "train"
    if split == "test" and not data.parts[domain, split].of_set(name):
        split = "val"
    part = data.parts[domain, split]
    # By the set's own ids, as `spgen evaluate` names them and draws for them.
    several = len(data.sets[domain]) > 1
    keys = part.of_set(name)[: None if gaze else scoring.pictures]
    ids = {key: key.removeprefix(f"{name}/") if several else key for key in keys}
    stimuli = {i: part.stimuli[key] for key, i in ids.items()}
    paths = {i: part.paths[key] for key, i in ids.items() if key in part.paths}
    return Split(stimuli, paths, dict.fromkeys(stimuli, name)), split


def _validation_energy(trainer: L.Trainer) -> float:
    """The best checkpoint's; without one, the last that was measured."""
    callback: Any = trainer.checkpoint_callback
    value = trainer.callback_metrics.get("val/energy", 1)
    # Chosen by a validator, whose value is no energy: that of the last epoch stands in.
    if getattr(callback, "monitor", None) == "val/energy" and callback.best_model_path:
        # Processes that ddp_spawn started hand back the checkpoint's path, not its score.
        saved = load_checkpoint(callback.best_model_path)
        value = saved["callbacks"][callback.state_key]["best_model_score"]
    # Sweepers stop at a value that is not finite; 1 is the worst that an energy can be.
    return float(value) if np.isfinite(float(value)) else 1.0


def _headline(results: Results) -> dict[str, Any]:
    """The few values of one set's results that a summary holds, beside observers and chance."""
    out: dict[str, Any] = {"images": len(results.model.rows), "split": results.meta["split"]}
    for metric in (metric for metric in _HEADLINE if metric in results.frame.index):
        row = results.frame.loc[metric]
        out[metric] = {
            "model": row["value"],
            "interval": [row["low"], row["high"]],
            "observers": row.get("observers"),
            "chance": row.get("other_image"),
            "normalized": row["normalized"],
        }
    return dict(tables.finite(out))


def _summary(
    config: DictConfig, module: ScanpathModule, data: DomainMix, started: float
) -> dict[str, Any]:
    """What ``summary.json`` says of a run beside its results."""
    warnings = []
    encoder = module.network.encoder
    if encoder.random:
        warnings.append(f"encoder started from random weights: {encoder.origin}")
    if data.gaze_kind == "simulated":
        warnings.append("source gaze is simulated, nobody's")
    spread = _last_spread(Path(config.paths.output_dir) / "metrics.csv")
    if spread < COLLAPSED:
        warnings.append(collapse_warning(spread))
    temperature = config.evaluation.temperature
    sizes = {f"{d}-{s}": len(part.stimuli) for (d, s), part in data.parts.items() if part.stimuli}
    return {
        "name": config.name,
        "command": " ".join(["python -m spgen_lit.train", *sys.argv[1:]]),
        "version": __version__,
        "commit": provenance.commit(),
        "seed": config.seed,
        "seconds": round(time.time() - started, 1),
        "data": sizes,
        "initial_weights": encoder.origin,
        "random_initial_weights": encoder.random,
        "warnings": warnings,
        "temperature": module.network.temperature if temperature is None else temperature,
        "priors": module.card.get("network", {}).get("priors"),
    }


def _last_spread(record: Path) -> float:
    """The last ``val/spread`` that was logged; 1 where none was."""
    rows = pd.read_csv(record) if record.is_file() else pd.DataFrame()
    values = rows.get("val/spread", pd.Series(dtype=float)).dropna()
    return float(values.iloc[-1]) if len(values) else 1.0
