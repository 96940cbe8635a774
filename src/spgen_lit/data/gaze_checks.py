"""What looks wrong with the gaze of a set, with its likely cause: units, frames, eyes, order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np

from spgen_lit.data.images import Pixels
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Array, Scanpath

Level = Literal["error", "warning"]

SHORT = 3  # fixations that most measures need
_FAR = 1.0  # widths or heights off the image that no eye tracker's drift explains
_LONG, _BRIEF = 10.0, 0.005  # seconds no fixation lasts: ms taken for s, or s for ms
_FEW = 50  # fixations below which nothing is said of a whole set
_MARGIN = 0.165  # OSIE, MIT1003, FIGRIM and Scene: 98 % of gaze comes nearer to each border
_STILL = 0.015  # of the diagonal: 5 % of saccades, at most, are shorter in those sets
_SURE = 2.5  # standard errors over images
_CONTRAST = 0.25  # standard deviations of a picture; people reach 0.45 (MIT1003) to 0.8 (OSIE)


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong.

    Attributes:
        level: ``error`` makes `check` fail, ``warning`` does not.
        kind: What kind of fault, in a word or three.
        where: File, image and observer.
        what: What was found.
    """

    level: Level
    kind: str
    where: str
    what: str


def gaze_findings(gaze: GazeSet) -> Iterator[Finding]:
    """Everything that looks wrong in the scanpaths and splits of a set."""
    yield from _split_findings(gaze)
    if not gaze.scanpaths:
        return
    yield from _coverage(gaze)
    for path in gaze.scanpaths:
        where = f"{gaze.stimuli[path.image].path} (image {path.image}, observer {path.observer})"
        for level, kind, what in _path_findings(path):
            yield Finding(level, kind, where, what)
    yield from _same_gaze(gaze)
    if sum(map(len, gaze.scanpaths)) < _FEW:
        return
    paths = [path for path in gaze.scanpaths if len(path)]
    for check in (_frame, _steps, _first, _times, _viewing, _observers):
        for level, kind, what in check(paths):
            yield Finding(level, kind, gaze.name, what)


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
    actual = np.array([_at(m, xy) for m, xy in zip(maps, places, strict=True)])
    scores = {
        mistake: np.array([_at(m, move(xy)) for m, xy in zip(maps, places, strict=True)])
        for mistake, move in _MISTAKES.items()
    }
    for mistake, shift in (("on the image before", 1), ("on the image after", -1)):
        neighbors = maps[shift:] + maps[:shift]
        found = [_at(m, xy) for m, xy in zip(neighbors, places, strict=True)]
        scores[f"{mistake}: are rows and images one line off?"] = np.array(found)
    mistake = max(scores, key=lambda name: _z(scores[name] - actual))
    z, reached = _z(scores[mistake] - actual), scores[mistake].mean()
    if z > _SURE and reached > _CONTRAST:
        evidence = f"{reached:.2f} against {actual.mean():.2f} std, {len(ids)} images, z {z:.1f}"
        what = f"gaze meets more contrast {mistake} ({evidence})"
        yield Finding("warning", "content", gaze.name, what)
        return
    others = [[_at(maps[n - d], xy) for d in range(2, 8)] for n, xy in enumerate(places)]
    z = _z(actual - np.mean(others, axis=1))
    if len(ids) >= 40 and z < 1:
        yield Finding(
            "warning",
            "content",
            gaze.name,
            f"gaze fits its pictures no better than other pictures (z {z:.1f}, {len(ids)} "
            "images): is each scanpath on the image that was shown?",
        )


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


def _z(difference: Array) -> float:
    """Mean in standard errors."""
    return float(difference.mean() / max(difference.std() / np.sqrt(len(difference)), 1e-9))


Message = tuple[Level, str, str]  # level, kind, what


