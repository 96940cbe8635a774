"""The path so far, as maps: what the choice of the next fixation is conditioned on."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from spgen_lit.batch import PathBatch
from spgen_lit.network.fixation import cell_centers

# Center and sigma of rings of distance, in heights of the image.
_RINGS = (
    (0.0, 0.03),
    (0.05, 0.03),
    (0.10, 0.04),
    (0.17, 0.05),
    (0.27, 0.07),
    (0.42, 0.10),
    (0.65, 0.15),
)
_WIDE = ((0.0, 0.06), (0.12, 0.06), (0.25, 0.10))
_TURN = ((0.06, 0.05), (0.16, 0.07), (0.30, 0.10), (0.55, 0.15))
_SPOT = 0.06  # sigma of a visited spot in heights of the image
_MEMORY = 0.7  # what is left of the inhibition after each further fixation


class PathState(NamedTuple):
    """Partial paths, any number on each image: what the next fixation depends on beside it.

    Attributes:
        recent: ``(image, path, 3, 2)`` x, y in [0, 1] of the last three fixations, newest first.
        known: ``(image, path, 3)`` 1 for those that exist, else 0.
        visited: ``(image, path, region)`` sum of small Gaussians at all fixations so far.
        faded: The same with the older ones decayed.
        elapsed: ``(image, path)`` seconds of the fixations so far whose durations are known.
        logs: ``(image, path)`` sum of their log durations.
        timed: ``(image, path)`` their number.
        step: ``(image, path)`` number of all fixations so far.
    """

    recent: Tensor
    known: Tensor
    visited: Tensor
    faded: Tensor
    elapsed: Tensor
    logs: Tensor
    timed: Tensor
    step: Tensor

    def pass_time(self, seconds: Tensor) -> PathState:
        """Paths with the time of one more fixation gone by, NaN where unknown."""
        timed, known = ~seconds.isnan(), seconds.nan_to_num(0.0)
        return self._replace(
            elapsed=self.elapsed + known,
            logs=self.logs + known.clamp_min(1e-3).log() * timed,
            timed=self.timed + timed,
            step=self.step + 1,
        )


class HistoryMaps(nn.Module):
    """Analytic maps of the path so far, on a grid of regions.

    Rings of distance around the last fixation, times harmonics of direction and of the
    turn against the last saccade; rings around the two fixations before; visited maps.
    Distances are in heights of the image, so a ring is round in the picture.

    Args:
        grid: Height and width of the grid of regions.
        aspect: Width of the (stretched or letterboxed) frame over its height.
    """

    COUNT = len(_RINGS) * 5 + len(_TURN) * 2 + len(_WIDE) * 2 + 4
    rings: Tensor
    turn: Tensor
    wide: Tensor
    centers: Tensor

    def __init__(self, grid: tuple[int, int], aspect: float = 4 / 3) -> None:
        super().__init__()
        self.aspect = aspect
        self.register_buffer("centers", cell_centers(*grid), persistent=False)
        for name, values in (("rings", _RINGS), ("turn", _TURN), ("wide", _WIDE)):
            self.register_buffer(
                name, torch.tensor(values).T[..., None, None, None].contiguous(), persistent=False
            )

    def _offsets(self, xy: Tensor) -> tuple[Tensor, Tensor]:
        """Distances along x and y ``(image, region, path)`` from places ``(image, path, 2)``."""
        dx = (self.centers[:, 0:1] - xy[:, None, :, 0]) * self.aspect
        return dx, self.centers[:, 1:2] - xy[:, None, :, 1]

    def _spots(self, xy: Tensor) -> Tensor:
        """A small Gaussian at each place: ``(image, path, 2)`` → ``(image, path, region)``."""
        dx, dy = self._offsets(xy)
        return _bell((dx * dx + dy * dy) * (0.5 / _SPOT**2)).mT

    def begin(self, images: int, paths: int) -> PathState:
        """Paths that have not begun."""
        # A tensor each: shared ones would be compiled once more where they are no longer shared.
        shapes = [(3, 2), (3,), (len(self.centers),), (len(self.centers),), (), (), ()]
        zeros = [self.centers.new_zeros(images, paths, *shape) for shape in shapes]
        return PathState._make([*zeros, torch.zeros_like(zeros[-1], dtype=torch.long)])

    def extend(self, state: PathState, xy: Tensor, seconds: Tensor) -> PathState:
        """Paths after one more fixation ``(image, path, 2)``, its duration NaN where unknown."""
        spots = self._spots(xy)
        return state.pass_time(seconds)._replace(
            recent=torch.cat([xy[:, :, None], state.recent[:, :, :2]], dim=2),
            known=torch.cat([torch.ones_like(xy[..., :1]), state.known[:, :, :2]], dim=2),
            visited=state.visited + spots,
            faded=state.faded * _MEMORY + spots,
        )

    def unroll(self, given: PathBatch) -> PathState:
        """States before every step of whole paths (teacher forcing).

        Returns:
            ``path·step`` paths an image: (p, n) knows the fixations before n.
        """
        xy, timed, seconds = given.xy, ~given.durations.isnan(), given.durations.nan_to_num(0.0)
        images, paths, steps, _ = xy.shape
        spots = self._spots(xy.flatten(1, 2)).unflatten(1, (paths, steps))
        order = torch.arange(steps, device=xy.device)
        gap = order[:, None] - order - 1
        decay = torch.where(gap >= 0, _MEMORY ** gap.clamp_min(0), 0.0)
        padded = torch.cat([xy.new_zeros(images, paths, 3, 2), xy[:, :, :-1]], dim=2)
        recent = torch.stack([padded[:, :, 2 - k : 2 - k + steps] for k in range(3)], dim=3)
        known = (order[:, None] > order.new_tensor([0, 1, 2])).to(xy.dtype)
        logs = seconds.clamp_min(1e-3).log() * timed
        totals = (v.cumsum(2) - v for v in (seconds, logs, timed.to(seconds.dtype)))
        values = (
            recent,
            known.expand(images, paths, steps, 3),
            (gap >= 0).to(spots.dtype) @ spots,
            decay.to(spots.dtype) @ spots,
            *totals,
            order.expand(seconds.shape),
        )
        return PathState(*(value.flatten(1, 2) for value in values))

    def forward(self, state: PathState) -> Tensor:
        """The maps ``(COUNT, image, region, path)``; zero where a fixation does not exist."""
        recent, known = state.recent, state.known.permute(2, 0, 1)[:, :, None]
        cos, sin, distance = self._directions(recent[:, :, 0])
        saccade = (recent[:, :, 0] - recent[:, :, 1]) * recent.new_tensor([self.aspect, 1.0])
        unit = (saccade / (saccade.norm(dim=2, keepdim=True) + 1e-4))[:, None]
        ahead = cos * unit[..., 0] + sin * unit[..., 1]
        around = [torch.ones_like(cos), cos, sin, cos.square() - sin.square(), 2 * sin * cos]
        maps = [
            _products(_bells(distance, self.rings) * known[0], around),
            _products(_bells(distance, self.turn) * known[1], [ahead, 2 * ahead.square() - 1]),
        ]
        for back in (1, 2):
            _, _, distance = self._directions(recent[:, :, back])
            maps.append(_bells(distance, self.wide) * known[back])
        spots = torch.stack([state.visited.mT, state.faded.mT])
        return torch.cat([*maps, spots, spots.tanh()])

    def _directions(self, xy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cosine, sine and distance ``(image, region, path)`` of regions seen from places."""
        dx, dy = self._offsets(xy)
        distance = torch.sqrt(dx * dx + dy * dy + 1e-8)
        return dx / distance, dy / distance, distance


def _bells(distance: Tensor, rings: Tensor) -> Tensor:
    """Gaussians of a distance: ``(image, region, path)`` → ``(ring, image, region, path)``.

    Centers and sigmas are ``(2, ring, 1, 1, 1)``.
    """
    return _bell((distance - rings[0]).square() / (2 * rings[1].square()))


def _bell(exponent: Tensor) -> Tensor:
    """``exp(-exponent)``, at least e⁻⁴⁰: a CPU multiplies denormal numbers very slowly."""
    return torch.exp(-exponent.clamp(max=40.0))


def _products(bells: Tensor, harmonics: list[Tensor]) -> Tensor:
    """Every ring times every harmonic ``(ring·harmonic, image, region, path)``."""
    return (bells[:, None] * torch.stack(harmonics)).flatten(0, 1)
