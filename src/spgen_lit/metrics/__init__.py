"""Scanpath metrics: batched, in torch, by the conventions stated in docs/metrics.md.

They take `Scanpath`s, arrays or tensors.
"""

from spgen_lit.metrics.distributions import path_quantities as path_quantities
from spgen_lit.metrics.distributions import scanpath_distributions as scanpath_distributions
from spgen_lit.metrics.energy import diversity as diversity
from spgen_lit.metrics.energy import diversity_aware_score as diversity_aware_score
from spgen_lit.metrics.energy import energy_score as energy_score
from spgen_lit.metrics.energy import leave_one_out_energy as leave_one_out_energy
from spgen_lit.metrics.energy import path_recall as path_recall
from spgen_lit.metrics.energy import scanmatch_distance as scanmatch_distance
from spgen_lit.metrics.energy import score_divergence as score_divergence
from spgen_lit.metrics.multimatch import DIMENSIONS as DIMENSIONS
from spgen_lit.metrics.multimatch import Simplification as Simplification
from spgen_lit.metrics.multimatch import multimatch as multimatch
from spgen_lit.metrics.multimatch import multimatch_cost as multimatch_cost
from spgen_lit.metrics.pairs import cross as cross
from spgen_lit.metrics.pairs import within as within
from spgen_lit.metrics.saliency import auc_judd as auc_judd
from spgen_lit.metrics.saliency import cc as cc
from spgen_lit.metrics.saliency import congruency as congruency
from spgen_lit.metrics.saliency import fixation_density as fixation_density
from spgen_lit.metrics.saliency import information_gain as information_gain
from spgen_lit.metrics.saliency import kl as kl
from spgen_lit.metrics.saliency import normalized as normalized
from spgen_lit.metrics.saliency import nss as nss
from spgen_lit.metrics.saliency import off_map as off_map
from spgen_lit.metrics.saliency import shuffled_auc as shuffled_auc
from spgen_lit.metrics.saliency import sim as sim
from spgen_lit.metrics.scanmatch import SCANMATCH_PRESETS as SCANMATCH_PRESETS
from spgen_lit.metrics.scanmatch import scanmatch as scanmatch
from spgen_lit.metrics.strings import FixationClusters as FixationClusters
from spgen_lit.metrics.strings import fed as fed
from spgen_lit.metrics.strings import sequence_score as sequence_score
from spgen_lit.metrics.strings import string_edit_distance as string_edit_distance
from spgen_lit.metrics.trajectories import disc_iou as disc_iou
from spgen_lit.metrics.trajectories import dtw as dtw
from spgen_lit.metrics.trajectories import eyenalysis as eyenalysis
from spgen_lit.metrics.trajectories import frechet as frechet
from spgen_lit.metrics.trajectories import hausdorff as hausdorff
from spgen_lit.metrics.trajectories import recurrence as recurrence
from spgen_lit.metrics.trajectories import stde as stde
from spgen_lit.metrics.trajectories import tde as tde
