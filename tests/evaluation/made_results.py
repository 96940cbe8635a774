"""Results made of random numbers: images differ much, results little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.results import Results, Scores

METRICS = ("energy", "scanmatch", "diversity")
IMAGES = tuple(f"{i}.jpg" for i in range(40))


def frame(values: np.ndarray, images: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """Rows of scores."""
    return pd.DataFrame(values, pd.Index(images, name="image"), list(metrics))


def make(shift: float, images: Sequence[str] = IMAGES, **meta: str) -> Results:
    """Results whose every measure is shifted."""
    base = np.random.default_rng(0).normal(0.4, 0.1, (len(IMAGES), 1))
    noise = np.random.default_rng(int(abs(shift) * 1000) % 99).normal(0, 0.005, (len(IMAGES), 3))
    table = base + shift + noise
    order = [IMAGES.index(image) for image in images]
    return Results(Scores(frame(table[order], images, METRICS)), {}, Protocol(), meta)
