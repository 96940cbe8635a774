"""``python -m spgen_lit.data``: list, check, convert and fetch gaze sets.

Examples::

    python -m spgen_lit.data list
    python -m spgen_lit.data check osie data/osie
    python -m spgen_lit.data check table my.csv --set units=px --set size=[1920,1080]
    python -m spgen_lit.data convert osie data/osie out --to csv
    python -m spgen_lit.data fetch osie data/osie
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import click
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from spgen_lit.data.catalogue import CATALOGUE, build_reader
from spgen_lit.data.check import Report, check, contact_sheet
from spgen_lit.data.exports import FORMS, export
from spgen_lit.data.fetch import FetchError, fetch
from spgen_lit.data.readers.table import DECLARATION, Table
from spgen_lit.files import write_json, write_text

_COLORS = {"error": "red", "warning": "yellow"}
_HEAD = "# What the table beside this file means: settings of spgen_lit.data.readers.table.Table.\n"
_FILE = click.Path(path_type=Path)
_KNOWN = click.Choice(list(CATALOGUE))


def _setting(words: str) -> tuple[str, object]:
    """``key=value``, the value as in YAML."""
    key, mark, content = words.partition("=")
    if not (mark and key):
        raise click.BadParameter(f"a setting is key=value, found {words!r}")
    try:
        return key, yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise click.BadParameter(f"the value of {key} is not YAML: {content!r}") from error


@click.group(help="List, check, convert and fetch gaze sets.")
def command() -> None:
    """The commands below."""


_name = click.argument("name")
_root = click.argument("root", type=_FILE)
_settings = click.option(
    "--set",
    "settings",
    multiple=True,
    type=_setting,
    metavar="KEY=VALUE",
    help="An argument of the reader.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if `check` or `fetch` failed, 2 if it could not run."""
    try:
        words = None if arguments is None else list(arguments)
        return command.main(words, prog_name="spgen data", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return 2
    except (FetchError, ValueError, OSError) as error:
        Console(stderr=True).print(f"[red]error:[/red] {_plain(str(error))}", soft_wrap=True)
        return 1 if isinstance(error, FetchError) else 2


@command.command("list", help="Every readable set: size, licence, how to get it.")
@click.argument("name", required=False, type=_KNOWN)
def _list(name: str | None) -> None:
    for key in [name] if name else CATALOGUE:
        _print(f"[bold]{key}[/bold]")
        for title in ("size", "gaze", "licence", "citation", "get", "reader"):
            if value := getattr(CATALOGUE[key], title):
                _print(f"  {title:10}{escape(value)}")


@command.command("check", help="What is in a set, and what looks wrong.")
@_name
@_root
@_settings
@click.option("--all", "everything", is_flag=True, help="Every finding, not ten of a kind.")
@click.option("--no-images", is_flag=True, help="Read image headers only.")
@click.option("--sheet", type=_FILE, metavar="PNG", help="Draw the gaze over images.")
@click.option("--json", "json_file", type=_FILE, help="Write the findings there too.")
def _check(
    name: str,
    root: Path,
    settings: Iterable[tuple[str, object]],
    everything: bool,
    no_images: bool,
    sheet: Path | None,
    json_file: Path | None,
) -> int:
    reader = build_reader(name, root, **dict(settings))
    if isinstance(reader, Table):
        reader.whole()  # what is not declared is an error of the command, not of the data
    report = check(reader, images=not no_images)
    _show(report, None if everything else 10)
    if json_file:
        content = {"name": report.name, "figures": report.figures, "failed": report.failed}
        write_json(json_file, {**content, "findings": [asdict(f) for f in report.findings]})
    if sheet and report.gaze:
        _print(_plain(f"gaze over images: {contact_sheet(report.gaze, sheet)}"))
    if isinstance(reader, Table) and report.failed:
        _print(f"{DECLARATION} not written: the table has errors")
    elif isinstance(reader, Table):
        declared = _HEAD + yaml.safe_dump(reader.declaration())
        stored = write_text(reader.folder / DECLARATION, declared)
        _print(_plain(f"declared in {stored}, which check, convert, train and evaluate read"))
    return int(report.failed)


@command.command("convert", help="Write a set in another form, without loss.")
@_name
@_root
@click.argument("out", type=_FILE)
@click.option("--to", "form", required=True, type=click.Choice(list(FORMS)))
@_settings
def _convert(
    name: str, root: Path, out: Path, form: str, settings: Iterable[tuple[str, object]]
) -> None:
    gaze = build_reader(name, root, **dict(settings)).read()
    written = ", ".join(str(file) for file in export(gaze, out, form))
    _print(_plain(f"{len(gaze.scanpaths)} scanpaths on {len(gaze.stimuli)} images: {written}"))
    _print(_plain(f"read back: spgen data check converted {out}"))


@command.command("fetch", help="Download a set that is openly available.")
@click.argument("name", type=_KNOWN)
@click.argument("folder", type=_FILE, required=False)
@click.option("--mirror", help="Address of a folder that serves the same files.")
def _fetch(name: str, folder: Path | None, mirror: str | None) -> None:
    folder = fetch(name, folder or Path("data") / name, mirror)
    _print(_plain(f"{name} is in {folder}"))


def _show(report: Report, most: int | None) -> None:
    if report.figures:
        table = Grid(title=report.name or None, show_header=False)
        for row in report.figures.items():
            table.add_row(*row)
        Console().print(table)
    for (level, kind), findings in report.kinds().items():
        color = _COLORS[level]
        _print(f"[{color}]{level}: {kind}[/{color}] ({len(findings)})")
        for finding in findings[:most]:
            _print(f"  {_plain(finding.where)}: {_plain(finding.what)}")
        if findings[: most or len(findings)] != findings:
            _print(f"  … and {len(findings) - (most or 0)} more (--all shows them)")
    errors = sum(finding.level == "error" for finding in report.findings)
    color = "red" if errors else "green"
    _print(f"[{color}]{errors} errors, {len(report.findings) - errors} warnings[/{color}]")


def _print(line: str) -> None:
    Console().print(line, highlight=False, soft_wrap=True)


def _plain(text: str) -> str:
    """Text as it is, even where a file name is no valid UTF-8 or looks like markup."""
    return escape(text.encode("utf-8", "backslashreplace").decode())


if __name__ == "__main__":
    sys.exit(main())
