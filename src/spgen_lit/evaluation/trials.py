"""Who is compared with whom: one trial an image, with the paths as the protocol wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.scanpath import Scanpath

Array = NDArray[np.float64]
Paths = Mapping[str, Sequence[Scanpath]]


@dataclass(frozen=True)
class Trial:
    """One image with the paths to score and the observers to score them against.

    Attributes:
        image: Image id.
        screen: Width and height in px that the arrays below are expressed in.
        samples: Arrays ``(fixation, 2 or 3)`` of x, y in px and duration in s.
        observers: The same for people.
        allowed: ``(sample, observer)``, False where the two are the same path: comparing
            a path with itself would raise every score.
        off_image: Fixations of the samples that lie off the image.
        observers_off_image: The same of the observers.
    """

    image: str
    screen: tuple[int, int]
    samples: list[Array]
    observers: list[Array]
    allowed: NDArray[np.bool_]
    off_image: int
    observers_off_image: int

    @property
    def pairs(self) -> int:
        """Number of comparisons."""
        return int(self.allowed.sum())

    @property
    def leaves_out(self) -> bool:
        """Whether some observer is left out, as where people are scored against people."""
        return not bool(self.allowed.all())


def trials(samples: Paths, people: Paths, protocol: Protocol) -> list[Trial]:
    """One trial for each image, in the order of ``people``.

    Raises:
        ValueError: If the images differ, or one has no path on either side; the message
            names the images. Scoring the common part would compare different questions.
    """
    _same_images(samples, people)
    return [_trial(image, samples[image], people[image], protocol) for image in people]


def blocks(trials: Iterable[Trial], pairs: int = 20_000) -> list[list[Trial]]:
    """Trials of the same screen in groups of about so many comparisons.

    One batched call a group keeps both the number of calls and the memory small.
    """
    groups: dict[tuple[int, int], list[list[Trial]]] = {}
    for trial in trials:
        parts = groups.setdefault(trial.screen, [[]])
        if parts[-1] and sum(t.pairs for t in parts[-1]) + trial.pairs > pairs:
            parts.append([])
        parts[-1].append(trial)
    return [block for parts in groups.values() for block in parts]


def _trial(
    image: str, samples: Sequence[Scanpath], people: Sequence[Scanpath], protocol: Protocol
) -> Trial:
    screen = protocol.screen or people[0].size
    theirs, ours = [_key(path) for path in people], [_key(path) for path in samples]
    allowed = np.array([[a != b for b in theirs] for a in ours], dtype=bool)
    return Trial(
        image,
        screen,
        [_array(path, screen, protocol) for path in samples],
        [_array(path, screen, protocol) for path in people],
        allowed,
        _off_image(samples),
        _off_image(people),
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


def _same_images(samples: Paths, people: Paths) -> None:
    unknown = [image for image in samples if image not in people]
    missing = [image for image in people if image not in samples]
    empty = [image for image in people if not people[image] or not samples.get(image, [0])]
    for names, what in (
        (unknown, "scanpaths on images that the people did not look at"),
        (missing, "no scanpaths to score on images that people looked at"),
        (empty, "an empty list of paths"),
    ):
        if names:
            listed = ", ".join(repr(name) for name in names[:5])
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            raise ValueError(f"{what}: {listed}{more}; give both sides the same images")
