"""Scores of a checkpoint, a baseline, or any scanpath file, beside observers and chance.

    python -m spgen_lit.evaluate data=osie split=val ckpt_path=outputs/run/checkpoints/best.ckpt
    python -m spgen_lit.evaluate data=osie split=val baseline=uniform
    python -m spgen_lit.evaluate data=osie split=val scanpaths=theirs.csv units=px time=ms

Every setting is listed, with what it means, in conf/evaluate.yaml.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import hydra
from omegaconf import DictConfig
from rich.console import Console

from spgen_lit import provenance
from spgen_lit.config import CONFIG_DIR, one_line_errors, plain, run_hydra_app, trusted
from spgen_lit.data.duplicates import alike, content_hash, fingerprints, groups
from spgen_lit.data.images import Pixels, read_image
from spgen_lit.data.readers.scanpath_file import ScanpathFile
from spgen_lit.data.records import GazeSet
from spgen_lit.data.splits import SPLITS, split_images
from spgen_lit.evaluation import tables
from spgen_lit.evaluation.baselines import baseline
from spgen_lit.evaluation.checks import likely_mistakes
from spgen_lit.evaluation.measures import select
from spgen_lit.evaluation.protocol import Protocol, preset
from spgen_lit.evaluation.results import CHANCE, OBSERVERS, Results
from spgen_lit.evaluation.score import folds_table, grouped_by, save_groups, score, score_folds
from spgen_lit.evaluation.trials import few
from spgen_lit.files import write_text
from spgen_lit.instantiation import instantiated
from spgen_lit.pretrained import training_warning, weights_file
from spgen_lit.scanpath import Scanpath

_SUBJECTS = ("model", "ckpt_path", "baseline", "scanpaths")
# Large enough for 64 columns of spectral residual at any aspect, small enough to decode fast.
_SALIENCY_SIZE = (256, 256)

# Text with brackets and long paths, printed as it is.
_PLAIN: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}

Samples = dict[str, list[Scanpath]]
Facts = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """The images of a data set that are scored.

    Attributes:
        name: What the configuration calls the set.
        gaze: The whole set.
        split: Name of the split, or the file that lists its ids.
        observers: Image id to its observers' scanpaths.
        training: Scanpaths of the training images; None where no others are left.
        facts: Counts for the summary.
    """

    name: str
    gaze: GazeSet
    split: str
    observers: Samples
    training: list[Scanpath] | None
    facts: dict[str, int]

    def pictures(self) -> dict[str, Callable[[], Pixels]]:
        """Functions that read each image, at no more than the scale a baseline needs."""
        paths = {image: self.gaze.stimuli[image].path for image in self.observers}
        return {i: partial(read_image, path, _SALIENCY_SIZE) for i, path in paths.items()}


def run(config: DictConfig, console: Console) -> Results:
    """Score by a composed configuration, save, and print the table.

    Raises:
        ValueError: For settings that cannot be used or a faulty scanpath file.
        FileNotFoundError: If data, checkpoint or scanpath file are absent.
    """
    chosen = [key for key in _SUBJECTS if config[key] is not None]
    if len(chosen) != 1:
        raise ValueError(
            f"give exactly one of {', '.join(_SUBJECTS)} to score; "
            f"found {', '.join(chosen) or 'none'}"
        )
    subject, protocol, metric = chosen[0], _protocol(config), plain(config.metric)
    options: dict[str, Any] = {
        "metrics": plain(config.metrics),
        "extra": [instantiated(node, "metric", trusted(config)) for node in [metric] if node],
        "seed": config.seed,
    }
    select(options["metrics"])
    scene = _scene(config)
    attributes = {image: scene.gaze.stimuli[image].attributes for image in scene.observers}
    names = grouped_by(attributes, config.group)
    draw = {"baseline": _from_baseline, "scanpaths": _from_file}.get(subject, _from_model)
    samples, facts = draw(config, scene, protocol)
    for words in facts.get("warnings", ()):
        console.print(f"warning: {config[subject]}: {words}", style="yellow", **_PLAIN)
    scene = replace(scene, observers={image: scene.observers[image] for image in samples})
    options |= {"images": scene.pictures(), "training": scene.training}
    results = score(
        samples,
        scene.observers,
        protocol,
        baselines=plain(config.band),
        log_likelihood=facts.pop("bits", None),
        meta=_meta(config, scene, facts, subject),
        progress=console.is_terminal,
        **options,
    )
    what = "-".join((scene.name, Path(scene.split).stem, Path(str(config[subject])).stem))
    folder = results.save(config.output or Path("outputs") / "evaluate" / what)
    console.print(results.table())
    if set(results.band) - {OBSERVERS, CHANCE}:
        console.print(results.band_table())
    if (groups := save_groups(folder, results, attributes, names)) is not None:
        console.print(groups)
    if config.folds is not None:
        options["baselines"] = (OBSERVERS, CHANCE)
        parts = score_folds(samples, scene.observers, protocol, config.folds, **options)
        tables.write(folder / "folds.csv", parts)
        console.print(folds_table(parts))
    if config.ids is not None:
        write_text(config.ids, "".join(f"{image}\n" for image in results.model.images))
    console.print(f"results: {folder}", **_PLAIN)
    return results


def _meta(config: DictConfig, scene: Scene, facts: Facts, subject: str) -> Facts:
    """Facts of a result, with what its files can be held against later."""
    what = str(config[subject])
    files = {"scanpaths": Path, "model": weights_file, "ckpt_path": weights_file}
    file = files[subject](config[subject]) if subject in files else None
    ((_, reader),) = config.data.source.items()
    where = provenance.describe({subject: what}, file, plain(reader), scene.gaze, scene.observers)
    return {
        "title": f"baseline {what}" if subject == "baseline" else Path(what).name,
        "data": scene.name,
        "set": scene.gaze.name,
        "split": Path(scene.split).stem,
        "gaze": scene.gaze.gaze,
        "seed": int(config.seed),
        "citation": scene.gaze.citation,
        "notes": list(scene.gaze.notes),
        "counts": {**scene.facts, **facts.pop("counts", {})},
        "provenance": where,
        **facts,
    }


def _protocol(config: DictConfig) -> Protocol:
    changes = dict(plain(config.protocol_fields))
    if config.samples is not None:
        changes["samples"] = int(config.samples)
    try:
        return replace(preset(config.protocol), **changes)
    except TypeError as error:
        known = ", ".join(preset(config.protocol).card())
        raise ValueError(f"protocol_fields: {error}; a protocol has {known}") from error


def _scene(config: DictConfig) -> Scene:
    sets = config.data.source
    if len(sets) != 1:
        raise ValueError(f"score one data set at a time; data names {', '.join(sets) or 'none'}")
    ((name, reader),) = sets.items()
    gaze: GazeSet = instantiated(plain(reader), "data.source", trusted(config)).read()
    if not gaze.scanpaths:
        raise ValueError(f"data={name} has no gaze: there is nothing to score against")
    prints = fingerprints(gaze.stimuli, Path(config.paths.cache_dir) / "images")
    near = groups(alike(list(prints.values())))
    fractions = (float(config.val), float(config.test))
    parts = split_images(gaze, int(config.split_seed), *fractions, groups=near)
    ids = _ids(config, gaze, parts)
    if not ids:
        sizes = {name: len(members) for name, members in parts.items()}
        raise ValueError(f"split={config.split} of {name} holds no image here ({sizes})")
    paths = gaze.by_image()
    observers = {image: paths[image] for image in ids if image in paths}
    others = set() if config.split in ("all", "train") else set(parts["train"]) - set(ids)
    training = [path for path in gaze.scanpaths if path.image in others]
    facts = {"images_in_split": len(ids), "images_without_gaze": len(ids) - len(observers)}
    return Scene(name, gaze, str(config.split), observers, training or None, facts)


def _ids(config: DictConfig, gaze: GazeSet, parts: dict[str, tuple[str, ...]]) -> list[str]:
    """Ids of a split by name, of all images, or of a file that lists them."""
    if config.split == "all":
        return list(gaze.stimuli)
    if config.split in SPLITS:
        return list(parts[config.split])
    listed = Path(str(config.split))
    if not listed.is_file():
        raise ValueError(
            f"split={config.split}: choose one of {', '.join(SPLITS)}, all, or give a file that "
            "lists image ids, one a line"
        )
    ids = listed.read_text(encoding="utf-8").split()
    unknown = [i for i in ids if i not in gaze.stimuli]
    if unknown:
        raise ValueError(
            f"{listed}: {len(unknown)} of {len(ids)} ids are not in {gaze.name}: {few(unknown)}"
        )
    return ids


def _from_model(config: DictConfig, scene: Scene, protocol: Protocol) -> tuple[Samples, Facts]:
    # Imported here: the other two ways to score need no network.
    from spgen_lit.predictor import Predictor

    model = config.model or config.ckpt_path
    predictor = Predictor.from_pretrained(model, str(config.device), config.domain, trusted(config))
    warning = training_warning(predictor.info)
    seen = _seen(config, scene, predictor.info)
    observers = {
        image: paths if config.viewing_time is None else _shown(paths, float(config.viewing_time))
        for image, paths in scene.observers.items()
        if config.seen != "drop" or image not in seen
    }
    samples, bits = predictor.observed(
        observers,
        lambda images: predictor.planes([scene.gaze.stimuli[image].path for image in images]),
        samples=protocol.samples,
        temperature=config.temperature,
        seed=int(config.seed),
        size=int(config.batch_size),
    )
    temperature = predictor.temperature if config.temperature is None else config.temperature
    facts = {
        "ckpt_path": str(model),
        "viewing_time": config.viewing_time,
        "warnings": [warning] if warning else [],
        "bits": bits,
        "temperature": float(temperature),
        "domain": predictor.domain,
        "trained_on": predictor.info.get("source", []),
        "counts": {"images_seen_in_training": len(seen)},
    }
    return samples, facts


def _shown(paths: list[Scanpath], seconds: float) -> list[Scanpath]:
    """The scanpaths as if the image was shown for so long."""
    return [replace(path, viewing=replace(path.viewing, seconds=seconds)) for path in paths]


def _seen(config: DictConfig, scene: Scene, info: dict[str, Any]) -> set[str]:
    """Images that the model was trained on, by their ids in the set and by their content.

    Raises:
        ValueError: If there are any, unless training images or their leaving out are asked for.
    """
    if config.seen not in ("refuse", "drop"):
        raise ValueError(f"seen must be refuse or drop, found {config.seen}")
    trained: dict[str, dict[str, str]] = info.get("trained_on") or {}
    contents = {content for ids in trained.values() for content in ids.values()}
    known = trained.get(scene.name, {})
    paths = {image: scene.gaze.stimuli[image].path for image in scene.observers}
    seen = {i for i, path in paths.items() if i in known or content_hash(path) in contents}
    if not seen or config.seen == "drop" or config.split in ("train", "all"):
        return seen
    division = info.get("config", {}).get("data", {})
    keys = ("split_seed", "val", "test")
    changed = [f"{k}={division[k]}" for k in keys if division.get(k) not in (None, config[k])]
    hint = f"add {' '.join(changed)}, as in training, or " if changed else ""
    raise ValueError(
        f"{config.model or config.ckpt_path} was trained on {len(seen)} of the {len(paths)} "
        f"images of split={config.split}, {min(seen)} among them; {hint}seen=drop leaves them out"
    )


def _from_baseline(config: DictConfig, scene: Scene, protocol: Protocol) -> tuple[Samples, Facts]:
    samples = baseline(
        config.baseline,
        scene.observers,
        protocol,
        training=scene.training,
        images=scene.pictures(),
        seed=int(config.seed),
    )
    return samples, {"baseline": config.baseline}


def _from_file(config: DictConfig, scene: Scene, protocol: Protocol) -> tuple[Samples, Facts]:
    frame = None if config.frame is None else tuple(plain(config.frame))
    file = ScanpathFile(
        config.scanpaths, config.units, config.time, frame, int(config.minimum), config.bad
    )
    sizes = {image: scene.gaze.stimuli[image].size for image in scene.observers}
    loaded = file.read(sizes, list(scene.gaze.stimuli))
    missing = [image for image in scene.observers if image not in loaded.samples]
    if missing and file.bad == "refuse":
        raise ValueError(
            f"{config.scanpaths} holds no scanpath on {len(missing)} of {len(sizes)} images of "
            f"split={config.split}: {few(missing)}; score the rest with bad=drop"
        )
    # In the order of the observers, as baselines are.
    samples = {i: loaded.samples[i] for i in scene.observers if i in loaded.samples}
    fewest = min(samples, key=lambda image: len(samples[image]))
    if config.samples is not None and len(samples[fewest]) < config.samples:
        raise ValueError(
            f"samples={config.samples}, but {config.scanpaths} has fewer on some images, such as "
            f"{fewest} ({len(samples[fewest])})"
        )
    samples = {image: paths[: config.samples] for image, paths in samples.items()}
    mistakes = likely_mistakes(samples, scene.observers, frame, config.units == "px")
    if config.checks and any(mistake.certain for mistake in mistakes):
        raise ValueError(
            f"{config.scanpaths}: {next(m.text for m in mistakes if m.certain)}; say so if that is "
            "what the file means, or checks=false scores it as it was declared"
        )
    left_out = [f"left out: {line}" for line in loaded.problems[:10]]
    facts = {
        "scanpaths": str(config.scanpaths),
        "counts": {**loaded.counts, "images_without_scanpaths": len(missing)},
        "warnings": [*left_out, *(mistake.text for mistake in mistakes)],
    }
    return samples, facts


@hydra.main(config_path=CONFIG_DIR, config_name="evaluate", version_base="1.3")
def _application(config: DictConfig) -> None:
    with one_line_errors():
        run(config, Console())


def main() -> None:
    """Entry point of the command line; ``--model x`` is short for ``model=x``."""
    if "--model" in sys.argv:
        at = sys.argv.index("--model")
        sys.argv[at : at + 2] = ["=".join(("model", *sys.argv[at + 1 : at + 2]))]
    run_hydra_app(_application, "evaluate")


class _Module(ModuleType):
    """This module, which can be called as the function whose name it takes once imported."""

    __call__ = staticmethod(score)


sys.modules[__name__].__class__ = _Module

if __name__ == "__main__":
    main()
