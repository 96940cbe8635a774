"""Several trainings of one recipe scored on one set: mean, intervals over images and seeds.

python experiments/generalisation/seeds.py RESULTS RESULTS …

Each RESULTS is a folder that `spgen evaluate` wrote: one a seed, of the same images.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from spgen_lit.evaluation.results import CHANCE, OBSERVERS, Results
from spgen_lit.evaluation.statistics import bootstrap_runs

BAND = (OBSERVERS, CHANCE)


def main() -> None:
    """Print one line a measure, ready for a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+")
    found = [Results.load(folder) for folder in parser.parse_args().results]
    first = found[0]
    print(f"{first.meta.get('data')}, {len(first.model.images)} images, {len(found)} seeds")
    for metric in first.model.metrics:
        # Bits have no level: those of observers and chance are another measure's.
        level = all(one.band[who].rows[metric].notna().any() for one in found for who in BAND)
        sides = [[one.model, *(one.band[who] for who in BAND if level)] for one in found]
        runs = np.array([[side.rows[metric].sort_index() for side in run] for run in sides])
        runs = runs[:, :, np.isfinite(runs).all((0, 1))]

        def figures(model: float, observers: float = math.nan, chance: float = 0) -> list[float]:
            return [model, (model - chance) / (observers - chance)]

        value, normalized = figures(*runs.mean((0, 2)))
        low, high = bootstrap_runs([runs], figures)
        seeds = ", ".join(f"{mean:.3f}" for mean in runs[:, 0].mean(1))
        line = f"| {metric} | {seeds} | {value:.3f} [{low[0]:.3f}, {high[0]:.3f}] |"
        if level:
            observers, chance = runs[:, 1:].mean((0, 2))
            line += f" {observers:.3f} | {chance:.3f} | "
            line += f"{normalized:.2f} [{low[1]:.2f}, {high[1]:.2f}] |"
        print(line)


if __name__ == "__main__":
    main()
