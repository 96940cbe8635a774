"""Scanpath metrics: batched, in torch, by the conventions stated in docs/metrics.md."""

from spgen_lit.metrics.energy import energy_score, leave_one_out_energy
from spgen_lit.metrics.multimatch import DIMENSIONS, multimatch, multimatch_cost
from spgen_lit.metrics.pairing import cross, within
from spgen_lit.metrics.scanmatch import SCANMATCH_PRESETS, scanmatch
from spgen_lit.metrics.simplification import Simplification

__all__ = [
    "DIMENSIONS",
    "SCANMATCH_PRESETS",
    "Simplification",
    "cross",
    "energy_score",
    "leave_one_out_energy",
    "multimatch",
    "multimatch_cost",
    "scanmatch",
    "within",
]
