"""MIT1003 as its authors publish it: 240 Hz samples in MATLAB files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.images import list_images
from spgen_lit.data.readers.base import FileReader, Problems, measure, need, public_set, scanpath
from spgen_lit.data.readers.detection import detect_fixations
from spgen_lit.data.readers.matlab import listed, load_matlab, points
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Array, FirstFixation, Scanpath


@dataclass(frozen=True)
class Mit1003Mat(FileReader):
    """MIT1003 (Judd et al. 2009) from ``ALLSTIMULI/*.jpeg`` and ``DATA/<observer>/<image>.mat``.

    Each MATLAB file holds one struct named after the image (cut to 63 characters) with
    ``DATA(1).eyeData``: samples of x, y in px of the image. Fixations are found as by the
    authors (see `detect_fixations`). The first fixation began before the image appeared, at
    the screen's centre; the authors leave it out of their maps.

    Attributes:
        root: The folder that holds ``ALLSTIMULI`` and ``DATA``.
        velocity: Threshold of the saccades, degrees per second.
        duration: Stretches up to this long, in seconds, are no fixation.
        first: Keep the first fixation (FixaTons' form of the set keeps it).
        px_per_degree: Pixels per degree on the authors' screen.
        rate: Samples per second.

    Raises:
        FileNotFoundError: From `read`, for missing folders.
        ValueError: From `read`, naming the file of bad content.
    """

    root: str | Path
    velocity: float = 6.0
    duration: float = 0.05
    first: bool = True
    px_per_degree: float = 34.0
    rate: float = 240.0

    def _read(self, problems: Problems) -> GazeSet:
        root = Path(self.root)
        how = "`spgen data fetch mit1003` downloads and unpacks both."
        images = need(root / "ALLSTIMULI", "MIT1003's images", how)
        data = need(root / "DATA", "MIT1003's eye-tracking data", how)
        stimuli = measure(((path.name, path) for path in list_images(images)), problems)
        stems = {Path(identity).stem: identity for identity in stimuli}
        paths: list[Scanpath | None] = []
        for observer in sorted(path for path in data.iterdir() if path.is_dir()):
            for file in sorted(observer.glob("*.mat")):
                if file.stem not in stems:
                    problems.add(file, f"image missing: no file {file.stem}.* in {images}")
                    continue
                paths.extend(self._trial(file, stimuli[stems[file.stem]], problems))
        notes = (
            f"fixations by acceleration above {self.velocity:g} deg/s, longer than "
            f"{1000 * self.duration:g} ms; first fixation {'kept' if self.first else 'left out'}",
        )
        begun: FirstFixation = "given" if self.first else "free"
        return public_set("mit1003", stimuli, paths, notes=notes, first_fixation=begun)

    def _trial(
        self, file: Path, stimulus: Stimulus, problems: Problems
    ) -> Iterator[Scanpath | None]:
        try:
            samples = _samples(file)
            places, starts, ends = detect_fixations(
                samples, self.velocity, self.duration, self.px_per_degree, self.rate
            )
        except (ValueError, KeyError, TypeError, IndexError) as error:
            problems.add(file, str(error).removeprefix(f"{file}: "))
            return
        seen: NDArray[np.bool_] = np.isfinite(
            places[:, 0]
        )  # the eye was lost all the while: no place
        seen[:1] &= self.first
        yield scanpath(
            str(file), stimulus, places[seen], (ends - starts)[seen], file.parent.name, problems
        )


def _samples(file: Path) -> Array:
    content = load_matlab(file)
    if len(content) != 1:
        raise ValueError(f"needs one variable, named after the image, found {sorted(content)}")
    (trial,) = content.values()
    try:
        data = points(listed(trial["DATA"])[0]["eyeData"])[:, :2]
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("the struct has no field DATA(1).eyeData") from error
    return data
