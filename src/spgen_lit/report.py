"""Reports about finished results.

Compare runs, the first being what the others are held against:

    python -m spgen_lit.report compare runs/source_only runs/da_paintings
    python -m spgen_lit.report compare A B C --metrics energy scanmatch --out differences.csv

Tables, heat maps, curves and a page of a sweep, finished or not, into its folder ``report``:

    python -m spgen_lit.report sweep outputs/sweeps/NAME/TIME
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from spgen_lit.evaluation.comparison import Row, compare, comparison_table
from spgen_lit.evaluation.results import Results
from spgen_lit.sweeping import sum_up


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit status: 0, or 2 for input that is refused."""
    parser = argparse.ArgumentParser(
        prog="python -m spgen_lit.report", description="Reports about finished results."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_compare(commands)
    _add_sweep(commands)
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
