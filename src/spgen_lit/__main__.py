"""The command ``spgen``: predict, train, evaluate, data, report, export, models, demo."""

from __future__ import annotations

import importlib
import runpy
import sys

import click

DOORS = {
    "predict": "Scanpaths for image files, with pictures and a page.",
    "train": "Train a scanpath generator.",
    "evaluate": "Score a model, a baseline or a scanpath file.",
    "data": "List, check, convert and fetch data sets.",
    "report": "Compare runs, draw sweeps.",
    "export": "A model as safetensors or ONNX, with its card.",
    "models": "List the trained models that come with this package.",
    "demo": "See what this package does, in minutes.",
}


class Doors(click.Group):
    """Commands in the order of ``DOORS``, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return list(DOORS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, or None if there is none of that name."""
        if cmd_name == "models":
            return models
        if cmd_name in ("predict", "demo"):
            found: click.Command = importlib.import_module(f"spgen_lit.{cmd_name}").command
            return found
        return _configured(cmd_name) if cmd_name in DOORS else None


def _configured(name: str) -> click.Command:
    """A door with a command line of its own, which takes all words that follow its name."""

    def run(words: tuple[str, ...]) -> None:
        sys.argv = [f"spgen {name}", *words]
        runpy.run_module(f"spgen_lit.{name}", run_name="__main__", alter_sys=True)

    return click.Command(
        name,
        callback=run,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        help=DOORS[name],
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )


@click.command(help=DOORS["models"])
def models() -> None:
    """Print a table of the shipped models."""
    # Imported late: torch takes seconds, and help and completion need none of it.
    from rich.console import Console

    from spgen_lit.pretrained import model_table

    Console().print(model_table())


@click.group(cls=Doors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="spgen-lit", prog_name="spgen")
def main() -> None:
    """Where people look in pictures, and in paintings.

    Try: spgen predict my_paintings --open
    """


if __name__ == "__main__":
    main()
