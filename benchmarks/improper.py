"""How each measure that is not proper is fooled, on observers whose law is known.

    python -m benchmarks.improper

On every image half of the observers visit four places in one order, half four others, each with
noise. Models know this law, or something simpler. A star marks a simpler model that scores at least
as well as the law itself: whoever is ranked by that measure is paid for it. Prints, writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console

from spgen_lit.evaluation import tables
from spgen_lit.evaluation.measures import MEASURES
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.score import score
from spgen_lit.scanpath import Scanpath

Array = NDArray[np.float64]
Paths = dict[str, list[Scanpath]]
SIZE, NOISE = (800, 600), 0.06
METRICS = tuple(name for name in MEASURES if name not in ("information_gain", "tde"))
WHOLE = ("kl_multimatch", "kl_scanmatch", "length_wasserstein")


def places(image: str) -> Array:
    """The eight places of an image ``(kind, fixation, 2)``."""
    return np.random.default_rng([7, int(image)]).uniform(0.12, 0.88, (2, 4, 2))


def law(image: str, random: np.random.Generator, noise: float = NOISE) -> Array:
    """A path as observers make it."""
    order = places(image)[int(random.integers(2))]
    return np.clip(order + random.normal(0, noise, order.shape), 0, 1)


def one_path(image: str, random: np.random.Generator) -> Array:
    """The same path every time, without noise."""
    return places(image)[0]


def less_noise(image: str, random: np.random.Generator) -> Array:
    """Both kinds of path, with half the observers' noise."""
    return law(image, random, noise=NOISE / 2)


def more_noise(image: str, random: np.random.Generator) -> Array:
    """Both kinds of path, with half as much noise again."""
    return law(image, random, noise=1.5 * NOISE)


def one_kind(image: str, random: np.random.Generator) -> Array:
    """One kind of path with its noise; half of the observers are missed."""
    return np.clip(places(image)[0] + random.normal(0, NOISE, (4, 2)), 0, 1)


def backwards(image: str, random: np.random.Generator) -> Array:
    """The law's fixations in the opposite order."""
    return law(image, random)[::-1]


def elsewhere(image: str, random: np.random.Generator) -> Array:
    """The law of another image."""
    return law(str(int(image) + 1000), random)


MODELS: dict[str, Callable[[str, np.random.Generator], Array]] = {
    "the law": law,
    "one path": one_path,
    "less noise": less_noise,
    "more noise": more_noise,
    "one kind": one_kind,
    "backwards": backwards,
    "elsewhere": elsewhere,
}


def draw(model: Callable[..., Array], images: int, count: int, seed: int) -> Paths:
    """So many paths of a model on each image."""
    random = np.random.default_rng(seed)
    lasting = np.full(4, 0.25)
    return {
        str(i): [Scanpath(str(i), SIZE, model(str(i), random), lasting) for _ in range(count)]
        for i in range(images)
    }


def compare(
    images: int = 120, metrics: Sequence[str] | None = None, observers: int = 16, samples: int = 10
) -> pd.DataFrame:
    """A row a measure: label, way to better, and each model's mean."""
    people = draw(law, images, observers, seed=1)
    columns = {}
    for number, (name, model) in enumerate(MODELS.items(), start=2):
        drawn = draw(model, images, samples, seed=number)
        columns[name] = score(
            drawn, people, Protocol(), metrics=metrics, baselines=("observers",)
        ).frame
    first = columns["the law"]
    chosen = [name for name in (*METRICS, *WHOLE) if name in first.index]
    frame = pd.DataFrame({name: one.loc[chosen, "value"] for name, one in columns.items()})
    frame.insert(0, "observers", first.loc[chosen, "observers"])
    frame.insert(0, "better", first.loc[chosen, "better"])
    frame.insert(0, "label", first.loc[chosen, "label"])
    return frame


def fooled(frame: pd.DataFrame, slack: float = 0.005) -> pd.DataFrame:
    """Which models are as good as the law, but for 0.5 % of the way to another image's."""
    cost = {"up": lambda x, _: -x, "down": lambda x, _: x, "observers": lambda x, o: (x - o).abs()}
    names = list(MODELS)[1:]
    out = pd.DataFrame(False, frame.index, names)
    for metric, row in frame.iterrows():
        way = cost[row["better"]]
        values = pd.to_numeric(row[["the law", *names]])
        costs = way(values, row["observers"])
        scale = abs(values["elsewhere"] - values["the law"])
        out.loc[metric] = costs[names] <= costs["the law"] + slack * scale
    return out


def main() -> None:
    frame = compare()
    stars = fooled(frame)
    shown = pd.DataFrame({"measure": frame["label"], "proper": ""}, frame.index)
    shown["proper"] = ["yes" if m in MEASURES and MEASURES[m].proper else "" for m in frame.index]
    for name in MODELS:
        shown[name] = frame[name].map(tables.figure)
        if name in stars:
            shown[name] += stars[name].map({True: " *", False: "  "})
    Console(width=110).print(tables.terminal(shown, "A star: at least as good as the law itself"))


if __name__ == "__main__":
    main()
