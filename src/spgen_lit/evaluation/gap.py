"""How much of what is lost from photographs to paintings an adaptation wins back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table

from spgen_lit.evaluation import tables
from spgen_lit.evaluation.comparison import refuse_mismatch
from spgen_lit.evaluation.results import CHANCE, Results
from spgen_lit.evaluation.statistics import FEW, bootstrap_runs
from spgen_lit.evaluation.trials import few

Array = NDArray[np.float64]
#: Measures of the benchmark: name to whether it is taken above chance.
METRICS = {"energy": False, "scanmatch": True}
_NAMES = {"energy": "energy score ↓", "scanmatch": "ScanMatch ↑"}
_LOSSES = ("photographs lose", "behind the oracle")
_ENDS = ("", "_low", "_high")
_NOTE = (
    "recovered = (floor - adapted) / (floor - ceiling); ScanMatch above chance; 95 % intervals "
    "by paired bootstrap over images and seeds"
)


@dataclass(frozen=True)
class Runs:
    """Results of one model under several seeds, on photographs and on their paintings."""

    name: str
    photographs: tuple[Results, ...]
    paintings: tuple[Results, ...]


def load_group(
    name: str,
    runs: Sequence[Path],
    photographs: str | None = None,
    paintings: str | None = None,
) -> Runs:
    """Read the results of a model's runs.

    Args:
        name: What to call them.
        runs: Run folders, one a seed.
        photographs: Folder under ``results`` of the photographs; None for the only one
            whose name begins with ``source-``.
        paintings: The same of the paintings; None for the only ``evaluation-`` one.

    Raises:
        FileNotFoundError: Naming what a run lacks and what it has.
        ValueError: If there are several folders to choose from.
    """
    photos = tuple(Results.load(_folder(run, photographs, "source-")) for run in runs)
    painted = tuple(Results.load(_folder(run, paintings, "evaluation-")) for run in runs)
    return Runs(name, photos, painted)


def _folder(run: Path, name: str | None, prefix: str) -> Path:
    root = run / "results"
    found = sorted(path.name for path in root.glob("*") if path.is_dir())
    fitting = [one for one in found if (one == name if name else one.startswith(prefix))]
    if not fitting:
        raise FileNotFoundError(
            f"{root} holds no results {name or prefix + '…'} (found: "
            f"{', '.join(found) or 'none'}); give a finished run of +experiment=painted…"
        )
    if len(fitting) > 1:
        option = "--photographs" if prefix == "source-" else "--paintings"
        raise ValueError(f"{root} holds {', '.join(fitting)}: choose one by {option}")
    return root / fitting[0]


def gap(source_only: Runs, adapted: Sequence[Runs], oracle: Runs | None = None) -> pd.DataFrame:
    """Share of the gap each adaptation recovers, with paired bootstrap intervals.

    Values are averaged over seeds image by image; a draw takes the same images for
    photographs, paintings and all models and seeds of each, and forms every figure anew.

    Args:
        source_only: What floor and ceiling are taken from.
        adapted: What is compared with it.
        oracle: Trained with the gaze on paintings; the last row, and what others are held
            against.

    Returns:
        A row for each measure and adaptation: ``name, metric``; ``ceiling`` (source-only on
        photographs), ``floor`` (on the same images painted), ``adapted`` and
        ``adapted_photographs``; ``recovered``, 0 for nothing and 1 for all of the gap, and
        ``cost``, what photographs lose by adapting, each with ``_low`` and ``_high``;
        ``gap_open``, whether the interval of floor - ceiling leaves zero out; ``images``,
        ``source_only_seeds``, ``adapted_seeds``. With an oracle also ``of_oracle``, the share
        of what it recovers, ``oracle_wins``, how much that is, and ``behind_oracle``, what is
        lost against it, with intervals.

    Raises:
        ValueError: If protocols, data or images differ between any two results that are
            compared, or a measure is missing; named.
    """
    compared = [*adapted, *([] if oracle is None else [oracle])]
    _refuse_mismatches([source_only, *compared])
    rows = []
    for metric in METRICS:
        for group in compared:
            held = None if group is oracle else oracle
            row = {"name": group.name, "metric": metric, **_row(metric, source_only, group, held)}
            seeds = {"source_only_seeds": source_only.paintings, "adapted_seeds": group.paintings}
            rows.append(row | {name: len(results) for name, results in seeds.items()})
    return pd.DataFrame(rows)


def _row(metric: str, source_only: Runs, group: Runs, oracle: Runs | None) -> dict[str, float]:
    way = -1.0 if metric == "energy" else 1.0
    sides = ["ceiling", "floor", "adapted_photographs", "adapted", "oracle_photographs", "oracle"]
    groups = [source_only, group, *([] if oracle is None else [oracle])]
    values = [_runs(one, metric) for one in groups]
    known = np.logical_and.reduce([np.isfinite(one).all((0, 1)) for one in values])
    values = [one[:, :, known] for one in values]

    def figures(*means: float) -> dict[str, float]:
        """What is told, from the means of the sides in their order."""
        mean = dict(zip(sides, means, strict=False))
        won, lost = mean["floor"] - mean["adapted"], mean["floor"] - mean["ceiling"]
        found = {
            "recovered": won / lost,
            "cost": way * (mean["ceiling"] - mean["adapted_photographs"]),
            "gap": -way * lost,
        }
        if oracle is not None:
            best = mean["floor"] - mean["oracle"]
            found |= {
                "of_oracle": won / best,
                "oracle_wins": -way * best,
                "behind_oracle": way * (mean["oracle"] - mean["adapted"]),
            }
        return found

    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.concatenate([one.mean((0, 2)) for one in values])
        found, names = figures(*means), list(figures(*means))
        ends = bootstrap_runs(values, lambda *sampled: list(figures(*sampled).values()))
    out = dict(zip(sides, map(float, means), strict=False)) | found
    for name, low, high in zip(names, *ends, strict=True):
        out |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    images = int(known.sum())
    return {**out, "gap_open": out["gap_low"] > 0 and images >= FEW, "images": images}


def _plain(one: Results, image: str) -> str:
    """An image's id without its set's name, which it carries where several sets are mixed."""
    return image.removeprefix(f"{one.meta.get('data', '')}/")


def _runs(group: Runs, metric: str) -> Array:
    """Values ``(run, 2, image)`` on photographs and on paintings, images by name."""
    runs = zip(group.photographs, group.paintings, strict=True)
    return np.array([[_by_image(one, metric) for one in run] for run in runs])


def _by_image(one: Results, metric: str) -> Array:
    above_chance = METRICS[metric]
    if metric not in one.model.rows or (above_chance and CHANCE not in one.band):
        needed = f"{metric!r}" + (f" and the baseline {CHANCE!r}" if above_chance else "")
        raise ValueError(f"{one.meta.get('model', 'a result')} was not scored with {needed}")
    values = one.model.rows[metric]
    if above_chance:
        values = values - one.band[CHANCE].rows[metric]
    return values.rename(partial(_plain, one)).sort_index().to_numpy(np.float64)


def _refuse_mismatches(groups: Sequence[Runs]) -> None:
    """Every result against the first of its side, and both sides against each other."""
    first = groups[0]
    if not first.photographs or any(not g.paintings for g in groups):
        raise ValueError("the gap needs at least one source-only and one adapted run")
    for group in groups:
        for number, (photos, painted) in enumerate(
            zip(group.photographs, group.paintings, strict=True)
        ):
            for side, base, other in (
                ("photographs", first.photographs[0], photos),
                ("paintings", first.paintings[0], painted),
            ):
                names = f"{first.name} ({side})", f"{group.name} {number} ({side})"
                refuse_mismatch(base, other, *names)
    photos, painted = first.photographs[0], first.paintings[0]
    fields = photos.protocol.differences(painted.protocol)
    ours, theirs = ({_plain(one, i) for i in one.model.images} for one in (photos, painted))
    if fields:
        raise ValueError(
            f"photographs and paintings were scored under different protocols: {'; '.join(fields)}"
        )
    if ours != theirs:
        raise ValueError(
            f"paintings are not of the photographs: {len(ours - theirs)} images only among "
            f"photographs, {len(theirs - ours)} only among paintings "
            f"({few(sorted(ours ^ theirs))}); score both on the same split"
        )


def gap_text(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as text: ceiling, floor, adapted, share recovered and cost."""
    lines = []
    for _, row in rows.iterrows():
        line = {
            "measure": _NAMES[row["metric"]],
            "adaptation": f"{row['name']} ({_seeds(row['adapted_seeds'])})",
            **{side: f"{row[side]:.3f}" for side in ("ceiling", "floor", "adapted")},
            "recovered": _percent(row, "recovered", row["gap_open"]),
            _LOSSES[0]: _loss(row, "cost"),
        }
        if np.isfinite(row.get("behind_oracle", np.nan)):
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
    """The rows on the terminal, each measure's under a line with its name."""
    text = gap_text(rows)
    losses = [name for name in text if name in _LOSSES]
    return Group(
        _by_measure(text.drop(columns=losses), gap_title(rows), _NOTE),
        _by_measure(text[["measure", "adaptation", *losses]], "What is lost"),
    )


def _by_measure(text: pd.DataFrame, title: str, note: str | None = None) -> Table:
    parts = []
    for measure, lines in text.groupby("measure", sort=False):
        parts += [pd.DataFrame([{"adaptation": measure}], index=["measure"]), lines]
    shown = pd.concat(parts).drop(columns="measure").fillna("")
    return tables.terminal(shown, title, note, bold={"measure"})


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
