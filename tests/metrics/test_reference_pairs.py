"""Every figure of the reference implementations, to 1e-6."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spgen_lit import metrics

REFERENCE = json.loads((Path(__file__).parent / "reference" / "pairs.json").read_text())
PAIRS = {pair["id"]: pair for pair in REFERENCE["pairs"]}
Screen = tuple[int, int]
Compute = Callable[[Any, Any, Screen], Any]


def simplified(**more: float) -> Compute:
    def compute(a: Any, b: Any, screen: Screen) -> Any:
        thresholds = {"amplitude": 0.1 * math.hypot(*screen), "direction": 45.0, **more}
        return metrics.multimatch(a, b, screen=screen, simplify=thresholds, minimum=2)

    return compute


def scanmatch(**options: Any) -> Compute:
    return lambda a, b, screen: metrics.scanmatch(a, b, screen=screen, **options)


def chen2021(a: Any, b: Any, screen: Screen) -> list[float]:
    presets = (metrics.SCANMATCH_PRESETS[name] for name in ("chen2021", "chen2021_duration"))
    return [metrics.scanmatch(a, b, screen=screen, **preset)[0] for preset in presets]


COMPUTED: dict[str, Compute] = {
    "multimatch": lambda a, b, s: metrics.multimatch(a, b, screen=s, minimum=2),
    "multimatch_python": lambda a, b, s: metrics.multimatch(a, b, screen=s),
    "multimatch_simplified_amp10pct_45deg": simplified(),
    "multimatch_simplified_amp10pct_45deg_dur0.3s": simplified(duration=0.3),
    "scanmatch_12x8": scanmatch(bins=(12, 8)),
    "scanmatch_16x12": scanmatch(),
    "scanmatch_12x8_tempbin50": scanmatch(bins=(12, 8), temp_bin=0.05),
    "scanmatch_16x12_tempbin50": scanmatch(temp_bin=0.05),
    "scanmatch_12x8_gap-1": scanmatch(bins=(12, 8), gap=-1.0),
    "scanmatch_12x8_matlab_onebased": scanmatch(**metrics.SCANMATCH_PRESETS["matlab"]),
    "scanmatch_chen2021_[spatial,tempbin50]": chen2021,
    "sed_5x5_chen2021": lambda a, b, s: metrics.string_edit_distance(a, b, screen=s),
    "sed_10x10": lambda a, b, s: metrics.string_edit_distance(a, b, screen=s, grid=10),
    "levenshtein_12x8_clipped": lambda a, b, s: metrics.string_edit_distance(a, b, s, (12, 8)),
    "stde_l1_chen2021": lambda a, b, s: metrics.stde(a, b, screen=s),
    "stde_l1_chen2021_swapped": lambda a, b, s: metrics.stde(b, a, screen=s),
    "stde_l2_vame": lambda a, b, s: metrics.stde(a, b, screen=s, convention="vame"),
    "tde_k3_l2_px": lambda a, b, s: metrics.tde(a, b, k=3),
    "dtw_px": lambda a, b, s: metrics.dtw(a, b),
    "hausdorff_px": lambda a, b, s: metrics.hausdorff(a, b),
    "frechet_px": lambda a, b, s: metrics.frechet(a, b),
    "eyenalysis_px": lambda a, b, s: metrics.eyenalysis(a, b),
    "disc_iou_r45": lambda a, b, s: metrics.disc_iou(a, b, radius=45.0, parts=True),
    "recurrence_r60_rec_percent": lambda a, b, s: metrics.recurrence(a, b, radius=60.0)[0, 0],
    "recurrence_r60_corm_percent": lambda a, b, s: metrics.recurrence(a, b, radius=60.0)[0, 3],
}
MAPS = (
    "nss",
    "auc_judd_no_jitter",
    "ig_bits_vs_centerbias",
    "ig_bits_vs_uniform",
    "congruency_top20area",
    "congruency_half_max",
)
# Conventions left on purpose; docs/metrics.md gives the reasons.
LEFT = {("sed_5x5_chen2021", "E21"), ("sed_10x10", "E21")}
TIED = {name for name, pair in PAIRS.items() if pair["ref"]["multimatch_path_is_tied"]}


def figures(value: Any) -> np.ndarray:
    """Reference value as numbers: NaN where the reference gave none."""
    if isinstance(value, dict):
        value = [None] * 5 if "error" in value else list(value.values())
    items = value if isinstance(value, list) else [value]
    return np.array([math.nan if v in ("nan", None) or v is False else v for v in items], float)


def paths(pair: dict[str, Any]) -> tuple[list[np.ndarray], list[np.ndarray], Screen]:
    width, height = pair["screen"]
    return [np.array(pair["a"])], [np.array(pair["b"])], (width, height)


@pytest.mark.parametrize("key", COMPUTED)
def test_every_pair_has_the_reference_figure(key: str) -> None:
    seen = 0
    for name, pair in PAIRS.items():
        if (key, name) in LEFT or (key == "multimatch_python" and name in TIED):
            continue
        found = np.ravel(COMPUTED[key](*paths(pair)))
        # TDE's reference is single precision: relative at that size.
        np.testing.assert_allclose(
            found, figures(pair["ref"][key]), rtol=1e-6, atol=1e-6, err_msg=f"{key} of {name}"
        )
        seen += 1
    assert seen >= 45


def test_the_two_keys_cover_the_reference_file() -> None:
    keys = {key for pair in PAIRS.values() for key in pair["ref"]}
    assert keys == {*COMPUTED, *MAPS, "multimatch_path_is_tied"}


@pytest.mark.parametrize("name", sorted(TIED))
def test_tied_pairs_have_the_least_path_cost(name: str) -> None:
    a, b, _ = paths(PAIRS[name])
    u, v = np.diff(a[0][:, :2], axis=0), np.diff(b[0][:, :2], axis=0)
    cost = np.linalg.norm(u[:, None] - v[None], axis=-1)
    cost[0, 0] = 0.0
    for i, j in np.ndindex(cost.shape):
        before = [cost[x, y] for x, y in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if min(x, y) >= 0]
        cost[i, j] += min(before, default=0.0)
    assert metrics.multimatch_cost(a, b)[0] == pytest.approx(cost[-1, -1], abs=1e-9)


@pytest.mark.parametrize(("key", "grid"), [("sed_5x5_chen2021", 5), ("sed_10x10", 10)])
def test_the_ports_cells_give_the_ports_edit_distance_on_every_pair(key: str, grid: int) -> None:
    for name, pair in PAIRS.items():
        a, b, screen = paths(pair)
        found = metrics.string_edit_distance(a, b, screen, grid, cells="ports")
        assert found.tolist() == [pair["ref"][key]], name


@pytest.mark.parametrize("name", [p for p in PAIRS if "nss" in PAIRS[p]["ref"]])
def test_maps_have_the_reference_figures(name: str) -> None:
    pair = PAIRS[name]
    (a,), (b,), (width, height) = paths(pair)
    spread = 2 * (0.04 * width) ** 2
    x, y = np.arange(width, dtype=float), np.arange(height, dtype=float)
    # Not as a product of two exponentials: that underflows elsewhere, and AUC counts ties.
    saliency = sum(
        np.exp(-(((y - at_y) ** 2)[:, None] + (x - at_x) ** 2) / spread) for at_x, at_y, _ in b
    )
    centre = np.outer(
        np.exp(-((y / height - 0.5) ** 2) / (2 * 0.25**2)),
        np.exp(-((x / width - 0.5) ** 2) / (2 * 0.25**2)),
    )
    density = metrics.normalized(saliency, floor=1e-12)
    found = {
        "nss": metrics.nss(a, saliency),
        "auc_judd_no_jitter": metrics.auc_judd(a, saliency),
        "ig_bits_vs_centerbias": metrics.information_gain(a, density, metrics.normalized(centre)),
        "ig_bits_vs_uniform": metrics.information_gain(
            a, density, np.full_like(density, 1 / density.size)
        ),
        "congruency_top20area": metrics.congruency(a, saliency),
        "congruency_half_max": metrics.congruency(a, saliency, peak=0.5),
    }
    for key in MAPS:
        assert found[key] == pytest.approx(figures(pair["ref"][key])[0], rel=1e-6, abs=1e-6), key
