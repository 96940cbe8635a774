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
from typing import Any

import hydra
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track

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
from spgen_lit.evaluation.score import (
    folds_table,
    groups_table,
    score,
    score_folds,
    score_groups,
)
from spgen_lit.files import write_text
from spgen_lit.instantiation import instantiated
from spgen_lit.pretrained import training_warning, weights_file
from spgen_lit.scanpath import Scanpath

_SUBJECTS = ("model", "ckpt_path", "baseline", "scanpaths")
# Large enough for 64 columns of spectral residual at any aspect, small enough to decode fast.
_SALIENCY_SIZE = (256, 256)

Samples = dict[str, list[Scanpath]]


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
    given = [key for key in _SUBJECTS if config[key] is not None]
    if len(given) != 1:
        raise ValueError(
            f"give exactly one of {', '.join(_SUBJECTS)} to score; "
            f"found {', '.join(given) or 'none'}"
        )
    protocol = _protocol(config)
    metrics = config.metrics if isinstance(config.metrics, str) else plain(config.metrics)
    select(metrics)
    scene = _scene(config)
    subjects = {
        "model": _from_model,
        "ckpt_path": _from_model,
        "baseline": _from_baseline,
        "scanpaths": _from_file,
    }
    samples, facts = subjects[given[0]](config, scene, protocol, console)
    scene = replace(scene, observers={image: scene.observers[image] for image in samples})
    options: dict[str, Any] = {"metrics": metrics, "images": scene.pictures(), "seed": config.seed}
    bits = facts.pop("bits", None)
    meta = _meta(config, scene, facts, given[0])
    results = score(
        samples,
        scene.observers,
        protocol,
        baselines=plain(config.band),
        training=scene.training,
        log_likelihood=bits,
        meta=meta,
        progress=console.is_terminal,
        **options,
    )
    what = "-".join((scene.name, Path(scene.split).stem, Path(str(config[given[0]])).stem))
    folder = results.save(config.output or Path("outputs") / "evaluate" / what)
    console.print(results.table())
    if set(results.band) - {OBSERVERS, CHANCE}:
        console.print(results.band_table())
    _by_group(config, scene, results, folder, console)
    if config.folds is not None:
        options |= {"baselines": (OBSERVERS, CHANCE), "training": scene.training}
        parts = score_folds(samples, scene.observers, protocol, config.folds, **options)
        tables.write(folder / "folds.csv", parts)
        console.print(folds_table(parts))
    if config.ids is not None:
        write_text(config.ids, "".join(f"{image}\n" for image in results.model.images))
    console.print(f"results: {folder}", markup=False, highlight=False, soft_wrap=True)
    return results


def _by_group(
    config: DictConfig, scene: Scene, results: Results, folder: Path, console: Console
) -> None:
    """Results by an attribute of the images, the set's first one by default.

    Raises:
        ValueError: If no image has the attribute asked for.
    """
    attributes = {image: scene.gaze.stimuli[image].attributes for image in results.model.images}
    known = list(dict.fromkeys(key for found in attributes.values() for key in found))
    attribute = config.group or next(iter(known), None)
    if attribute is None:
        return
    if attribute not in known:
        raise ValueError(f"group={attribute}: images of {scene.name} have {known or 'none'}")
    groups = {image: found[attribute] for image, found in attributes.items() if attribute in found}
    parts = score_groups(results, groups)
    tables.write(folder / f"by_{attribute}.csv", parts)
    metric = "energy" if "energy" in results.model.metrics else results.model.metrics[0]
    console.print(groups_table(parts, attribute, metric))


