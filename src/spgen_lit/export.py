"""A trained network as ONNX graphs, with a sampler that needs no torch, and a model card.

    python -m spgen_lit.export ckpt_path=best.ckpt output=exported
    python exported/sample.py painting.jpg --samples 10 > scanpaths.csv

Every setting is listed, with what it means, in ``conf/export.yaml``.
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
class ExportSchema:
    """Keys of ``export.yaml`` with their types, so that a faulty value fails at once."""

    ckpt_path: str = MISSING
    output: str = MISSING
    domain: str = "source"
    programs: bool = True
    images: Any = None
    samples: int = 8
    tolerance: float = 1e-4


ConfigStore.instance().store(name="export_schema", node=ExportSchema)


@hydra.main(version_base="1.3", config_path=CONFIG_DIR, config_name="export")
def _application(config: DictConfig) -> None:
    # Imported late: faulty configurations are refused before torch has loaded.
    try:
        from spgen_lit.exporting.export_run import run
    except ImportError as error:
        print(
            f"error: {error}; export needs more packages: pip install 'spgen-lit[export]'",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    try:
        print(run(config))
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def main() -> None:
    """Entry point of the command line."""
    run_hydra_app(_application, "export")


if __name__ == "__main__":
    main()
