"""What is in a set, and what looks wrong with it, each with file and trial."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.progress import track

from spgen_lit.data.duplicates import Print, alike, fingerprint
from spgen_lit.data.gaze_checks import SHORT, content_findings, gaze_findings
from spgen_lit.data.images import ImageError, read_image
from spgen_lit.data.readers.base import FileReader
from spgen_lit.data.records import Finding, GazeSet, Level, Reader, Stimulus
from spgen_lit.files import atomic


@dataclass
class Report:
    """Figures of a set and findings about it."""

    name: str
    figures: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    gaze: GazeSet | None = None

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


def check(reader: Reader, images: bool = True) -> Report:
    """Read a set, going on past every fault, and look for what is wrong.

    Args:
        reader: Its reader.
        images: Decode every image and look for duplicates; without, headers only.

    Raises:
        FileNotFoundError: If the set is not there at all.
    """
    problems: list[Finding] = []
    try:
        if isinstance(reader, FileReader):
            gaze, problems = reader.survey()
        else:
            gaze = reader.read()
    except ValueError as error:
        where, _, what = str(error).partition(": ")
        return Report("", findings=[Finding("error", "unreadable", where, what or where)])
    report = Report(gaze.name, _figures(gaze), [*problems, *gaze_findings(gaze)], gaze)
    if images:
        report.findings += _image_findings(gaze)
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
    figures["viewing"] = _viewing(gaze)
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


def _viewing(gaze: GazeSet) -> str:
    """How the pictures were shown, as far as it is known, of the usual path."""
    usual = Counter(path.viewing for path in gaze.scanpaths).most_common(1)[0][0]
    known = {
        f"{usual.seconds} s": usual.seconds,
        f"{usual.px_per_degree or 0:.3g} px a degree": usual.px_per_degree,
        f"first fixation {usual.first_fixation}": usual.first_fixation,
        f"task {usual.task}": usual.task,
    }
    words = [words for words, value in known.items() if value is not None]
    return ", ".join(words) or "not declared"


def _image_findings(gaze: GazeSet) -> Iterator[Finding]:
    prints: list[Print] = []
    stimuli = list(gaze.stimuli.values())
    with ThreadPoolExecutor(2) as threads:
        results = threads.map(_print, stimuli)
        silent = not sys.stdout.isatty()
        for result in track(results, "reading images", len(stimuli), disable=silent):
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


def _print(stimulus: Stimulus) -> Print | Finding:
    """What an image is recognized by, or that it cannot be read."""
    try:
        return fingerprint(stimulus.id, stimulus.path)
    except ImageError as error:
        what = str(error).removeprefix(f"{stimulus.path}: ")
        return Finding("error", "unreadable image", str(stimulus.path), what)


def contact_sheet(gaze: GazeSet, file: Path) -> Path:
    """Draw the gaze of a set over some of its images, so that a person sees at a glance.

    Circles are fixations, from yellow (first) to violet (last); the gray margin shows gaze
    beside the image.

    Args:
        gaze: The set; the twelve images with the most gaze are drawn.
        file: The PNG file to write.

    Raises:
        ValueError: For a set without gaze.
    """
    groups = sorted(gaze.by_image().items(), key=lambda item: -sum(map(len, item[1])))[:12]
    if not groups:
        raise ValueError(f"{gaze.name}: no gaze to draw")
    columns, rows = min(4, len(groups)), -(-len(groups) // 4)
    figure = Figure((3.6 * columns, 3.6 * rows), dpi=100, layout="constrained")
    for number, (image, paths) in enumerate(groups, start=1):
        stimulus = gaze.stimuli[image]
        width, height = stimulus.size
        margin = 0.16 * max(stimulus.size)
        axes = figure.add_subplot(rows, columns, number, facecolor="0.78")
        picture = read_image(stimulus.path, (360, 360)) // 2 + 100
        axes.imshow(picture, extent=(0, width, height, 0))
        for path in paths:
            x, y = path.pixels.T
            axes.scatter(x, y, 9, np.arange(len(path)), cmap="plasma_r", clip_on=True)
        axes.set(xlim=(-margin, width + margin), ylim=(height + margin, -margin))
        axes.set(xticks=[], yticks=[], aspect="equal")
        named = image[-40:].encode("utf-8", "backslashreplace").decode()
        axes.set_title(f"{named}  {width}x{height}", fontsize=7, parse_math=False)
    with atomic(file) as part:
        figure.savefig(part, format="png")
    return file
