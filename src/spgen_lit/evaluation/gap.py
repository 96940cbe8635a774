"""How much of what is lost from photographs to paintings an adaptation wins back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table

from spgen_lit.evaluation import tables
from spgen_lit.evaluation.comparison import refuse_mismatch
from spgen_lit.evaluation.measures import MEASURES
from spgen_lit.evaluation.results import CHANCE, Results
from spgen_lit.evaluation.statistics import FEW, bootstrap_runs

#: Results of one run, on photographs and on the same images painted.
Run = tuple[Results, Results]
Array = NDArray[np.float64]
SOURCE_ONLY, ORACLE = "source-only", "oracle"
#: Measures of the benchmark; ScanMatch is taken above chance.
METRICS = ("energy", "scanmatch")
_LOSSES = ["photographs lose", "behind the oracle"]
_ENDS = ("", "_low", "_high")
_NOTE = (
    "recovered = (floor - adapted) / (floor - ceiling); ScanMatch above chance; 95 % intervals "
    "by paired bootstrap over images and seeds"
)


def load_run(run: Path, photographs: str | None = None, paintings: str | None = None) -> Run:
    """Read the results of a run.

    Args:
        run: Its folder.
        photographs: Folder under ``results`` of the photographs; None for the only one
            whose name begins with ``source-``.
        paintings: The same of the paintings; None for the only ``evaluation-`` one.

    Raises:
        FileNotFoundError: Naming what a run lacks and what it has.
        ValueError: If there are several folders to choose from.
    """
    sides = ("--photographs", photographs, "source-"), ("--paintings", paintings, "evaluation-")
    root, folders = run / "results", []
    found = sorted(path.name for path in root.glob("*") if path.is_dir())
    for option, name, prefix in sides:
        fitting = [one for one in found if (one == name if name else one.startswith(prefix))]
        if not fitting:
            raise FileNotFoundError(
                f"{root} holds no results {name or prefix + '…'} (found: "
                f"{', '.join(found) or 'none'}); give a finished run of +experiment=painted…"
            )
        if len(fitting) > 1:
            raise ValueError(f"{root} holds {', '.join(fitting)}: choose one by {option}")
        folders.append(root / fitting[0])
    return Results.load(folders[0]), Results.load(folders[1])


def gap(
    source_only: Sequence[Run], adapted: Mapping[str, Sequence[Run]], oracle: Sequence[Run] = ()
) -> pd.DataFrame:
    """Share of the gap each adaptation recovers, with paired bootstrap intervals.

    Values are averaged over seeds image by image; a draw takes the same images for
    photographs, paintings and all models and seeds of each, and forms every figure anew.

    Args:
        source_only: Runs, one a seed, that floor and ceiling are taken from.
        adapted: Name to the runs that are compared with them.
        oracle: Trained with the gaze on paintings; the last row, and what others are held
            against.

    Returns:
        A row for each measure and adaptation: ``name, metric``; ``ceiling`` (source-only on
        photographs), ``floor`` (on the same images painted), ``adapted`` and
        ``adapted_photographs``; ``recovered``, 0 for nothing and 1 for all of the gap, and
        ``cost``, what photographs lose by adapting, each with ``_low`` and ``_high``;
        ``gap_open``, whether the interval of floor - ceiling leaves zero out; ``images``,
        ``source_only_seeds``, ``adapted_seeds``. Where there is an oracle also ``of_oracle``,
        the share of what it recovers, ``oracle_wins``, how much that is, and
        ``behind_oracle``, what is lost against it, with intervals; else NaN.

    Raises:
        ValueError: If protocols, data or images differ between any two results that are
            compared, or a measure is missing; named.
    """
    if {SOURCE_ONLY, ORACLE} & adapted.keys():
        raise ValueError(f"{SOURCE_ONLY} and {ORACLE} are taken: call what is adapted otherwise")
    compared = dict(adapted) | ({ORACLE: oracle} if oracle else {})
    _refuse_mismatches({SOURCE_ONLY: source_only, **compared})
    rows = []
    for metric in METRICS:
        for name, runs in compared.items():
            against = [oracle] if oracle and name != ORACLE else []
            values = [_values(group, metric) for group in (source_only, runs, *against)]
            seeds = {"source_only_seeds": len(source_only), "adapted_seeds": len(runs)}
            rows.append({"name": name, "metric": metric, **_row(metric, values), **seeds})
    return pd.DataFrame(rows)


@np.errstate(divide="ignore", invalid="ignore")
def _row(metric: str, values: Sequence[Array]) -> dict[str, float]:
    """Means and figures of source-only, one adaptation and perhaps the oracle."""
    known = np.logical_and.reduce([np.isfinite(one).all((0, 1)) for one in values])
    values = [one[:, :, known] for one in values]
    way = -1.0 if MEASURES[metric].better == "down" else 1.0
    means = np.concatenate([one.mean((0, 2)) for one in values])
    sides = ["ceiling", "floor", "adapted_photographs", "adapted", "oracle_photographs", "oracle"]
    found = _figures(way, *means)
    row = dict(zip(sides, means, strict=False)) | found
    ends = bootstrap_runs(values, lambda *sampled: list(_figures(way, *sampled).values()))
    for name, low, high in zip(found, *ends, strict=True):
        row |= {f"{name}_low": low, f"{name}_high": high}
    images = int(known.sum())
    return {**row, "gap_open": row["gap_low"] > 0 and images >= FEW, "images": images}


def _figures(
    way: float, ceiling: float, floor: float, photographs: float, adapted: float, *oracle: float
) -> dict[str, float]:
    """What is told of the means of one measure; ``way`` is -1 where less is better."""
    best = oracle[-1] if oracle else math.nan
    return {
        "recovered": (floor - adapted) / (floor - ceiling),
        "cost": way * (ceiling - photographs),
        "gap": way * (ceiling - floor),
        "of_oracle": (floor - adapted) / (floor - best),
        "oracle_wins": way * (best - floor),
        "behind_oracle": way * (best - adapted),
    }


def _values(runs: Sequence[Run], metric: str) -> Array:
    """Values ``(run, 2, image)`` on photographs and on paintings, images by name."""
    return np.array([[_by_image(side, metric) for side in run] for run in runs])


def _by_image(one: Results, metric: str) -> Array:
    above_chance = metric == "scanmatch"
    if metric not in one.model.rows or (above_chance and CHANCE not in one.band):
        needed = f"{metric!r}" + (f" and the baseline {CHANCE!r}" if above_chance else "")
        raise ValueError(f"{one.meta.get('model', 'a result')} was not scored with {needed}")
    values = one.model.rows[metric]
    if above_chance:
        values = values - one.band[CHANCE].rows[metric]
    return np.asarray(values.sort_index(), np.float64)


def _refuse_mismatches(groups: Mapping[str, Sequence[Run]]) -> None:
    """Every result against source-only's first of its side, and both sides of that."""
    if not all(groups.values()) or len(groups) < 2:
        raise ValueError("the gap needs at least one source-only and one adapted run")
    base = groups[SOURCE_ONLY][0]
    for name, runs in groups.items():
        for number, run in enumerate(runs):
            for side, ours, theirs in zip(("photographs", "paintings"), base, run, strict=True):
                names = f"{SOURCE_ONLY} ({side})", f"{name} {number} ({side})"
                refuse_mismatch(ours, theirs, *names)
    # Photographs and paintings are different data, but must be the same images.
    photos, painted = (replace(side, meta={}) for side in base)
    refuse_mismatch(photos, painted, "photographs", "paintings")


