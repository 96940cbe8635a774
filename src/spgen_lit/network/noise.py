"""The random numbers of sampled scanpaths, from numpy's Philox: the same on every device.

numpy alone is needed here, so that export can copy this file beside its graphs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Generic, Literal, NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

NoiseKind = Literal["gumbel", "gaussian", "uniform"]
Floats = NDArray[np.float32]
Values = TypeVar("Values")
_GUMBEL_STD = np.float32(1.2825498301618641)  # π/√6
_TINY = np.float32(2.0**-25)


class Noise(NamedTuple, Generic[Values]):
    """Noise of every step of every path, or of one step, as arrays or tensors.

    Attributes:
        place: ``(path, step, cell)`` added to the logits of the next fixation.
        offset: ``(path, step, 2)`` uniform in [0, 1): where in its cell the fixation lies.
        component: ``(path, step, component)`` Gumbel: which law its duration follows.
        duration: ``(path, step)`` standard normal.
        end: ``(path, step)`` standard logistic, added to the logit that it is the last.
    """

    place: Values
    offset: Values
    component: Values
    duration: Values
    end: Values


def path_seed(seed: int, image: str, sample: int) -> int:
    """The seed of one sampled path: the same alone, in any batch, on any device.

    Args:
        seed: Seed of the run.
        image: Identifier of the image.
        sample: Index of the sample on that image.

    Returns:
        An integer in [0, 2⁶³).
    """
    digest = hashlib.blake2b(
        f"{seed}\n{image}\n{sample}".encode("utf-8", "surrogateescape"), digest_size=8
    ).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: int, stream: int = 0) -> np.random.Generator:
    """Random numbers of one path: numpy's counter-based Philox, keyed by the path's seed."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, stream], np.uint64)))


def _gumbel(uniform: Floats) -> Floats:
    out: Floats = -np.log(-np.log(np.clip(uniform, _TINY, 1 - _TINY)))
    return out


def draw_noise(
    seeds: Sequence[int], steps: int, cells: int, components: int, kind: str = "gumbel"
) -> Noise[Floats]:
    """Noise of paths by their seeds.

    A step's numbers depend on the seed and the step alone: more steps or other paths beside
    it change nothing. Gaussian and uniform noise of places have the standard deviation of
    Gumbel's, so that one temperature means the same spread.

    Args:
        seeds: One a path, from :func:`path_seed`.
        steps: Number of steps.
        cells: Cells of the grid of places.
        components: Components of a duration's law.
        kind: Noise of places: ``gumbel``, ``gaussian`` or ``uniform``.

    Raises:
        ValueError: For another kind.
    """
    if kind not in get_args(NoiseKind):
        raise ValueError(f"noise must be one of {get_args(NoiseKind)}, found {kind!r}")
    place = np.empty((len(seeds), steps, cells), np.float32)
    rest = np.empty((len(seeds), steps, 3 + components), np.float32)
    normal = np.empty((len(seeds), steps), np.float32)
    for row, seed in enumerate(seeds):
        places, others, normals = (generator(seed, stream) for stream in range(3))
        if kind == "gaussian":
            places.standard_normal(out=place[row], dtype=np.float32)
        else:
            places.random(out=place[row], dtype=np.float32)
        others.random(out=rest[row], dtype=np.float32)
        normals.standard_normal(out=normal[row], dtype=np.float32)
    if kind == "gumbel":
        place = _gumbel(place)
    elif kind == "uniform":
        place = (2 * place - 1) * np.float32(3**0.5) * _GUMBEL_STD
    else:
        place *= _GUMBEL_STD
    middle = np.clip(rest[..., 2], _TINY, 1 - _TINY)
    return Noise(
        place, rest[..., :2], _gumbel(rest[..., 3:]), normal, np.log(middle) - np.log1p(-middle)
    )
