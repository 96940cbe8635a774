"""Dividing a set by image: official splits stand, the rest is divided by a hash of the id."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from spgen_lit.data.records import GazeSet

SPLITS = ("train", "val", "test")


def position(image: str, seed: int = 0) -> float:
    """Where an image lies in [0, 1): by a hash of its id, whatever set or part it comes in."""
    name = f"{seed}\n{image}".encode("utf-8", "surrogateescape")  # any bytes that name a file
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") / 2**64


def split_images(
    gaze: GazeSet,
    seed: int = 0,
    val: float = 0.1,
    test: float = 0.1,
    groups: Sequence[Collection[str]] = (),
    held: Collection[str] = (),
) -> dict[str, tuple[str, ...]]:
    """Image ids of each split.

    Never the same image in two splits, whoever looked at it. A split that the set defines
    officially is kept as it is (an official but empty one, such as test images that are
    held elsewhere, is not replaced). Any other image goes by a hash of its id, so that a
    part of a set is divided as the whole is; fractions hold on average. Where no image
    falls into a split that is wanted, as in very small sets, the nearest one does.

    Args:
        gaze: The set.
        seed: Seed of the division.
        val: Fraction of the images for validation.
        test: Fraction for testing.
        groups: Images that are nearly the same. They go together: to the split of the first
            in order of their ids, and to none where another is in an official split.
        held: Images of official splits of other sets, which groups may name.

    Returns:
        ``train``, ``val`` and ``test``, each in ascending order.

    Raises:
        ValueError: If fractions are out of range or leave nothing for training of a set that
            is not kept for testing as a whole, or an official split names an image twice.
    """
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise ValueError(f"fractions val={val} and test={test} must be in [0, 1) and leave a rest")
    out = {name: tuple(ids) for name, ids in gaze.splits.items() if name in SPLITS}
    official = [i for ids in out.values() for i in ids]
    if len(set(official)) != len(official):
        twice = sorted({i for i in official if official.count(i) > 1})
        raise ValueError(f"{gaze.name}: official splits hold {twice[:3]} more than once")
    leaders = {i: i for i in set(gaze.stimuli) - set(official)}
    for group in groups:
        for image in leaders.keys() & set(group):
            leaders[image] = min(group)
            if set(group) & {*official, *held} - {image}:
                del leaders[image]
    positions = {i: position(leader, seed) for i, leader in leaders.items()}
    free = sorted(positions, key=lambda i: (positions[i], i))
    end = 0.0
    for name, fraction in (("val", val), ("test", test)):
        end += fraction
        if name not in out:
            count = sum(positions[i] < end for i in free)
            # Never the last image: one must be left to train on.
            count = min(max(count, int(fraction > 0)), max(len(free) - 1, 0))
            out[name] = tuple(sorted(free[:count]))
            free = free[count:]
    out.setdefault("train", tuple(sorted(free)))
    # A set may be kept for testing as a whole.
    if not out["train"] and len(official) < len(gaze.stimuli):
        raise ValueError(f"{gaze.name}: no image is left for training ({len(gaze.stimuli)} images)")
    return {name: out[name] for name in SPLITS}


def split_observers(gaze: GazeSet, seed: int = 0, test: float = 0.0) -> frozenset[str]:
    """Observers held out for testing: a fraction of them, by a hash of their names.

    Raises:
        ValueError: If the fraction is out of range, or leaves no observer to train on.
    """
    if not 0 <= test < 1:
        raise ValueError(f"held_out_observers must be in [0, 1), found {test}")
    names = sorted({path.observer for path in gaze.scanpaths}, key=lambda o: position(o, seed))
    count = max(round(test * len(names)), int(test > 0))
    if test and count >= len(names):
        raise ValueError(f"{gaze.name}: {len(names)} observers are too few to hold some out")
    return frozenset(names[:count])
