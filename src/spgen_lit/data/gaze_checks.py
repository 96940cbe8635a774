"""What looks wrong with the gaze of a set, with its likely cause: units, frames, eyes, order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from spgen_lit.data.images import Pixels
from spgen_lit.data.readers.base import load
from spgen_lit.data.records import Finding, GazeSet
from spgen_lit.scanpath import Array, Scanpath

SHORT = 3  # fixations that most measures need
_FEW = 50  # fixations below which nothing is said of a whole set
_STILL = 0.015  # of the diagonal: 5 % of saccades, at most, are shorter in the usual sets
_SURE = 2.5  # standard errors over images
_CONTRAST = 0.25  # standard deviations of a picture; people reach 0.45 (MIT1003) to 0.8 (OSIE)
_CHECKS: dict[str, Any] = load(Path(__file__).with_suffix(".yaml"))


def found(where: object, cause: str, **values: object) -> Finding:
    """A finding of this cause in ``gaze_checks.yaml``, its sentence filled in."""
    level, kind, sentence = _CHECKS["others"][cause]
    return Finding(level, kind, str(where), sentence.format(**values))


def gaze_findings(gaze: GazeSet) -> Iterator[Finding]:
    """Everything that looks wrong in the scanpaths and splits of a set."""
    yield from _split_findings(gaze)
    if not gaze.scanpaths:
        return
    yield from _coverage(gaze)
    names = {image: f"{stimulus.path} (image {image}" for image, stimulus in gaze.stimuli.items()}
    where = [f"{names[path.image]}, observer {path.observer})" for path in gaze.scanpaths]
    yield from _judged("paths", _path_figures(gaze), where)
    if sum(map(len, gaze.scanpaths)) >= _FEW:
        paths = [path for path in gaze.scanpaths if len(path)]
        yield from _judged("sets", pd.DataFrame([_set_figures(paths)]), [gaze.name])


def content_findings(gaze: GazeSet, thumbs: Mapping[str, Pixels]) -> Iterator[Finding]:
    """Whether gaze fits the pictures better turned, mirrored, or on a neighboring picture.

    Gaze goes to contrast: its mean contrast, in standard deviations of each picture, is
    compared over images with that at the places it would have under each likely mistake.

    Args:
        gaze: The set.
        thumbs: Image id to the picture made small, uint8 ``(32, 32, 3)``.
    """
    groups = gaze.by_image()
    ids = [image for image in gaze.stimuli if image in groups and image in thumbs]
    if len(ids) < 10:
        return
    maps = [_contrast(thumbs[image]) for image in ids]
    places = [np.concatenate([path.xy for path in groups[image]]) for image in ids]
    actual = _at_all(maps, places)
    scores = {
        mistake: _at_all(maps, [move(xy) for xy in places]) for mistake, move in _MISTAKES.items()
    }
    for side, shift in (("before", 1), ("after", -1)):
        mistake = f"on the image {side}: are rows and images one line off?"
        scores[mistake] = _at_all(maps[shift:] + maps[:shift], places)
    mistake = max(scores, key=lambda name: _z(scores[name] - actual))
    z, reached = _z(scores[mistake] - actual), scores[mistake].mean()
    if z > _SURE and reached > _CONTRAST:
        about = {"mistake": mistake, "reached": reached, "actual": actual.mean()}
        yield found(gaze.name, "mistaken", **about, images=len(ids), z=z)
        return
    others = [[_at(maps[n - d], xy) for d in range(2, 8)] for n, xy in enumerate(places)]
    z = _z(actual - np.mean(others, axis=1))
    if len(ids) >= 40 and z < 1:
        yield found(gaze.name, "unrelated", images=len(ids), z=z)


# What a mistake leads to, and how its gaze would have to be changed.
_MISTAKES: dict[str, Callable[[Array], Array]] = {
    "upside down: does y grow upwards (y_up)?": lambda xy: xy * [1, -1] + [0, 1],
    "mirrored left to right: is x measured from the right?": lambda xy: xy * [-1, 1] + [1, 0],
    "turned by 180 degrees: are x and y measured from the bottom right?": lambda xy: 1 - xy,
    "with x and y exchanged: rows and columns?": lambda xy: xy[:, ::-1],
}


def _contrast(thumb: Pixels) -> Array:
    """Contrast to the surroundings ``(32, 32)``, in standard deviations of the picture."""
    lab = cv2.cvtColor(thumb, cv2.COLOR_RGB2LAB).astype(np.float32)
    total: Array = np.zeros(lab.shape[:2])
    for near, far in ((0.5, 2), (1, 4)):
        difference = cv2.GaussianBlur(lab, (0, 0), near) - cv2.GaussianBlur(lab, (0, 0), far)
        total += np.sqrt((difference.astype(np.float64) ** 2).sum(axis=2))
    total = np.asarray(cv2.GaussianBlur(total, (0, 0), 1), np.float64)
    return (total - total.mean()) / max(float(total.std()), 1e-6)


def _at(contrast: Array, xy: Array) -> float:
    column, row = (np.clip(xy, 0, 0.999) * len(contrast)).astype(int).T
    return float(contrast[row, column].mean()) if len(xy) else 0.0


def _at_all(maps: Sequence[Array], positions: Sequence[Array]) -> Array:
    return np.array([_at(contrast, xy) for contrast, xy in zip(maps, positions, strict=True)])


def _z(difference: Array) -> float:
    """Mean in standard errors."""
    return float(difference.mean() / max(difference.std() / np.sqrt(len(difference)), 1e-9))


def _judged(checks: str, figures: pd.DataFrame, where: Sequence[str]) -> Iterator[Finding]:
    """What these checks of ``gaze_checks.yaml`` say of rows of figures, each of its place."""
    for alternatives in _CHECKS[checks]:
        left = figures
        for level, kind, condition, sentence in alternatives:
            rows = left.query(condition)
            left = left.drop(rows.index)
            for number, row in rows.iterrows():
                yield Finding(level, kind, where[number], sentence.format(**row))


def _path_figures(gaze: GazeSet) -> pd.DataFrame:
    """Figures of each path; how many before it are of the same trial, or the same places."""
    paths = pd.DataFrame([_figures(path) for path in gaze.scanpaths])
    # Pairs, since pandas takes no text that is not Unicode.
    paths["trial"] = [(path.image, path.observer) for path in gaze.scanpaths]
    paths["trials"] = paths.groupby("trial").cumcount()
    same = paths.groupby([path.xy.tobytes() for path in gaze.scanpaths])
    paths["copies"], paths["copied"] = same.cumcount(), same["trial"].transform("first")
    return paths


def _figures(path: Scanpath) -> dict[str, Any]:
    """Figures of a path; of some, also the number of the fixation that has them."""
    unknown = np.full((1, 2), np.nan)
    xy = path.xy if len(path) else unknown
    durations = unknown[0] if path.durations is None or not len(path) else path.durations
    beyond = np.maximum(-xy, xy - 1).max(axis=1)
    far = int(beyond.argmax())
    pixels = xy * path.size
    still = (np.diff(xy, axis=0) == 0).all(axis=1)
    return {
        "named": bool(path.observer),
        "length": len(path),
        "off": (beyond > 0).mean(),
        "extent": np.abs(pixels).max(),
        "beyond": beyond[far],
        "farthest": far + 1,
        "x": pixels[far, 0],
        "y": pixels[far, 1],
        "width": path.size[0],
        "height": path.size[1],
        "repeated": int(still.argmax()) + 1 if still.any() else 0,
        "longest": durations.max(),
        "slowest": durations.argmax() + 1,
        "shortest": durations.min(),
        "fastest": durations.argmin() + 1,
    }


def _set_figures(paths: list[Scanpath]) -> dict[str, Any]:
    """Figures of all paths together, NaN for what is not known."""
    lengths = np.array([len(path) for path in paths])
    xy = np.concatenate([path.xy for path in paths])
    sizes = np.repeat([path.size for path in paths], lengths, axis=0)
    low, high = np.percentile(xy, [1, 99], axis=0)
    starts = np.array([path.xy[0] for path in paths])
    start = np.median(starts, axis=0)
    steps = np.concatenate([np.hypot(*np.diff(path.xy, axis=0).T) for path in paths])
    timed = [(p.durations, p.viewing.seconds) for p in paths if p.durations is not None]
    seconds = pd.Series(np.concatenate([[], *(times for times, _ in timed)]))
    grown = [(np.diff(times) > 0).all() for times, _ in timed if len(times) > 3]
    spans = [max(p.size) / p.viewing.px_per_degree for p in paths if p.viewing.px_per_degree]
    return {
        "off": _off(xy),
        "exchanged": _off((xy * sizes)[:, ::-1] / sizes),
        "center": np.abs(np.median(xy, axis=0)).max(),
        "left": low[0],
        "right": high[0],
        "top": low[1],
        "bottom": high[1],
        "length": np.median(lengths),
        "single": (lengths == 1).mean(),
        "still": pd.Series(steps < _STILL).mean(),
        "x": start[0],
        "y": start[1],
        "near": (np.abs(starts - start) < 0.05).all(axis=1).mean(),
        "given": paths[0].viewing.first_fixation == "given",
        "grown": pd.Series(grown, dtype=float).mean(),
        "fixations": len(seconds),
        "ms": 1000 * seconds.median(),
        "longest": seconds.max(),
        "spread": seconds.max() - seconds.min(),
        "degrees": pd.Series(spans, dtype=float).median(),
        "viewed": pd.Series([times.sum() / s for times, s in timed if s], dtype=float).median(),
        "paths": len(paths),
        "images": len({path.image for path in paths}),
        "observers": len({path.observer for path in paths}),
        "named": any(path.observer for path in paths),
    }


def _off(xy: Array) -> float:
    """Share of the fixations that lie off the image."""
    return float(((xy < 0) | (xy > 1)).any(axis=1).mean())


def _split_findings(gaze: GazeSet) -> Iterator[Finding]:
    splits: dict[str, str] = {}
    for split, ids in gaze.splits.items():
        for image in ids:
            if image not in gaze.stimuli:
                yield found(f"image {image}", "no_image", split=split)
            if image in splits:
                yield found(f"image {image}", "two_splits", one=splits[image], other=split)
            splits[image] = split


def _coverage(gaze: GazeSet) -> Iterator[Finding]:
    """Images that fewer observers looked at than usual."""
    groups = {image: {path.observer for path in paths} for image, paths in gaze.by_image().items()}
    everybody = {path.observer for path in gaze.scanpaths}
    usual, times = Counter(map(len, groups.values())).most_common(1)[0]
    for image, stimulus in gaze.stimuli.items():
        seen = groups.get(image, set())
        if not seen:
            yield found(stimulus.path, "no_gaze", image=image)
        elif times > len(groups) / 2 and len(seen) < usual:
            absent = sorted(everybody - seen)
            named = f": without {', '.join(absent)}" if len(absent) <= 3 else ""
            where = f"{stimulus.path} (image {image})"
            yield found(where, "observer", seen=len(seen), usual=usual, named=named)
