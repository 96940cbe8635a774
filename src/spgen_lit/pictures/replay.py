"""Replay: a scanpath unfolding in true time, as frames, MP4 or GIF."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from spgen_lit.files import atomic
from spgen_lit.pictures.figure import Pixels, check_rgb, drawn_over
from spgen_lit.pictures.overlay import TYPICAL_S, draw_marks, marks_of, stroke_unit
from spgen_lit.pictures.sheets import fit_width, footed
from spgen_lit.scanpath import Scanpath

#: Time a saccade takes on the screen; real ones last 20 to 60 ms.
SACCADE_S = 0.04
FORMATS = (".mp4", ".gif")


def onsets(path: Scanpath) -> tuple[np.ndarray, float]:
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
    check_rgb(image)
    if len(path) == 0 or seconds < 0:
        return image.copy()
    starts, end = onsets(path)
    marks = marks_of(path, image.shape[1], image.shape[0])
    now = int(np.searchsorted(starts, seconds, side="right")) - 1
    length = (starts[now + 1] - SACCADE_S if now + 1 < len(starts) else end) - starts[now]
    share = min(1.0, (seconds - starts[now]) / length) if length > 0 else 1.0
    grown = replace(marks[now], radius=marks[now].radius * (0.35 + 0.65 * share))
    shown = [*marks[:now], grown]
    unit = stroke_unit(image.shape[1], image.shape[0])
    return drawn_over(image, lambda axes: draw_marks(axes, shown, unit))


def frames(image: Pixels, path: Scanpath, rate: float = 25, hold: float = 0.8) -> Iterator[Pixels]:
    """Frames of the whole replay at ``rate`` per second, the last held for ``hold`` seconds."""
    _, end = onsets(path)
    for index in range(int(np.ceil((end + hold) * rate)) + 1):
        yield frame(image, path, min(index / rate, end))


def save_replay(
    target: str | os.PathLike[str],
    image: Pixels,
    path: Scanpath,
    *,
    rate: float = 25,
    width: int = 800,
    warning: str = "",
) -> None:
    """Write a replay at true timing as MP4 or GIF, under its final name only once whole.

    Args:
        target: File to write; its suffix, ``.mp4`` or ``.gif``, says the format.
        image: The picture ``(H, W, 3)``, uint8 RGB.
        path: The scanpath.
        rate: Frames a second (a GIF keeps time in 1/100 s, so 10, 12.5, 20 or 25 are exact).
        width: Most px across; wider pictures are reduced.
        warning: A line at the foot of every frame; empty for none.

    Raises:
        ValueError: For another suffix or an image that is not uint8 RGB.
        OSError: If OpenCV has no encoder for MP4.
    """
    final = Path(target)
    if final.suffix.lower() not in FORMATS:
        raise ValueError(f"{final}: a replay is written as .mp4 or .gif, found {final.suffix!r}")
    check_rgb(image)
    small = fit_width(image, min(width, image.shape[1]))
    pictures = (footed(picture, warning) for picture in frames(small, path, rate))
    with atomic(final) as part:
        if final.suffix.lower() == ".gif":
            last = footed(frame(small, path, onsets(path)[1]), warning)
            _write_gif(part, pictures, last, rate)
        else:
            _write_mp4(part, pictures, rate)


def _write_mp4(part: Path, pictures: Iterator[Pixels], rate: float) -> None:
    writer: cv2.VideoWriter | None = None
    try:
        for picture in pictures:
            height, width = picture.shape[:2]
            # The codec needs even sides: repeat the last row or column, so places stay put.
            even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            if writer is None:
                code = cv2.VideoWriter.fourcc(*"mp4v")
                size = (even.shape[1], even.shape[0])
                writer = cv2.VideoWriter(str(part), code, rate, size)
                if not writer.isOpened():
                    raise OSError(
                        f"{part.parent}: OpenCV here has no MP4 encoder; choose replay=gif"
                    )
            writer.write(cv2.cvtColor(np.asarray(even, np.uint8), cv2.COLOR_RGB2BGR))
    finally:
        if writer is not None:
            writer.release()


def _write_gif(part: Path, pictures: Iterator[Pixels], last: Pixels, rate: float) -> None:
    # One palette for all frames keeps the picture from flickering; the last frame has
    # every color that the others have.
    palette = Image.fromarray(last).quantize(255)
    frames = (Image.fromarray(picture).quantize(palette=palette) for picture in pictures)
    pause = max(20, round(100 / rate) * 10)
    first = next(frames)
    first.save(part, format="GIF", save_all=True, append_images=frames, duration=pause, loop=0)
