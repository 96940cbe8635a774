"""Where baselines take their lengths, durations and fixations from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spgen_lit.scanpath import Scanpath

# Spread added to a drawn training fixation, as a share of each side: without it the centre
# bias could only ever repeat places that somebody has looked at.
_KERNEL = 0.025


class Pools:
    """Scanpaths to draw from: the training set's, or those of the other images.

    Args:
        people: Image id to its observers' scanpaths.
        training: Scanpaths of training images; None for the people of every image but
            the one that is drawn for.

    Raises:
        ValueError: If training is given without a single fixation.
    """

    def __init__(
        self,
        people: Mapping[str, Sequence[Scanpath]],
        training: Sequence[Scanpath] | None,
    ) -> None:
        self._people = people
        self._places = {image: place for place, image in enumerate(people)}
        pool: list[tuple[Scanpath, int]]
        if training is None:
            pool = [
                (path, place) for image, place in self._places.items() for path in people[image]
            ]
        else:
            # Training images may have the ids of these by accident: they are never the same.
            pool = [(path, -1) for path in training]
        pool = [(path, place) for path, place in pool if len(path)]
        if not pool:
            raise ValueError("no fixation to draw from: give training scanpaths with fixations")
        self._paths = [path for path, _ in pool]
        self._owner = np.array([place for _, place in pool])
        self._lengths = np.array([len(path) for path in self._paths])
        self._xy = np.concatenate([path.xy for path in self._paths])
        self._fixation_owner = np.repeat(self._owner, self._lengths)

    def fixations(self, image: str) -> np.ndarray:
        """Places ``(fixation, 2)`` in [0, 1] that the centre bias of an image is fitted on."""
        return np.asarray(self._xy[self._fixation_owner != self._places[image]])

    def strangers(self, image: str, count: int, random: np.random.Generator) -> list[Scanpath]:
        """Paths of people who looked at other images, each at a different one if possible.

        One path from each of many images is what a model knows that never sees the image:
        taking all from one other image would reward their agreement with one another.

        Raises:
            ValueError: If there is no other image.
        """
        names = [name for name in self._people if name != image]
        if not names:
            raise ValueError(
                f"image {image!r} is the only one: another image's people need two images; "
                'give more images, or which=("people",)'
            )
        order = [names[i] for i in random.permutation(len(names))]
        size = self._people[image][0].size
        chosen: list[Scanpath] = []
        while len(chosen) < max(2, count):
            own = self._people[order[len(chosen) % len(order)]]
            path = own[int(random.integers(len(own)))]
            chosen.append(Scanpath(image, size, path.xy, path.durations, path.observer))
        return chosen

    def typical(self, image: str) -> tuple[int, float | None]:
        """Median number of fixations and median duration in seconds, None if unknown."""
        others = self._others(image)
        known = (self._paths[i].durations for i in others)
        durations = [values for values in known if values is not None]
        duration = float(np.median(np.concatenate(durations))) if durations else None
        return max(1, round(float(np.median(self._lengths[others])))), duration

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
        pool = self.fixations(image)
        xy = pool[random.integers(len(pool), size=len(model))]
        xy = np.clip(xy + random.normal(0, _KERNEL, xy.shape), 0, 1)
        return Scanpath(image, size, xy, model.durations, "centre_bias")

    def _model(self, image: str, random: np.random.Generator) -> tuple[Scanpath, tuple[int, int]]:
        others = self._others(image)
        path = self._paths[int(others[int(random.integers(len(others)))])]
        return path, self._people[image][0].size

    def _others(self, image: str) -> np.ndarray:
        others = np.flatnonzero(self._owner != self._places[image])
        if not len(others):
            raise ValueError(
                f"image {image!r} is the only one: chance and centre bias need scanpaths on "
                'other images; give training scanpaths, or which=("people",)'
            )
        return others
