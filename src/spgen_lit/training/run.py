"""One training run, from a composed configuration to results on disk."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import LearningRateMonitor
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from spgen_lit import __version__
from spgen_lit.config import ConfigError, built, instantiated, plain
from spgen_lit.data.augment import Augment
from spgen_lit.data.module import DomainMix
from spgen_lit.learning.adaptation import Adaptation
from spgen_lit.learning.distillation import Distillation
from spgen_lit.learning.losses import ScanpathLoss
from spgen_lit.learning.module import DivergedError, ScanpathModule
from spgen_lit.learning.optimisation import Optimisation
from spgen_lit.learning.refinement import Refinement
from spgen_lit.learning.reversal import Schedule
from spgen_lit.network.build import instantiate, portable
from spgen_lit.network.encoders.base import Encoder
from spgen_lit.network.encoders.feature_store import FeatureStore
from spgen_lit.training.devices import scale_rates, together, trainer_settings
from spgen_lit.training.opening import opening
from spgen_lit.training.quiet import quiet
from spgen_lit.training.resumption import check_resumption, keep_metrics, start_from
from spgen_lit.training.scoring import score_run
from spgen_lit.training.tracking import log_beginning, tracked

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
        SystemExit: With one line on standard error: code 2 for a configuration or data that
            cannot be used, 1 for training that diverged. Within a sweep the error itself is
            raised; ``SPGEN_TRACEBACK=1`` raises it anywhere.
    """
    quiet()
    console = Console()
    started = time.time()
    try:
        prepared = prepare(config)
    except (ConfigError, ValueError, OSError, MisconfigurationException) as error:
        return _refuse(error, 2)
    if prepared.trainer.is_global_zero:
        data, module = prepared.data, prepared.module
        console.print(opening(config, data, module, prepared.trainer))
        OmegaConf.save(config, Path(config.paths.output_dir) / "config.yaml", resolve=True)
    with tracked(prepared.trainer):
        try:
            _fit(config, prepared)
        except (DivergedError, MisconfigurationException) as error:
            return _refuse(error, 1)
        if not prepared.trainer.is_global_zero:
            return 0.0
        return score_run(
            config,
            prepared.module,
            prepared.data,
            prepared.trainer,
            console,
            started,
        )


def _refuse(error: Exception, code: int) -> float:
    sweeping = HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN
    if sweeping or os.environ.get("SPGEN_TRACEBACK"):
        raise error
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(code) from None


def prepare(config: DictConfig) -> Prepared:
    """Read the data and build everything that a configuration asks for.

    Raises:
        ConfigError: For a setting that does not exist or is of another type.
        ValueError: For a value out of range, or data that cannot be used.
        OSError: For files that are missing.
    """
    L.seed_everything(config.seed, workers=True, verbose=False)
    data = _data(config)
    data.setup()
    network = instantiate(plain(config.network))
    spec = portable(plain(config.network), network)
    if config.ckpt_path:
        check_resumption(Path(config.ckpt_path), spec)
    if config.start_from:
        start_from(Path(config.start_from), network)
    adaptation = plain(config.adaptation)
    schedule = built(Schedule, adaptation.pop("schedule", None) or {}, "adaptation.schedule")
    optimizer = plain(config.optimizer)
    scale = optimizer.pop("scale_lr", "none")
    module = ScanpathModule(
        network,
        built(Adaptation, adaptation, "adaptation", schedule=schedule),
        built(ScanpathLoss, plain(config.loss), "loss"),
        built(Optimisation, optimizer, "optimizer"),
        built(Refinement, plain(config.refinement), "refinement"),
        built(Distillation, plain(config.distillation), "distillation"),
        samples=int(config.evaluation.samples),
        card=_card(config, data, spec, network.encoder),
    )
    store = _feature_store(config) if config.feature_cache else None
    module.distillation.attach(network, store)
    if not _texture(config):
        network.encoder.keep_features(store)
    if config.compile:
        network.encoder.compile()
    trainer = _trainer(config)
    module.optimisation = scale_rates(module.optimisation, scale, together(trainer))
    return Prepared(data, module, trainer)


def _fit(config: DictConfig, prepared: Prepared) -> None:
    trainer = prepared.trainer
    metrics = Path(config.paths.output_dir) / "metrics.csv"
    with keep_metrics(trainer, metrics, config.ckpt_path):
        log_beginning(trainer, config, prepared.data)
    trainer.fit(prepared.module, prepared.data, ckpt_path=config.ckpt_path, weights_only=True)


def _texture(config: DictConfig) -> float:
    return float((plain(config.data).get("augment") or {}).get("texture", 0.0))


def _feature_store(config: DictConfig) -> FeatureStore:
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
    norm = config.network.encoder.get("domain_norm", "shared")
    if norm != "shared":
        raise ConfigError(
            f"feature_cache=true needs frozen layers that never change, and network.encoder."
            f"domain_norm={norm} follows the target's statistics; train with feature_cache=false"
        )
    return FeatureStore(Path(config.paths.cache_dir) / "features")


def _trainer(config: DictConfig) -> L.Trainer:
    def made(section: str) -> list[Any]:
        nodes = (config[section] or {}).items()
        return [instantiated(node, f"{section}.{name}") for name, node in nodes if node]

    callbacks, loggers = made("callbacks"), made("logger")
    if not loggers:
        callbacks = [c for c in callbacks if not isinstance(c, LearningRateMonitor)]
    trainer: L.Trainer = built(
        L.Trainer,
        trainer_settings(plain(config.trainer)),
        "trainer",
        callbacks=callbacks,
        logger=loggers or False,
        default_root_dir=config.paths.output_dir,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    return trainer


def _data(config: DictConfig) -> DomainMix:
    settings = plain(config.data)
    readers = {
        domain: {
            name: instantiated(node, f"data.{domain}.{name}")
            for name, node in (config.data[domain] or {}).items()
        }
        for domain in _DOMAINS
    }
    for domain in _DOMAINS:
        settings.pop(domain)
    augment = settings.pop("augment")
    data: DomainMix = built(
        DomainMix,
        settings,
        "data",
        **readers,
        augment=built(Augment, augment, "data.augment") if augment else None,
        seed=config.seed,
        cache_dir=Path(config.paths.cache_dir) / "images",
        max_fixations=config.network.get("max_fixations", 20),
        originals=bool(config.distillation.get("weight")),
    )
    return data


def _card(
    config: DictConfig, data: DomainMix, spec: dict[str, Any], encoder: Encoder
) -> dict[str, Any]:
    """What travels in the checkpoint: plain values only."""
    return {
        "version": __version__,
        "network": spec,
        "frame": {"size": list(data.frame.size), "mode": data.frame.mode},
        "initial_weights": encoder.origin,
        "initial_weights_licence": encoder.licence,
        "source": sorted(data.sets["source"]),
        "target": sorted(data.sets["target"]),
        "styles": sorted(data.style_readers),
        "gaze": data.gaze_kind,
        "seed": int(config.seed),
        "split_seed": int(config.data.split_seed),
        "licences": {n: s.licence for d in data.sets.values() for n, s in d.items()},
        "config": json.loads(json.dumps(plain(config), default=str)),
    }
