"""Scores of a checkpoint, a baseline, or any scanpath file, beside people and chance.

    python -m spgen_lit.evaluate data=osie split=val ckpt_path=outputs/run/checkpoints/best.ckpt
    python -m spgen_lit.evaluate data=osie split=val baseline=uniform
    python -m spgen_lit.evaluate data=osie split=val scanpaths=theirs.csv units=px time=ms

Every setting is listed, with what it means, in conf/evaluate.yaml.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track

from spgen_lit.config import CONFIG_DIR, one_line_errors, plain, run_hydra_app, trusted
from spgen_lit.data.images import Pixels, read_image
from spgen_lit.data.records import GazeSet
from spgen_lit.data.splits import SPLITS, split_images
from spgen_lit.evaluation.baselines import band, baseline
from spgen_lit.evaluation.protocol import Protocol, preset
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.scanpath_checks import FileFormat, load_scanpaths
from spgen_lit.evaluation.suite import evaluate
from spgen_lit.instantiation import instantiated
from spgen_lit.scanpath import Scanpath

_SUBJECTS = ("ckpt_path", "baseline", "scanpaths")
# Large enough for 64 columns of spectral residual at any aspect, small enough to decode fast.
_SALIENCY_SIZE = (256, 256)

Samples = dict[str, list[Scanpath]]


@dataclass(frozen=True)
class Question:
    """The part of a data set that is asked about.

    Attributes:
        name: What the configuration calls the set.
        gaze: The whole set.
        split: Name of the part.
        people: Image id to its observers' scanpaths.
        training: Scanpaths of the training images; None where there are none apart.
        facts: Counts for the summary.
    """

    name: str
    gaze: GazeSet
    split: str
    people: Samples
    training: list[Scanpath] | None
    facts: dict[str, int]

    def picture(self, image: str) -> Callable[[], Pixels]:
        """A function that reads one image, at no more than the scale a baseline needs."""
        path = self.gaze.stimuli[image].path
        return lambda: read_image(path, _SALIENCY_SIZE)


def run(config: DictConfig, console: Console) -> Results:
    """Score by a composed configuration, save, and print the table.

    Raises:
        ValueError: For settings that cannot be used or a faulty scanpath file.
        FileNotFoundError: If data, checkpoint or scanpath file are absent.
    """
    given = [key for key in _SUBJECTS if config[key] is not None]
    if len(given) != 1:
        raise ValueError(
            f"give exactly one of {', '.join(_SUBJECTS)} to score; "
            f"found {', '.join(given) or 'none'}"
        )
    protocol = _protocol(config)
    question = _question(config)
    subjects = {"ckpt_path": _from_checkpoint, "baseline": _from_baseline, "scanpaths": _from_file}
    samples, facts = subjects[given[0]](config, question, protocol, console)
    question = replace(question, people={image: question.people[image] for image in samples})
    metrics = config.metrics if isinstance(config.metrics, str) else plain(config.metrics)
    scores = evaluate(
        samples,
        question.people,
        protocol,
        metrics=metrics,
        progress=console.is_terminal,
        training=question.training,
        label=given[0].removesuffix("_path"),
    )
    beside = band(
        question.people,
        protocol,
        training=question.training,
        images={image: question.picture(image) for image in question.people},
        seed=int(config.seed),
        metrics=metrics,
        which=plain(config.band),
        progress=console.is_terminal,
    )
    meta = {
        "title": facts.pop("title"),
        "data": question.name,
        "set": question.gaze.name,
        "split": question.split,
        "gaze": question.gaze.gaze,
        "seed": int(config.seed),
        "citation": question.gaze.citation,
        "notes": list(question.gaze.notes),
        "counts": {**question.facts, **facts.pop("counts", {})},
        **facts,
    }
    results = Results(scores, beside, protocol, meta)
    what = "-".join((question.name, question.split, Path(str(config[given[0]])).stem))
    folder = results.save(config.output or Path("outputs") / "evaluate" / what)
    console.print(results.table())
    if set(beside) - {"people", "other_image"}:
        console.print(results.band_table())
    console.print(f"results: {folder}", markup=False, highlight=False, soft_wrap=True)
    return results


def _protocol(config: DictConfig) -> Protocol:
    changes = dict(plain(config.protocol_fields))
    if config.samples is not None:
        changes["samples"] = int(config.samples)
    try:
        return replace(preset(config.protocol), **changes)
    except TypeError as error:
        known = ", ".join(preset(config.protocol).card())
        raise ValueError(f"protocol_fields: {error}; a protocol has {known}") from error


def _question(config: DictConfig) -> Question:
    sets = config.data.source
    if len(sets) != 1:
        raise ValueError(f"score one data set at a time; data names {', '.join(sets) or 'none'}")
    ((name, reader),) = sets.items()
    gaze: GazeSet = instantiated(plain(reader), "data.source", trusted(config)).read()
    if not gaze.scanpaths:
        raise ValueError(f"data={name} has no gaze: there is nothing to score against")
    if config.split not in (*SPLITS, "all"):
        raise ValueError(f"split={config.split}: choose one of {', '.join(SPLITS)}, all")
    parts = split_images(gaze, int(config.split_seed), float(config.val), float(config.test))
    sizes = {name: len(ids) for name, ids in parts.items()}
    wanted = list(gaze.stimuli) if config.split == "all" else list(parts[config.split])
    if not wanted:
        raise ValueError(f"split={config.split} of {name} holds no image here ({sizes})")
    groups = gaze.by_image()
    people = {image: groups[image] for image in wanted if image in groups}
    apart = set() if config.split in ("all", "train") else set(parts["train"])
    training = [path for path in gaze.scanpaths if path.image in apart]
    facts = {"images_in_split": len(wanted), "images_without_gaze": len(wanted) - len(people)}
    return Question(name, gaze, str(config.split), people, training or None, facts)


def _from_checkpoint(
    config: DictConfig, question: Question, protocol: Protocol, console: Console
) -> tuple[Samples, dict[str, Any]]:
    # Imported here: the other two ways to score need no network.
    from spgen_lit.predictor import Predictor

    predictor = Predictor.from_checkpoint(
        config.ckpt_path, str(config.device), config.domain, trusted(config)
    )
    _refuse_leak(config, question, predictor.info)
    images = list(question.people)
    batches = [
        images[start : start + config.batch_size]
        for start in range(0, len(images), config.batch_size)
    ]
    samples: Samples = {}
    for batch in track(batches, "sampling", console=console, disable=not console.is_terminal):
        files = [question.gaze.stimuli[image].path for image in batch]
        drawn = predictor.batch(
            files, protocol.samples, config.temperature, int(config.seed), batch
        )
        samples |= dict(zip(batch, drawn, strict=True))
    temperature = predictor.temperature if config.temperature is None else config.temperature
    facts = {
        "title": Path(config.ckpt_path).name,
        "ckpt_path": str(config.ckpt_path),
        "temperature": float(temperature),
        "domain": predictor.domain,
        "trained_on": predictor.info.get("source", []),
    }
    return samples, facts


def _refuse_leak(config: DictConfig, question: Question, info: dict[str, Any]) -> None:
    """Another division of the set that was trained on would score training images."""
    if question.name not in info.get("source", []) or question.split not in ("val", "test"):
        return
    trained = info.get("config", {}).get("data", {})
    before = {key: trained.get(key) for key in ("split_seed", "val", "test")}
    now = {key: config[key] for key in before}
    changed = [f"{key}={before[key]}" for key in now if before[key] not in (None, now[key])]
    if changed:
        raise ValueError(
            f"{config.ckpt_path} was trained on {question.name} divided otherwise, so "
            f"split={question.split} would hold training images: add {' '.join(changed)}"
        )


def _from_baseline(
    config: DictConfig, question: Question, protocol: Protocol, console: Console
) -> tuple[Samples, dict[str, Any]]:
    samples = baseline(
        config.baseline,
        question.people,
        protocol,
        training=question.training,
        images={image: question.picture(image) for image in question.people},
        seed=int(config.seed),
    )
    return samples, {"title": f"baseline {config.baseline}", "baseline": config.baseline}


def _from_file(
    config: DictConfig, question: Question, protocol: Protocol, console: Console
) -> tuple[Samples, dict[str, Any]]:
    frame = None if config.frame is None else tuple(plain(config.frame))
    declared = FileFormat(config.units, config.time, frame, int(config.minimum), config.bad)
    sizes = {image: question.gaze.stimuli[image].size for image in question.people}
    loaded = load_scanpaths(config.scanpaths, sizes, declared, list(question.gaze.stimuli))
    missing = [image for image in question.people if image not in loaded.samples]
    if missing and declared.bad == "refuse":
        listed = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
        raise ValueError(
            f"{config.scanpaths} holds no scanpath on {len(missing)} of {len(sizes)} images of "
            f"split={question.split}: {listed}; score the rest with bad=drop"
        )
    counts = {**loaded.counts, "images_without_scanpaths": len(missing)}
    for line in loaded.problems[:10]:
        console.print(f"left out: {line}", markup=False, highlight=False, soft_wrap=True)
    # In the order of the people, as baselines are.
    samples = {i: loaded.samples[i] for i in question.people if i in loaded.samples}
    title = Path(config.scanpaths).name
    return samples, {"title": title, "scanpaths": str(config.scanpaths), "counts": counts}


@hydra.main(config_path=CONFIG_DIR, config_name="evaluate", version_base="1.3")
def _application(config: DictConfig) -> None:
    with one_line_errors():
        run(config, Console())


def main() -> None:
    """Entry point of the command line; ``data=osie`` is short for ``data/source=osie``."""
    sys.argv[1:] = [
        f"data/source={argument[5:]}" if argument.startswith("data=") else argument
        for argument in sys.argv[1:]
    ]
    run_hydra_app(_application, "evaluate")


if __name__ == "__main__":
    main()
