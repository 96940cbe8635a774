"""One training run, from a composed configuration to results on disk."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import hydra
import lightning as L
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from spgen_lit import __version__
from spgen_lit.config import plain
from spgen_lit.data.augment import Augment
from spgen_lit.data.images import ImageError
from spgen_lit.data.module import DomainMix
from spgen_lit.learning.adaptation import Adaptation
from spgen_lit.learning.callbacks import trained_parameters
from spgen_lit.learning.losses import ScanpathLoss
from spgen_lit.learning.module import ScanpathModule
from spgen_lit.learning.optimisation import Optimisation
from spgen_lit.learning.reversal import Schedule
from spgen_lit.network.build import initialise
from spgen_lit.scoring import score_run

_QUIET = {"enable_model_summary": False, "use_distributed_sampler": False}


def run(config: DictConfig) -> float:
    """Train, test, and write results into the run's folder.

    Args:
        config: ``conf/train.yaml``, composed.

    Returns:
        The validation energy score (lower is better): what sweeps minimise.
    """
    console = Console(stderr=False)
    try:
        return _run(config, console)
    except (ImageError, FileNotFoundError, ValueError) as error:
        if HydraConfig.get().mode is not None and HydraConfig.get().mode.name == "MULTIRUN":
            raise
        if os.environ.get("SPGEN_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _run(config: DictConfig, console: Console) -> float:
    started = time.time()
    output = Path(config.paths.output_dir)
    L.seed_everything(config.seed, workers=True, verbose=False)
    data = _data(config)
    data.setup()
    folders = [Path(config.paths.data_dir) / "weights", Path(config.paths.data_dir).parent / "weights"]
    network, spec, weights = initialise(plain(config.network), folders)
    card = _card(config, data, spec, weights.origin)
    module = ScanpathModule(
        network,
        _adaptation(plain(config.adaptation)),
        ScanpathLoss(**plain(config.loss)),
        Optimisation(**plain(config.optimizer)),
        samples=int(config.evaluation.samples),
        card=card,
    )
    if config.compile:
        network.compile()
    callbacks = [hydra.utils.instantiate(c) for c in (config.callbacks or {}).values() if c]
    loggers = [hydra.utils.instantiate(c) for c in (config.logger or {}).values() if c]
    if not loggers:
        callbacks = [c for c in callbacks if not isinstance(c, L.pytorch.callbacks.LearningRateMonitor)]
    trainer = L.Trainer(
        **plain(config.trainer), **_QUIET, callbacks=callbacks, logger=loggers or False,
        default_root_dir=output,
    )
    if trainer.is_global_zero:
        console.print(_opening(config, data, module, trainer, weights.origin))
        if weights.random:
            console.print(
                "[yellow]Warning:[/] the encoder starts from random weights "
                f"({weights.origin}); expect far lower agreement than from ImageNet weights."
            )
        OmegaConf.save(config, output / "config.yaml", resolve=True)
    for logger in loggers:
        logger.log_hyperparams(plain(config))
    trainer.fit(module, data, ckpt_path=config.ckpt_path, weights_only=True)
    if not trainer.is_global_zero:
        return 0.0
    return score_run(config, module, data, trainer, console, weights, started)


def _data(config: DictConfig) -> DomainMix:
    settings = plain(config.data)
    readers = {
        domain: {
            name: hydra.utils.instantiate(node) for name, node in (config.data[domain] or {}).items()
        }
        for domain in ("source", "target", "evaluation", "styles")
    }
    for domain in readers:
        settings.pop(domain)
    augment = settings.pop("augment")
    return DomainMix(
        **readers,
        **settings,
        augment=Augment(**augment) if augment else None,
        seed=config.seed,
        cache_dir=Path(config.paths.cache_dir) / "images",
        max_fixations=config.network.get("max_fixations", 20),
    )


def _adaptation(settings: dict[str, Any]) -> Adaptation:
    schedule = Schedule(**settings.pop("schedule", {}))
    return Adaptation(**settings, schedule=schedule)


def _card(config: DictConfig, data: DomainMix, spec: dict[str, Any], origin: str) -> dict[str, Any]:
    """What travels in the checkpoint: plain values only."""
    return {
        "version": __version__,
        "network": spec,
        "frame": {"size": list(data.frame.size), "mode": data.frame.mode},
        "initial_weights": origin,
        "source": sorted(data.sets["source"]),
        "target": sorted(data.sets["target"]),
        "styles": sorted(data.style_readers),
        "gaze": data.gaze_kind,
        "seed": int(config.seed),
        "split_seed": int(config.data.split_seed),
        "licences": {n: s.licence for d in data.sets.values() for n, s in d.items()},
        "config": json.loads(json.dumps(plain(config), default=str)),
    }


def _opening(
    config: DictConfig, data: DomainMix, module: ScanpathModule, trainer: L.Trainer, origin: str
) -> Table:
    table = Table(title=f"spgen_lit {__version__}: {config.name}", show_header=False)
    for domain in ("source", "target", "evaluation"):
        for name, gaze in data.sets[domain].items():
            counts = [
                sum(set_name == name for set_name in data.parts[domain, split].sets.values())
                for split in ("train", "val", "test")
            ]
            kind = {"none": "no gaze", "simulated": "SIMULATED gaze"}.get(gaze.gaze, f"{gaze.gaze} gaze")
            paths = f", {len(gaze.scanpaths)} scanpaths" if gaze.scanpaths else ""
            table.add_row(
                domain, f"{name}: {counts[0]} train, {counts[1]} val, {counts[2]} test{paths} ({kind})"
            )
    if not data.sets["target"]:
        table.add_row("target", "none: training on the source alone")
    if data.styles:
        shown = f"shown in {data.style_share:.0%} of draws"
        table.add_row("styles", f"{sum(map(len, data.styles.values()))} renditions, {shown}")
    trained, total = trained_parameters(module.network), sum(p.numel() for p in module.network.parameters())
    schedule = module.adaptation.schedule
    batch = f"{data.batch_size} + {data.target_batch_size} images"
    world = trainer.world_size * trainer.accumulate_grad_batches
    table.add_row("network", f"{config.network.name}: {trained:,} of {total:,} parameters trained")
    table.add_row("encoder weights", origin)
    table.add_row(
        "adaptation",
        "none (λ = 0)" if module.adaptation.source_only
        else f"{module.adaptation.method} at {', '.join(module.adaptation.levels)}, "
        f"λ {schedule.kind} up to {schedule.ceiling}",
    )
    table.add_row("device", f"{trainer.world_size} x {trainer.strategy.root_device}, {torch.get_num_threads()} threads")
    table.add_row(
        "training",
        f"{trainer.max_epochs} epochs of {data.steps} steps, {batch} a device"
        + (f", effective batch {data.batch_size * world}" if world > 1 else ""),
    )
    table.add_row("results", str(config.paths.output_dir))
    return table
