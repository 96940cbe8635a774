"""A finished sweep, read from its jobs' folders, as tables; the best of each measure marked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from rich.table import Table

from spgen_lit.evaluation import tables
from spgen_lit.evaluation.measures import SCANNED
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import CHANCE, OBSERVERS
from spgen_lit.files import write_text

#: What a scan of temperatures leaves beside a result.
TEMPERATURES = "temperatures.csv"
State = Literal["finished", "failed", "unfinished"]
#: Settings of a job that say how it is run; they make no column.
_NOT_SETTINGS = ("resume", "sweep", "logger", "ckpt_path")
_FIGURES = ("value", "low", "high", "observers", "chance", "normalized", "images")
_SHOWN = ("energy", "scanmatch", "nss", "diversity")


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Attributes:
        name: Its folder's name.
        folder: Where it wrote.
        settings: Override key to value, as text.
        state: ``finished`` once its summary is there; ``failed`` with an error written
            down; ``unfinished`` else.
        error: First line of the error of a failed job.
    """

    name: str
    folder: Path
    settings: dict[str, str]
    state: State
    error: str = ""


@dataclass(frozen=True)
class Sweep:
    """A sweep's jobs and scores.

    Attributes:
        folder: The sweep's folder.
        jobs: In the order of their settings.
        factors: Names of what varied, ``temperature`` first; each is a column of the rows.
        rows: One for each data set, setting and measure: ``set``, the factors, ``metric``,
            ``label``, ``better``, ``value``, ``low``, ``high``, ``observers``, ``chance``,
            ``normalized``, ``images``, ``job``.
        simulated: Names of the data sets whose gaze is simulated.
    """

    folder: Path
    jobs: list[Job]
    factors: list[str]
    rows: pd.DataFrame
    simulated: frozenset[str] = frozenset()

    def in_state(self, state: State) -> list[Job]:
        """Jobs that ``failed``, or are ``unfinished``: neither results nor an error."""
        return [job for job in self.jobs if job.state == state]

    @property
    def sets(self) -> list[str]:
        """Names of the data sets scored."""
        return list(self.rows["set"].unique()) if len(self.rows) else []

    def of_set(self, name: str) -> pd.DataFrame:
        """Rows of one data set."""
        return self.rows[self.rows["set"] == name]

    def title(self, name: str) -> str:
        """A data set with its number of images, and whether its gaze is simulated."""
        gaze = "simulated" if name in self.simulated else None
        images = self.of_set(name)["images"].iloc[0]
        return f"{name}: {images} images{tables.kind_of_gaze(gaze)}"


def read_sweep(folder: str | Path) -> Sweep:
    """Read a sweep's folder; jobs without results are listed, not scored.

    Raises:
        FileNotFoundError: If there is no such folder, or no job in it.
        ValueError: If jobs were scored under different protocols.
    """
    root = Path(folder)
    jobs = [_job(found.parent.parent) for found in root.glob("*/.hydra/overrides.yaml")]
    if not jobs:
        raise FileNotFoundError(
            f"{root}: no job of a sweep there (looked for */.hydra/overrides.yaml); give the "
            "folder that python -m spgen_lit.train -m … wrote, e.g. outputs/sweeps/NAME/TIME"
        )
    keys = _varying([job.settings for job in jobs])
    names = _short(keys)
    jobs.sort(key=lambda job: [_order(_value(job.settings.get(key, ""))) for key in keys])
    parts: list[pd.DataFrame] = []
    cards: dict[str, tuple[str, Protocol]] = {}
    simulated = set()
    for job in (job for job in jobs if job.state == "finished"):
        for result in sorted((job.folder / "results").glob("*/summary.json")):
            _refuse_other_protocol(job, result.parent, cards)
            summary = json.loads(result.read_text(encoding="utf-8"))
            if summary["meta"].get("gaze") == "simulated":
                simulated.add(result.parent.name)
            rows = _rows(result.parent, summary)
            settings = {names[key]: _value(job.settings.get(key, "")) for key in keys}
            # Temperatures scanned within a job stand for the temperature that it was given.
            new = {key: value for key, value in settings.items() if key not in rows}
            parts.append(rows.assign(**new, set=result.parent.name, job=job.name))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    factors = [names[key] for key in keys]
    if "temperature" in frame and "temperature" not in factors:
        factors.insert(0, "temperature")
    factors.sort(key=lambda name: name != "temperature")
    return Sweep(root, jobs, factors, frame, frozenset(simulated))


