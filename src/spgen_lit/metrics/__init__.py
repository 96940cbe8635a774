"""Scanpath metrics: batched, in torch, by the conventions stated in docs/metrics.md.

They take `Scanpath`s, arrays or tensors.
"""

from spgen_lit.metrics.distributions import path_quantities, scanpath_distributions
from spgen_lit.metrics.energy import (
    diversity,
    energy_score,
    leave_one_out_energy,
    scanmatch_distance,
)
from spgen_lit.metrics.multimatch import (
    DIMENSIONS,
    Simplification,
    multimatch,
    multimatch_cost,
)
from spgen_lit.metrics.pairs import cross, within
from spgen_lit.metrics.saliency import (
    auc_judd,
    cc,
    congruency,
    fixation_density,
    information_gain,
    kl,
    normalized,
    nss,
    off_map,
    shuffled_auc,
    sim,
)
from spgen_lit.metrics.scanmatch import SCANMATCH_PRESETS, scanmatch
from spgen_lit.metrics.stochastic import diversity_aware_score, path_recall, score_divergence
from spgen_lit.metrics.strings import (
    FixationClusters,
    fed,
    sequence_score,
    string_edit_distance,
)
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
    "diversity_aware_score",
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
    "normalized",
    "nss",
    "off_map",
    "path_quantities",
    "path_recall",
    "recurrence",
    "scanmatch",
    "scanmatch_distance",
    "scanpath_distributions",
    "score_divergence",
    "sequence_score",
    "shuffled_auc",
    "sim",
    "stde",
    "string_edit_distance",
    "tde",
    "within",
]
