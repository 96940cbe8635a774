"""How well validators choose: rank correlation with the target's true score, and regret."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table

from spgen_lit.evaluation import tables

TRUE_ENERGY = "oracle/energy"
_CANDIDATES = ("val/energy", "val/loss", "adaptation/a_distance")
_FEWEST = 3


def read_record(run: Path) -> pd.DataFrame:
    """What a run logged at each validation, a row an epoch, with the target's true score.

    It is ``oracle/energy`` of the record where training logged it (``callbacks=oracle``); else
    there is one row, the checkpoint kept, with the energy score of ``results/evaluation-…``.

    Raises:
        FileNotFoundError: Without ``metrics.csv``, or without any true score.
    """
    path = run / "metrics.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{run} holds no metrics.csv; give the folder of a training run")
    epochs = pd.read_csv(path).groupby("epoch").last()
    points = epochs[epochs["val/energy"].notna()] if "val/energy" in epochs else epochs.iloc[:0]
    if TRUE_ENERGY in points and points[TRUE_ENERGY].notna().any():
        return points[points[TRUE_ENERGY].notna()]
    found = sorted((run / "results").glob("evaluation-*/summary.json"))
    if not found or points.empty:
        raise FileNotFoundError(
            f"{run}: neither {TRUE_ENERGY} in metrics.csv nor results/evaluation-…; train with "
            "callbacks=oracle and a set in data/evaluation"
        )
    energies = [json.loads(f.read_text())["metrics"]["energy"]["value"] for f in found]
    kept = points.loc[[points["val/energy"].idxmin()]]
    return kept.assign(**{TRUE_ENERGY: float(np.mean(energies))})


def validators(records: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Every validator of these runs, best correlation first, then the last epoch.

    Args:
        records: For each run, its points as of :func:`read_record`.

    Returns:
        Columns ``validator``; ``correlation``, Spearman's over all epochs of all runs, and
        ``correlation_in_runs``, averaged over runs; ``regret``, the true score at the point it
        chooses minus the best there is, and ``regret_in_runs``; ``points``.

    Raises:
        ValueError: For fewer than three points in all, of which nothing can be said.
    """
    records = [record.assign(last=-np.arange(len(record))) for record in records]
    every = pd.concat(records, join="inner", ignore_index=True)
    if len(every) < _FEWEST:
        raise ValueError(
            f"rank correlation needs {_FEWEST} or more points (epochs with {TRUE_ENERGY}, "
            f"or runs), found {len(every)}"
        )
    every = every.dropna(axis=1)
    names = [n for n in sorted(every) if n.startswith("validator/") or n in _CANDIDATES]
    rows = []
    for name in [*names, "last"]:
        known = name != "last"  # epochs of different runs have no order
        in_runs = pd.Series([_spearman(record, name) for record in records])
        rows.append(
            {
                "validator": name,
                "correlation": _spearman(every, name) if known else math.nan,
                "correlation_in_runs": in_runs.mean() if known else math.nan,
                "regret": _regret(every, name) if known else math.nan,
                "regret_in_runs": float(np.mean([_regret(record, name) for record in records])),
                "points": len(every),
            }
        )
    return pd.DataFrame(rows).sort_values(
        "correlation", ascending=False, na_position="last", kind="stable", ignore_index=True
    )


def _spearman(record: pd.DataFrame, name: str) -> float:
    """NaN where either side is constant or there are too few points."""
    found = record[[name, TRUE_ENERGY]].corr("spearman", min_periods=_FEWEST)
    return float(found.iloc[0, 1])


def _regret(record: pd.DataFrame, name: str) -> float:
    """True score at the lowest risk minus the lowest one; of equal risks the first."""
    return float(record[TRUE_ENERGY].iloc[int(record[name].argmin())] - record[TRUE_ENERGY].min())


def selection_table(rows: pd.DataFrame) -> Table:
    """The validators beside each other."""
    shown = pd.DataFrame({"validator": rows["validator"]})
    columns = {"correlation": "correlation", "in runs": "correlation_in_runs"}
    columns |= {"regret": "regret", "of runs": "regret_in_runs"}
    for name, column in columns.items():
        digits = 2 if column.startswith("correlation") else 4
        shown[name] = rows[column].map(lambda v, d=digits: f"{v:.{d}f}" if v == v else "-")
    return tables.terminal(
        shown,
        f"Choosing a checkpoint without target labels, {rows['points'].iloc[0]} checkpoints",
        "Spearman's correlation with the true target energy, and regret in energy",
    )