def _value(text: str) -> float | str:
    """A setting as a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def _order(value: float | str) -> tuple[bool, float, str]:
    text = isinstance(value, str)
    return (text, 0.0 if isinstance(value, str) else value, str(value))


def _job(folder: Path) -> Job:
    overrides = yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text(encoding="utf-8"))
    settings = {}
    for override in overrides or []:
        key, _, value = str(override).lstrip("+~").partition("=")
        if key not in _NOT_SETTINGS:
            settings[key] = value
    state: State = "unfinished"
    error = ""
    if (folder / "summary.json").is_file():
        state = "finished"
    elif (folder / "failed.json").is_file():
        state = "failed"
        error = json.loads((folder / "failed.json").read_text(encoding="utf-8"))["error"]
    return Job(folder.name, folder, settings, state, error)


def _varying(settings: Sequence[Mapping[str, str]]) -> list[str]:
    keys = dict.fromkeys(key for one in settings for key in one)
    found = [key for key in keys if len({one.get(key) for one in settings}) > 1]
    # A sweep of one job has nothing that varies, but its table needs a name for the row.
    return found or list(keys)[:1]


def _short(keys: Sequence[str]) -> dict[str, str]:
    """Last part of each key where that is unambiguous."""
    last = {key: key.replace("/", ".").rpartition(".")[2] for key in keys}
    return {
        key: name if list(last.values()).count(name) == 1 else key for key, name in last.items()
    }


def _refuse_other_protocol(job: Job, result: Path, cards: dict[str, tuple[str, Protocol]]) -> None:
    card = json.loads((result / "protocol.json").read_text(encoding="utf-8"))
    protocol = Protocol.from_card(card)
    first, expected = cards.setdefault(result.name, (job.name, protocol))
    differing = expected.differences(protocol)
    if differing:
        raise ValueError(
            f"{result}: scored under another protocol than {first} ({'; '.join(differing)}), so "
            "the two do not go into one table; run one of them again"
        )


def _rows(result: Path, summary: Mapping[str, Any]) -> pd.DataFrame:
    """A result's measures, at each temperature that was scanned."""
    if (result / TEMPERATURES).is_file():
        rows = pd.read_csv(result / TEMPERATURES)
    else:
        rows = pd.DataFrame.from_dict(summary["metrics"], orient="index")
        rows = rows.rename_axis("metric").reset_index()
    rows = rows.rename(columns={CHANCE: "chance"}).reindex(
        columns=[
            *(c for c in ("temperature",) if c in rows),
            "metric",
            "label",
            "better",
            *_FIGURES,
        ]
    )
    rows[list(_FIGURES)] = rows[list(_FIGURES)].astype(float)
    # Figures of the whole set have no interval over images, and no place in a sweep's tables.
    return rows[rows["images"].notna()].astype({"images": int})


@dataclass(frozen=True)
class Wide:
    """A table with a column for each measure.

    Attributes:
        headings: The factors, then the measures with their arrows.
        lines: Cells of each line; observers and chance are the last two.
        best: ``(line, column)`` of the best of each measure.
    """

    headings: list[str]
    lines: list[list[str]]
    best: set[tuple[int, int]]

    def frame(self, mark: str) -> pd.DataFrame:
        """The cells, the best ones put into a pattern such as ``**{}**``."""
        lines = [
            [mark.format(c) if (i, j) in self.best else c for j, c in enumerate(line)]
            for i, line in enumerate(self.lines)
        ]
        return pd.DataFrame(lines, columns=self.headings)


def wide(sweep: Sweep, name: str, metrics: Sequence[str] = SCANNED) -> Wide:
    """The lines of one data set."""
    rows = sweep.of_set(name)
    shown = [metric for metric in metrics if metric in set(rows["metric"])]
    levels = rows.drop_duplicates("metric").set_index("metric").loc[shown]
    keys = rows[sweep.factors].drop_duplicates()
    values = rows.pivot_table(
        index=sweep.factors, columns="metric", values="value", sort=False, dropna=False
    ).reindex(pd.MultiIndex.from_frame(keys) if len(sweep.factors) > 1 else keys.iloc[:, 0])
    lines = [list(map(_setting, key)) for key in keys.itertuples(index=False)]
    best = set()
    for number, metric in enumerate(shown):
        column = values[metric]
        for line, value in zip(lines, column, strict=True):
            line.append(tables.figure(value))
        place = best_of(column, levels.loc[metric, "better"], levels.loc[metric, OBSERVERS])
        if place is not None:
            best.add((place, len(sweep.factors) + number))
    blank = [""] * (len(sweep.factors) - 1)
    lines += [[who, *blank, *map(tables.figure, levels[who])] for who in (OBSERVERS, "chance")]
    return Wide([*sweep.factors, *levels["label"]], lines, best)


def best_of(values: pd.Series, better: str, observers: float) -> int | None:
    """Place of the best value, by the measure's direction; None if there is no value."""
    costs = {"up": -values, "down": values}.get(better, (values - observers).abs())
    costs = costs.reset_index(drop=True)
    return int(costs.idxmin()) if costs.notna().any() else None


def sweep_tables(sweep: Sweep) -> list[Table]:
    """Short tables for the terminal, one a data set."""
    return [
        tables.terminal(wide(sweep, name, _SHOWN).frame("[bold]{} *[/]"), sweep.title(name))
        for name in sweep.sets
    ]


def failures_table(sweep: Sweep) -> Table:
    """Jobs without results, each with its error."""
    jobs = [*sweep.in_state("failed"), *sweep.in_state("unfinished")]
    table = Table("job", "state", "error", title="without results")
    for job in jobs:
        table.add_row(job.name, job.state, job.error)
    return table


def write_tables(sweep: Sweep, folder: str | Path) -> list[Path]:
    """Write ``sweep.csv`` (every row), ``sweep.md`` and ``sweep.tex``; returns the files."""
    target = Path(folder)
    columns = ["set", *sweep.factors, "metric", *_FIGURES, "job"]
    markdown, tex = "", ""
    for name in sweep.sets:
        table, title = wide(sweep, name), sweep.title(name)
        markdown += f"## {title}\n\n{tables.markdown(table.frame('**{}**'))}\n\n"
        tex += f"% {title}; needs booktabs\n{tables.latex(table.frame(tables.BEST))}\n"
    return [
        tables.write(target / "sweep.csv", sweep.rows[columns]),
        write_text(target / "sweep.md", markdown),
        write_text(target / "sweep.tex", tex),
    ]


def _setting(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
