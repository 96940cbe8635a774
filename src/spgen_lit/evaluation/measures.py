"""The catalogue of measures: what each is called, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Better = Literal["up", "down", "people"]
ARROWS: dict[Better, str] = {"up": "↑", "down": "↓", "people": "≈"}


@dataclass(frozen=True)
class Measure:
    """One row of a results table.

    Attributes:
        name: Key in files and in Python.
        label: Words on tables.
        better: ``up``, ``down`` or ``people`` (closer to people's figure, from either side).
        family: Group that is computed together.
        unit: Unit of the value; empty for pure numbers.
    """

    name: str
    label: str
    better: Better
    family: str
    unit: str = ""

    @property
    def heading(self) -> str:
        """Label, unit and arrow."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{unit} {ARROWS[self.better]}"


_ALL = (
    Measure("energy", "energy score", "down", "energy"),
    Measure("scanmatch", "ScanMatch", "up", "scanmatch"),
    Measure("scanmatch_duration", "ScanMatch, durations", "up", "scanmatch_duration"),
    Measure("multimatch_shape", "MultiMatch shape", "up", "multimatch"),
    Measure("multimatch_direction", "MultiMatch direction", "up", "multimatch"),
    Measure("multimatch_length", "MultiMatch length", "up", "multimatch"),
    Measure("multimatch_position", "MultiMatch position", "up", "multimatch"),
    Measure("multimatch_duration", "MultiMatch duration", "up", "multimatch"),
    Measure("sed", "SED", "down", "sed", "edits"),
    Measure("stde", "STDE", "up", "stde"),
    Measure("tde", "TDE", "down", "tde", "px"),
    Measure("sequence_score", "sequence score", "up", "clusters"),
    Measure("fed", "FED", "down", "clusters", "edits"),
    Measure("dtw", "DTW", "down", "dtw", "px"),
    Measure("hausdorff", "Hausdorff", "down", "hausdorff", "px"),
    Measure("frechet", "Fréchet", "down", "frechet", "px"),
    Measure("eyenalysis", "Eyenalysis", "down", "eyenalysis", "px"),
    Measure("recurrence", "recurrence", "up", "recurrence", "%"),
    Measure("determinism", "determinism", "up", "recurrence", "%"),
    Measure("laminarity", "laminarity", "up", "recurrence", "%"),
    Measure("corm", "|CORM|", "down", "recurrence", "%"),
    Measure("disc_iou", "disc IoU", "up", "disc_iou"),
    Measure("nss", "NSS", "up", "nss"),
    Measure("auc", "AUC-Judd", "up", "maps"),
    Measure("sauc", "shuffled AUC", "up", "maps"),
    Measure("information_gain", "info. gain", "up", "maps", "bits"),
    Measure("cc", "CC", "up", "maps"),
    Measure("kl", "KL", "down", "maps", "nats"),
    Measure("sim", "SIM", "up", "maps"),
    Measure("congruency", "congruency", "up", "maps"),
    Measure("diversity", "sample diversity", "people", "diversity"),
)
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
FULL: tuple[str, ...] = tuple(MEASURES)
QUICK: tuple[str, ...] = (
    "energy",
    "scanmatch",
    "nss",
    *(name for name in FULL if name.startswith("multimatch_")),
)


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
    wanted = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in wanted if name not in MEASURES]
    if unknown:
        raise ValueError(
            f"unknown measures {', '.join(unknown)}: choose full, quick or some of "
            f"{', '.join(MEASURES)}"
        )
    return tuple(name for name in FULL if name in wanted)
