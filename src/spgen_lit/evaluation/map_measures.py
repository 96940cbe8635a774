"""Measures on maps: the density of the samples of an image against observers' fixations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spgen_lit.evaluation.pools import Pools
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.trials import Trial
from spgen_lit.metrics import saliency
from spgen_lit.scanpath import Scanpath

Array = NDArray[np.float64]
_BY_OBSERVER = ("nss", "auc", "sauc", "information_gain", "congruency")
_BY_IMAGE = ("cc", "kl", "sim")


class Ground:
    """What maps are compared on: their size, and where people look in other images.

    Args:
        people: Image id to the observers' scanpaths.
        protocol: Sizes and widths of maps.
        training: Scanpaths that the centre bias is taken from; None for the other images.
    """

    def __init__(
        self,
        people: Mapping[str, Sequence[Scanpath]],
        protocol: Protocol,
        training: Sequence[Scanpath] | None = None,
    ) -> None:
        self.protocol = protocol
        self._pools = Pools(people, training)
