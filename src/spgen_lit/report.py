"""Reports about finished results.

Compare results, the first being what the others are held against; rank any number of them:

    python -m spgen_lit.report compare outputs/evaluate/A outputs/evaluate/B --out differences.csv
    python -m spgen_lit.report leaderboard outputs/evaluate/* --out leaderboard.html

Hold a result against the files that it was made from:

    python -m spgen_lit.report verify outputs/evaluate/A --ids split.txt

Tables, heat maps, curves and a page of a sweep, finished or not, into its folder ``report``:

    python -m spgen_lit.report sweep outputs/sweeps/NAME/TIME

What is lost from photographs to paintings, how much of it adaptations win back, and how well
checkpoints are chosen without the target's gaze (run folders, several seeds each):

    python -m spgen_lit.report gap --source-only S0 S1 S2 --adapted A0 A1 A2 --adapted B0 B1 B2
    python -m spgen_lit.report validators A0 A1 A2 --out validators.csv
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.console import Console

from spgen_lit import provenance
from spgen_lit.config import one_line_errors
from spgen_lit.evaluation import tables
from spgen_lit.evaluation.comparison import HEADLINE, compare, comparison_table, leaderboard
from spgen_lit.evaluation.gap import ORACLE, SOURCE_ONLY, Run, gap, gap_table, load_run, write_gap
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.selection import read_record, selection_table, validators
from spgen_lit.evaluation.sweep import read_sweep, sweep_tables, wide, write_tables
from spgen_lit.files import file_hash, write_text
from spgen_lit.instantiation import instantiated
from spgen_lit.pictures.sweep import draw_set, write_sweep_page
from spgen_lit.pretrained import weights_file
from spgen_lit.sweeping import refuse_launch

Options = argparse.Namespace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit status: 0, 1 for a result that its files do not
    bear out, or 2 for input that is refused.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (ValueError, FileNotFoundError) as error:
        # Not through markup: messages hold lists and file names in brackets.
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    door = argparse.ArgumentParser(
        prog="python -m spgen_lit.report", description="Reports about finished results."
    )
    commands = door.add_subparsers(dest="command", required=True)
    parser = _command(commands, "compare", _compare, "differences, intervals and p of results")
    parser.add_argument("results", nargs="+", type=Path, help="folders with scores.csv")
    parser.add_argument("--metrics", nargs="+", help="measures to compare; all by default")
    parser.add_argument("--out", type=Path, help="write the differences as .csv, .md, .tex, .html")
    parser = _command(commands, "leaderboard", _leaderboard, "rank results over the same images")
    parser.add_argument("results", nargs="+", type=Path, help="[NAME=]folder with scores.csv")
    parser.add_argument("--metrics", nargs="+", default=HEADLINE, help="measures; the first ranks")
    parser.add_argument("--out", nargs="+", type=Path, default=[], help=".html, .csv, .md, .tex")
    parser = _command(commands, "verify", _verify, "hold a result against the files it came from")
    parser.add_argument("result", type=Path, help="folder with scores.csv")
    parser.add_argument("--ids", type=Path, help="write the ids of the scored images to this file")
    parser = _command(commands, "sweep", _sweep, "tables, heat maps, curves and a page of a sweep")
    parser.add_argument("folder", type=Path, help="the sweep's folder")
    parser = _command(commands, "gap", _gap, "share of the gap to paintings that is recovered")
    runs: dict[str, Any] = {"nargs": "+", "type": Path, "metavar": "RUN"}
    words = "runs of one adaptation, one a seed; once for each adaptation"
    parser.add_argument("--source-only", required=True, **runs)
    parser.add_argument("--adapted", action="append", required=True, help=words, **runs)
    parser.add_argument("--oracle", default=[], help="runs with the gaze on paintings", **runs)
    parser.add_argument("--photographs", help="results of the photographs, such as source-osie")
    parser.add_argument("--paintings", help="of the paintings, such as evaluation-painted-osie")
    parser.add_argument("--out", type=Path, help="write a CSV file, and Markdown beside it")
    words = "how well validators without labels rank checkpoints"
    parser = _command(commands, "validators", _validators, words)
    parser.add_argument("runs", nargs="+", type=Path, help="run folders (callbacks=oracle)")
    parser.add_argument("--out", type=Path, help="write the table to this CSV file too")
    return door


def _command(
    commands: Any, name: str, run: Callable[[Options], int | None], words: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run)
    return parser


def _load(folders: Sequence[Path]) -> dict[str, Results]:
    """Results by name: ``NAME=folder``, or the folder itself."""
    found: dict[str, Results] = {}
    for given in folders:
        name, mark, folder = str(given).partition("=")
        if not mark or given.is_dir():
            name, folder = str(given), str(given)
        if name in found:
            raise ValueError(f"two results are called {name!r}; give them names: NAME=folder")
        found[name] = Results.load(folder)
    return found


def _compare(options: Options) -> None:
    results = _load(options.results)
    rows = compare(results, options.metrics)
    first, *others = results
    for name in others:
        Console().print(comparison_table(rows, name, first))
    if options.out is not None:
        tables.write(options.out, rows, f"against {first}")


def _leaderboard(options: Options) -> None:
    board = leaderboard(_load(options.results), options.metrics)
    Console().print(tables.terminal(board.text(detailed=False), board.title, board.note))
    for path in options.out:
        shown = board.frame if path.suffix.lower() in (".csv", ".parquet") else board.text()
        print(f"written: {tables.write(path, shown, board.title, board.note)}")


def _verify(options: Options) -> int:
    """Print what is as it was and what is not; 1 if anything is not."""
    results = Results.load(options.result)
    failed = 0
    for what, ok, words in _checks(options.result, results):
        failed += not ok
        print(f"{'ok' if ok else 'CHANGED'}: {what}: {words}")
    if options.ids is not None:
        write_text(options.ids, "".join(f"{image}\n" for image in results.model.images))
    return int(failed > 0)


def _checks(folder: Path, results: Results) -> Iterator[tuple[str, bool, str]]:
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for name, was in summary.get("files", {}).items():
        yield name, file_hash(folder / name) == was, f"sha256 {was[:12]}"
    known = results.meta.get("provenance")
    if known is None:
        raise ValueError(f"{folder}: holds no provenance, so there is nothing to hold it against")
    now = provenance.ids_hash(results.model.images)
    yield "image ids", now == known["ids"], f"{len(results.model.images)} images, {now[:12]}"
    scored = known["scored"]
    if "sha256" in scored:
        subject, name = next(item for item in scored.items() if item[0] != "sha256")
        path = Path(name) if subject == "scanpaths" else weights_file(name)
        same = path.is_file() and file_hash(path) == scored["sha256"]
        yield str(path), same, f"sha256 {scored['sha256'][:12]}"
    # A result's folder may come from anybody: only this package's own readers are made.
    reader = instantiated(known["data"]["reader"], f"{folder}: provenance.data.reader")
    found = reader.read().checksum()
    yield results.meta.get("data", "data"), found == known["data"]["checksum"], f"checksum {found}"


def _sweep(options: Options) -> None:
    sum_up(options.folder, Console())


def _gap(options: Options) -> None:
    read = partial(load_run, photographs=options.photographs, paintings=options.paintings)
    adapted: dict[str, list[Run]] = {}
    for folders in options.adapted:
        runs = list(map(read, folders))
        # Runs say what they are; two that say the same are told apart by their folders.
        name = str(runs[0][1].meta.get("model") or folders[0])
        name = str(folders[0]) if name in (SOURCE_ONLY, ORACLE, *adapted) else name
        if name in adapted:
            raise ValueError(f"--adapted {name} is given twice; give each group of runs once")
        adapted[name] = runs
    rows = gap(list(map(read, options.source_only)), adapted, list(map(read, options.oracle)))
    Console().print(gap_table(rows))
    if options.out is not None:
        write_gap(options.out, rows)


def _validators(options: Options) -> None:
    rows = validators([read_record(run) for run in options.runs])
    Console().print(selection_table(rows))
    if options.out is not None:
        tables.write(options.out, rows)


class SweepCallback(Callback):
    """Refuses a sweep that cannot work before its first job, and sums it up after its last."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Look at how processes are going to be started."""
        with one_line_errors():
            refuse_launch(config, config.hydra)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """List the failed jobs and write the sweep's report; exit code 1 if a job failed."""
        folder = Path(config.hydra.sweep.dir)
        console = Console()
        failed = sum_up(folder, console)
        if failed:
            command = "the same command with resume=true runs what is missing"
            console.print(f"[red]{failed} failed[/]; {command}", highlight=False)
            raise SystemExit(1)


def sum_up(folder: Path, console: Console) -> int:
    """Write tables, pictures and page of a sweep and say where; number of failed jobs.

    Raises:
        FileNotFoundError: If there is no such folder, or no job of a sweep in it.
    """
    sweep = read_sweep(folder)
    for table in sweep_tables(sweep):
        console.print(table)
    if sweep.sets:
        report, factors = folder / "report", sweep.factors
        write_tables(sweep, report)
        sections = []
        for title, rows in sweep.sets.items():
            pictures = draw_set(rows, factors, report / "pictures" / rows["set"].iloc[0])
            sections.append((title, tables.html(wide(rows, factors)), pictures))
        page = write_sweep_page(report / "index.html", sections, sweep=sweep)
        console.print(f"Report: {page}", soft_wrap=True, highlight=False)
    return int((sweep.jobs["state"] == "failed").sum())


if __name__ == "__main__":
    sys.exit(main())
