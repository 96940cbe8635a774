"""Baselines: what observers, chance and simple rules give as scanpaths."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.scanpath import Scanpath

#: Name of a baseline to what tables call it.
LABELS = {
    "observers": "observers",
    "other_image": "chance",
    "center_bias": "center bias",
    "uniform": "uniform",
    "center": "stay at center",
    "saliency_wta": "saliency WTA",
}
BASELINES = tuple(LABELS)
Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Images = Mapping[str, Image | Callable[[], Image]]
_Observers = Mapping[str, Sequence[Scanpath]]
# These need scanpaths on other images.
_LEARNED = BASELINES[1:]
# Spread added to a drawn training fixation, as a share of each side: without it the center
# bias could only ever repeat places that somebody has looked at.
_KERNEL = 0.025
# Hou & Zhang fix the scale at 64 px: objects then span a few cells.
_WIDTH = 64
_BORDER = 0.1


def computable(
    which: Sequence[str] | None,
    observers: _Observers,
    training: Sequence[Scanpath] | None,
    images: Images | None,
) -> list[str]:
    """Names of baselines in order; None for all that can be computed.

    Raises:
        ValueError: For an unknown name, or one that cannot be computed.
    """
    alone = training is None and len(observers) < 2
    if which is None:
        left_out = set(_LEARNED) if alone else {"saliency_wta"} if images is None else set()
        left_out |= {"other_image"} if len(observers) < 2 else set()
        return [name for name in BASELINES if name not in left_out]
    unknown = [name for name in which if name not in BASELINES]
    if unknown:
        raise ValueError(f"unknown baselines {unknown}: choose from {', '.join(BASELINES)}")
    if "saliency_wta" in which and images is None:
        raise ValueError("saliency_wta needs the images: give images, or leave it out")
    return [name for name in BASELINES if name in which]


def baseline(
    name: str,
    observers: _Observers,
    protocol: Protocol,
    *,
    training: Sequence[Scanpath] | None = None,
    images: Images | None = None,
    seed: int = 0,
) -> dict[str, list[Scanpath]]:
    """Scanpaths of one baseline: image id to paths, ready to be scored as a model's.

    ``observers`` gives the observers themselves: scoring never compares a path with itself,
    so each observer is left out in turn.

    Args:
        name: From ``BASELINES``.
        observers: Image id to the observers' scanpaths.
        protocol: How many paths to draw: ``samples``.
        training: Scanpaths that lengths, durations and the center bias are taken from; None
            takes the observers of the other images, never those of the image scored.
        images: Image id to RGB uint8 ``(row, column, 3)`` or to a function that gives it.
        seed: Seed of every draw; an image's draws depend on it and on the image's id alone
            (chance depends on which other images there are).

    Raises:
        ValueError: For an unknown name, ``saliency_wta`` without images, or fewer than two
            images where other images are needed.
    """
    (name,) = computable([name], observers, training, images)
    if name == "observers":
        return {image: list(paths) for image, paths in observers.items()}
    other = Elsewhere(observers, training)
    count = max(2, protocol.samples)
    out = {}
    for image in observers:
        random = np.random.default_rng([seed, zlib.crc32(image.encode())])
        if name == "other_image":
            out[image] = other.strangers(image, count, random)
        elif name == "center":
            out[image] = [other.typical(image, lambda n: np.full((n, 2), 0.5), name)]
        elif name == "saliency_wta" and images is not None:
            found = images[image]
            saliency = spectral_residual(found() if callable(found) else found)
            out[image] = [other.typical(image, partial(winner_take_all, saliency), name)]
        else:
            out[image] = [other.sample(image, name, random) for _ in range(count)]
    return out


class Elsewhere:
    """Scanpaths on other images: the training set's, or those of the other images scored.

    Args:
        observers: Image id to its observers' scanpaths.
        training: Scanpaths of training images; None for the observers of every image but
            the one in question.
    """

    def __init__(self, observers: _Observers, training: Sequence[Scanpath] | None) -> None:
        self._observers = observers
        # Training images may have the ids of these by accident: they are never the same.
        groups = {"": training} if training is not None else observers
        self._code = {} if training is not None else {image: i for i, image in enumerate(groups)}
        self._paths = [path for paths in groups.values() for path in paths if len(path)]
        counts = [sum(len(path) > 0 for path in paths) for paths in groups.values()]
        self._code_of_path = np.repeat(np.arange(len(groups)), counts)
        self._lengths = np.array([len(path) for path in self._paths], dtype=np.int64)
        self._code_of_fixation = np.repeat(self._code_of_path, self._lengths)
        self._xy = np.concatenate([np.zeros((0, 2)), *(path.xy for path in self._paths)])
        times = [
            np.full(len(path), np.nan) if path.durations is None else path.durations
            for path in self._paths
        ]
        self._durations = np.concatenate([np.zeros(0), *times])

    def fixations(self, image: str) -> Array:
        """x, y in [0, 1] ``(fixation, 2)`` of fixations on other images."""
        return self._xy[self._code_of_fixation != self._code_of(image)]

    def strangers(self, image: str, count: int, random: np.random.Generator) -> list[Scanpath]:
        """Paths of observers of other images, each of a different one if possible.

        One path from each of many images is what a model knows that never sees the image:
        taking all from one other image would reward their likeness to one another.
        """
        names = [name for name in self._observers if name != image]
        if not names:
            raise ValueError(_alone(image, "another image's observers need two images"))
        order = random.permutation(len(names))[:count]
        size = self._observers[image][0].size
        chosen: list[Scanpath] = []
        for turn in range(count):
            paths = self._observers[names[order[turn % len(order)]]]
            path = paths[int(random.integers(len(paths)))]
            chosen.append(Scanpath(image, size, path.xy, path.durations, path.observer))
        return chosen

    def typical(self, image: str, positions: Callable[[int], Array], name: str) -> Scanpath:
        """A path of median length and durations, at the positions given for that length."""
        length = max(1, round(float(np.median(self._lengths[self._others(image)]))))
        durations = self._durations[self._code_of_fixation != self._code_of(image)]
        durations = durations[np.isfinite(durations)]
        timed = np.full(length, np.median(durations)) if len(durations) else None
        return Scanpath(image, self._observers[image][0].size, positions(length), timed, name)

    def sample(self, image: str, name: str, random: np.random.Generator) -> Scanpath:
        """A path as long as a drawn one: ``uniform`` anywhere alike, or by the ``center_bias``.

        The center bias is a kernel density of training fixations; positions are drawn from
        it independently, so order and image play no part.
        """
        others = self._others(image)
        model = self._paths[others[random.integers(len(others), size=1)[0]]]
        if name == "uniform":
            xy = random.random((len(model), 2))
        else:
            fixations = self.fixations(image)
            chosen = fixations[random.integers(len(fixations), size=len(model))]
            xy = np.clip(chosen + random.normal(0, _KERNEL, chosen.shape), 0, 1)
        return Scanpath(image, self._observers[image][0].size, xy, model.durations, name)

    def _others(self, image: str) -> NDArray[np.intp]:
        """Numbers of the paths on other images; at least one."""
        others = np.flatnonzero(self._code_of_path != self._code_of(image))
        if not len(others):
            raise ValueError(_alone(image, "lengths and center bias need scanpaths on others"))
        return others

    def _code_of(self, image: str) -> int:
        return self._code.get(image, -1)


def spectral_residual(image: NDArray[np.uint8]) -> Array:
    """Saliency of an image by its spectral residual.

    Args:
        image: RGB ``(row, column, 3)`` or grey ``(row, column)``, 0 to 255.

    Returns:
        Map ``(row, column)`` about 64 cells wide at the image's aspect, at least 0,
        highest where the image differs from its own average spectrum.

    Raises:
        ValueError: For an array that is not an image.

    Source: Hou & Zhang (2007), "Saliency detection: a spectral residual approach"; the
    fading border is ours.
    """
    if image.ndim not in (2, 3) or min(image.shape[:2]) < 1:
        raise ValueError(f"an image has shape (row, column, 3), found {image.shape}")
    grey = image if image.ndim == 2 else image[..., :3].astype(np.float64).mean(axis=2)
    height = max(8, round(_WIDTH * image.shape[0] / image.shape[1]))
    small = cv2.resize(grey.astype(np.float64), (_WIDTH, height), interpolation=cv2.INTER_AREA)
    spectrum = np.fft.fft2(_tapered(np.asarray(small, dtype=np.float64)))
    amplitude = np.abs(spectrum)
    logarithm = np.log(amplitude + 1e-9)
    residual = logarithm - ndimage.uniform_filter(logarithm, 3, mode="wrap")
    saliency = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    return np.asarray(ndimage.gaussian_filter(saliency, 2.5, mode="nearest"), dtype=np.float64)


def _tapered(image: Array) -> Array:
    """The image fading to its mean over the outer tenth.

    The transform takes the left border to touch the right one: untapered, that false edge
    draws more than half of the fixations on photographs to the border.
    """
    fade = np.ones_like(image)
    for axis, size in enumerate(image.shape):
        place = np.arange(size) + 0.5
        ramp = np.minimum(1.0, np.minimum(place, size - place) / (_BORDER * size))
        fade *= ramp[:, None] if axis == 0 else ramp[None]
    mean = image.mean()
    return np.asarray((image - mean) * fade + mean)


def winner_take_all(saliency: Array, fixations: int, radius: float = 0.1) -> Array:
    """Visit the most salient places in turn, never returning to the last ones.

    Args:
        saliency: Map ``(row, column)`` of values at least 0.
        fixations: Length of the path.
        radius: Width of the Gaussian that inhibits a visited place, as a share of the
            map's diagonal.

    Returns:
        Fixations ``(fixation, 2)`` as x, y in [0, 1], cell centres.

    Source: Itti, Koch & Niebur (1998); inhibition as a Gaussian that is not lifted
    within the few seconds of a path.
    """
    rows, columns = saliency.shape
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    width = radius * float(np.hypot(rows, columns))
    left = saliency.astype(np.float64) - saliency.min() + 1e-12
    path = np.empty((fixations, 2))
    for step in range(fixations):
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        path[step] = (column + 0.5) / columns, (row + 0.5) / rows
        distance = (x - column) ** 2 + (y - row) ** 2
        left = left * (1 - np.exp(-distance / (2 * width**2)))
    return path


def _alone(image: str, why: str) -> str:
    return (
        f"image {image!r} is the only one: {why}; give training scanpaths, more images, "
        'or baselines=("observers",)'
    )
