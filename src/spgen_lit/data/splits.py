"""Dividing a set by image: official splits stand, the rest is divided by a fixed seed."""

from __future__ import annotations

import numpy as np

from spgen_lit.data.records import GazeSet

SPLITS = ("train", "val", "test")


def split_images(
    gaze: GazeSet, seed: int = 0, val: float = 0.1, test: float = 0.1
) -> dict[str, tuple[str, ...]]:
    """Image ids of each split.

    Never the same image in two splits, whoever looked at it. A split that the set defines
    officially is kept as it is (an official but empty one, such as test images that are
    held elsewhere, is not replaced); images in none are divided at random.

    Args:
        gaze: The set.
        seed: Seed of the division; the same images and seed give the same splits.
        val: Share of the images for validation.
        test: Share for testing.

    Returns:
        ``train``, ``val`` and ``test``, each in ascending order.

    Raises:
        ValueError: If shares are out of range or leave nothing for training, or an official
            split names an image twice.
    """
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise ValueError(f"shares val={val} and test={test} must be in [0, 1) and leave a rest")
    official = {name: tuple(ids) for name, ids in gaze.splits.items() if name in SPLITS}
    placed = [i for ids in official.values() for i in ids]
    if len(set(placed)) != len(placed):
        twice = sorted({i for i in placed if placed.count(i) > 1})
        raise ValueError(f"{gaze.name}: official splits hold {twice[:3]} more than once")
    free = np.array(sorted(set(gaze.stimuli) - set(placed)))
    order = np.random.default_rng(seed).permutation(len(free))
    shares = {"val": val, "test": test}
    taken, out = 0, {}
    for name, share in shares.items():
        count = 0 if name in official else round(share * len(free))
        out[name] = tuple(sorted(free[order[taken : taken + count]].tolist()))
        taken += count
    rest = () if "train" in official else tuple(sorted(free[order[taken:]].tolist()))
    out["train"] = rest
    out |= official
    if not out["train"]:
        raise ValueError(f"{gaze.name}: no image is left for training ({len(gaze.stimuli)} images)")
    return {name: out[name] for name in SPLITS}