def _path_findings(path: Scanpath) -> Iterator[Message]:
    if len(path) == 0:
        yield "warning", "no fixations", "the path is empty"
        return
    if len(path) < SHORT:
        yield "warning", "short path", f"{len(path)} of the usual 3 or more"
    beyond = np.maximum(-path.xy, path.xy - 1).max(axis=1)
    if (beyond > _FAR).any():
        worst = int(beyond.argmax())
        x, y = path.pixels[worst]
        found = f"({x:.0f}, {y:.0f}) px of {path.size[0]}x{path.size[1]}"
        what = f"fixation {worst + 1} at {found}: another unit, size or frame?"
        yield "error", "far off the image", what
    elif (beyond > 0).mean() > 0.5:
        yield "warning", "mostly off the image", f"{(beyond > 0).mean():.0%} of the fixations"
    if len(path) > 1 and (np.abs(path.pixels) <= 1.5).all():
        yield "error", "units", "all within 1 px of the corner: shares declared as px?"
    still = [n + 1 for n, (a, b) in enumerate(pairwise(path.xy)) if (a == b).all()]
    if still:
        yield "warning", "repeated fixation", f"fixation {still[0]} and the next are equal"
    if path.durations is None:
        return
    longest = path.durations.max()
    if longest > _LONG:
        place = int(path.durations.argmax()) + 1
        what = f"fixation {place} lasts {longest:g} s: ms declared as s, or another column?"
        yield "error", "units of time", what
    elif longest < _BRIEF:
        what = f"no fixation lasts over {1000 * longest:g} ms: s declared as ms?"
        yield "error", "units of time", what
    elif (path.durations == 0).any():
        place = int((path.durations == 0).argmax()) + 1
        yield "warning", "zero duration", f"fixation {place} lasts 0 s"


def _frame(paths: list[Scanpath]) -> Iterator[Message]:
    """Gaze that fills another frame than the image."""
    xy = np.concatenate([path.xy for path in paths])
    size = np.concatenate([np.full((len(p), 2), p.size, float) for p in paths])
    off = ((xy < 0) | (xy > 1)).any(axis=1).mean()
    low, high = np.percentile(xy, [1, 99], axis=0)
    swapped = (xy * size)[:, ::-1] / size
    if off > 0.05 and ((swapped < 0) | (swapped > 1)).any(axis=1).mean() < off / 3:
        what = f"{off:.0%} of the gaze is off the image, far less with x and y exchanged"
        yield "error", "axes", f"{what}: rows and columns?"
    elif (np.abs(np.median(xy, axis=0)) < 0.15).all() and (low < -0.1).all():
        what = "gaze lies around the top left corner: is 0, 0 the center? origin: center"
        yield "error", "frame", what
    elif off > 0.1:
        what = f"{off:.0%} of the gaze is off the image: are size and picture what x and y count?"
        yield "warning", "frame", what
    elif (high < 0.6).all():
        what = f"gaze fills only the first {high[0]:.0%} x {high[1]:.0%} of the images"
        yield "warning", "frame", f"{what}: does it count px of a larger frame than declared?"
    elif ((low > _MARGIN) & (1 - high > _MARGIN)).any():
        what = f"gaze fills only {low[0]:.0%} to {high[0]:.0%} of the width and {low[1]:.0%} to "
        what += f"{high[1]:.0%} of the height: a picture on a larger screen? say where by picture"
        yield "warning", "frame", what


def _steps(paths: list[Scanpath]) -> Iterator[Message]:
    """Rows that are no fixations, or those of several eyes or observers in one path."""
    steps = np.concatenate([np.hypot(*np.diff(path.xy, axis=0).T) for path in paths])
    length = float(np.median([len(path) for path in paths]))
    still = float((steps < _STILL).mean()) if len(steps) else 0.0
    if still > 0.5 and length > 25:
        what = f"{length:.0f} rows a path, {still:.0%} of them where the one before was"
        yield "error", "samples", f"{what}: samples taken for fixations? merge, or a tracker"
    elif still > 0.25:
        what = f"{still:.0%} of the fixations lie where the one before did"
        yield "warning", "samples", f"{what}: rows of both eyes (eye), or samples (merge)?"
    elif length > (40 if any(path.observer for path in paths) else 20):
        what = f"{length:.0f} fixations a path: several observers or viewings in one? "
        yield "warning", "observers", f"{what}name the columns observer and trial"
    if np.mean([len(path) == 1 for path in paths]) > 0.5:
        what = "most paths hold one fixation: does observer or trial name a column that changes"
        yield "error", "observers", f"{what} with every row?"


def _first(paths: list[Scanpath]) -> Iterator[Message]:
    """First fixations at one point, which the experiment gave and the observer did not choose."""
    starts = np.array([path.xy[0] for path in paths])
    near = float((np.abs(starts - np.median(starts, axis=0)) < 0.05).all(axis=1).mean())
    declared = paths[0].viewing.first_fixation
    if near > 0.6 and declared != "given" and len(paths) >= 10:
        x, y = np.median(starts, axis=0)
        what = f"{near:.0%} of the first fixations lie at ({x:.2f}, {y:.2f}): at a cross, before "
        yield "warning", "first fixation", f"{what}the picture? first_fixation: given"
    if near < 0.3 and declared == "given":
        what = f"declared as given, but only {near:.0%} of them lie at one point"
        yield "warning", "first fixation", f"{what}; first_fixation: free?"


