"""What the distance from people is made of: people's own paths, spoiled in one way at a time.

    python experiments/agreement/decomposition.py $SPGEN_DATA/osie

Each observer of each validation image is scored against ten paths made from the other
observers of that image: as they are, in shuffled order, drawn fixation by fixation from all
of theirs, cut to lengths of other images, or moved by noise. The energy score is the
unbiased one with d = 1 - ScanMatch (16x12, no durations).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from spgen_lit.data.readers.osie import Osie
from spgen_lit.data.splits import split_images
from spgen_lit.metrics import cross, energy_score, scanmatch, within

Path = NDArray[np.float64]
SCREEN = (800.0, 600.0)
SAMPLES = 10
SEED = 0


def spoilers(
    rng: np.random.Generator, lengths: NDArray[np.int64]
) -> dict[str, Callable[[list[Path]], list[Path]]]:
    """Name to a function from the other observers' paths to sampled paths."""

    def some(others: list[Path]) -> list[Path]:
        return [others[i] for i in rng.choice(len(others), SAMPLES, replace=False)]

    def shuffled(others: list[Path]) -> list[Path]:
        return [path[rng.permutation(len(path))] for path in some(others)]

    def independent(others: list[Path]) -> list[Path]:
        pool = np.concatenate(others)
        return [pool[rng.integers(0, len(pool), len(path))] for path in some(others)]

    def other_lengths(others: list[Path]) -> list[Path]:
        out = []
        for path in some(others):
            wanted = int(rng.choice(lengths))
            extra = path[rng.integers(0, len(path), max(wanted - len(path), 0))]
            out.append(np.concatenate([path, extra])[:wanted])
        return out

    def moved(deviation: float) -> Callable[[list[Path]], list[Path]]:
        def move(others: list[Path]) -> list[Path]:
            noise = deviation * SCREEN[1]
            return [path + rng.normal(0, noise, path.shape) for path in some(others)]

        return move

    return {
        "people, as they are": some,
        "lengths of other images": other_lengths,
        "moved by 3 % of the height": moved(0.03),
        "moved by 8 % of the height": moved(0.08),
        "order shuffled": shuffled,
        "fixations drawn independently": independent,
    }


def main() -> None:
    """Print one row a spoiler."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="OSIE's folder")
    gaze = Osie(parser.parse_args().root).read()
    splits = split_images(gaze)
    groups = gaze.by_image()
    rng = np.random.default_rng(SEED)
    lengths = np.array([len(p) for i in splits["train"] for p in groups[i]])
    table = Table(title=f"OSIE validation, {len(splits['val'])} images, seed {SEED}")
    for heading in ("samples", "ScanMatch ↑", "distance between samples", "energy ↓"):
        table.add_column(heading, justify="left" if heading == "samples" else "right")
    for name, spoil in spoilers(rng, lengths).items():
        agreement, spread, energy = [], [], []
        for image in splits["val"]:
            people = [path.array(SCREEN)[:, :2] for path in groups[image] if len(path)]
            for index, own in enumerate(people):
                samples = spoil(people[:index] + people[index + 1 :])
                to_people = 1 - cross(scanmatch, samples, [own], screen=SCREEN)
                between = 1 - within(scanmatch, samples, screen=SCREEN)
                agreement.append(1 - to_people.mean())
                spread.append(np.nanmean(between))
                energy.append(energy_score(to_people, between).mean())
        cells = [f"{np.mean(values):.3f}" for values in (agreement, spread, energy)]
        table.add_row(name, *cells)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
