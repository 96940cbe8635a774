"""Train a scanpath generator: ``python -m spgen_lit.train +experiment=da_paintings``.

Resume a run by ``ckpt_path=…/last.ckpt``; sweep with ``-m``; see ``conf/``.
"""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from spgen_lit.config import CONFIG_DIR, one_line_errors, run_hydra_app


@hydra.main(version_base="1.3", config_path=CONFIG_DIR, config_name="train")
def _application(config: DictConfig) -> float:
    # Imported late: faulty configurations are refused before torch has loaded.
    from spgen_lit.sweeping import attempt
    from spgen_lit.training.run import run

    with one_line_errors():
        return attempt(config, run)


def main() -> None:
    """Entry point of the command line."""
    run_hydra_app(_application, "train")


if __name__ == "__main__":
    main()
