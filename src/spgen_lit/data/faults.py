"""Faults of gaze that can be seen without the images: units, frames, copies, gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Scanpath

Level = Literal["error", "warning"]

SHORT = 3  # fixations that most measures need
_FAR = 1.0  # widths or heights off the image that no eye tracker's drift explains
_LONG, _BRIEF = 10.0, 0.005  # seconds no fixation lasts: ms taken for s, or s for ms


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


def gaze_faults(gaze: GazeSet) -> Iterator[Finding]:
    """Everything that looks wrong in the scanpaths and splits of a set."""
    yield from _set_findings(gaze)
    for path in gaze.scanpaths:
        yield from _path_findings(path, _where(gaze, path))
    yield from _same_gaze(gaze)


def _where(gaze: GazeSet, path: Scanpath) -> str:
    return f"{gaze.stimuli[path.image].path} (image {path.image}, observer {path.observer})"


def _path_findings(path: Scanpath, where: str) -> Iterator[Finding]:
    if len(path) == 0:
        yield Finding("warning", "no fixations", where, "the path is empty")
        return
    if len(path) < SHORT:
        yield Finding("warning", "short path", where, f"{len(path)} of the usual 3 or more")
    beyond = np.maximum(-path.xy, path.xy - 1).max(axis=1)
    if (beyond > _FAR).any():
        worst = int(beyond.argmax())
        x, y = path.pixels[worst]
        yield Finding(
            "error",
            "far off the image",
            where,
            f"fixation {worst + 1} at ({x:.0f}, {y:.0f}) px of {path.size[0]}x{path.size[1]}: "
            "another unit, size or frame?",
        )
    elif (beyond > 0).mean() > 0.5:
        share = (beyond > 0).mean()
        yield Finding("warning", "mostly off the image", where, f"{share:.0%} of the fixations")
    if len(path) > 1 and (np.abs(path.pixels) <= 1.5).all():
        yield Finding(
            "error", "units", where, "all within 1 px of the corner: shares declared as px?"
        )
    still = [n + 1 for n, (a, b) in enumerate(pairwise(path.xy)) if (a == b).all()]
    if still:
        yield Finding(
            "warning", "repeated fixation", where, f"fixation {still[0]} and the next are equal"
        )
    if path.durations is None:
        return
    if path.durations.max() > _LONG:
        longest = int(path.durations.argmax())
        yield Finding(
            "error",
            "units of time",
            where,
            f"fixation {longest + 1} lasts {path.durations[longest]:g} s: ms declared as s?",
        )
    elif path.durations.max() < _BRIEF:
        yield Finding(
            "error",
            "units of time",
            where,
            f"no fixation lasts over {1000 * path.durations.max():g} ms: s declared as ms?",
        )
    elif (path.durations == 0).any():
        place = int((path.durations == 0).argmax()) + 1
        yield Finding("warning", "zero duration", where, f"fixation {place} lasts 0 s")


def _set_findings(gaze: GazeSet) -> Iterator[Finding]:
    splits: dict[str, str] = {}
    for split, ids in gaze.splits.items():
        for image in ids:
            if image not in gaze.stimuli:
                yield Finding("error", "splits", f"image {image}", f"in {split}, not in the set")
            if image in splits:
                yield Finding(
                    "error", "splits", f"image {image}", f"in {splits[image]} and {split}"
                )
            splits[image] = split
    if not gaze.scanpaths:
        return
    groups = gaze.by_image()
    counts = Counter(len({path.observer for path in paths}) for paths in groups.values())
    usual, times = counts.most_common(1)[0]
    for image, stimulus in gaze.stimuli.items():
        seen = {path.observer for path in groups.get(image, [])}
        if not seen:
            yield Finding("warning", "image without gaze", str(stimulus.path), f"image {image}")
        elif times > len(groups) / 2 and len(seen) < usual:
            absent = sorted({path.observer for path in gaze.scanpaths} - seen)
            named = f": without {', '.join(absent)}" if len(absent) <= 3 else ""
            yield Finding(
                "warning",
                "missing observer",
                f"{stimulus.path} (image {image})",
                f"{len(seen)} observers of the usual {usual}{named}",
            )
    yield from _frame_findings(gaze)


def _frame_findings(gaze: GazeSet) -> Iterator[Finding]:
    xy = np.concatenate([path.xy for path in gaze.scanpaths])
    if len(xy) < 50:
        return
    reach = np.percentile(xy, 99, axis=0)
    if (reach < 0.6).all():
        yield Finding(
            "warning",
            "frame",
            gaze.name,
            f"gaze fills only the first {reach[0]:.0%} x {reach[1]:.0%} of the images: "
            "does it count px of a larger frame than declared?",
        )
    size = np.concatenate([np.full((len(p), 2), p.size, float) for p in gaze.scanpaths])
    off = ((xy < 0) | (xy > 1)).any(axis=1).mean()
    swapped = (xy * size)[:, ::-1] / size
    if off > 0.05 and ((swapped < 0) | (swapped > 1)).any(axis=1).mean() < off / 3:
        yield Finding(
            "error",
            "axes",
            gaze.name,
            f"{off:.0%} of the gaze is off the image, far less with x "
            "and y exchanged: rows and columns?",
        )


def _same_gaze(gaze: GazeSet) -> Iterator[Finding]:
    viewers: dict[tuple[str, str], int] = {}
    paths: dict[bytes, Scanpath] = {}
    for path in gaze.scanpaths:
        where = _where(gaze, path)
        key = (path.image, path.observer)
        viewers[key] = viewers.get(key, 0) + 1
        if viewers[key] == 2 and path.observer:
            yield Finding("warning", "repeated trial", where, "the same person, the same image")
        if len(path) < SHORT:
            continue
        first = paths.setdefault(path.xy.tobytes(), path)
        if first is not path:
            yield Finding(
                "error",
                "copied path",
                where,
                f"the same places as image {first.image}, observer {first.observer}",
            )
