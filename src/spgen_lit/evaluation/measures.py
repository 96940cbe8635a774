"""The catalogue of measures: what each is called, which way is better, and what may fool it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.metrics.energy import known_mean
from spgen_lit.metrics.multimatch import multimatch
from spgen_lit.metrics.scanmatch import scanmatch
from spgen_lit.metrics.strings import string_edit_distance
from spgen_lit.metrics.trajectories import (
    disc_iou,
    dtw,
    eyenalysis,
    frechet,
    hausdorff,
    recurrence,
    stde,
    tde,
)

Array = NDArray[np.float64]
Paths = Sequence[Array]
Screen = tuple[int, int]
Better = Literal["up", "down", "observers"]
ARROWS: dict[Better, str] = {"up": "↑", "down": "↓", "observers": "≈"}


@dataclass(frozen=True)
class Measure:
    """One row of a results table.

    Attributes:
        name: Key in files and in Python.
        label: Words on tables.
        better: ``up``, ``down`` or ``observers`` (closer to their figure, from either side).
        family: Group that is computed together; the name itself for a measure of a user's.
        unit: Unit of the value; empty for pure numbers.
        proper: Whether no distribution of paths scores better on average than the observers'
            own. Others can be improved by sameness, wildness or blur: see docs/evaluation.md.
        compare: For a measure of a user's: ``compare(a, b, screen)`` gives the values ``(pair,)``
            of pairs of paths ``(fixation, 2 or 3)``, x, y in px and duration in s.
    """

    name: str
    label: str
    better: Better
    family: str = ""
    unit: str = ""
    proper: bool = False
    compare: Callable[[Paths, Paths, Screen], Array] | None = field(default=None, repr=False)

    @property
    def heading(self) -> str:
        """Label, unit and arrow."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{unit} {ARROWS[self.better]}"

    def card(self) -> dict[str, str]:
        """What a result keeps of a measure that is not in the catalogue."""
        return {"label": self.label, "better": self.better, "unit": self.unit}


def _read() -> dict[str, Measure]:
    table = pd.read_csv(Path(__file__).with_name("measures.csv"), keep_default_na=False)
    rows = [{**row, "proper": bool(row["proper"])} for row in table.to_dict("records")]
    return {row["name"]: Measure(**row) for row in rows}


_ROWS = _read()
MEASURES: dict[str, Measure] = {name: m for name, m in _ROWS.items() if m.family != "whole"}
WHOLE: dict[str, Measure] = {name: m for name, m in _ROWS.items() if m.family == "whole"}
"""Figures of a whole set of images, not of each: distances of distributions, the KL protocol."""
FULL: tuple[str, ...] = tuple(MEASURES)
QUICK: tuple[str, ...] = (
    "energy",
    "scanmatch",
    "nss",
    *(name for name in FULL if name.startswith("multimatch_")),
)
#: What is cheap enough to be scored at every temperature; diversity is what it changes most.
SCANNED: tuple[str, ...] = (*QUICK, "diversity")
ENERGIES: dict[str, Callable[[Array], Array]] = {
    "energy": lambda values: 1 - values[..., 0],
    "energy_duration": lambda values: 1 - values[..., 0],
    # Without durations the mean of the other four.
    "energy_multimatch": lambda values: 1 - known_mean(values, axis=-1),
    "energy_sed": lambda values: values[..., 0],
    "energy_dtw": lambda values: values[..., 0],
}
"""Energy scores: name to the distance between paths, from the values of the family's pairs."""


def select(metrics: str | Iterable[str] | None) -> tuple[str, ...]:
    """Names of measures in the catalogue's order.

    Args:
        metrics: None or ``"full"`` for all, ``"quick"`` for the cheap ones, else names.

    Raises:
        ValueError: For a name that is not in the catalogue.
    """
    if metrics is None or metrics == "full":
        return FULL
    if metrics == "quick":
        return tuple(name for name in FULL if name in QUICK)
    chosen = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [str(name) for name in chosen if name not in MEASURES]
    if unknown:
        raise ValueError(
            f"unknown measures {', '.join(unknown)}: choose full, quick or some of "
            f"{', '.join(MEASURES)}"
        )
    return tuple(name for name in FULL if name in chosen)


def _scanmatch(
    a: Paths, b: Paths, screen: Screen, protocol: Protocol, timed: bool = False
) -> Array:
    return scanmatch(
        a,
        b,
        screen=screen,
        bins=protocol.scanmatch_bins,
        threshold=protocol.scanmatch_threshold,
        temp_bin=protocol.temp_bin if timed else None,
        convention=protocol.scanmatch_convention,
    )


def _recurrence(a: Paths, b: Paths, screen: Screen, protocol: Protocol) -> Array:
    rows = recurrence(a, b, protocol.recurrence_radius * math.hypot(*screen))
    # A lag one way and a lag the other way must not cancel into a perfect mean.
    return np.column_stack([rows[:, :3], np.abs(rows[:, 3])])


Compare = Callable[[Paths, Paths, Screen, Protocol], Array]
FAMILIES: dict[str, Compare] = {
    "scanmatch": _scanmatch,
    "scanmatch_duration": lambda a, b, screen, p: _scanmatch(a, b, screen, p, timed=True),
    "multimatch": lambda a, b, screen, p: multimatch(
        a, b, screen, dict(p.multimatch_simplify or ()) or None
    ),
    "sed": lambda a, b, screen, p: string_edit_distance(a, b, screen, grid=p.sed_grid),
    "stde": lambda a, b, screen, p: stde(a, b, screen, convention=p.stde_convention),
    "tde": lambda a, b, screen, p: tde(a, b, k=p.tde_window, convention=p.stde_convention),
    "dtw": lambda a, b, screen, p: dtw(a, b),
    "hausdorff": lambda a, b, screen, p: hausdorff(a, b),
    "frechet": lambda a, b, screen, p: frechet(a, b),
    "eyenalysis": lambda a, b, screen, p: eyenalysis(a, b),
    "recurrence": _recurrence,
    "disc_iou": lambda a, b, screen, p: disc_iou(a, b, p.disc_radius * math.hypot(*screen)),
}
"""Families of measures that need nothing but two paths."""
CLUSTERED = "clusters"
"""The family that also needs the clusters of each image's observers."""
_DERIVED = {*ENERGIES, "rss", "dss", "diversity"}
MEMBERS: dict[str, tuple[str, ...]] = {
    family: tuple(
        name for name, m in MEASURES.items() if m.family == family and name not in _DERIVED
    )
    for family in (*FAMILIES, CLUSTERED)
}
"""Family to the measures in its columns; energy, diversity, RSS and DSS are made from them."""
KL_PROTOCOL: tuple[str, ...] = ("multimatch", "scanmatch", "scanmatch_duration", "sed", CLUSTERED)
"""Families whose score distributions the KL protocol compares, model-observer with observers."""
