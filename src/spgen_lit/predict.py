"""Scanpaths for image files, and pictures of them.

    python -m spgen_lit.predict ckpt_path=best.ckpt images=paintings samples=10 seed=0

Every setting is listed, with what it means, in ``conf/predict.yaml``; see ``docs/predict.md``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig

from spgen_lit.config import CONFIG_DIR, run_hydra_app


@dataclass
class PredictSchema:
    """Keys of ``predict.yaml`` with their types, so that ``samples=abc`` fails at once."""

    ckpt_path: str = MISSING
    images: Any = MISSING
    output: str = MISSING
    samples: int = 10
    temperature: float | None = None
    seed: int = 0
    device: str = "auto"
    domain: str = "source"
    batch_size: int = 8
    workers: int = 2
    overlay: int = 1
    density: bool = True
    replay: str | None = None
    picture_side: int = 1600
    page: bool = True
    page_limit: int = 500
    people: str | None = None
    regions: str | None = None
    strict: bool = False


ConfigStore.instance().store(name="predict_schema", node=PredictSchema)


@hydra.main(version_base="1.3", config_path=CONFIG_DIR, config_name="predict")
def _application(config: DictConfig) -> None:
    # Imported late: faulty configurations are refused before torch has loaded.
    from rich.console import Console

    from spgen_lit.predicting.prediction_run import run

    try:
        code = run(config, Console(stderr=True))
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    if code:
        raise SystemExit(code)


def main() -> None:
    """Entry point of the command line."""
    run_hydra_app(_application, "predict")


if __name__ == "__main__":
    main()
