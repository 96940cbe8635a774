"""A trained network as a model to share, or as ONNX graphs with a sampler that needs no torch.

    spgen export ckpt_path=best.ckpt format=safetensors output=my_model
    spgen export ckpt_path=best.ckpt output=exported
    python exported/sample.py painting.jpg --samples 10 > scanpaths.csv

Every setting is listed, with what it means, in ``conf/export.yaml``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from spgen_lit.config import CONFIG_DIR, one_line_errors, plain, run_hydra_app


def _export(config: DictConfig) -> str:
    """Write what ``format`` names; returns a line for the user."""
    if OmegaConf.is_missing(config, "ckpt_path"):
        raise ValueError(
            "ckpt_path must be given, for example: spgen export "
            "ckpt_path=outputs/run/checkpoints/best.ckpt"
        )
    # Imported late: faulty configurations are refused before torch has loaded.
    from spgen_lit.pretrained import load_pretrained, training_warning, write_pretrained

    warning = training_warning(load_pretrained(config.ckpt_path).card)
    if warning:
        print(f"warning: {config.ckpt_path}: {warning}", file=sys.stderr)
    if config.format == "onnx":
        try:
            from spgen_lit.exporting.export_run import run
        except ImportError as error:
            raise ImportError(
                f"{error}; ONNX needs more packages: pip install 'spgen-lit[export]'"
            ) from error
        return run(config)
    if config.format != "safetensors":
        raise ValueError(f"format must be onnx or safetensors, found {config.format!r}")
    folder = write_pretrained(
        Path(config.ckpt_path),
        Path(config.output),
        name=config.name,
        scores=plain(config.scores),
        failures=plain(config.failures),
    )
    return f"{folder}: weights.safetensors, card.json; use it by --model {folder}"


@hydra.main(version_base="1.3", config_path=CONFIG_DIR, config_name="export")
def _application(config: DictConfig) -> None:
    with one_line_errors():
        print(_export(config))


def main() -> None:
    """Entry point of the command line."""
    run_hydra_app(_application, "export")


if __name__ == "__main__":
    main()