def _times(paths: list[Scanpath]) -> Iterator[Message]:
    """Columns that are no durations."""
    timed = [path.durations for path in paths if path.durations is not None]
    if not timed:
        return
    grown = [bool((np.diff(times) > 0).all()) for times in timed if len(times) > 3]
    if grown and np.mean(grown) > 0.5:
        what = "durations grow along the paths: times of start or end in place of durations?"
        yield "error", "durations", what
    together = np.concatenate(timed)
    if len(together) > 20 and together.std() < 1e-6:
        yield "warning", "durations", f"every fixation lasts {together[0]:g} s"
    elif not 0.08 < np.median(together) < 1 and together.max() < _LONG:
        what = f"fixations last {1000 * np.median(together):.0f} ms (median), usually 150 to 400"
        yield "warning", "durations", f"{what}: another unit, or samples?"


def _viewing(paths: list[Scanpath]) -> Iterator[Message]:
    """Declared viewing conditions that the gaze contradicts."""
    degree = [max(p.size) / p.viewing.px_per_degree for p in paths if p.viewing.px_per_degree]
    if degree and not 2 < np.median(degree) < 120:
        what = f"images span {np.median(degree):.3g} degrees: is px_per_degree px of the screen in "
        yield "warning", "viewing", f"{what}one degree?"
    shares = [
        path.durations.sum() / path.viewing.seconds
        for path in paths
        if path.durations is not None and path.viewing.seconds
    ]
    if shares and not 0.1 < np.median(shares) < 1.3:
        what = f"paths last {np.median(shares):.3g} times the declared viewing time"
        yield "warning", "viewing", f"{what}: seconds in another unit, or several trials in one?"


def _observers(paths: list[Scanpath]) -> Iterator[Message]:
    """Another observer for every path."""
    names = {path.observer for path in paths}
    images = {path.image for path in paths}
    if len(paths) > 20 and len(names) == len(paths) and len(images) < len(paths):
        what = f"{len(names)} observers for {len(paths)} paths: is observer the number of a trial?"
        yield "warning", "observers", what


def _split_findings(gaze: GazeSet) -> Iterator[Finding]:
    splits: dict[str, str] = {}
    for split, ids in gaze.splits.items():
        for image in ids:
            if image not in gaze.stimuli:
                yield Finding("error", "splits", f"image {image}", f"in {split}, not in the set")
            if image in splits:
                what = f"in {splits[image]} and {split}"
                yield Finding("error", "splits", f"image {image}", what)
            splits[image] = split


def _coverage(gaze: GazeSet) -> Iterator[Finding]:
    """Images that fewer observers looked at than usual."""
    groups = gaze.by_image()
    everybody = {path.observer for path in gaze.scanpaths}
    counts = Counter(len({path.observer for path in paths}) for paths in groups.values())
    usual, times = counts.most_common(1)[0]
    for image, stimulus in gaze.stimuli.items():
        seen = {path.observer for path in groups.get(image, [])}
        if not seen:
            yield Finding("warning", "image without gaze", str(stimulus.path), f"image {image}")
        elif times > len(groups) / 2 and len(seen) < usual:
            absent = sorted(everybody - seen)
            named = f": without {', '.join(absent)}" if len(absent) <= 3 else ""
            where = f"{stimulus.path} (image {image})"
            what = f"{len(seen)} observers of the usual {usual}{named}"
            yield Finding("warning", "missing observer", where, what)


def _same_gaze(gaze: GazeSet) -> Iterator[Finding]:
    viewers: Counter[tuple[str, str]] = Counter()
    paths: dict[bytes, Scanpath] = {}
    for path in gaze.scanpaths:
        where = f"{gaze.stimuli[path.image].path} (image {path.image}, observer {path.observer})"
        viewers[path.image, path.observer] += 1
        if viewers[path.image, path.observer] == 2 and path.observer:
            what = "the same person, the same image"
            yield Finding("warning", "repeated trial", where, what)
        if len(path) < SHORT:
            continue
        first = paths.setdefault(path.xy.tobytes(), path)
        if first is not path:
            what = f"the same places as image {first.image}, observer {first.observer}"
            yield Finding("error", "copied path", where, what)
