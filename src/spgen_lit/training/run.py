"""One training run, from a composed configuration to results on disk."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
import rich
from hydra.core.hydra_config import HydraConfig
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from omegaconf import DictConfig, OmegaConf
from torch._functorch import config as functorch_config

from spgen_lit import __version__
from spgen_lit.config import plain, trusted
from spgen_lit.data.module import DomainMix
from spgen_lit.files import write_text
from spgen_lit.instantiation import ConfigError, complete, instantiated
from spgen_lit.learning.callbacks.checkpointing import LAST, Stopped
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.network.encoders.base import Encoder
from spgen_lit.network.encoders.feature_store import FeatureStore
from spgen_lit.training.devices import together, trainer_settings
from spgen_lit.training.loggers import log_beginning, overview, silence_notices, tracked
from spgen_lit.training.resumption import resumed, run_stages, same_network, start_from
from spgen_lit.training.scoring import Scoring, score_run

_DOMAINS = ("source", "target", "evaluation", "styles")


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
    started = time.time()
    try:
        data, module, trainer = prepare(config)
        if trainer.is_global_zero:
            rich.print(overview(config, data, module, trainer))
            text = OmegaConf.to_yaml(config, resolve=True)
            write_text(Path(config.paths.output_dir) / "config.yaml", text)
        with tracked(trainer):
            log_beginning(trainer, config, data)
            _fit(config, module, data, trainer)
            if not trainer.is_global_zero:
                return 0.0
            return score_run(config, module, data, trainer, started)
    except MisconfigurationException as error:  # Lightning's own word for the same
        raise ConfigError(str(error)) from error


def prepare(config: DictConfig) -> tuple[DomainMix, ScanpathModule, L.Trainer]:
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
    distill = bool(config.distillation.get("weight"))
    module = ScanpathModule(
        network,
        _made(config, "adaptation", network=network),
        _made(config, "loss") if config.loss else None,
        _made(config, "optimizer").scaled(together(trainer)),
        _made(config, "distillation", encoder=network.encoder, store=store) if distill else None,
        samples=scoring.samples,
        card=_card(config, data, spec, network.encoder),
    )
    if not (plain(config.data).get("augment") or {}).get("texture"):
        network.encoder.keep_features(store)
    if config.compile:
        # The norms of two losses' gradients are taken from one forward pass.
        functorch_config.donated_buffer = False
        network.encoder.compile()
    return data, module, trainer


def _made(config: DictConfig, section: str, **offered: Any) -> Any:
    """The object of a section with ``_target_``; offered objects go to arguments of that name."""
    return instantiated(plain(config[section]), section, trusted(config), **offered)


def _all(config: DictConfig, section: str, **offered: Any) -> dict[str, Any]:
    """The objects of a section of named nodes, those that are null left out."""
    nodes = plain(OmegaConf.select(config, section)) or {}
    trust = trusted(config)
    return {
        name: instantiated(node, f"{section}.{name}", trust, **offered)
        for name, node in nodes.items()
        if node
    }


def _fit(config: DictConfig, module: ScanpathModule, data: DomainMix, trainer: L.Trainer) -> None:
    try:
        trainer.fit(module, data, ckpt_path=config.ckpt_path, weights_only=True)
    except SystemExit as error:
        # Without callbacks.last the trainer stops by itself, with another exit code.
        interrupted = isinstance(error.__context__, KeyboardInterrupt)
        code = error.code if isinstance(error, Stopped) else 130 if interrupted else 143
        output = Path(config.paths.output_dir)
        saved = "last" in (config.callbacks or {}) and (output / "checkpoints" / LAST).is_file()
        words = f" and saved; go on with: {_way_on(output)}" if saved else "; nothing was saved"
        if trainer.is_global_zero:
            print(f"stopped{words}", file=sys.stderr)
        raise Stopped(code) from None


def _way_on(output: Path) -> str:
    """The command that goes on where a run was stopped."""
    last = os.path.relpath(output / "checkpoints" / LAST)
    fixed = ("ckpt_path=", "hydra.run.dir=", "start_from=")
    kept = [word for word in sys.argv[1:] if not word.startswith(fixed)]
    where = [f"ckpt_path={last}", f"hydra.run.dir={os.path.relpath(output)}"]
    return shlex.join(["python", "-m", "spgen_lit.train", *kept, *where])


def _feature_store(config: DictConfig, encoder: Encoder) -> FeatureStore:
    """Where features are kept, if images and frozen layers are such that they come again."""
    augment = plain(config.data).get("augment") or {}
    # A teacher's photographs come again whatever is laid over the images shown.
    endless = ("crop", "color", "blur", *(() if config.distillation.weight else ("texture",)))
    against = [f"data.augment.{name}={augment[name]}" for name in endless if augment.get(name)]
    against += ["compile=true"] if config.compile else []
    if encoder.domain_norm != "shared":
        against.append(f"network.encoder.domain_norm={encoder.domain_norm}")
    if against:
        raise ConfigError(
            "feature_cache=true keeps what frozen layers make of images that come again, which "
            f"{', '.join(against)} changes; leave that out, or train with feature_cache=false"
        )
    return FeatureStore(Path(config.paths.cache_dir) / "features")


def _trainer(config: DictConfig, data: DomainMix) -> L.Trainer:
    loggers = [*_all(config, "logger", data=data).values()]
    callbacks = [
        made
        for made in _all(config, "callbacks", data=data).values()
        if loggers or not isinstance(made, LearningRateMonitor)
    ]
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
    settings = {k: v for k, v in plain(config.data).items() if k not in _DOMAINS}
    data: DomainMix = instantiated(
        settings,
        "data",
        trusted(config),
        **{domain: _all(config, f"data.{domain}") for domain in _DOMAINS},
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
