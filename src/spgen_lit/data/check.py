"""What is in a set, and what looks wrong with it, each with file and trial."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.progress import track

from spgen_lit.data.duplicates import Print, alike, fingerprint
from spgen_lit.data.gaze_checks import SHORT, Finding, Level, content_findings, gaze_findings
from spgen_lit.data.images import ImageError
from spgen_lit.data.readers.base import FileReader, Problem
from spgen_lit.data.records import GazeSet, Reader, Stimulus


@dataclass
class Report:
    """Figures of a set and findings about it."""

    name: str
    figures: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether there is any error."""
        return any(finding.level == "error" for finding in self.findings)

    def kinds(self) -> dict[tuple[Level, str], list[Finding]]:
        """Findings by level and kind, errors first."""
        groups: dict[tuple[Level, str], list[Finding]] = defaultdict(list)
        for finding in sorted(self.findings, key=lambda f: f.level):
            groups[finding.level, finding.kind].append(finding)
        return dict(groups)


def check(reader: Reader, images: bool = True, progress: bool = False) -> Report:
    """Read a set, going on past every fault, and look for what is wrong.

    Args:
        reader: Its reader.
        images: Decode every image and look for duplicates; without, headers only.
        progress: Show a progress bar while images are decoded.

    Raises:
        FileNotFoundError: If the set is not there at all.
    """
    problems: list[Problem] = []
    try:
        if isinstance(reader, FileReader):
            gaze, problems = reader.survey()
        else:
            gaze = reader.read()
    except ValueError as error:
        where, _, what = str(error).partition(": ")
        return Report("", findings=[Finding("error", "unreadable", where, what or where)])
    report = Report(gaze.name, _figures(gaze))
    report.findings += [Finding("error", "bad content", p.where, p.what) for p in problems]
    report.findings += gaze_findings(gaze)
    if images:
        report.findings += _image_findings(gaze, progress)
    return report


def _figures(gaze: GazeSet) -> dict[str, str]:
    sizes = Counter(stimulus.size for stimulus in gaze.stimuli.values())
    common = sizes.most_common(1)[0][0] if sizes else (0, 0)
    figures = {
        "images": f"{len(gaze.stimuli)}, {len(sizes)} sizes, mostly {common[0]}x{common[1]}",
        "gaze": gaze.gaze,
        "splits": ", ".join(f"{k} {len(v)}" for k, v in gaze.splits.items()) or "none official",
    }
    if not gaze.scanpaths:
        return figures
    lengths = np.array([len(path) for path in gaze.scanpaths])
    xy = np.concatenate([path.xy for path in gaze.scanpaths])
    off = ((xy < 0) | (xy > 1)).any(axis=1)
    timed = [p.durations for p in gaze.scanpaths if p.durations is not None and len(p)]
    figures["observers"] = str(len({path.observer for path in gaze.scanpaths}))
    figures["scanpaths"] = f"{len(lengths)} on {len(gaze.by_image())} images"
    figures["fixations"] = (
        f"{len(xy)}; {lengths.mean():.1f} a path (median {np.median(lengths):g}, "
        f"{lengths.min()} to {lengths.max()})"
    )
    figures["off the image"] = f"{off.sum()} fixations ({off.mean() if len(xy) else 0:.2%})"
    figures["shorter than 3"] = f"{(lengths < SHORT).sum()} paths"
    if timed:
        ms = 1000 * np.concatenate(timed)
        figures["durations"] = f"median {np.median(ms):.0f} ms, {ms.min():.0f} to {ms.max():.0f}"
    else:
        figures["durations"] = "none"
    return figures


def _image_findings(gaze: GazeSet, progress: bool) -> Iterator[Finding]:
    prints: list[Print] = []

    def one(stimulus: Stimulus) -> Print | Finding:
        try:
            return fingerprint(stimulus)
        except ImageError as error:
            what = str(error).removeprefix(f"{stimulus.path}: ")
            return Finding("error", "unreadable image", str(stimulus.path), what)

    stimuli: Sequence[Any] = list(gaze.stimuli.values())
    with ThreadPoolExecutor(2) as pool:
        results: Iterable[Print | Finding] = pool.map(one, stimuli)
        for result in track(results, "reading images", total=len(stimuli), disable=not progress):
            if isinstance(result, Finding):
                yield result
            else:
                prints.append(result)
    yield from content_findings(gaze, {seen.image: seen.thumb for seen in prints})
    splits = {image: split for split, ids in gaze.splits.items() for image in ids}
    for pair in alike(prints):
        one_split, other_split = (splits.get(image, "no split") for image in (pair.one, pair.other))
        leak = one_split != other_split
        level: Level = "error" if leak and pair.kind == "same file" else "warning"
        where = f"{gaze.stimuli[pair.other].path} (image {pair.other})"
        what = f"{pair.kind} as image {pair.one}"
        if leak:
            what += f"; in {other_split} and {one_split}"
        elif one_split == "no split":
            what += "; a random split may part them"
        yield Finding(level, "duplicate image", where, what)