def gap_text(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as text: ceiling, floor, adapted, share recovered and cost."""
    lines = []
    for _, row in rows.iterrows():
        line = {
            "measure": MEASURES[row["metric"]].heading,
            "adaptation": f"{row['name']} ({_seeds(row['adapted_seeds'])})",
            **{side: f"{row[side]:.3f}" for side in ("ceiling", "floor", "adapted")},
            "recovered": _percent(row, "recovered", row["gap_open"]),
            _LOSSES[0]: _loss(row, "cost"),
        }
        if np.isfinite(row["behind_oracle"]):
            line |= {
                "of oracle's": _percent(row, "of_oracle", row["oracle_wins_low"] > 0),
                _LOSSES[1]: _loss(row, "behind_oracle"),
            }
        lines.append(line)
    return pd.DataFrame(lines).fillna("")


def _percent(row: pd.Series, name: str, certain: bool) -> str:
    """A share, unless what it is a share of may be nothing."""
    if not (certain and np.isfinite(row[name])):
        return "no gap"
    return "{:.0f} % [{:.0f}, {:.0f}]".format(*(100 * row[name + end] for end in _ENDS))


def _loss(row: pd.Series, name: str) -> str:
    # Zero is added so that rounding leaves no minus before nothing.
    values = (round(row[name + end], 4) + 0.0 for end in _ENDS)
    return "{:.4f} [{:.4f}, {:.4f}]".format(*values)


def gap_table(rows: pd.DataFrame) -> Group:
    """The rows on the terminal, two tables a measure: what is won back, and what is lost."""
    shown: list[Table | str] = []
    for measure, text in gap_text(rows).groupby("measure", sort=False):
        lost = text[["adaptation", *text.columns.intersection(_LOSSES)]]
        won = text.drop(columns=["measure", *lost.columns[1:]])
        shown += [tables.terminal(won, measure), tables.terminal(lost, f"{measure}: lost")]
    return Group(gap_title(rows), *shown, _NOTE)


def write_gap(path: Path, rows: pd.DataFrame) -> None:
    """Write ``path`` as CSV and the same with ``.md`` as Markdown."""
    tables.write(path.with_suffix(".csv"), rows)
    tables.write(path.with_suffix(".md"), gap_text(rows), gap_title(rows), _NOTE + ".")


def gap_title(rows: pd.DataFrame) -> str:
    """What was compared, on how many images and seeds."""
    first = rows.iloc[0]
    seeds = _seeds(first["source_only_seeds"])
    return f"The gap from photographs to paintings: {first['images']} images, source-only {seeds}"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' if count > 1 else ''}"
