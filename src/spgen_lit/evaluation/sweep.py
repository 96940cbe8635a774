"""A finished sweep, read from its jobs' folders, as tables; the best of each measure marked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
#: Settings of a job that say how it is run; they make no column.
_NOT_SETTINGS = ("resume", "sweep", "logger", "ckpt_path")
_FIGURES = ["value", "low", "high", "observers", "chance", "normalized", "images"]
_SHOWN = ("energy", "scanmatch", "nss", "diversity")


@dataclass(frozen=True)
class Sweep:
    """A sweep's jobs and scores.

    Attributes:
        folder: The sweep's folder.
        jobs: A row a job (index: its folder's name), in the order of their settings: ``state``,
            ``finished`` once its summary is there, ``failed`` with an error written down, else
            ``unfinished``; ``error``, the first line of a failed job's.
        factors: Names of what varied, ``temperature`` first; each is a column of the rows.
        rows: One for each data set, setting and measure: ``set``, the factors, ``metric``,
            ``label``, ``better``, ``value``, ``low``, ``high``, ``observers``, ``chance``,
            ``normalized``, ``images``, ``gaze``, ``job``.
    """

    folder: Path
    jobs: pd.DataFrame
    factors: list[str]
    rows: pd.DataFrame

    @property
    def name(self) -> str:
        """Of the sweep: the folder above that of its time."""
        return self.folder.resolve().parent.name

    @property
    def lacking(self) -> pd.DataFrame:
        """Jobs without results: those that failed, then those that are unfinished."""
        return self.jobs[self.jobs["state"] != "finished"].sort_values("state", kind="stable")

    @property
    def sets(self) -> dict[str, pd.DataFrame]:
        """Rows of each data set, by its title: name, number of images, and simulated gaze."""
        found = {}
        for name, rows in self.rows.groupby("set", sort=False) if len(self.rows) else ():
            first = rows.iloc[0]
            kind = tables.kind_of_gaze(first["gaze"])
            found[f"{name}: {first['images']} images{kind}"] = rows
        return found


def read_sweep(folder: str | Path) -> Sweep:
    """Read a sweep's folder; jobs without results are listed, not scored.

    Raises:
        FileNotFoundError: If there is no such folder, or no job in it.
        ValueError: If jobs were scored under different protocols.
    """
    root = Path(folder)
    given = {path.parent.parent.name: path for path in root.glob("*/.hydra/overrides.yaml")}
    if not given:
        raise FileNotFoundError(
            f"{root}: no job of a sweep there (looked for */.hydra/overrides.yaml); give the "
            "folder that python -m spgen_lit.train -m … wrote, e.g. outputs/sweeps/NAME/TIME"
        )
    settings = pd.DataFrame(map(_settings, given.values()), index=list(given)).fillna("")
    varying = settings.loc[:, settings.nunique() > 1]
    # A sweep of one job has nothing that varies, but its table needs a name for the row.
    varying = settings.iloc[:, :1] if varying.empty else varying
    last = varying.columns.str.split("[./]").str[-1]
    varying.columns = last.where(~last.duplicated(keep=False), varying.columns)
    varying = varying.map(_value)
    # Numbers before names.
    order = varying.map(lambda value: (isinstance(value, str), value)).apply(list, axis=1)
    varying = varying.loc[sorted(given, key=order.get)]
    states = [_state(root / name) for name in varying.index]
    jobs = pd.DataFrame(states, varying.index, ["state", "error"])
    parts: list[pd.DataFrame] = []
    cards: dict[str, tuple[str, Protocol]] = {}
    for name in jobs.index[jobs["state"] == "finished"]:
        for result in sorted((root / name / "results").glob("*/summary.json")):
            _refuse_other_protocol(name, result.parent, cards)
            rows = _rows(result.parent)
            # Temperatures scanned within a job stand for the temperature that it was given.
            new = {key: v for key, v in varying.loc[name].items() if key not in rows}
            parts.append(rows.assign(**new, set=result.parent.name, job=name))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    factors = list(varying.columns.drop("temperature", errors="ignore"))
    if "temperature" in frame:
        factors.insert(0, "temperature")
    return Sweep(root, jobs, factors, frame)


def _settings(overrides: Path) -> dict[str, str]:
    """Override key to value, as text."""
    words = yaml.safe_load(overrides.read_text(encoding="utf-8")) or []
    pairs = (str(word).lstrip("+~").partition("=") for word in words)
    return {key: value for key, _, value in pairs if key not in _NOT_SETTINGS}


def _value(text: str) -> float | str:
    """A setting as a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def _state(job: Path) -> tuple[str, str]:
    """State of a job by what it left, and its error."""
    if (job / "summary.json").is_file():
        return "finished", ""
    if (job / "failed.json").is_file():
        return "failed", json.loads((job / "failed.json").read_text(encoding="utf-8"))["error"]
    return "unfinished", ""


def _refuse_other_protocol(job: str, result: Path, cards: dict[str, tuple[str, Protocol]]) -> None:
    card = json.loads((result / "protocol.json").read_text(encoding="utf-8"))
    protocol = Protocol.from_card(card)
    first, expected = cards.setdefault(result.name, (job, protocol))
    differing = expected.differences(protocol)
    if differing:
        raise ValueError(
            f"{result}: scored under another protocol than {first} ({'; '.join(differing)}), so "
            "the two do not go into one table; run one of them again"
        )


def _rows(result: Path) -> pd.DataFrame:
    """A result's measures, at each temperature that was scanned."""
    summary = json.loads((result / "summary.json").read_text(encoding="utf-8"))
    if (result / TEMPERATURES).is_file():
        rows = pd.read_csv(result / TEMPERATURES)
    else:
        rows = pd.DataFrame.from_dict(summary["metrics"], orient="index")
        rows = rows.rename_axis("metric").reset_index()
    rows = rows.rename(columns={CHANCE: "chance"})
    kept = ["temperature"] if "temperature" in rows else []
    rows = rows.reindex(columns=[*kept, "metric", "label", "better", *_FIGURES])
    rows[_FIGURES] = rows[_FIGURES].astype(float)
    # Figures of the whole set have no interval over images, and no place in a sweep's tables.
    rows = rows[rows["images"].notna()].astype({"images": int})
    return rows.assign(gaze=summary["meta"].get("gaze"))


def wide(
    rows: pd.DataFrame, factors: Sequence[str], metrics: Sequence[str] = SCANNED
) -> pd.DataFrame:
    """One data set as text, a line a setting and a column a measure, the best of each marked.

    Observers and chance are on the last two lines.
    """
    lines = rows[[*factors]].drop_duplicates(ignore_index=True)
    text = lines.map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
    levels = pd.DataFrame({factors[0]: [OBSERVERS, "chance"]})
    for metric in metrics:
        of_metric = rows[rows["metric"] == metric]
        if of_metric.empty:
            continue
        first = of_metric.iloc[0]
        values = lines.merge(of_metric, how="left", on=list(factors))["value"]
        best = values.index == best_of(values, first["better"], first[OBSERVERS])
        figures = tables.figures(values)
        text[first["label"]] = figures.mask(best, figures.map(tables.BEST.format))
        levels[first["label"]] = tables.figures(first[[OBSERVERS, "chance"]]).tolist()
    return pd.concat([text, levels], ignore_index=True).fillna("")


def best_of(values: pd.Series, better: str, observers: float) -> int | None:
    """Place of the best value, by the measure's direction; None if there is no value."""
    costs = {"up": -values, "down": values}.get(better, (values - observers).abs())
    costs = costs.reset_index(drop=True)
    return int(costs.idxmin()) if costs.notna().any() else None


def sweep_tables(sweep: Sweep) -> list[Table]:
    """Short tables for the terminal: one a data set, and one of the jobs without results."""
    shown = [
        tables.terminal(wide(rows, sweep.factors, _SHOWN), title)
        for title, rows in sweep.sets.items()
    ]
    if len(sweep.lacking):
        lacking = sweep.lacking.rename_axis("job").reset_index()
        shown.append(tables.terminal(lacking, "without results"))
    return shown


def write_tables(sweep: Sweep, folder: str | Path) -> list[Path]:
    """Write ``sweep.csv`` (every row), ``sweep.md`` and ``sweep.tex``; returns the files."""
    columns = ["set", *sweep.factors, "metric", *_FIGURES, "job"]
    markdown, tex = "", ""
    for title, rows in sweep.sets.items():
        table = wide(rows, sweep.factors)
        markdown += f"## {title}\n\n{tables.markdown(table)}\n\n"
        tex += f"% {title}; needs booktabs\n{tables.latex(table)}\n"
    return [
        tables.write(Path(folder) / "sweep.csv", sweep.rows[columns]),
        write_text(Path(folder) / "sweep.md", markdown),
        write_text(Path(folder) / "sweep.tex", tex),
    ]
