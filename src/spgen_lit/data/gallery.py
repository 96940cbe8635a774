"""The built-in data set: simulated gaze on procedural photographs and paintings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import scipy.io
from filelock import FileLock
from PIL import Image

from spgen_lit.data.gallery_scenes import KINDS, SceneObject, compose, painting, photograph
from spgen_lit.data.readers.base import Problems, public_set, require_words
from spgen_lit.data.readers.osie import read_layout
from spgen_lit.data.records import GazeSet
from spgen_lit.files import write_json
from spgen_lit.scanpath import Array

Domain = Literal["photo", "painting"]

_VERSION = 7  # raise it whenever the same parameters give other images or scanpaths
_COMPLETE = "gallery.json"  # written last: a folder without it is not complete

TRIAL = 3.0  # seconds of viewing, as in OSIE
FEWEST, MOST = 5, 12  # fixations in one trial

_COLUMNS = 32  # of the grid of candidate positions
_AMPLITUDE = 0.24  # most probable saccade, relative to the diagonal, before individual scale
_SHAPE = 2.2  # of the gamma distribution of amplitudes
_DECAY = 0.8  # inhibition of return left after each further fixation
_INHIBITION = 3.6  # of a position just looked at, in log probability
_FLOOR = 0.012  # attraction of bare background
_SHARPNESS = 1.8  # of the preference for attraction: inverse temperature
_NOISE = 0.35  # standard deviation of an observer's preference for regions, in log probability


@dataclass(frozen=True)
class Gallery:
    """A procedural set with a known gaze policy, made on first use and then read from disk.

    Scenes hold objects that attract gaze in different degrees; simulated observers look at
    them by attraction, individual preference, amplitude and inhibition of return. The same
    arguments give the same images and scanpaths; another domain or seed gives other scenes.

    Attributes:
        root: Folder under which sets are kept, one sub-folder for each set of arguments.
        domain: How scenes are finished: ``photo`` or ``painting``.
        images: How many scenes, at least 1.
        observers: How many observers look at each, at least 1.
        size: Width and height in px, each at least 32.
        seed: Seed of scenes and observers, at least 0.
        name: Name of the set; ``gallery-<domain>`` if empty.
    """

    root: str | Path
    domain: Domain = "photo"
    images: int = 160
    observers: int = 10
    size: tuple[int, int] = (256, 192)
    seed: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", tuple(int(side) for side in self.size))
        require_words(self, "gallery")
        for key, least in (("images", 1), ("observers", 1), ("seed", 0)):
            if getattr(self, key) < least:
                raise ValueError(f"{key} must be at least {least}, found {getattr(self, key)}")
        if len(self.size) != 2 or min(self.size) < 32:
            raise ValueError(f"size must be width and height of 32 px or more, found {self.size}")

    @property
    def folder(self) -> Path:
        """Where this set lies: its domain and a hash of all that shapes it."""
        digest = hashlib.sha256(json.dumps(self._recipe()).encode()).hexdigest()
        return Path(self.root) / f"{self.domain}-{digest[:12]}"

    def read(self) -> GazeSet:
        """Read the set, making it first if it is absent or incomplete.

        Raises:
            ValueError: If the files were damaged after they were made.
            OSError: If the set cannot be written under the root.
        """
        if not self._complete():
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):  # one process makes the set, others wait
                if not self._complete():
                    self._write()
        gaze = public_set(read_layout(self.folder, Problems()).build(), "gallery")
        return replace(gaze, name=self.name or f"gallery-{self.domain}")

    def _recipe(self) -> list[object]:
        return [_VERSION, self.domain, self.seed, *self.size, self.images, self.observers]

    def _complete(self) -> bool:
        images = (self.folder / "data" / "stimuli").glob("*.jpg")
        needed = (self.folder / _COMPLETE, self.folder / "data" / "eye" / "fixations.mat")
        return all(path.is_file() for path in needed) and sum(1 for _ in images) == self.images

    def _write(self) -> None:
        stimuli, eye = self.folder / "data" / "stimuli", self.folder / "data" / "eye"
        stimuli.mkdir(parents=True, exist_ok=True)
        eye.mkdir(parents=True, exist_ok=True)
        (self.folder / _COMPLETE).unlink(missing_ok=True)
        finish = photograph if self.domain == "photo" else painting
        seeds = [self.seed, get_args(Domain).index(self.domain)]
        observers = sample_observers(np.random.default_rng(seeds), self.observers)
        records = []
        for number in range(self.images):
            scene, light, gaze = (np.random.default_rng([*seeds, number, k]) for k in range(3))
            objects, picture = compose(scene, self.size)
            name = f"{self.domain}-{number + 1:04d}.jpg"
            Image.fromarray(finish(picture, light)).save(stimuli / name, quality=92)
            subjects = [
                {
                    "fix_x": np.round(xy[:, 0], 1)[None],
                    "fix_y": np.round(xy[:, 1], 1)[None],
                    "fix_duration": np.round(durations * 1000).astype(np.uint16)[None],
                }
                for xy, durations in simulate(objects, self.size, observers, gaze)
            ]
            records.append({"img": name, "subjects": _cell(subjects)})
        scipy.io.savemat(eye / "fixations.mat", {"fixations": _cell(records)}, do_compression=True)
        write_json(self.folder / _COMPLETE, self._recipe(), None)


def _cell(structs: list[dict[str, Any]]) -> np.ndarray:
    """Structs as a MATLAB cell (struct x 1)."""
    return np.array(structs, dtype=object)[:, None]


@dataclass(frozen=True, slots=True)
class Observers:
    """A fixed group of observers, one row each.

    Attributes:
        preference: Multiplies the attraction of each kind ``(observer, kind)``.
        amplitude: Multiplies the preferred saccade amplitude ``(observer,)``.
        pace: Multiplies fixation durations ``(observer,)``.
        scatter: Landing error relative to an object's radius ``(observer,)``.
    """

    preference: Array
    amplitude: Array
    pace: Array
    scatter: Array


def sample_observers(rng: np.random.Generator, count: int) -> Observers:
    """Draw the individual differences of ``count`` observers."""
    return Observers(
        preference=np.exp(rng.normal(0, 0.25, (count, len(KINDS)))),
        amplitude=np.exp(rng.normal(0, 0.15, count)),
        pace=np.exp(rng.normal(0, 0.16, count)),
        scatter=rng.uniform(0.14, 0.26, count),
    )


def simulate(
    objects: list[SceneObject],
    size: tuple[int, int],
    observers: Observers,
    rng: np.random.Generator,
) -> list[tuple[Array, Array]]:
    """Let every observer look at one scene for ``TRIAL`` seconds.

    The next position is drawn from a softmax over a grid: log attraction under the observer's
    preference, a center bias at the first fixation and a gamma distribution of amplitude
    afterwards, less inhibition of return, plus noise. Gaze lands scattered around the center
    of the object chosen; durations are log-normal, longer on what attracts.

    Args:
        objects: The scene's objects.
        size: Width and height in px.
        observers: Who looks.
        rng: Random generator of every draw.

    Returns:
        One pair per observer: x, y in px ``(fixation, 2)`` and durations in s ``(fixation,)``,
        with ``FEWEST`` to ``MOST`` fixations, all on the image.
    """
    extent = np.array(size, np.float64)
    centers = np.array([[item.x, item.y] for item in objects])
    radii = np.array([item.radius for item in objects])
    strengths = np.array([item.attraction for item in objects])
    kinds = [KINDS.index(item.kind) for item in objects]
    cells = _grid(size)
    squared = ((cells[:, None] - centers) ** 2).sum(-1)
    felt = np.exp(-squared / (2 * (0.45 * radii) ** 2))
    nearest = (felt * strengths).argmax(1)  # the object that attracts most in each cell
    felt = felt[np.arange(len(cells)), nearest]
    attraction = _FLOOR + felt * (observers.preference[:, kinds] * strengths)[:, nearest]
    column, row = np.floor(cells / extent * (6, 4)).astype(np.int64).T
    count = len(observers.pace)
    regional = rng.normal(0, _NOISE, (count, 24))[:, row * 6 + column]
    appeal = _SHARPNESS * np.log(attraction) + regional
    center_bias = -0.5 * (((cells - extent / 2) / (0.16 * extent)) ** 2).sum(-1)
    diagonal = float(np.hypot(*size))
    mode = _AMPLITUDE * observers.amplitude[:, None]

    inhibition = np.zeros_like(appeal)
    steps = []
    last = np.tile(extent / 2, (count, 1))
    for step in range(MOST):
        distance = np.linalg.norm(cells[None] - last[:, None], axis=-1) / diagonal
        saccade = (_SHAPE - 1) * (np.log(distance + 0.01) - distance / mode)  # log of a gamma
        logits = appeal + (saccade if step else center_bias[None]) - _INHIBITION * inhibition
        # The largest of Gumbel-perturbed logits is a softmax draw.
        chosen = (logits + rng.gumbel(size=appeal.shape)).argmax(1)
        target = nearest[chosen]
        pull = 0.6 * np.clip(2 * felt[chosen], 0, 1)[:, None]
        error = rng.normal(size=last.shape) * (observers.scatter * radii[target])[:, None]
        last = cells[chosen] + pull * (centers[target] - cells[chosen]) + error
        last = np.clip(last, 0.5, extent - 0.5)
        interest = 0.85 + 0.55 * np.clip(attraction[np.arange(count), chosen], 0, 1)
        jitter = np.exp(rng.normal(0, 0.28, count))
        steps.append(np.column_stack([last, 0.29 * observers.pace * interest * jitter]))
        near = ((cells[None] - last[:, None]) ** 2).sum(-1) / (2 * (0.07 * diagonal) ** 2)
        inhibition = np.maximum(_DECAY * inhibition, np.exp(-near))
    return [_cut(path[:, :2], path[:, 2]) for path in np.stack(steps, 1)]


def _grid(size: tuple[int, int]) -> Array:
    """Centers of the candidate cells in px ``(cell, 2)``."""
    rows = max(4, round(_COLUMNS * size[1] / size[0]))
    row, column = np.indices((rows, _COLUMNS)).reshape(2, -1)
    return (np.column_stack([column, row]) + 0.5) * size / (_COLUMNS, rows)


def _cut(xy: Array, durations: Array) -> tuple[Array, Array]:
    """The part of a path that fits into the trial; the last fixation ends with it."""
    before = np.concatenate([[0.0], np.cumsum(durations)[:-1]])
    count = int(np.clip((before < TRIAL - 0.06).sum(), FEWEST, MOST))
    kept = durations[:count].copy()
    kept[-1] = max(0.06, min(kept[-1], TRIAL - before[count - 1]))
    return xy[:count], kept
