"""A finished sweep, read from its jobs' folders: what varied, what came out, what failed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from spgen_lit.evaluation.measures import MEASURES
from spgen_lit.evaluation.statistics import normalised
from spgen_lit.evaluation.temperatures import FILE, read_temperatures

State = Literal["finished", "failed", "unfinished"]
Row = dict[str, Any]
#: Settings of a job that say how it is run; they make no column.
_NOT_SETTINGS = ("resume", "sweep", "logger", "ckpt_path")
_WORDS = ("name", "note")


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
            ``label``, ``better``, ``value``, ``low``, ``high``, ``people``, ``chance``,
            ``normalised``, ``images``, ``job``.
        simulated: Names of the data sets whose gaze is simulated.
    """

    folder: Path
    jobs: list[Job]
    factors: list[str]
    rows: list[Row]
    simulated: frozenset[str] = frozenset()

    @property
    def failed(self) -> list[Job]:
        """Jobs that ended with an error."""
        return [job for job in self.jobs if job.state == "failed"]

    @property
    def unfinished(self) -> list[Job]:
        """Jobs that were started and have neither results nor an error."""
        return [job for job in self.jobs if job.state == "unfinished"]

    @property
    def sets(self) -> list[str]:
        """Names of the data sets scored."""
        return list(dict.fromkeys(row["set"] for row in self.rows))

    def of_set(self, name: str) -> list[Row]:
        """Rows of one data set."""
        return [row for row in self.rows if row["set"] == name]


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
    jobs.sort(key=lambda job: [_order(value_of(job.settings.get(key, ""))) for key in keys])
    rows: list[Row] = []
    cards: dict[str, tuple[str, dict[str, Any]]] = {}
    simulated = set()
    for job in jobs:
        if job.state != "finished":
            continue
        settings = {names[key]: value_of(job.settings.get(key, "")) for key in keys}
        for result in sorted((job.folder / "results").glob("*/summary.json")):
            _same_protocol(job, result.parent, cards)
            summary = json.loads(result.read_text(encoding="utf-8"))
            if summary["meta"].get("gaze") == "simulated":
                simulated.add(result.parent.name)
            rows += _rows(job, result.parent, summary, settings)
    factors = [names[key] for key in keys]
    if any("temperature" in row for row in rows) and "temperature" not in factors:
        factors.insert(0, "temperature")
    factors.sort(key=lambda name: name != "temperature")
    return Sweep(root, jobs, factors, rows, frozenset(simulated))


def value_of(text: str) -> float | str:
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


def _same_protocol(job: Job, result: Path, cards: dict[str, tuple[str, dict[str, Any]]]) -> None:
    card = json.loads((result / "protocol.json").read_text(encoding="utf-8"))
    first, expected = cards.setdefault(result.name, (job.name, card))
    differing = [k for k in expected if k not in _WORDS and expected[k] != card.get(k)]
    if differing:
        raise ValueError(
            f"{result}: scored under another protocol than {first} ({', '.join(differing)} "
            "differ), so the two do not go into one table; run one of them again"
        )


def _rows(
    job: Job, result: Path, summary: Mapping[str, Any], settings: Mapping[str, Any]
) -> list[Row]:
    temperatures = result / FILE
    if temperatures.is_file():
        return [
            _row(job, result.name, {**settings, "temperature": row.temperature}, **vars(row))
            for row in read_temperatures(temperatures)
        ]
    return [
        _row(
            job,
            result.name,
            settings,
            metric=metric,
            value=_number(entry["mean"]),
            low=_number(entry["interval"][0]),
            high=_number(entry["interval"][1]),
            people=_number(entry.get("people")),
            chance=_number(entry.get("other_image")),
            images=summary["images"],
        )
        for metric, entry in summary["metrics"].items()
    ]


def _row(job: Job, name: str, settings: Mapping[str, Any], **figures: Any) -> Row:
    measure = MEASURES.get(figures["metric"])
    better = measure.better if measure else "people"
    value, people, chance = (figures[key] for key in ("value", "people", "chance"))
    scaled = float("nan") if better == "people" else normalised(value, people, chance)
    return {
        "set": name,
        **settings,
        "metric": figures["metric"],
        "label": measure.heading if measure else figures["metric"],
        "better": better,
        **{key: figures[key] for key in ("value", "low", "high", "people", "chance")},
        "normalised": scaled,
        "images": figures["images"],
        "job": job.name,
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
