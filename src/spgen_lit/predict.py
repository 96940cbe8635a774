"""Scanpaths for image files, and pictures of them.

    spgen predict my_paintings --out out --open
    python -m spgen_lit.predict images=my_paintings model=natural samples=10 seed=0

The second form takes every setting of ``conf/predict.yaml``; see ``docs/predict.md``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click
import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from spgen_lit.config import CONFIG_DIR, one_line_errors, plain, run_hydra_app
from spgen_lit.predicting import FORMATS, REPLAYS, Settings

ConfigStore.instance().store(name="predict_schema", node=Settings)
_OVERRIDE = re.compile(r"[+~]{0,2}[A-Za-z_][\w./@]*=")
_HYDRA_FLAGS = ("--cfg", "-c", "--info", "--hydra-help", "--config-dir", "-cd", "--config-name")
_MODEL = "A name of spgen models, a folder, a checkpoint, a Hugging Face id."
_FORMAT = "Of the figures; png if not given, several if given again."
_MORE = "Other settings: python -m spgen_lit.predict images=PATH key=value, see docs/predict.md."


def _run(show: bool, **options: Any) -> None:
    with one_line_errors():
        settings = Settings(**options)
        # Imported late: faulty settings are refused before torch has loaded.
        from rich.console import Console

        from spgen_lit.predicting.run import run

        code = run(settings, Console(stderr=True), show=show)
    if code:
        raise SystemExit(code)


@hydra.main(version_base="1.3", config_path=CONFIG_DIR, config_name="predict")
def _application(config: DictConfig) -> None:
    _run(show=False, **plain(config))


class _Door(click.Command):
    """Flags; or Hydra's ``key=value`` where the first word has that form and is no file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Run the Hydra application if the words are for it."""
        word = args[0] if args else ""
        if word in _HYDRA_FLAGS or (_OVERRIDE.match(word) and not Path(word).exists()):
            sys.argv = [ctx.command_path, *args]
            run_hydra_app(_application, "predict")
            ctx.exit()
        return super().parse_args(ctx, args)


@click.command(
    "predict", cls=_Door, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_MORE
)
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--out", metavar="FOLDER", default="outputs/predict", show_default=True)
@click.option("--model", metavar="NAME", default="natural", show_default=True, help=_MODEL)
@click.option("--samples", default=10, show_default=True, help="Scanpaths an image.")
@click.option("--viewing-time", type=float, metavar="SECONDS", help="How long one looks.")
@click.option("--seed", default=0, show_default=True, help="Another seed, other scanpaths.")
@click.option("--format", type=click.Choice(FORMATS), multiple=True, help=_FORMAT)
@click.option("--replay", type=click.Choice(REPLAYS), help="A film of the typical path.")
@click.option("--regions", metavar="FOLDER", help="Areas of interest: a JSON or mask an image.")
@click.option("--people", metavar="PATH", help="Recorded scanpaths to show beside: a JSON file.")
@click.option("--open", "show", is_flag=True, help="Open the page in a browser at the end.")
def command(
    paths: tuple[str, ...], out: str, format: tuple[str, ...], show: bool, **options: Any
) -> None:
    """Scanpaths for images: files, folders, quoted patterns.

    Writes pictures, tables and a page, index.html, into --out.
    """
    _run(show, images=list(paths), output=out, formats=list(format) or ["png"], **options)


def main() -> None:
    """Entry point of the command line."""
    command()


if __name__ == "__main__":
    main()
