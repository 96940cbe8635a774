"""Simulated observers of gallery scenes: a stochastic policy with a known answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spgen_lit.data.gallery_objects import KINDS
from spgen_lit.data.gallery_scene import Thing

Array = NDArray[np.float64]

TRIAL = 3.0  # seconds of viewing, as in OSIE
FEWEST, MOST = 5, 12  # fixations in one trial

_COLUMNS = 32  # of the grid of candidate places
_AMPLITUDE = 0.24  # most probable saccade as a share of the diagonal, before taste
_SHAPE = 2.2  # of the gamma law of amplitudes
_FORGETTING = 0.8  # inhibition of return left after each further fixation
_INHIBITION = 3.6  # of a place just looked at, in log probability
_FLOOR = 0.012  # attraction of bare background
_SHARPNESS = 1.8  # of the preference for attraction: inverse temperature
_NOISE = 0.35  # of one observer's passing whims, in log probability


@dataclass(frozen=True, slots=True)
class Observers:
    """A fixed group of people, one row each.

    Attributes:
        taste: Multiplies the attraction of each kind ``(observer, kind)``.
        amplitude: Multiplies the preferred saccade amplitude ``(observer,)``.
        pace: Multiplies fixation durations ``(observer,)``.
        scatter: Landing error as a share of an object's radius ``(observer,)``.
    """

    taste: Array
    amplitude: Array
    pace: Array
    scatter: Array

    def __len__(self) -> int:
        return len(self.pace)


def invite(rng: np.random.Generator, count: int) -> Observers:
    """Draw the individual differences of ``count`` observers."""
    return Observers(
        taste=np.exp(rng.normal(0, 0.25, (count, len(KINDS)))),
        amplitude=np.exp(rng.normal(0, 0.15, count)),
        pace=np.exp(rng.normal(0, 0.16, count)),
        scatter=rng.uniform(0.14, 0.26, count),
    )


def watch(
    things: list[Thing], size: tuple[int, int], observers: Observers, rng: np.random.Generator
) -> list[tuple[Array, Array]]:
    """Let every observer look at one scene for ``TRIAL`` seconds.

    The next place is drawn from a softmax over a grid: log attraction under the observer's
    taste, a bias to the centre at the first fixation and a gamma preference of amplitude
    afterwards, less inhibition of places seen, plus noise. Gaze lands scattered around the
    centre of the object chosen; durations are log-normal, longer on what attracts.

    Args:
        things: The scene's objects.
        size: Width and height in px.
        observers: The people.
        rng: Source of every draw.

    Returns:
        One pair each: x, y in px ``(fixation, 2)`` and durations in s ``(fixation,)``, with
        ``FEWEST`` to ``MOST`` fixations, all on the image.
    """
    width, height = size
    places = _grid(size)
    owner, share = _ownership(things, places)
    attraction = _FLOOR + share * _tasted(things, observers)[:, owner]
    appeal = _SHARPNESS * np.log(attraction)
    appeal = appeal + rng.normal(0, _NOISE, (len(observers), 24))[:, _blocks(size, places)]
    centred = -0.5 * (((places - np.array(size) / 2) / (0.16 * np.array(size))) ** 2).sum(-1)
    diagonal = float(np.hypot(width, height))
    reach = 0.07 * diagonal

    people = np.arange(len(observers))
    seen = np.zeros_like(appeal)
    landed = np.empty((len(observers), MOST, 2))
    lasting = np.empty((len(observers), MOST))
    last = np.tile(np.array(size) / 2, (len(observers), 1))
    for step in range(MOST):
        away = np.hypot(*np.moveaxis(places[None] - last[:, None], -1, 0)) / diagonal
        travel = centred[None] if step == 0 else _log_gamma(away, observers.amplitude)
        logits = appeal + travel - _INHIBITION * seen + rng.gumbel(size=appeal.shape)
        chosen = logits.argmax(1)  # the largest of Gumbel-perturbed logits is a softmax draw
        last = _land(places[chosen], chosen, things, owner, share, observers, rng)
        last = np.clip(last, 0.5, np.array(size) - 0.5)
        landed[:, step] = last
        pull = np.clip(attraction[people, chosen], 0, 1)
        noise = rng.normal(0, 0.28, len(observers))
        lasting[:, step] = 0.29 * observers.pace * (0.85 + 0.55 * pull) * np.exp(noise)
        near = ((places[None] - last[:, None]) ** 2).sum(-1) / (2 * reach**2)
        seen = np.maximum(_FORGETTING * seen, np.exp(-near))
    return [_cut(landed[person], lasting[person]) for person in people]


def _grid(size: tuple[int, int]) -> Array:
    """Centres of the candidate cells in px ``(cell, 2)``."""
    rows = max(4, round(_COLUMNS * size[1] / size[0]))
    x = (np.arange(_COLUMNS) + 0.5) * size[0] / _COLUMNS
    y = (np.arange(rows) + 0.5) * size[1] / rows
    return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)


def _ownership(things: list[Thing], places: Array) -> tuple[NDArray[np.int64], Array]:
    """For each place the object that weighs most there, and how much of it is felt."""
    centres = np.array([[thing.x, thing.y] for thing in things])
    radii = np.array([thing.radius for thing in things])
    squared = ((places[:, None] - centres) ** 2).sum(-1)
    felt = np.exp(-squared / (2 * (0.45 * radii) ** 2))
    owner = (felt * [thing.attraction for thing in things]).argmax(1)
    return owner, np.take_along_axis(felt, owner[:, None], 1)[:, 0]


def _tasted(things: list[Thing], observers: Observers) -> Array:
    """Attraction of every object to every observer ``(observer, object)``."""
    kinds = [KINDS.index(thing.kind) for thing in things]
    return observers.taste[:, kinds] * [thing.attraction for thing in things]


def _blocks(size: tuple[int, int], places: Array) -> NDArray[np.int64]:
    """Which of 6x4 regions a place lies in: whims concern regions, not cells."""
    cells = np.floor(places / np.array(size) * (6, 4)).astype(np.int64)
    return np.asarray(cells[:, 1] * 6 + cells[:, 0], np.int64)


def _log_gamma(away: Array, preferred: Array) -> Array:
    """Log of a gamma law of amplitude, up to a constant ``(observer, cell)``."""
    mode = _AMPLITUDE * preferred[:, None]
    return np.asarray((_SHAPE - 1) * (np.log(away + 0.01) - away / mode))


def _land(
    aimed: Array,
    chosen: NDArray[np.int64],
    things: list[Thing],
    owner: NDArray[np.int64],
    share: Array,
    observers: Observers,
    rng: np.random.Generator,
) -> Array:
    """Where gaze lands ``(observer, 2)``: drawn to the object's centre, with scatter."""
    target = owner[chosen]
    centres = np.array([[thing.x, thing.y] for thing in things])[target]
    radii = np.array([thing.radius for thing in things])[target]
    drawn = 0.6 * np.clip(2 * share[chosen], 0, 1)[:, None]
    error = rng.normal(size=aimed.shape) * (observers.scatter * radii)[:, None]
    return np.asarray(aimed + drawn * (centres - aimed) + error)


def _cut(xy: Array, durations: Array) -> tuple[Array, Array]:
    """The part of a path that fits into the trial; the last fixation ends with it."""
    before = np.concatenate([[0.0], np.cumsum(durations)[:-1]])
    count = int(np.clip((before < TRIAL - 0.06).sum(), FEWEST, MOST))
    kept = durations[:count].copy()
    kept[-1] = max(0.06, min(kept[-1], TRIAL - before[count - 1]))
    return xy[:count], kept