def _meta(config: DictConfig, scene: Scene, facts: dict[str, Any], subject: str) -> dict[str, Any]:
    """Facts of a result, with what its files can be held against later."""
    files = {"scanpaths": Path, "model": weights_file, "ckpt_path": weights_file}
    file = files[subject](config[subject]) if subject in files else None
    scored = {subject: str(config[subject])}
    ((_, reader),) = config.data.source.items()
    return {
        "title": facts.pop("title"),
        "data": scene.name,
        "set": scene.gaze.name,
        "split": Path(scene.split).stem,
        "gaze": scene.gaze.gaze,
        "seed": int(config.seed),
        "citation": scene.gaze.citation,
        "notes": list(scene.gaze.notes),
        "counts": {**scene.facts, **facts.pop("counts", {})},
        "provenance": provenance.describe(scored, file, plain(reader), scene.gaze, scene.observers),
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
    wanted = _wanted_ids(config, gaze, parts)
    if not wanted:
        sizes = {name: len(ids) for name, ids in parts.items()}
        raise ValueError(f"split={config.split} of {name} holds no image here ({sizes})")
    paths = gaze.by_image()
    observers = {image: paths[image] for image in wanted if image in paths}
    apart = set() if config.split in ("all", "train") else set(parts["train"]) - set(wanted)
    training = [path for path in gaze.scanpaths if path.image in apart]
    facts = {"images_in_split": len(wanted), "images_without_gaze": len(wanted) - len(observers)}
    return Scene(name, gaze, str(config.split), observers, training or None, facts)


def _wanted_ids(config: DictConfig, gaze: GazeSet, parts: dict[str, tuple[str, ...]]) -> list[str]:
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
            f"{listed}: {len(unknown)} of {len(ids)} ids are not in {gaze.name}: "
            f"{', '.join(unknown[:5])}"
        )
    return ids


def _shown(paths: list[Scanpath], config: DictConfig) -> list[Scanpath]:
    """The scanpaths as if shown for ``viewing_time``, where that is given."""
    if config.viewing_time is None:
        return paths
    seconds = float(config.viewing_time)
    return [replace(path, viewing=replace(path.viewing, seconds=seconds)) for path in paths]


def _from_model(
    config: DictConfig, scene: Scene, protocol: Protocol, console: Console
) -> tuple[Samples, dict[str, Any]]:
    # Imported here: the other two ways to score need no network.
    from spgen_lit.predictor import Predictor

    model = config.model or config.ckpt_path
    predictor = Predictor.from_pretrained(model, str(config.device), config.domain, trusted(config))
    warning = training_warning(predictor.info)
    if warning:
        text = f"warning: {model}: {warning}"
        console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
    _refuse_leak(config, scene, predictor.info)
    seen = _seen(config, scene, predictor.info)
    images = [i for i in scene.observers if config.seen != "drop" or i not in seen]
    batches = [
        images[start : start + config.batch_size]
        for start in range(0, len(images), config.batch_size)
    ]
    samples: Samples = {}
    bits: dict[str, Any] = {}
    for batch in track(batches, "sampling", console=console, disable=not console.is_terminal):
        planes, sizes = predictor.planes([scene.gaze.stimuli[image].path for image in batch])
        observers = {image: _shown(scene.observers[image], config) for image in batch}
        drawn, known = predictor.observed(
            planes, sizes, observers, protocol.samples, config.temperature, int(config.seed)
        )
        samples |= dict(zip(batch, drawn, strict=True))
        bits |= dict(zip(batch, known or [], strict=False))
    temperature = predictor.temperature if config.temperature is None else config.temperature
    facts = {
        "title": Path(model).name,
        "ckpt_path": str(model),
        "viewing_time": config.viewing_time,
        "warnings": [warning] if warning else [],
        "bits": bits if len(bits) == len(samples) else None,
        "temperature": float(temperature),
        "domain": predictor.domain,
        "trained_on": predictor.info.get("source", []),
        "counts": {"images_seen_in_training": len(seen)},
    }
    return samples, facts


def _refuse_leak(config: DictConfig, scene: Scene, info: dict[str, Any]) -> None:
    """Another division of the set that was trained on would score training images."""
    if scene.name not in info.get("source", []) or scene.split not in ("val", "test"):
        return
    trained = info.get("config", {}).get("data", {})
    before = {key: trained.get(key) for key in ("split_seed", "val", "test")}
    now = {key: config[key] for key in before}
    changed = [f"{key}={before[key]}" for key in now if before[key] not in (None, now[key])]
    if changed:
        raise ValueError(
            f"{config.model or config.ckpt_path} was trained on {scene.name} divided otherwise, so "
            f"split={scene.split} would hold training images: add {' '.join(changed)}"
        )


