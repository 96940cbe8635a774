"""Replay: a scanpath unfolding in true time, as frames, MP4 or GIF."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from spgen_lit.files import atomic
from spgen_lit.pictures.figure import Pixels, draw_over
from spgen_lit.pictures.overlay import TYPICAL_S, Discs, discs_of, draw_discs, stroke_unit
from spgen_lit.pictures.sheets import fit_width, footed
from spgen_lit.scanpath import Array, Scanpath

#: Time a saccade takes on the screen; real ones last 20 to 60 ms.
SACCADE_S = 0.04
#: Frames per second; a GIF keeps time in 1/100 s, so that this is exact in both formats.
RATE = 25
#: Seconds that the last frame stays.
HOLD_S = 0.8
#: Pictures wider than this many px are reduced.
WIDEST = 800


def onsets(path: Scanpath) -> tuple[Array, float]:
    """Start of each fixation ``(fixation,)`` and the end of the last one, in seconds.

    Paths without durations are given fixations of 250 ms.
    """
    seconds = np.full(len(path), TYPICAL_S) if path.durations is None else path.durations
    ends = np.cumsum(seconds + SACCADE_S)
    return ends - seconds - SACCADE_S, float(ends[-1] - SACCADE_S) if len(path) else 0.0


def frame(image: Pixels, path: Scanpath, seconds: float) -> Pixels:
    """The picture as it stands ``seconds`` after the first fixation began.

    The current fixation's disc grows to its full size over its duration; earlier ones stay.
    During a saccade the last disc stays.

    Raises:
        ValueError: If ``image`` is not a uint8 RGB array.
    """
    height, width = image.shape[:2]
    starts, end = onsets(path)
    count = int(np.searchsorted(starts, seconds, side="right"))
    centers, radii, colors = discs_of(path, width, height)
    if count:
        stop = starts[count] - SACCADE_S if count < len(path) else end
        age = (seconds - starts[count - 1]) / max(stop - starts[count - 1], 1e-9)
        radii[count - 1] *= 0.35 + 0.65 * min(1.0, age)
    discs = Discs(centers[:count], radii[:count], colors[:count])
    unit = stroke_unit(width, height)
    return draw_over(image, lambda axes: draw_discs(axes, discs, unit))


def frames(image: Pixels, path: Scanpath) -> Iterator[Pixels]:
    """Frames of the whole replay at ``RATE`` per second."""
    _, end = onsets(path)
    for index in range(int(np.ceil((end + HOLD_S) * RATE)) + 1):
        yield frame(image, path, min(index / RATE, end))


def save_replay(
    target: str | os.PathLike[str], image: Pixels, path: Scanpath, warning: str = ""
) -> None:
    """Write a replay at true timing as MP4 or GIF, under its final name only once whole.

    Args:
        target: File to write; its suffix, ``.mp4`` or ``.gif``, says the format.
        image: The picture ``(H, W, 3)``, uint8 RGB.
        path: The scanpath.
        warning: A line at the foot of every frame; empty for none.

    Raises:
        ValueError: If the image is not uint8 RGB.
        OSError: If OpenCV has no encoder for MP4.
    """
    small = fit_width(image, min(WIDEST, image.shape[1]))
    pictures = (footed(picture, warning) for picture in frames(small, path))
    final = Path(target)
    with atomic(final) as part:
        if final.suffix.lower() == ".gif":
            # One palette for all frames keeps the picture from flickering; the last frame
            # has every color that the others have.
            last = footed(frame(small, path, onsets(path)[1]), warning)
            palette = Image.fromarray(last).quantize(255)
            first, *rest = (Image.fromarray(p).quantize(palette=palette) for p in pictures)
            first.save(
                part, format="GIF", save_all=True, append_images=rest, duration=1000 // RATE, loop=0
            )
        else:
            _write_mp4(part, pictures)


def _write_mp4(target: Path, pictures: Iterator[Pixels]) -> None:
    writer, code = cv2.VideoWriter(), cv2.VideoWriter.fourcc(*"mp4v")
    for picture in pictures:
        height, width = picture.shape[:2]
        # The codec needs even sides: repeat the last row or column, so places stay put.
        even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        size = (even.shape[1], even.shape[0])
        if not (writer.isOpened() or writer.open(str(target), code, RATE, size)):
            raise OSError(f"{target.parent}: OpenCV here has no MP4 encoder; choose GIF")
        writer.write(cv2.cvtColor(even, cv2.COLOR_RGB2BGR))
    writer.release()
