"""Where baselines take their lengths, durations and fixations from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spgen_lit.scanpath import Scanpath

Array = NDArray[np.float64]

# Spread added to a drawn training fixation, as a share of each side: without it the centre
# bias could only ever repeat places that somebody has looked at.
_KERNEL = 0.025
_NOWHERE = (0, 0)


class Pools:
    """Scanpaths to draw from: the training set's, or those of the other images.

    Args:
        people: Image id to its observers' scanpaths.
        training: Scanpaths of training images; None for the people of every image but
            the one that is drawn for.

    Raises:
        ValueError: If there is not a single fixation to draw from.
    """

    def __init__(
        self,
        people: Mapping[str, Sequence[Scanpath]],
        training: Sequence[Scanpath] | None,
    ) -> None:
        self._people = people
        # An image's own paths and fixations stand together, so leaving them out is a slice.
        # Training images may have the ids of these by accident: they are never the same.
        self._own: dict[str, tuple[int, int]] = {}
        self._paths: list[Scanpath] = []
        if training is not None:
            self._paths = [path for path in training if len(path)]
        else:
            for image, paths in people.items():
                start = len(self._paths)
                self._paths += [path for path in paths if len(path)]
                self._own[image] = (start, len(self._paths))
        if not self._paths:
            raise ValueError("no fixation to draw from: give training scanpaths with fixations")
        self._lengths = np.array([len(path) for path in self._paths])
        self._ends = np.concatenate([[0], np.cumsum(self._lengths)])
        self._xy = np.concatenate([path.xy for path in self._paths])
        unknown = [np.full(len(path), np.nan) for path in self._paths]
        self._durations = np.concatenate(
            [
                none if path.durations is None else path.durations
                for path, none in zip(self._paths, unknown, strict=True)
            ]
        )

    def fixations(self, image: str) -> Array:
        """Places ``(fixation, 2)`` in [0, 1] that the centre bias of an image is fitted on."""
        return _without(self._xy, self._own_fixations(image))

    def strangers(self, image: str, count: int, random: np.random.Generator) -> list[Scanpath]:
        """Paths of people who looked at other images, each at a different one if possible.

        One path from each of many images is what a model knows that never sees the image:
        taking all from one other image would reward their agreement with one another.

        Raises:
            ValueError: If there is no other image.
        """
        names = [name for name in self._people if name != image]
        if not names:
            raise ValueError(_alone(image, "another image's people need two images"))
        count = max(2, count)
        order = random.permutation(len(names))[:count]
        size = self._people[image][0].size
        chosen: list[Scanpath] = []
        for turn in range(count):
            own = self._people[names[order[turn % len(order)]]]
            path = own[int(random.integers(len(own)))]
            chosen.append(Scanpath(image, size, path.xy, path.durations, path.observer))
        return chosen

    def typical(self, image: str) -> tuple[int, float | None]:
        """Median number of fixations and median duration in seconds, None if unknown."""
        lengths = _without(self._lengths, self._own.get(image, _NOWHERE))
        if not len(lengths):
            raise ValueError(_alone(image, "a typical length needs other images"))
        durations = _without(self._durations, self._own_fixations(image))
        durations = durations[np.isfinite(durations)]
        duration = float(np.median(durations)) if len(durations) else None
        return max(1, round(float(np.median(lengths)))), duration

    def uniform(self, image: str, random: np.random.Generator) -> Scanpath:
        """A path as long as a drawn one, anywhere on the image alike."""
        model, size = self._model(image, random)
        return Scanpath(image, size, random.random((len(model), 2)), model.durations, "uniform")

    def central(self, image: str, random: np.random.Generator) -> Scanpath:
        """A path as long as a drawn one, its places from the centre bias.

        The centre bias is a kernel density of training fixations; places are drawn from
        it independently, so order and image play no part.
        """
        model, size = self._model(image, random)
        places = _draw(len(self._xy), self._own_fixations(image), len(model), random)
        xy = self._xy[places] + random.normal(0, _KERNEL, (len(model), 2))
        return Scanpath(image, size, np.clip(xy, 0, 1), model.durations, "centre_bias")

    def _model(self, image: str, random: np.random.Generator) -> tuple[Scanpath, tuple[int, int]]:
        own = self._own.get(image, _NOWHERE)
        if own[1] - own[0] == len(self._paths):
            raise ValueError(_alone(image, "chance and centre bias need scanpaths on others"))
        path = self._paths[int(_draw(len(self._paths), own, 1, random)[0])]
        return path, self._people[image][0].size

    def _own_fixations(self, image: str) -> tuple[int, int]:
        start, stop = self._own.get(image, _NOWHERE)
        return int(self._ends[start]), int(self._ends[stop])


def _without(values: NDArray[Any], own: tuple[int, int]) -> NDArray[Any]:
    return np.concatenate([values[: own[0]], values[own[1] :]])


def _draw(
    total: int, own: tuple[int, int], count: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Places below ``total`` that are not in the own slice, all alike."""
    size = own[1] - own[0]
    drawn = random.integers(total - size, size=count)
    return np.asarray(np.where(drawn >= own[0], drawn + size, drawn))


def _alone(image: str, why: str) -> str:
    return (
        f"image {image!r} is the only one: {why}; give training scanpaths, more images, "
        'or which=("people",)'
    )
