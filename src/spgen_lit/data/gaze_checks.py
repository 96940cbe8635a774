"""What looks wrong with the gaze of a set, with its likely cause: units, frames, eyes, order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from spgen_lit.data.images import Pixels
from spgen_lit.data.readers.base import load
from spgen_lit.data.records import Finding, GazeSet, Level
from spgen_lit.scanpath import Array, Scanpath

SHORT = 3  # fixations that most measures need
_FAR = 1.0  # widths or heights off the image that no eye tracker's drift explains
_LONG, _BRIEF = 10.0, 0.005  # seconds no fixation lasts: ms taken for s, or s for ms
_FEW = 50  # fixations below which nothing is said of a whole set
_MARGIN = 0.165  # OSIE, MIT1003, FIGRIM and Scene: 98 % of gaze comes nearer to each border
_STILL = 0.015  # of the diagonal: 5 % of saccades, at most, are shorter in those sets
_SURE = 2.5  # standard errors over images
_CONTRAST = 0.25  # standard deviations of a picture; people reach 0.45 (MIT1003) to 0.8 (OSIE)
_CAUSES: dict[str, tuple[Level, str, str]] = load(Path(__file__).with_suffix(".yaml"))


def found(where: object, cause: str, **values: object) -> Finding:
    """A finding of this cause in ``gaze_checks.yaml``, its sentence filled in."""
    level, kind, sentence = _CAUSES[cause]
    return Finding(level, kind, str(where), sentence.format(**values))


def gaze_findings(gaze: GazeSet) -> Iterator[Finding]:
    """Everything that looks wrong in the scanpaths and splits of a set."""
    yield from _split_findings(gaze)
    if not gaze.scanpaths:
        return
    yield from _coverage(gaze)
    for path in gaze.scanpaths:
        for cause, values in _path_findings(path):
            yield found(_place(gaze, path), cause, **values)
    yield from _same_gaze(gaze)
    if sum(map(len, gaze.scanpaths)) < _FEW:
        return
    paths = [path for path in gaze.scanpaths if len(path)]
    for check in (_frame, _steps, _first, _times, _viewing, _observers):
        for cause, values in check(paths):
            yield found(gaze.name, cause, **values)


def _place(gaze: GazeSet, path: Scanpath) -> str:
    return f"{gaze.stimuli[path.image].path} (image {path.image}, observer {path.observer})"


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


Message = tuple[str, dict[str, object]]  # cause, and what fills its sentence


def _path_findings(path: Scanpath) -> Iterator[Message]:
    if len(path) == 0:
        yield "empty", {}
        return
    if len(path) < SHORT:
        yield "short", {"n": len(path)}
    beyond = np.maximum(-path.xy, path.xy - 1).max(axis=1)
    if (beyond > _FAR).any():
        worst = int(beyond.argmax())
        x, y = path.pixels[worst]
        yield "far", {"n": worst + 1, "x": x, "y": y, "width": path.size[0], "height": path.size[1]}
    elif (beyond > 0).mean() > 0.5:
        yield "mostly_off", {"off": (beyond > 0).mean()}
    if len(path) > 1 and (np.abs(path.pixels) <= 1.5).all():
        yield "corner", {}
    still = (np.diff(path.xy, axis=0) == 0).all(axis=1)
    if still.any():
        yield "repeated", {"n": int(still.argmax()) + 1}
    if path.durations is None:
        return
    longest = path.durations.max()
    if longest > _LONG:
        yield "long", {"n": int(path.durations.argmax()) + 1, "longest": longest}
    elif longest < _BRIEF:
        yield "brief", {"ms": 1000 * longest}
    elif (path.durations == 0).any():
        yield "zero", {"n": int((path.durations == 0).argmax()) + 1}


def _frame(paths: list[Scanpath]) -> Iterator[Message]:
    """Gaze that fills another frame than the image."""
    xy = np.concatenate([path.xy for path in paths])
    size = np.concatenate([np.full((len(p), 2), p.size, float) for p in paths])
    off = ((xy < 0) | (xy > 1)).any(axis=1).mean()
    low, high = np.percentile(xy, [1, 99], axis=0)
    swapped = (xy * size)[:, ::-1] / size
    if off > 0.05 and ((swapped < 0) | (swapped > 1)).any(axis=1).mean() < off / 3:
        yield "axes", {"off": off}
    elif (np.abs(np.median(xy, axis=0)) < 0.15).all() and (low < -0.1).all():
        yield "center", {}
    elif off > 0.1:
        yield "beside", {"off": off}
    elif (high < 0.6).all():
        yield "larger", {"x": high[0], "y": high[1]}
    elif ((low > _MARGIN) & (1 - high > _MARGIN)).any():
        sides = {"left": low[0], "right": high[0], "top": low[1], "bottom": high[1]}
        yield "middle", dict(sides)


def _steps(paths: list[Scanpath]) -> Iterator[Message]:
    """Rows that are no fixations, or those of several eyes or observers in one path."""
    steps = np.concatenate([np.hypot(*np.diff(path.xy, axis=0).T) for path in paths])
    length = float(np.median([len(path) for path in paths]))
    still = float((steps < _STILL).mean()) if len(steps) else 0.0
    if still > 0.5 and length > 25:
        yield "samples", {"n": length, "still": still}
    elif still > 0.25:
        yield "still", {"still": still}
    elif length > (40 if any(path.observer for path in paths) else 20):
        yield "several", {"n": length}
    if np.mean([len(path) == 1 for path in paths]) > 0.5:
        yield "single", {}


def _first(paths: list[Scanpath]) -> Iterator[Message]:
    """First fixations at one point, which the experiment gave and the observer did not choose."""
    starts = np.array([path.xy[0] for path in paths])
    x, y = np.median(starts, axis=0)
    near = float((np.abs(starts - (x, y)) < 0.05).all(axis=1).mean())
    declared = paths[0].viewing.first_fixation
    if near > 0.6 and declared != "given" and len(paths) >= 10:
        yield "cross", {"near": near, "x": x, "y": y}
    if near < 0.3 and declared == "given":
        yield "no_cross", {"near": near}


def _times(paths: list[Scanpath]) -> Iterator[Message]:
    """Columns that are no durations."""
    timed = [path.durations for path in paths if path.durations is not None]
    if not timed:
        return
    grown = [bool((np.diff(times) > 0).all()) for times in timed if len(times) > 3]
    if grown and np.mean(grown) > 0.5:
        yield "times", {}
    together = np.concatenate(timed)
    if len(together) > 20 and together.std() < 1e-6:
        yield "same_time", {"seconds": together[0]}
    elif not 0.08 < np.median(together) < 1 and together.max() < _LONG:
        yield "unusual", {"ms": 1000 * np.median(together)}


def _viewing(paths: list[Scanpath]) -> Iterator[Message]:
    """Declared viewing conditions that the gaze contradicts."""
    degree = [max(p.size) / p.viewing.px_per_degree for p in paths if p.viewing.px_per_degree]
    if degree and not 2 < np.median(degree) < 120:
        yield "degrees", {"degrees": np.median(degree)}
    shares = [
        path.durations.sum() / path.viewing.seconds
        for path in paths
        if path.durations is not None and path.viewing.seconds
    ]
    if shares and not 0.1 < np.median(shares) < 1.3:
        yield "seconds", {"times": np.median(shares)}


def _observers(paths: list[Scanpath]) -> Iterator[Message]:
    """Another observer for every path."""
    names, images = {path.observer for path in paths}, {path.image for path in paths}
    if len(paths) > 20 and len(names) == len(paths) and len(images) < len(paths):
        yield "trials", {"names": len(names), "paths": len(paths)}


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


def _same_gaze(gaze: GazeSet) -> Iterator[Finding]:
    viewers: Counter[tuple[str, str]] = Counter()
    paths: dict[bytes, Scanpath] = {}
    for path in gaze.scanpaths:
        viewers[path.image, path.observer] += 1
        if viewers[path.image, path.observer] == 2 and path.observer:
            yield found(_place(gaze, path), "repeated_trial")
        first = paths.setdefault(path.xy.tobytes(), path) if len(path) >= SHORT else path
        if first is not path:
            about = {"image": first.image, "observer": first.observer}
            yield found(_place(gaze, path), "copied", **about)
