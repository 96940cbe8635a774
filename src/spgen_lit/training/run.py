"""One training run, from a composed configuration to results on disk."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning as L
from hydra.core.hydra_config import HydraConfig
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from spgen_lit import __version__
from spgen_lit.config import plain, trusted
from spgen_lit.data.module import DomainMix
from spgen_lit.files import write_text
from spgen_lit.instantiation import ConfigError, complete, instantiated
from spgen_lit.learning.callbacks.checkpointing import LAST, Stopped
from spgen_lit.learning.distillation import Distillation
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.network.encoders.base import Encoder
from spgen_lit.network.encoders.feature_store import FeatureStore
from spgen_lit.network.protocol import Network
from spgen_lit.training.devices import together, trainer_settings
from spgen_lit.training.loggers import log_beginning, silence_notices, tracked
from spgen_lit.training.resumption import resumed, same_network, start_from
from spgen_lit.training.scoring import Scoring, score_run
from spgen_lit.training.stages import run_stages
from spgen_lit.training.summary import overview

_DOMAINS = ("source", "target", "evaluation", "styles")


@dataclass(frozen=True)
class Prepared:
    """All that a run needs, made and checked before the first step."""

    data: DomainMix
    module: ScanpathModule
    trainer: L.Trainer


def run(config: DictConfig) -> float:
    """Train, test, and write results into the run's folder.

    Args:
        config: ``conf/train.yaml``, composed.

    Returns:
        The validation energy score (lower is better): what sweeps minimise.

    Raises:
        ConfigError: For a configuration or data that cannot be used.
        DivergedError: For training whose loss is no number any more.
        OSError: For files that are missing, and a disk that is full.
        Stopped: A :class:`SystemExit` with code 143 or 130 after SIGTERM or Ctrl-C; what is
            needed to go on is saved, and the command that goes on is printed.
    """
    if config.stages:
        typed = HydraConfig.get().overrides.task if HydraConfig.initialized() else ()
        return run_stages(config, run, typed)
    silence_notices()
    console = Console()
    started = time.time()
    try:
        prepared = prepare(config)
    except MisconfigurationException as error:
        raise ConfigError(str(error)) from error
    data, module, trainer = prepared.data, prepared.module, prepared.trainer
    output = Path(config.paths.output_dir)
    if trainer.is_global_zero:
        console.print(overview(config, data, module, trainer))
        write_text(output / "config.yaml", OmegaConf.to_yaml(config, resolve=True))
    with tracked(trainer):
        log_beginning(trainer, config, data)
        _fit(config, prepared)
        if not trainer.is_global_zero:
            return 0.0
        return score_run(config, module, data, trainer, console, started)


def prepare(config: DictConfig) -> Prepared:
    """Read the data and build everything that a configuration asks for.

    Raises:
        ConfigError: For a setting that does not exist or is of another type.
        ValueError: For a value out of range, or data that cannot be used.
        OSError: For files that are missing.
    """
    L.seed_everything(config.seed, workers=True, verbose=False)
    if config.same_network:
        same_network(config)
    scoring = Scoring.of(config)
    data = _data(config)
    data.setup()
    tree = plain(config.network)
    network = instantiated(tree, "network", trusted(config))
    spec = complete(tree, trusted(config))
    spec["encoder"] = network.encoder.portable(spec["encoder"])
    if config.ckpt_path:
        config.ckpt_path = str(resumed(Path(config.ckpt_path), spec))
    if config.start_from:
        start_from(config.start_from, network)
    trainer = _trainer(config, data)
    store = _feature_store(config, network.encoder) if config.feature_cache else None
    module = ScanpathModule(
        network,
        _made(config, "adaptation", network=network),
        _made(config, "loss") if config.loss else None,
        _made(config, "optimizer").scaled(together(trainer)),
        _distillation(config, network, store),
        samples=scoring.samples,
        card=_card(config, data, spec, network.encoder),
    )
    if not _texture(config):
        network.encoder.keep_features(store)
    if config.compile:
        network.encoder.compile()
    return Prepared(data, module, trainer)


def _made(config: DictConfig, section: str, **offered: Any) -> Any:
    """The object of a section with ``_target_``; offered objects go to arguments of that name."""
    return instantiated(plain(config[section]), section, trusted(config), **offered)


def _distillation(
    config: DictConfig, network: Network, store: FeatureStore | None
) -> Distillation | None:
    if not config.distillation.get("weight"):
        return None
    made: Distillation = _made(config, "distillation", encoder=network.encoder, store=store)
    return made


def _fit(config: DictConfig, prepared: Prepared) -> None:
    trainer = prepared.trainer
    try:
        trainer.fit(prepared.module, prepared.data, ckpt_path=config.ckpt_path, weights_only=True)
    except MisconfigurationException as error:
        raise ConfigError(str(error)) from error
    except SystemExit as error:
        # Without callbacks.last the trainer stops by itself, with another exit code.
        interrupted = isinstance(error.__context__, KeyboardInterrupt)
        code = error.code if isinstance(error, Stopped) else 130 if interrupted else 143
        if trainer.is_global_zero:
            _tell_how_to_go_on(Path(config.paths.output_dir), "last" in (config.callbacks or {}))
        raise Stopped(code) from None


def _tell_how_to_go_on(output: Path, saved: bool) -> None:
    """Print the command that goes on where a run was stopped."""
    last = output / "checkpoints" / LAST
    if not (saved and last.is_file()):
        print("stopped; no checkpoint was saved", file=sys.stderr)
        return
    fixed = ("ckpt_path=", "hydra.run.dir=", "start_from=")
    kept = [word for word in sys.argv[1:] if not word.startswith(fixed)]
    command = ["python", "-m", "spgen_lit.train", *kept]
    command += [f"ckpt_path={os.path.relpath(last)}", f"hydra.run.dir={os.path.relpath(output)}"]
    print(f"stopped and saved; go on with: {shlex.join(command)}", file=sys.stderr)


def _texture(config: DictConfig) -> float:
    return float((plain(config.data).get("augment") or {}).get("texture", 0.0))


def _feature_store(config: DictConfig, encoder: Encoder) -> FeatureStore:
    """Where features are kept, if images and frozen layers are such that they come again."""
    augment = plain(config.data).get("augment") or {}
    endless = [name for name in ("crop", "color", "blur") if augment.get(name)]
    if _texture(config) and not config.distillation.weight:
        endless.append("texture")  # a teacher's photographs come again all the same
    if endless:
        raise ConfigError(
            f"feature_cache=true keeps features of images that come again, and data.augment."
            f"{endless[0]}={augment[endless[0]]} makes new ones at every draw; set it to 0, or "
            "train with feature_cache=false"
        )
    if config.compile:
        raise ConfigError("feature_cache=true does not go with compile=true; set one of them")
    norm = encoder.domain_norm
    if norm != "shared":
        raise ConfigError(
            f"feature_cache=true needs frozen layers that never change, and network.encoder."
            f"domain_norm={norm} follows the target's statistics; train with feature_cache=false"
        )
    return FeatureStore(Path(config.paths.cache_dir) / "features")


def _trainer(config: DictConfig, data: DomainMix) -> L.Trainer:
    def made(section: str) -> list[Any]:
        nodes = (plain(config[section]) or {}).items()
        trust = trusted(config)
        return [
            instantiated(node, f"{section}.{name}", trust, data=data)
            for name, node in nodes
            if node
        ]

    callbacks, loggers = made("callbacks"), made("logger")
    if not loggers:
        callbacks = [c for c in callbacks if not isinstance(c, LearningRateMonitor)]
    trainer: L.Trainer = instantiated(
        trainer_settings(plain(config.trainer)),
        "trainer",
        trusted(config),
        callbacks=callbacks,
        logger=loggers or False,
        default_root_dir=config.paths.output_dir,
        enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    return trainer


def _data(config: DictConfig) -> DomainMix:
    settings = plain(config.data)
    readers = {
        domain: {
            name: instantiated(node, f"data.{domain}.{name}", trusted(config))
            for name, node in (settings.pop(domain) or {}).items()
        }
        for domain in _DOMAINS
    }
    data: DomainMix = instantiated(
        settings,
        "data",
        trusted(config),
        **readers,
        seed=config.seed,
        cache_dir=Path(config.paths.cache_dir) / "images",
        originals=bool(config.distillation.get("weight")),
    )
    return data


def _card(
    config: DictConfig, data: DomainMix, spec: dict[str, Any], encoder: Encoder
) -> dict[str, Any]:
    """What travels in the checkpoint: plain values only."""
    settings = json.loads(json.dumps(plain(config), default=str))
    # How sets were divided, also where the configuration leaves it to the defaults.
    settings["data"] |= {"split_seed": data.split_seed, **data.fractions}
    return {
        "version": __version__,
        "network": spec,
        "frame": {"size": list(data.frame.size), "mode": data.frame.mode},
        "initial_weights": encoder.origin,
        "initial_weights_licence": encoder.licence,
        "source": sorted(data.sets["source"]),
        "target": sorted(data.sets["target"]),
        "viewing": _viewing(data),
        "styles": sorted(data.style_readers),
        "gaze": data.gaze_kind,
        "seed": int(config.seed),
        "split_seed": data.split_seed,
        "trained_on": data.trained_on,
        "licences": {n: s.licence for d in data.sets.values() for n, s in d.items()},
        "config": settings,
    }


def _viewing(data: DomainMix) -> dict[str, Any]:
    """Known viewing conditions of the first source set, with the picture's height in degrees."""
    first = next(iter(data.sets["source"].values())).scanpaths[0]
    known = {k: v for k, v in asdict(first.viewing).items() if v is not None}
    scale = known.pop("px_per_degree", None)
    return known | ({"degrees": first.size[1] / scale} if scale else {})
