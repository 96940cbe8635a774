"""How far a network's certainty is right: reliability of the probability of each next fixation.

    python experiments/generalisation/calibration.py MODEL --out calibration.png

For each set, every cell of every observer's next-fixation map is put into a bin by its
probability; a calibrated network has as many fixations in a bin's cells as their probabilities
sum to. The temperature that would have been best is fitted on validation images and judged on
test images; bits lost are what it gains a fixation. MODEL is a name or a checkpoint.
"""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from spgen_lit.batch import pad_paths
from spgen_lit.data.catalogue import build_reader
from spgen_lit.data.records import GazeSet
from spgen_lit.data.splits import split_images
from spgen_lit.network.fixation import cell_of
from spgen_lit.predictor import Predictor

matplotlib.use("Agg")
from matplotlib import pyplot as plt

SETS = ("osie", "mit1003", "figrim", "scene")
EDGES = np.linspace(-7.0, 7.0, 22)  # log2 of probability over uniform
TEMPERATURES = np.round(np.arange(0.7, 1.61, 0.05), 2)


def laws(predictor: Predictor, gaze: GazeSet, images: list[str]) -> tuple[Tensor, Tensor]:
    """Log-probabilities ``(fixation, cell)`` of next fixations, and the cells they fell into."""
    by_image = gaze.by_image()
    height, width = predictor.network.head.grid
    maps, cells = [], []
    for image in images:
        planes, _ = predictor.planes([gaze.stimuli[image].path])
        paths = pad_paths([by_image[image]], 60, predictor.network.datasets)
        with torch.no_grad():
            logits = predictor.network(predictor.network.encode(planes), paths).logits
        kept = paths.mask.clone()
        kept[:, :, 0] &= paths.viewing[..., 2] != 1  # a given fixation was not chosen
        maps.append(logits.log_softmax(-1)[kept])
        cells.append(cell_of(paths.xy, height, width)[kept])
    return torch.cat(maps), torch.cat(cells)


def bits(maps: Tensor, cells: Tensor, temperature: float) -> float:
    """Mean log2 probability over uniform at a temperature."""
    sharp = (maps / temperature).log_softmax(-1).gather(1, cells[:, None])
    return float(sharp.mean()) / math.log(2) + math.log2(maps.shape[1])


def reliability(maps: Tensor, cells: Tensor) -> pd.DataFrame:
    """Expected and observed fixations of each bin of probability."""
    over = (maps / math.log(2) + math.log2(maps.shape[1])).numpy()
    expected, _ = np.histogram(over, EDGES, weights=maps.exp().numpy())
    hit = np.take_along_axis(over, cells.numpy()[:, None], 1)
    observed, _ = np.histogram(hit, EDGES)
    number, _ = np.histogram(over, EDGES)
    frame = pd.DataFrame({"cells": number, "expected": expected, "observed": observed})
    return frame[frame.cells > 0]


def main() -> None:
    """Print the table and draw one panel a set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=40, help="most images of a set")
    parser.add_argument("--trust", nargs="*", default=(), help="modules of your own encoder")
    options = parser.parse_args()
    predictor = Predictor.from_pretrained(options.model, trust=options.trust)
    predictor.network.eval()
    figure, axes = plt.subplots(1, len(SETS), figsize=(12, 3.2), sharey=True, layout="constrained")
    table = []
    for axis, name in zip(axes, SETS, strict=True):
        gaze = build_reader(name, Path(os.environ.get("SPGEN_DATA", "data")) / name).read()
        split = split_images(gaze, 0, val=0.1, test=0.1)
        known = gaze.by_image()
        parts = [
            laws(predictor, gaze, [i for i in split[part] if i in known][: options.images])
            for part in ("val", "test" if split["test"] else "val")
        ]
        best = max(TEMPERATURES, key=lambda t: bits(*parts[0], t))
        now, then = (bits(*parts[1], t) for t in (1.0, best))
        table.append({"set": name, "temperature": best, "bits": now, "bits lost": then - now})
        for temperature, label in ((1.0, "as it is"), (best, f"temperature {best:.2f}")):
            maps, cells = parts[1]
            found = reliability((maps / temperature).log_softmax(-1), cells)
            axis.loglog(
                found.expected / found.cells, found.observed / found.cells, "o-", ms=3, label=label
            )
        ends = axis.get_xlim()
        axis.loglog(ends, ends, color="gray", lw=0.8)
        axis.set(title=name, xlabel="probability of a cell")
        axis.legend(frameon=False, fontsize=8)
    axes[0].set_ylabel("fixations in it")
    figure.savefig(options.out, dpi=110)
    print(pd.DataFrame(table).round(3).to_markdown(index=False))


if __name__ == "__main__":
    main()
