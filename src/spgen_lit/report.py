"""Reports about finished results.

Compare runs, the first being what the others are held against:

    python -m spgen_lit.report compare runs/source_only runs/da_paintings
    python -m spgen_lit.report compare A B C --metrics energy scanmatch --out differences.csv

Tables, heat maps, curves and a page of a sweep, finished or not, into its folder ``report``:

    python -m spgen_lit.report sweep outputs/sweeps/NAME/TIME

What is lost from photographs to paintings, how much of it adaptations win back, and how well
checkpoints are chosen without the target's gaze (run folders, several seeds each):

    python -m spgen_lit.report gap --source-only S0 S1 S2 --adapted A0 A1 A2 --adapted B0 B1 B2
    python -m spgen_lit.report validators A0 A1 A2 --out validators.csv
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from spgen_lit.evaluation.comparison import Row, compare, comparison_table
from spgen_lit.evaluation.gap import Group, gap, load_group
from spgen_lit.evaluation.gap_tables import gap_table, write_gap
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.selection import choices, read_record, selection_table, write_choices
from spgen_lit.sweeping import sum_up


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit status: 0, or 2 for input that is refused."""
    parser = argparse.ArgumentParser(
        prog="python -m spgen_lit.report", description="Reports about finished results."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_compare(commands)
    _add_sweep(commands)
    _add_gap(commands)
    _add_validators(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, FileNotFoundError) as error:
        # Not through markup: messages hold lists and file names in brackets.
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "compare",
        help="difference, interval and p of results over the same images",
        description="Paired bootstrap over images of each result against the first.",
    )
    parser.add_argument("results", nargs="+", type=Path, help="folders with scores.csv")
    parser.add_argument("--metrics", nargs="+", help="measures to compare; all by default")
    parser.add_argument("--out", type=Path, help="write the differences to this CSV file too")
    parser.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> None:
    names = [str(folder) for folder in options.results]
    results = [Results.load(folder) for folder in options.results]
    rows = compare(results, names, options.metrics)
    for name in names[1:]:
        Console().print(comparison_table(rows, name, names[0]))
    if options.out is not None:
        _write(options.out, rows)


def _add_sweep(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "sweep",
        help="tables, heat maps, curves and a page of a sweep",
        description="Writes report/index.html, sweep.csv, sweep.md, sweep.tex and pictures.",
    )
    parser.add_argument("folder", type=Path, help="the sweep's folder")
    parser.set_defaults(run=lambda options: sum_up(options.folder, Console()))


def _add_gap(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "gap",
        help="share of the gap between photographs and paintings that adaptation recovers",
        description="Ceiling, floor, adapted, share recovered, and cost on photographs.",
    )
    parser.add_argument("--source-only", nargs="+", type=Path, required=True, metavar="RUN")
    parser.add_argument(
        "--adapted",
        nargs="+",
        type=Path,
        action="append",
        required=True,
        metavar="RUN",
        help="runs of one adaptation, one a seed; once for each adaptation",
    )
    parser.add_argument("--photographs", help="results of the photographs, such as source-osie")
    parser.add_argument("--paintings", help="of the paintings, such as evaluation-painted-osie")
    parser.add_argument("--out", type=Path, help="write a CSV file, and Markdown beside it")
    parser.set_defaults(run=_gap)


def _gap(options: argparse.Namespace) -> None:
    sides = options.photographs, options.paintings
    source_only = load_group("source-only", options.source_only, *sides)
    groups: list[Group] = []
    for runs in options.adapted:
        group = load_group("", runs, *sides)
        # Runs say what they are; two that say the same are told apart by their folders.
        name = str(group.paintings[0].meta.get("model") or runs[0])
        taken = name in [other.name for other in groups]
        groups.append(replace(group, name=str(runs[0]) if taken else name))
    rows = gap(source_only, groups)
    Console().print(gap_table(rows))
    if options.out is not None:
        write_gap(options.out, rows)


def _add_validators(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "validators",
        help="how well validators without target labels rank checkpoints",
        description="Rank correlation with the true target score, and regret.",
    )
    parser.add_argument("runs", nargs="+", type=Path, help="run folders (callbacks=oracle)")
    parser.add_argument("--out", type=Path, help="write the table to this CSV file too")
    parser.set_defaults(run=_validators)


def _validators(options: argparse.Namespace) -> None:
    rows = choices([read_record(run) for run in options.runs])
    Console().print(selection_table(rows))
    if options.out is not None:
        write_choices(options.out, rows)


def _write(path: Path, rows: Sequence[Row]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("metric", "result", "first", "second", "difference", "low", "high", "p"))
        for row in rows:
            delta = row.difference
            means = (row.metric, row.name, row.first, row.second)
            writer.writerow((*means, delta.mean, delta.low, delta.high, delta.p))
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
