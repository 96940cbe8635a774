"""Several trainings of one recipe scored on one set: mean, intervals over images and seeds.

python experiments/generalisation/seeds.py RESULTS RESULTS …

Each RESULTS is a folder that `spgen evaluate` wrote: one a seed, of the same images.
"""

from __future__ import annotations

import argparse

import numpy as np

from spgen_lit.evaluation.results import CHANCE, OBSERVERS, Results
from spgen_lit.evaluation.statistics import bootstrap_runs


def main() -> None:
    """Print one line a measure, ready for a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+")
    found = [Results.load(folder) for folder in parser.parse_args().results]
    first = found[0]
    print(f"{first.meta.get('data')}, {len(first.model.images)} images, {len(found)} seeds")
    for metric in first.model.metrics:
        sides = [[one.model, one.band[OBSERVERS], one.band[CHANCE]] for one in found]
        runs = np.array([[side.rows[metric].sort_index() for side in run] for run in sides])
        runs = runs[:, :, np.isfinite(runs).all((0, 1))]

        def figures(model: float, observers: float, chance: float) -> list[float]:
            return [model, (model - chance) / (observers - chance)]

        value, share = figures(*runs.mean((0, 2)))
        low, high = bootstrap_runs([runs], figures)
        of_seeds = ", ".join(f"{value:.3f}" for value in runs[:, 0].mean(1))
        observers, chance = runs[:, 1:].mean((0, 2))
        print(
            f"| {metric} | {of_seeds} | {value:.3f} [{low[0]:.3f}, {high[0]:.3f}] | "
            f"{observers:.3f} | {chance:.3f} | {share:.2f} [{low[1]:.2f}, {high[1]:.2f}] |"
        )


if __name__ == "__main__":
    main()
