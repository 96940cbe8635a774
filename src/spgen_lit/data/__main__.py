"""``python -m spgen_lit.data``: list, check, convert and fetch gaze sets.

Examples::

    python -m spgen_lit.data list
    python -m spgen_lit.data check osie data/osie
    python -m spgen_lit.data check table my.csv --set units=px --set size=[1920,1080]
    python -m spgen_lit.data convert osie data/osie out --to csv
    python -m spgen_lit.data fetch osie data/osie
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from spgen_lit.data.catalogue import CATALOGUE, build_reader
from spgen_lit.data.check import Report, check, contact_sheet
from spgen_lit.data.exports import export
from spgen_lit.data.fetch import FetchError, fetch
from spgen_lit.data.readers.table import DECLARATION, Table
from spgen_lit.files import write_json, write_text

_COLOURS = {"error": "red", "warning": "yellow"}
_HEAD = "# What the table beside this file means: settings of spgen_lit.data.readers.table.Table.\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if `check` or `fetch` failed, 2 if it could not run."""
    options = _parser().parse_args(arguments)
    console = Console()
    try:
        return int(options.run(options, console))
    except (FetchError, FileNotFoundError, ValueError, OSError) as error:
        Console(stderr=True).print(
            f"[red]{options.command}:[/red] {_plain(str(error))}", soft_wrap=True
        )
        return 1 if isinstance(error, FetchError) else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spgen_lit.data", description="List, check, convert and fetch gaze sets."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="every readable set: size, licence, how to get it")
    listing.add_argument("name", nargs="?", help="one set only")
    listing.set_defaults(run=_list)
    checking = commands.add_parser("check", help="what is in a set and what looks wrong")
    _add_set(checking)
    checking.add_argument("--all", action="store_true", help="every finding, not ten of a kind")
    checking.add_argument("--no-images", action="store_true", help="read image headers only")
    checking.add_argument("--sheet", type=Path, metavar="PNG", help="draw the gaze over images")
    checking.add_argument("--json", type=Path, metavar="FILE", help="write the findings there too")
    checking.set_defaults(run=_check)
    converting = commands.add_parser("convert", help="write a set in another form, without loss")
    _add_set(converting)
    converting.add_argument("out", type=Path, help="folder to write")
    converting.add_argument("--to", required=True, choices=("json", "csv", "pysaliency"))
    converting.set_defaults(run=_convert)
    fetching = commands.add_parser("fetch", help="download a set that is openly available")
    fetching.add_argument("name", help="name of the set, see list")
    fetching.add_argument("folder", type=Path, nargs="?", help="default: data/<name>")
    fetching.add_argument("--mirror", help="address of a folder that serves the same files")
    fetching.add_argument("--tries", type=int, default=5, help="attempts at each file")
    fetching.add_argument("--keep-archives", action="store_true")
    fetching.set_defaults(run=_fetch)
    return parser


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="name of the set (see list), or a reader's dotted name")
    parser.add_argument("root", type=Path, help="its folder or file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another argument of the reader, may be repeated",
    )


def _list(options: argparse.Namespace, console: Console) -> int:
    if options.name and options.name not in CATALOGUE:
        raise ValueError(f"unknown set {options.name!r}; known: {', '.join(CATALOGUE)}")
    for name in [options.name] if options.name else CATALOGUE:
        entry = CATALOGUE[name]
        lines = {
            "holds": entry.size,
            "gaze": entry.gaze,
            "licence": entry.licence,
            "cite": entry.citation,
            "get": entry.get,
            "reader": entry.reader,
        }
        console.print(f"[bold]{name}[/bold]", highlight=False)
        for key, value in lines.items():
            if value:
                console.print(f"  {key:8}{escape(value)}", highlight=False, soft_wrap=True)
    return 0


def _check(options: argparse.Namespace, console: Console) -> int:
    reader = build_reader(options.name, options.root, options.set)
    if isinstance(reader, Table):
        reader.whole()  # what is not declared is an error of the command, not of the data
    report = check(reader, images=not options.no_images, progress=console.is_terminal)
    _show(report, console, None if options.all else 10)
    if options.json:
        findings = [asdict(finding) for finding in report.findings]
        content = {"name": report.name, "figures": report.figures, "findings": findings}
        write_json(options.json, {**content, "failed": report.failed})
    if options.sheet and report.gaze:
        _say(console, f"gaze over images: {contact_sheet(report.gaze, options.sheet)}")
    if isinstance(reader, Table) and report.failed:
        _say(console, f"{DECLARATION} not written: the table has errors")
    elif isinstance(reader, Table):
        stored = write_text(
            reader.folder / DECLARATION, _HEAD + yaml.safe_dump(reader.declaration())
        )
        _say(console, f"declared in {stored}, which check, convert, train and evaluate read")
    return 1 if report.failed else 0


def _say(console: Console, line: str) -> None:
    console.print(_plain(line), highlight=False, soft_wrap=True)


def _show(report: Report, console: Console, most: int | None) -> None:
    table = Grid(title=report.name or None, show_header=False)
    for key, value in report.figures.items():
        table.add_row(key, value)
    if report.figures:
        console.print(table)
    for (level, kind), findings in report.kinds().items():
        colour = _COLOURS[level]
        console.print(f"[{colour}]{level}: {kind}[/{colour}] ({len(findings)})", highlight=False)
        for finding in findings[:most]:
            line = f"  {_plain(finding.where)}: {_plain(finding.what)}"
            console.print(line, highlight=False, soft_wrap=True)
        if most is not None and len(findings) > most:
            console.print(f"  … and {len(findings) - most} more (--all shows them)")
    errors = sum(finding.level == "error" for finding in report.findings)
    said = f"{errors} errors, {len(report.findings) - errors} warnings"
    console.print(f"[red]{said}[/red]" if errors else f"[green]{said}[/green]", highlight=False)


def _plain(text: str) -> str:
    """Text as it is, even where a file name is no valid UTF-8 or looks like markup."""
    return escape(text.encode("utf-8", "backslashreplace").decode())


def _convert(options: argparse.Namespace, console: Console) -> int:
    gaze = build_reader(options.name, options.root, options.set).read()
    files = export(gaze, options.out, options.to)
    written = ", ".join(str(file) for file in files)
    _say(console, f"{len(gaze.scanpaths)} scanpaths on {len(gaze.stimuli)} images: {written}")
    _say(console, f"read back: spgen data check converted {options.out}")
    return 0


def _fetch(options: argparse.Namespace, console: Console) -> int:
    if options.name not in CATALOGUE:
        raise ValueError(f"unknown set {options.name!r}; known: {', '.join(CATALOGUE)}")
    folder = options.folder or Path("data") / options.name
    fetch(
        options.name,
        folder,
        options.mirror,
        options.tries,
        keep_archives=options.keep_archives,
        progress=console.is_terminal,
    )
    _say(console, f"{options.name} is in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
