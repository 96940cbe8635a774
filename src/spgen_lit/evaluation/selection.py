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
        Columns ``validator``; over all epochs of all runs Spearman's ``correlation`` and the
        ``regret``, the true score at the point it chooses minus the best there is;
        ``correlation_in_runs`` and ``regret_in_runs``, averaged over runs; ``points``.

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
    complete = sorted(every.dropna(axis=1))
    names = [n for n in complete if n.startswith("validator/") or n in _CANDIDATES] + ["last"]
    in_runs = pd.concat([_judge(record, names) for record in records]).groupby(level=0).mean()
    rows = pd.concat([_judge(every, names), in_runs.add_suffix("_in_runs")], axis=1).loc[names]
    # Epochs of different runs have no order.
    rows.loc["last", rows.columns != "regret_in_runs"] = math.nan
    rows = rows.assign(points=len(every)).sort_values("correlation", ascending=False, kind="stable")
    return rows.reset_index(names="validator")


def _judge(points: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Correlation and regret of each validator; no correlation with fewer than three points."""
    truth, risks = points[TRUE_ENERGY], points[[*names, TRUE_ENERGY]]
    correlation = risks.corr("spearman", min_periods=_FEWEST)[TRUE_ENERGY]
    regret = truth.loc[risks.idxmin()].set_axis(risks.columns) - truth.min()
    return pd.DataFrame({"correlation": correlation, "regret": regret})


def selection_table(rows: pd.DataFrame) -> Table:
    """The validators beside each other."""
    figures = rows.drop(columns=["validator", "points"]).map("{:.4f}".format).replace("nan", "-")
    shown = pd.concat(
        [rows["validator"], figures.rename(columns=lambda c: c.replace("_", " "))], axis=1
    )
    return tables.terminal(
        shown,
        f"Choosing a checkpoint without target labels, {rows['points'].iloc[0]} checkpoints",
        "Spearman's correlation with the true target energy, and regret in energy",
    )
