"""The protocol card: every choice that changes a score, saved with every result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml

# Words about a protocol, not choices in it: two cards that differ only here score alike.
_WORDS = ("name", "note")


@dataclass(frozen=True)
class Protocol:
    """How scanpaths are compared.

    Attributes:
        name: Short name of the protocol.
        screen: Width and height in px that every path is stretched to before any measure
            is taken; None keeps each image at its own size.
        scanmatch_bins: Columns and rows of the ScanMatch grid.
        scanmatch_threshold: Substitution score of one cell with itself, in cells.
        scanmatch_convention: How px fall into cells: ``ports`` or ``matlab``.
        temp_bin: Seconds of viewing that make one symbol in ScanMatch with durations.
        sed_grid: Cells along each side of the string edit distance's grid.
        stde_convention: ``chen2021`` (L1) or ``vame`` (L2), for TDE and STDE.
        tde_window: Fixations in a window of TDE.
        multimatch_simplify: None, or the thresholds given to MultiMatch's simplification
            as (name, value) pairs.
        pairs: Which paths meet; only ``every sample with every observer`` exists. A path
            never meets itself.
        samples: Paths an image. In the card of a result it is what was scored, counted.
        max_fixations: Paths are cut to their first so many fixations; None keeps all.
        off_image: ``keep`` leaves fixations off the image where they are (grids clip
            them), ``drop`` removes them from both sides before comparing.
        disc_radius: Radius of a fixation's disc as a share of the screen's diagonal, for
            disc IoU.
        recurrence_radius: Radius of recurrence as a share of the diagonal.
        map_side: Cells along the longer side of density maps.
        map_sigma: Gaussian width of density maps as a share of the diagonal.
        density_floor: Share of a uniform density mixed into densities whose logarithm is
            taken (information gain, KL).
        congruency_area: Share of the image's area taken as "where others looked".
        rss_threshold: Sequence score above which a sample matches an observer, for RSS; None
            takes the observers' own mean over the images scored, as ScanDiff does.
        kl_bins: Bins of the score distributions of the KL protocol, between their extremes.
        map_reference: What CC, KL and SIM compare the samples' density with.
        nan: What happens to comparisons without a value.
        aggregation: How comparisons become one figure.
        note: What is not known of a protocol published elsewhere.

    Raises:
        ValueError: For values out of range; the message names the field.
    """

    name: str = "spgen_lit"
    screen: tuple[int, int] | None = None
    scanmatch_bins: tuple[int, int] = (16, 12)
    scanmatch_threshold: float = 3.5
    scanmatch_convention: Literal["ports", "matlab"] = "ports"
    temp_bin: float = 0.05
    sed_grid: int = 5
    stde_convention: Literal["chen2021", "vame"] = "chen2021"
    tde_window: int = 3
    multimatch_simplify: tuple[tuple[str, float], ...] | None = None
    pairs: Literal["every sample with every observer"] = "every sample with every observer"
    samples: int = 10
    max_fixations: int | None = None
    off_image: Literal["keep", "drop"] = "keep"
    # About 1 degree of visual angle: 24 px of OSIE's 1000, 35 px of MIT1003's 1280.
    disc_radius: float = 0.025
    recurrence_radius: float = 0.05
    map_side: int = 128
    map_sigma: float = 0.025
    density_floor: float = 0.05
    congruency_area: float = 0.2
    rss_threshold: float | None = None
    kl_bins: int = 99
    map_reference: str = "all observers together; observers: one half against the other"
    nan: str = "left out of means and counted"
    aggregation: str = "mean over pairs within an image, then over images"
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("screen", "scanmatch_bins"):
            value = getattr(self, name)
            if value is None:
                continue
            pair = tuple(int(side) for side in value)
            object.__setattr__(self, name, pair)
            if len(pair) != 2 or min(pair) <= 0:
                raise ValueError(f"protocol {self.name!r}: {name} needs two positive numbers")
        if self.multimatch_simplify is not None:
            pairs = dict(self.multimatch_simplify).items()
            frozen = tuple((str(key), float(value)) for key, value in pairs)
            object.__setattr__(self, "multimatch_simplify", frozen)
        for name, hint in get_type_hints(Protocol).items():
            value, allowed = getattr(self, name), get_args(hint)
            if isinstance(value, int | float) and not value > 0:
                raise ValueError(f"protocol {self.name!r}: {name} must be above 0, found {value}")
            if get_origin(hint) is Literal and value not in allowed:
                raise ValueError(f"protocol {self.name!r}: {name} is {value!r}, not in {allowed}")

    def card(self) -> dict[str, Any]:
        """Every field as plain JSON values, in declared order."""
        card: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return card

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Protocol:
        """The protocol of a saved card.

        A field that the card lacks has its default: a field added later begins with the
        value that describes what was done before it existed.

        Raises:
            ValueError: For a field that this version does not know, by name.
        """
        # Cards of earlier results call it so.
        card = {"map_reference" if k == "map_truth" else k: value for k, value in card.items()}
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(card) - known)
        if unknown:
            raise ValueError(
                f"protocol card {card.get('name', '')!r}: unknown fields {unknown}; it was "
                "written by a newer version: update spgen_lit, or score again"
            )
        return cls(**card)

    def differences(self, other: Protocol) -> list[str]:
        """Fields in which two protocols differ, each as ``field: ours / theirs``.

        Name and note are words about the protocol and do not count.
        """
        mine, theirs = self.card(), other.card()
        return [
            f"{key}: {mine[key]} / {theirs[key]}"
            for key in mine
            if key not in _WORDS and mine[key] != theirs[key]
        ]


_PRESETS: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("protocols.yaml").read_text(encoding="utf-8")
)
PRESETS = {name: Protocol(name, **values) for name, values in _PRESETS.items()}


def preset(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ValueError: For an unknown name; the known ones are listed.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown protocol {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
