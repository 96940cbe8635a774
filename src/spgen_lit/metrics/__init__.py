"""Scanpath metrics: batched, in torch, by the conventions stated in docs/metrics.md."""

from spgen_lit.metrics.clusters import FixationClusters
from spgen_lit.metrics.delay import stde, tde
from spgen_lit.metrics.distributions import (
    diversity,
    path_quantities,
    scanmatch_distance,
    scanpath_distributions,
)
from spgen_lit.metrics.energy import energy_score, leave_one_out_energy
from spgen_lit.metrics.multimatch import DIMENSIONS, multimatch, multimatch_cost
from spgen_lit.metrics.pairing import cross, within
from spgen_lit.metrics.recurrence import recurrence
from spgen_lit.metrics.saliency import (
    auc_judd,
    cc,
    congruency,
    fixation_density,
    information_gain,
    kl,
    normalised,
    nss,
    off_map,
    shuffled_auc,
    sim,
)
from spgen_lit.metrics.scanmatch import SCANMATCH_PRESETS, scanmatch
from spgen_lit.metrics.simplification import Simplification
from spgen_lit.metrics.strings import fed, sequence_score, string_edit_distance
from spgen_lit.metrics.trajectories import disc_iou, dtw, eyenalysis, frechet, hausdorff

__all__ = [
    "DIMENSIONS",
    "SCANMATCH_PRESETS",
    "FixationClusters",
    "Simplification",
    "auc_judd",
    "cc",
    "congruency",
    "cross",
    "disc_iou",
    "diversity",
    "dtw",
    "energy_score",
    "eyenalysis",
    "fed",
    "fixation_density",
    "frechet",
    "hausdorff",
    "information_gain",
    "kl",
    "leave_one_out_energy",
    "multimatch",
    "multimatch_cost",
    "normalised",
    "nss",
    "off_map",
    "path_quantities",
    "recurrence",
    "scanmatch",
    "scanmatch_distance",
    "scanpath_distributions",
    "sequence_score",
    "shuffled_auc",
    "sim",
    "stde",
    "string_edit_distance",
    "tde",
    "within",
]
