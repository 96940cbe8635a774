"""Simulated observers: agreeing on three places of an image, with their own noise."""

from __future__ import annotations

import numpy as np

from spgen_lit.scanpath import Scanpath

People = dict[str, list[Scanpath]]


def make_people(
    images: int = 6,
    observers: int = 5,
    size: tuple[int, int] = (800, 600),
    seed: int = 0,
    timed: bool = True,
) -> People:
    """Image id to paths of 4 to 9 fixations around that image's own places."""
    random = np.random.default_rng(seed)
    people: People = {}
    for number in range(images):
        places = random.uniform(0.15, 0.85, (3, 2))
        paths = []
        for observer in range(observers):
            length = int(random.integers(4, 10))
            order = random.integers(0, 3, length)
            xy = np.clip(places[order] + random.normal(0, 0.04, (length, 2)), 0, 1)
            durations = random.uniform(0.1, 0.5, length) if timed else None
            paths.append(Scanpath(f"{number}.jpg", size, xy, durations, str(observer)))
        people[f"{number}.jpg"] = paths
    return people
