"""Viewing conditions in training: paths cut at a random time, and conditions left unsaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from spgen_lit.scanpath import GAP, Scanpath, Viewing

GAPS = (0.03, 0.2)  # seconds between two fixations, at least and at most
_SIGMA = 0.45  # of the logarithm of an observer's durations
CONDITIONS = tuple(field.name for field in fields(Viewing))


def cut_path(path: Scanpath, seconds: float) -> Scanpath:
    """The path as it would be had the picture been shown for a shorter time.

    Fixations and the gaps between them are taken to fill the recorded viewing time; the
    fixation in progress at the end is cut short. A path without durations, or whose viewing
    time is unknown, is given back as it is.

    Args:
        path: With durations.
        seconds: The shorter time.
    """
    if path.durations is None or path.viewing.seconds is None:
        return path
    gap = np.clip((path.viewing.seconds - path.durations.sum()) / len(path), *GAPS)
    begins = np.cumsum(path.durations) - path.durations + gap * np.arange(len(path))
    keep = begins < seconds
    durations = np.minimum(path.durations, seconds - begins)[keep]
    viewing = replace(path.viewing, seconds=seconds)
    return replace(path, xy=path.xy[keep], durations=durations, viewing=viewing)


def fill_durations(path: Scanpath, rng: np.random.Generator) -> Scanpath:
    """The path with durations drawn at random that fill its viewing time, where it has none.

    A set without durations still says how many fixations were made in how many seconds. A
    network that is shown untimed paths never learns it, and times them as other sets do.

    Args:
        path: Given back as it is if it has durations or its viewing time is unknown.
        rng: Random generator; durations are log-normal before they are scaled.
    """
    if path.durations is not None or path.viewing.seconds is None:
        return path
    looking = path.viewing.seconds - GAP * len(path)
    weights = rng.lognormal(sigma=_SIGMA, size=len(path))
    shortest = 0.05 * len(path)
    return replace(path, durations=weights / weights.sum() * max(looking, shortest))


@dataclass(frozen=True)
class ViewingAugment:
    """Shows a network other viewing times than were recorded, and unknown conditions.

    Cutting observers' paths at a random time keeps them true, and teaches how long a path is
    for a time. Conditions are hidden at random, so that the network also works without them.

    Attributes:
        cut: Probability that a draw's paths are cut, each at a time of its own.
        shortest: Seconds of the shortest cut.
        hide: Probability that a condition of a draw is hidden, for each condition.
        fill: Draw durations where a set has none; see :func:`fill_durations`.

    Raises:
        ValueError: For a probability outside [0, 1] or a time that is not positive.
    """

    cut: float = 0.3
    shortest: float = 0.7
    hide: float = 0.15
    fill: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.cut <= 1 and 0 <= self.hide <= 1 and self.shortest > 0):
            raise ValueError(
                f"data.viewing needs cut and hide in [0, 1] and shortest above 0, found {self}"
            )

    def __call__(self, paths: Sequence[Scanpath], rng: np.random.Generator) -> list[Scanpath]:
        """The scanpaths of one draw on one image, some cut, some of their conditions hidden."""
        hidden = [name for name in CONDITIONS if rng.random() < self.hide]
        out = [fill_durations(path, rng) for path in paths] if self.fill else list(paths)
        if rng.random() < self.cut:
            out = [self._cut(path, rng) for path in out]
        if not hidden:
            return out
        unknown = dict.fromkeys(hidden)
        return [replace(path, viewing=replace(path.viewing, **unknown)) for path in out]

    def _cut(self, path: Scanpath, rng: np.random.Generator) -> Scanpath:
        longest = path.viewing.seconds
        if path.durations is None or longest is None or longest <= self.shortest:
            return path
        cut = cut_path(path, float(rng.uniform(self.shortest, longest)))
        return cut if len(cut.on_image()) else path
