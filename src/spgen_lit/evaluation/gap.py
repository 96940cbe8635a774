"""How much of what is lost from photographs to paintings an adaptation wins back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table

from spgen_lit.evaluation import tables
from spgen_lit.evaluation.comparison import refuse_mismatch
from spgen_lit.evaluation.results import CHANCE, Results
from spgen_lit.evaluation.statistics import FEW, bootstrap

Array = NDArray[np.float64]
#: Measures of the benchmark: name to whether it is taken above chance.
METRICS = {"energy": False, "scanmatch": True}
_NAMES = {"energy": "energy score ↓", "scanmatch": "ScanMatch above chance ↑"}
_NOTE = (
    "recovered = (floor - adapted) / (floor - ceiling); 95 % intervals by paired bootstrap "
    "over images, seeds averaged within an image"
)


@dataclass(frozen=True)
class Group:
    """Results of one model under several seeds, on photographs and on their paintings."""

    name: str
    photographs: tuple[Results, ...]
    paintings: tuple[Results, ...]


def load_group(
    name: str,
    runs: Sequence[Path],
    photographs: str | None = None,
    paintings: str | None = None,
) -> Group:
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
    sides = []
    for wanted, prefix in ((photographs, "source-"), (paintings, "evaluation-")):
        sides.append(tuple(Results.load(_folder(run, wanted, prefix)) for run in runs))
    return Group(name, sides[0], sides[1])


def _folder(run: Path, wanted: str | None, prefix: str) -> Path:
    root = run / "results"
    found = sorted(path.name for path in root.glob("*") if path.is_dir())
    fitting = [name for name in found if (name == wanted if wanted else name.startswith(prefix))]
    if not fitting:
        raise FileNotFoundError(
            f"{root} holds no results {wanted or prefix + '…'} (found: "
            f"{', '.join(found) or 'none'}); give a finished run of +experiment=painted…"
        )
    if len(fitting) > 1:
        option = "--photographs" if prefix == "source-" else "--paintings"
        raise ValueError(f"{root} holds {', '.join(fitting)}: choose one by {option}")
    return root / fitting[0]


def gap(
    source_only: Group, adapted: Sequence[Group], metrics: Mapping[str, bool] | None = None
) -> pd.DataFrame:
    """Share of the gap each adaptation recovers, with paired bootstrap intervals.

    Values are averaged over seeds image by image; a draw takes the same images for
    photographs, paintings and all models, and forms the share of the means anew.

    Args:
        source_only: What floor and ceiling are taken from.
        adapted: What is compared with it.
        metrics: Measure to whether it is taken above chance.

    Returns:
        A row for each measure and adaptation: ``name, metric``; ``ceiling`` (source-only on
        photographs), ``floor`` (on the same images painted), ``adapted`` and
        ``adapted_photographs``; ``recovered``, 0 for nothing and 1 for all of the gap, and
        ``cost``, what photographs lose by adapting, each with ``_low`` and ``_high``;
        ``gap_open``, whether the interval of floor - ceiling leaves zero out; ``images``,
        ``source_only_seeds``, ``adapted_seeds``.

    Raises:
        ValueError: If protocols, data or images differ between any two results that are
            compared, or a measure is missing; named.
    """
    _refuse_mismatches([source_only, *adapted])
    rows = []
    for metric, above_chance in (METRICS if metrics is None else metrics).items():
        ceiling = _by_image(source_only.photographs, metric, above_chance)
        floor = _by_image(source_only.paintings, metric, above_chance)
        for group in adapted:
            sides = {
                "ceiling": ceiling,
                "floor": floor,
                "adapted": _by_image(group.paintings, metric, above_chance),
                "adapted_photographs": _by_image(group.photographs, metric, above_chance),
            }
            table = pd.DataFrame(sides).dropna()
            seeds = {
                "source_only_seeds": len(source_only.paintings),
                "adapted_seeds": len(group.paintings),
            }
            rows.append({"name": group.name, "metric": metric, **_row(table, metric), **seeds})
    return pd.DataFrame(rows)


def _row(table: pd.DataFrame, metric: str) -> dict[str, Any]:
    way = -1.0 if metric == "energy" else 1.0
    columns = table.to_numpy().T

    def recovered(*means: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (means[1] - means[2]) / (means[1] - means[0])

    statistics = {
        "recovered": recovered,
        "cost": lambda *means: way * (means[0] - means[3]),
        "gap": lambda *means: way * (means[0] - means[1]),
    }
    out: dict[str, Any] = dict(table.mean())
    for name, of in statistics.items():
        # The statistic of the means: each column's mean over the images drawn.
        low, high = bootstrap(
            columns, lambda *drawn, axis, of=of: of(*(d.mean(axis=axis) for d in drawn))
        )
        out |= {name: float(of(*columns.mean(axis=1))), f"{name}_low": low, f"{name}_high": high}
    few = len(table) < FEW
    return {**out, "gap_open": bool(out["gap_low"] > 0 and not few), "images": len(table)}


def _plain(image: str, data: str) -> str:
    """An image's id without its set's name, which it carries where several sets are mixed."""
    return image.removeprefix(f"{data}/")


def _by_image(results: Sequence[Results], metric: str, above_chance: bool) -> pd.Series:
    """A value an image, averaged over seeds."""
    columns = []
    for one in results:
        if metric not in one.model.rows:
            raise ValueError(
                f"{one.meta.get('model', 'a result')} was not scored in {metric!r}; it has "
                f"{', '.join(one.model.metrics)}"
            )
        values = one.model.rows[metric]
        if above_chance:
            if CHANCE not in one.band or metric not in one.band[CHANCE].rows:
                raise ValueError(f"{metric} above chance needs the baseline {CHANCE!r} in the band")
            values = values - one.band[CHANCE].rows[metric]
        data = str(one.meta.get("data", ""))
        columns.append(values.rename(lambda image, data=data: _plain(image, data)))
    return pd.concat(columns, axis=1).mean(axis=1, skipna=False)


def _refuse_mismatches(groups: Sequence[Group]) -> None:
    """Every result against the first of its side, and both sides against each other."""
    first = groups[0]
    if not first.photographs or any(not g.paintings for g in groups):
        raise ValueError("the gap needs at least one source-only and one adapted run")
    for side in ("photographs", "paintings"):
        base: Results = getattr(first, side)[0]
        for group in groups:
            for number, other in enumerate(getattr(group, side)):
                names = f"{first.name} ({side})", f"{group.name} {number} ({side})"
                refuse_mismatch(base, other, *names)
    photos, painted = first.photographs[0], first.paintings[0]
    fields = photos.protocol.differences(painted.protocol)
    if fields:
        raise ValueError(
            f"photographs and paintings were scored under different protocols: {'; '.join(fields)}"
        )
    ours, theirs = (
        {_plain(image, str(one.meta.get("data", ""))) for image in one.model.images}
        for one in (photos, painted)
    )
    if ours != theirs:
        raise ValueError(
            f"paintings are not of the photographs: {len(ours - theirs)} images only among "
            f"photographs, {len(theirs - ours)} only among paintings "
            f"({', '.join(sorted(ours ^ theirs)[:5])}); score both on the same split"
        )


def gap_text(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as text: ceiling, floor, adapted, share recovered and cost."""
    lines = []
    for row in rows.itertuples():
        seeds = f"{row.adapted_seeds} seed{'s' if row.adapted_seeds > 1 else ''}"
        share = "no gap"
        if row.gap_open and math.isfinite(row.recovered):
            own = [100 * v for v in (row.recovered, row.recovered_low, row.recovered_high)]
            share = f"{own[0]:.0f} % [{own[1]:.0f}, {own[2]:.0f}]"
        # Zero is added so that rounding leaves no minus before nothing.
        lost = [round(value, 4) + 0.0 for value in (row.cost, row.cost_low, row.cost_high)]
        lines.append(
            {
                "measure": _NAMES.get(row.metric, row.metric),
                "adaptation": f"{row.name} ({seeds})",
                **{key: f"{getattr(row, key):.3f}" for key in ("ceiling", "floor", "adapted")},
                "recovered": share,
                "photographs lose": f"{lost[0]:.4f} [{lost[1]:.4f}, {lost[2]:.4f}]",
            }
        )
    return pd.DataFrame(lines)


def gap_table(rows: pd.DataFrame) -> Table:
    """The rows on the terminal, each measure's under a line with its name."""
    text = gap_text(rows)
    parts = []
    for measure, own in text.groupby("measure", sort=False):
        parts += [pd.DataFrame([{"adaptation": measure}], index=["measure"]), own]
    shown = pd.concat(parts).drop(columns="measure").fillna("")
    return tables.terminal(shown, gap_title(rows), _NOTE, bold={"measure"})


def write_gap(path: Path, rows: pd.DataFrame) -> list[Path]:
    """Write ``path`` as CSV and the same with ``.md`` as Markdown; returns the files."""
    title = gap_title(rows)
    return [
        tables.write(path.with_suffix(".csv"), rows),
        tables.write(path.with_suffix(".md"), gap_text(rows), title, _NOTE + "."),
    ]


def gap_title(rows: pd.DataFrame) -> str:
    """What was compared, on how many images and seeds."""
    images, seeds = rows["images"].iloc[0], rows["source_only_seeds"].iloc[0]
    return (
        f"The gap from photographs to paintings: {images} images, source-only "
        f"{seeds} seed{'s' if seeds > 1 else ''}"
    )
