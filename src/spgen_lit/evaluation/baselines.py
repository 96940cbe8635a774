"""The baseline band: what people, chance and simple rules score under the same protocol."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spgen_lit.evaluation.pools import Pools
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.scores import Scores
from spgen_lit.evaluation.spectral import spectral_residual, winner_take_all
from spgen_lit.evaluation.suite import evaluate
from spgen_lit.scanpath import Scanpath

BASELINES = ("people", "other_image", "centre_bias", "uniform", "centre", "saliency_wta")
Image = NDArray[np.uint8]
Images = Mapping[str, Image | Callable[[], Image]]
_People = Mapping[str, Sequence[Scanpath]]


def band(
    people: _People,
    protocol: Protocol,
    *,
    training: Sequence[Scanpath] | None = None,
    images: Images | None = None,
    seed: int = 0,
    metrics: str | Iterable[str] | None = None,
    which: Sequence[str] | None = None,
    progress: bool = False,
) -> dict[str, Scores]:
    """Score the baselines on the images that a model is scored on.

    Args:
        people: Image id to its observers' scanpaths.
        protocol: How paths are compared.
        training: Scanpaths that lengths, durations and the centre bias are taken from;
            None takes the people of the other images, never those of the image scored.
        images: Image id to RGB uint8 ``(row, column, 3)`` or to a callable that gives it;
            without them ``saliency_wta`` is left out.
        seed: Seed of every draw; an image's draws depend on it and on the image's id alone
            (chance depends on which other images there are).
        metrics: As in :func:`spgen_lit.evaluation.suite.evaluate`.
        which: Names from ``BASELINES``; None for all that can be computed.
        progress: Show progress bars.

    Returns:
        Baseline name to scores, in the order of ``BASELINES``.

    Raises:
        ValueError: For an unknown name, ``saliency_wta`` without images, or fewer than
            two images where other images are needed.
    """
    wanted = _wanted(which, images)
    chosen = list(metrics) if metrics is not None and not isinstance(metrics, str) else metrics
    return {
        name: evaluate(
            baseline(name, people, protocol, training=training, images=images, seed=seed),
            people,
            protocol,
            metrics=chosen,
            training=training,
            progress=progress,
            label=name,
        )
        for name in wanted
    }


def baseline(
    name: str,
    people: _People,
    protocol: Protocol,
    *,
    training: Sequence[Scanpath] | None = None,
    images: Images | None = None,
    seed: int = 0,
) -> dict[str, list[Scanpath]]:
    """Scanpaths of one baseline: image id to paths, ready to be scored as a model's.

    ``people`` gives the observers themselves: evaluation never compares a path with
    itself, so each observer is left out in turn.

    Raises:
        ValueError: As :func:`band`.
    """
    (name,) = _wanted([name], images)
    if name == "people":
        return {image: list(paths) for image, paths in people.items()}
    pools = Pools(people, training)
    paths = {}
    for image in people:
        random = np.random.default_rng([seed, zlib.crc32(image.encode())])
        size = people[image][0].size
        if name == "other_image":
            paths[image] = pools.strangers(image, len(people[image]), random)
        elif name in ("centre", "saliency_wta"):
            length, duration = pools.typical(image)
            xy = np.full((length, 2), 0.5)
            if name == "saliency_wta" and images is not None:
                found = images[image]
                pixels = found() if callable(found) else found
                xy = winner_take_all(spectral_residual(pixels), length)
            durations = None if duration is None else np.full(length, duration)
            paths[image] = [Scanpath(image, size, xy, durations, name)]
        else:
            draw = pools.uniform if name == "uniform" else pools.central
            paths[image] = [draw(image, random) for _ in range(max(2, protocol.samples))]
    return paths


def _wanted(which: Sequence[str] | None, images: Images | None) -> list[str]:
    if which is None:
        return [name for name in BASELINES if name != "saliency_wta" or images is not None]
    unknown = [name for name in which if name not in BASELINES]
    if unknown:
        raise ValueError(f"unknown baselines {unknown}: choose from {', '.join(BASELINES)}")
    if "saliency_wta" in which and images is None:
        raise ValueError("saliency_wta needs the images: give images, or leave it out")
    return [name for name in BASELINES if name in which]
