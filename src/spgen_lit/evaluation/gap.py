"""How much of what is lost from photographs to paintings an adaptation wins back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spgen_lit.evaluation.comparison import refuse_mismatch
from spgen_lit.evaluation.results import Results
from spgen_lit.evaluation.statistics import LEVEL, RESAMPLES, bootstrap_means

Array = NDArray[np.float64]
#: Measures of the benchmark: name to whether it is taken above chance.
METRICS = {"energy": False, "scanmatch": True}
CHANCE = "other_image"


@dataclass(frozen=True)
class Estimate:
    """A value with its bootstrap interval over images."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GapRow:
    """One adaptation in one measure.

    Attributes:
        name: Of the adaptation.
        metric: ``energy`` (lower is better), or ``scanmatch`` above chance (higher).
        ceiling: Source-only on photographs.
        floor: Source-only on the same images painted.
        adapted: Adapted on the painted ones.
        adapted_photographs: Adapted on photographs.
        recovered: (floor - adapted) / (floor - ceiling): 0 nothing, 1 all of the gap.
        cost: What photographs lose by adapting, positive for a loss in either measure.
        gap_open: Whether the interval of floor - ceiling excludes zero; a share of a gap
            that may not be there means nothing.
        images: Number of images.
        seeds: Number of source-only and of adapted runs.
    """

    name: str
    metric: str
    ceiling: float
    floor: float
    adapted: float
    adapted_photographs: float
    recovered: Estimate
    cost: Estimate
    gap_open: bool
    images: int
    seeds: tuple[int, int]


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
    own = [name for name in found if (name == wanted if wanted else name.startswith(prefix))]
    if not own:
        raise FileNotFoundError(
            f"{root} holds no results {wanted or prefix + '…'} (found: "
            f"{', '.join(found) or 'none'}); give a finished run of +experiment=painted…"
        )
    if len(own) > 1:
        option = "--photographs" if prefix == "source-" else "--paintings"
        raise ValueError(f"{root} holds {', '.join(own)}: choose one by {option}")
    return root / own[0]


def gap(
    source_only: Group,
    adapted: Sequence[Group],
    metrics: Mapping[str, bool] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[GapRow]:
    """Share of the gap each adaptation recovers, with paired bootstrap intervals.

    Values are averaged over seeds image by image; a draw takes the same images for
    photographs, paintings and all models, and forms the share of the means anew.

    Args:
        source_only: What floor and ceiling are taken from.
        adapted: What is compared with it.
        metrics: Measure to whether it is taken above chance.
        resamples: Number of draws.
        seed: Of the draws.

    Raises:
        ValueError: If protocols, data or images differ between any two results that are
            compared, or a measure is missing; named.
    """
    _refuse_mismatches([source_only, *adapted])
    rows = []
    for metric, above_chance in (METRICS if metrics is None else metrics).items():
        images, ceiling = _by_image(source_only.photographs, metric, above_chance)
        same, floor = _by_image(source_only.paintings, metric, above_chance, images)
        way = -1.0 if metric == "energy" else 1.0
        for group in adapted:
            _, on_paintings = _by_image(group.paintings, metric, above_chance, same)
            _, on_photographs = _by_image(group.photographs, metric, above_chance, images)
            table = np.stack([ceiling, floor, on_paintings, on_photographs], axis=1)
            table = table[np.isfinite(table).all(axis=1)]
            means = table.mean(axis=0)
            draws = bootstrap_means(table, resamples, seed)
            opened = way * (draws[:, 0] - draws[:, 1])
            rows.append(
                GapRow(
                    group.name,
                    metric,
                    ceiling=float(means[0]),
                    floor=float(means[1]),
                    adapted=float(means[2]),
                    adapted_photographs=float(means[3]),
                    recovered=_estimate(_recovered(means[None])[0], _recovered(draws)),
                    cost=_estimate(way * (means[0] - means[3]), way * (draws[:, 0] - draws[:, 3])),
                    gap_open=bool(np.quantile(opened, (1 - LEVEL) / 2) > 0),
                    images=len(table),
                    seeds=(len(source_only.paintings), len(group.paintings)),
                )
            )
    return rows


def _recovered(means: Array) -> Array:
    """Columns ceiling, floor, adapted to the share; infinite draws are left to quantiles."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Array = (means[:, 1] - means[:, 2]) / (means[:, 1] - means[:, 0])
    return share


def _estimate(value: float, draws: Array) -> Estimate:
    if not np.isfinite(draws).any():
        return Estimate(float(value), float("nan"), float("nan"))
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(draws, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high))


def _plain(image: str, data: str) -> str:
    """An image's id without its set's name, which it carries where several sets are mixed."""
    return image.removeprefix(f"{data}/")


def _by_image(
    results: Sequence[Results],
    metric: str,
    above_chance: bool,
    wanted: Sequence[str] | None = None,
) -> tuple[list[str], Array]:
    """Image ids, and their values averaged over seeds, in the order wanted."""
    columns = []
    order = None if wanted is None else list(wanted)
    for one in results:
        if metric not in one.model.metrics:
            raise ValueError(
                f"{one.meta.get('model', 'a result')} was not scored in {metric!r}; it has "
                f"{', '.join(one.model.metrics)}"
            )
        values = one.model.column(metric)
        if above_chance:
            chance = one.band.get(CHANCE)
            if chance is None or metric not in chance.metrics:
                raise ValueError(f"{metric} above chance needs the baseline {CHANCE!r} in the band")
            place = {image: index for index, image in enumerate(chance.images)}
            values = values - chance.column(metric)[[place[image] for image in one.model.images]]
        data = str(one.meta.get("data", ""))
        named = {_plain(i, data): v for i, v in zip(one.model.images, values, strict=True)}
        if order is None:
            order = list(named)
        columns.append([named[image] for image in order])
    return order or [], np.asarray(columns, dtype=np.float64).mean(axis=0)


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
