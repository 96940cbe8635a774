"""Who is compared with whom: one trial an image, with the paths as the protocol wants them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.scanpath import Scanpath

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Paths = Mapping[str, Sequence[Scanpath]]


@dataclass(frozen=True)
class Trial:
    """One image with the paths to score and the observers to score them against.

    Attributes:
        image: Image id.
        screen: Width and height in px that the arrays below are expressed in.
        samples: Arrays ``(fixation, 2 or 3)`` of x, y in px and duration in s.
        observers: The same of the observers.
        allowed: ``(sample, observer)``, False where the two are the same path: comparing
            a path with itself would raise every score.
        off_image: Fixations of the samples that lie off the image.
        observers_off_image: The same of the observers.
    """

    image: str
    screen: tuple[int, int]
    samples: list[Array]
    observers: list[Array]
    allowed: Mask
    off_image: int
    observers_off_image: int

    @property
    def pairs(self) -> int:
        """Number of comparisons."""
        return int(self.allowed.sum())


def trials(samples: Paths, observers: Paths, protocol: Protocol) -> list[Trial]:
    """One trial for each image, in the order of ``observers``.

    Raises:
        ValueError: If the images differ, or one has no path on either side; the message
            names the images. Scoring the common part would compare different questions.
    """
    _refuse_other_images(samples, observers)
    return [_trial(image, samples[image], observers[image], protocol) for image in observers]


def blocks(trials: Iterable[Trial], pairs: int = 20_000) -> list[list[Trial]]:
    """Trials of the same screen in groups of about so many comparisons.

    One batched call a group keeps both the number of calls and the memory small.
    """
    by_screen: dict[tuple[int, int], list[list[Trial]]] = {}
    for trial in trials:
        parts = by_screen.setdefault(trial.screen, [[]])
        if parts[-1] and sum(t.pairs for t in parts[-1]) + trial.pairs > pairs:
            parts.append([])
        parts[-1].append(trial)
    return [block for parts in by_screen.values() for block in parts]


def groups(allowed: Mask) -> Iterator[tuple[Mask, NDArray[np.intp]]]:
    """Columns that allow the same rows, so that what they share is computed once."""
    found, member = np.unique(allowed, axis=1, return_inverse=True)
    member = np.asarray(member).reshape(-1)
    for group in range(found.shape[1]):
        yield found[:, group], np.flatnonzero(member == group)


def halves(trial: Trial) -> list[tuple[Mask, Mask]]:
    """Which samples and observers a comparison of all of them may hold: no path on both sides.

    All with all; where samples are the observers themselves, one half against the other, both
    ways round.
    """
    if trial.allowed.all():
        return [(np.ones(len(trial.samples), bool), np.ones(len(trial.observers), bool))]
    odd: Mask = np.arange(len(trial.observers)) % 2 == 1
    both: tuple[Mask, Mask] = (odd, np.logical_not(odd))
    return [(np.asarray(trial.allowed[:, half].all(axis=1)), half) for half in both]


def _trial(
    image: str, samples: Sequence[Scanpath], observers: Sequence[Scanpath], protocol: Protocol
) -> Trial:
    screen = protocol.screen or observers[0].size
    theirs, ours = [_key(path) for path in observers], [_key(path) for path in samples]
    return Trial(
        image,
        screen,
        [_array(path, screen, protocol) for path in samples],
        [_array(path, screen, protocol) for path in observers],
        np.array([[a != b for b in theirs] for a in ours], dtype=bool),
        _off_image(samples),
        _off_image(observers),
    )


def _off_image(paths: Sequence[Scanpath]) -> int:
    return sum(len(path) - len(path.on_image()) for path in paths)


def _array(path: Scanpath, screen: tuple[int, int], protocol: Protocol) -> Array:
    if protocol.off_image == "drop":
        path = path.on_image()
    return path.array(screen)[: protocol.max_fixations]


def _key(path: Scanpath) -> bytes:
    """What makes two paths the same path: every place, to a hundredth of a pixel or so.

    Not bit by bit: a copy that went through a file in px and back is still a copy.
    """
    return np.round(path.xy, 5).tobytes()


def _refuse_other_images(samples: Paths, observers: Paths) -> None:
    unknown = [image for image in samples if image not in observers]
    missing = [image for image in observers if image not in samples]
    empty = [image for image in observers if not observers[image] or not samples.get(image, [0])]
    for names, what in (
        (unknown, "scanpaths on images that the observers did not look at"),
        (missing, "no scanpaths to score on images that observers looked at"),
        (empty, "an empty list of paths"),
    ):
        if names:
            raise ValueError(f"{what}: {few(names)}; give both sides the same images")


def few(names: Sequence[str]) -> str:
    """The first five names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (", ".join(names[:5]) or "none") + more