def _seen(config: DictConfig, scene: Scene, info: dict[str, Any]) -> set[str]:
    """Images that the model was trained on, by their ids in the set and by their content.

    Raises:
        ValueError: If there are any, unless training images or their leaving out are asked for.
    """
    trained: dict[str, dict[str, str]] = info.get("trained_on") or {}
    contents = {content for ids in trained.values() for content in ids.values()}
    known = trained.get(scene.name, {})
    paths = {image: scene.gaze.stimuli[image].path for image in scene.observers}
    seen = {i for i, path in paths.items() if i in known or content_hash(path) in contents}
    if config.seen not in ("refuse", "drop"):
        raise ValueError(f"seen must be refuse or drop, found {config.seen}")
    if seen and config.seen == "refuse" and config.split not in ("train", "all"):
        raise ValueError(
            f"{config.model or config.ckpt_path} was trained on {len(seen)} of the {len(paths)} "
            f"images of split={config.split}, {min(seen)} among them; seen=drop leaves them out"
        )
    return seen


def _from_baseline(
    config: DictConfig, scene: Scene, protocol: Protocol, console: Console
) -> tuple[Samples, dict[str, Any]]:
    samples = baseline(
        config.baseline,
        scene.observers,
        protocol,
        training=scene.training,
        images=scene.pictures(),
        seed=int(config.seed),
    )
    return samples, {"title": f"baseline {config.baseline}", "baseline": config.baseline}


def _from_file(
    config: DictConfig, scene: Scene, protocol: Protocol, console: Console
) -> tuple[Samples, dict[str, Any]]:
    frame = None if config.frame is None else tuple(plain(config.frame))
    file = ScanpathFile(
        config.scanpaths, config.units, config.time, frame, int(config.minimum), config.bad
    )
    sizes = {image: scene.gaze.stimuli[image].size for image in scene.observers}
    loaded = file.read(sizes, list(scene.gaze.stimuli))
    missing = [image for image in scene.observers if image not in loaded.samples]
    if missing and file.bad == "refuse":
        listed = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
        raise ValueError(
            f"{config.scanpaths} holds no scanpath on {len(missing)} of {len(sizes)} images of "
            f"split={config.split}: {listed}; score the rest with bad=drop"
        )
    for line in loaded.problems[:10]:
        console.print(f"left out: {line}", markup=False, highlight=False, soft_wrap=True)
    # In the order of the observers, as baselines are.
    samples = {i: loaded.samples[i] for i in scene.observers if i in loaded.samples}
    if config.samples is not None:
        samples = _first(samples, int(config.samples), config.scanpaths)
    warnings = _check_reading(config, samples, scene, frame, console)
    facts = {
        "title": Path(config.scanpaths).name,
        "scanpaths": str(config.scanpaths),
        "counts": {**loaded.counts, "images_without_scanpaths": len(missing)},
        "warnings": warnings,
    }
    return samples, facts


def _first(samples: Samples, count: int, file: str) -> Samples:
    """The first so many scanpaths of each image."""
    fewer = [image for image, paths in samples.items() if len(paths) < count]
    if fewer:
        raise ValueError(
            f"samples={count}, but {file} has fewer on {len(fewer)} images, such as {fewer[0]} "
            f"({len(samples[fewer[0]])})"
        )
    return {image: paths[:count] for image, paths in samples.items()}


def _check_reading(
    config: DictConfig,
    samples: Samples,
    scene: Scene,
    frame: tuple[int, int] | None,
    console: Console,
) -> list[str]:
    """Warn of what observers' gaze says against the file; refuse it where that is certain."""
    found = likely_mistakes(samples, scene.observers, frame, config.units == "px")
    for mistake in found:
        if mistake.certain and config.checks:
            raise ValueError(
                f"{config.scanpaths}: {mistake.text}; say so if that is what the file means, or "
                "checks=false scores it as it was declared"
            )
        text = f"warning: {config.scanpaths}: {mistake.text}"
        console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
    return [mistake.text for mistake in found]


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


if __name__ == "__main__":
    main()
