"""How much of what is lost from photographs to paintings an adaptation wins back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table

from spgen_lit.evaluation import tables
from spgen_lit.evaluation.comparison import refuse_mismatch
from spgen_lit.evaluation.results import CHANCE, Results
from spgen_lit.evaluation.statistics import FEW, bootstrap
from spgen_lit.evaluation.trials import few

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
    photos = tuple(Results.load(_folder(run, photographs, "source-")) for run in runs)
    painted = tuple(Results.load(_folder(run, paintings, "evaluation-")) for run in runs)
    return Group(name, photos, painted)


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


def gap(source_only: Group, adapted: Sequence[Group]) -> pd.DataFrame:
    """Share of the gap each adaptation recovers, with paired bootstrap intervals.

    Values are averaged over seeds image by image; a draw takes the same images for
    photographs, paintings and all models, and forms the share of the means anew.

    Args:
        source_only: What floor and ceiling are taken from.
        adapted: What is compared with it.

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
    for metric in METRICS:
        for group in adapted:
            sides = {
                "ceiling": _by_image(source_only.photographs, metric),
                "floor": _by_image(source_only.paintings, metric),
                "adapted": _by_image(group.paintings, metric),
                "adapted_photographs": _by_image(group.photographs, metric),
            }
            row = {"name": group.name, "metric": metric, **_row(pd.DataFrame(sides), metric)}
            seeds = {"source_only_seeds": source_only.paintings, "adapted_seeds": group.paintings}
            rows.append(row | {name: len(results) for name, results in seeds.items()})
    return pd.DataFrame(rows)


def _row(table: pd.DataFrame, metric: str) -> dict[str, float]:
    table, way = table.dropna(), -1.0 if metric == "energy" else 1.0
    figures: dict[str, Callable[..., Array]] = {
        "recovered": lambda ceiling, floor, adapted, photographs: (
            (floor - adapted) / (floor - ceiling)
        ),
        "cost": lambda ceiling, floor, adapted, photographs: way * (ceiling - photographs),
        "gap": lambda ceiling, floor, adapted, photographs: way * (ceiling - floor),
    }
    columns = table.to_numpy().T
    out: dict[str, float] = dict(table.mean())
    for name, of_means in figures.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            # The figure of the means: each column's mean over the images drawn.
            low, high = bootstrap(
                columns,
                lambda *sides, axis, of=of_means: of(*(side.mean(axis=axis) for side in sides)),
            )
            value = float(of_means(*columns.mean(axis=1)))
        out |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return {**out, "gap_open": out["gap_low"] > 0 and len(table) >= FEW, "images": len(table)}


def _plain(one: Results, image: str) -> str:
    """An image's id without its set's name, which it carries where several sets are mixed."""
    return image.removeprefix(f"{one.meta.get('data', '')}/")


def _by_image(results: Sequence[Results], metric: str) -> pd.Series:
    """A value an image, averaged over seeds."""
    columns, above_chance = [], METRICS[metric]
    for one in results:
        if metric not in one.model.rows or (above_chance and CHANCE not in one.band):
            needed = f"{metric!r}" + (f" and the baseline {CHANCE!r}" if above_chance else "")
            raise ValueError(f"{one.meta.get('model', 'a result')} was not scored with {needed}")
        chance = one.band[CHANCE].rows[metric] if above_chance else 0.0
        columns.append((one.model.rows[metric] - chance).rename(partial(_plain, one)))
    return pd.concat(columns, axis=1).mean(axis=1, skipna=False)


def _refuse_mismatches(groups: Sequence[Group]) -> None:
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
        share = (100 * row[f"recovered{end}"] for end in ("", "_low", "_high"))
        # Zero is added so that rounding leaves no minus before nothing.
        cost = (round(row[f"cost{end}"], 4) + 0.0 for end in ("", "_low", "_high"))
        known = row["gap_open"] and np.isfinite(row["recovered"])
        lines.append(
            {
                "measure": _NAMES[row["metric"]],
                "adaptation": f"{row['name']} ({_seeds(row['adapted_seeds'])})",
                **{side: f"{row[side]:.3f}" for side in ("ceiling", "floor", "adapted")},
                "recovered": "{:.0f} % [{:.0f}, {:.0f}]".format(*share) if known else "no gap",
                "photographs lose": "{:.4f} [{:.4f}, {:.4f}]".format(*cost),
            }
        )
    return pd.DataFrame(lines)


def gap_table(rows: pd.DataFrame) -> Table:
    """The rows on the terminal, each measure's under a line with its name."""
    parts = []
    for measure, lines in gap_text(rows).groupby("measure", sort=False):
        parts += [pd.DataFrame([{"adaptation": measure}], index=["measure"]), lines]
    shown = pd.concat(parts).drop(columns="measure").fillna("")
    return tables.terminal(shown, gap_title(rows), _NOTE, bold={"measure"})


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
