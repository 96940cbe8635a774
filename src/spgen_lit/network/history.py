"""The path so far, as maps: what the choice of the next fixation is conditioned on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spgen_lit.network.fixation import cell_centres

RINGS = (
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
_MEMORY = 0.7  # share of the inhibition that is left after each further fixation


@dataclass(frozen=True)
class History:
    """The last fixations of a set of partial paths.

    Attributes:
        recent: ``(path, 3, 2)`` x, y in [0, 1] of the last three fixations, newest first.
        known: ``(path, 3)`` which of them exist.
        visited: ``(path, region)`` sum of small Gaussians at all fixations so far.
        faded: The same with the older ones decayed.
    """

    recent: Tensor
    known: Tensor
    visited: Tensor
    faded: Tensor


class HistoryMaps(nn.Module):
    """Analytic maps of the path so far, on a grid of places.

    Rings of distance around the last fixation, times harmonics of direction and of the
    turn against the last saccade; rings around the two fixations before; visited maps.
    Distances are in shares of the image's height, so a ring is round in the picture.

    Args:
        aspect: Width of the (stretched or letterboxed) frame over its height.
        spot: Deviation of a visited spot in shares of the height.
    """

    COUNT = len(RINGS) * 5 + len(_TURN) * 2 + len(_WIDE) * 2 + 4

    def __init__(self, aspect: float = 4 / 3, spot: float = 0.06) -> None:
        super().__init__()
        self.aspect = aspect
        self.spot = spot

    def _offsets(self, xy: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        places = cell_centres(height, width, xy.device)
        dx = (places[:, 0] - xy[..., 0:1]) * self.aspect
        dy = places[:, 1] - xy[..., 1:2]
        return dx, dy

    def spots(self, xy: Tensor, height: int, width: int) -> Tensor:
        """A small Gaussian at each place: ``(…, 2)`` → ``(…, height·width)``."""
        dx, dy = self._offsets(xy, height, width)
        return torch.exp((dx * dx + dy * dy) * (-0.5 / self.spot**2))

    def empty(self, paths: int, height: int, width: int, device: torch.device) -> History:
        """The history of paths that have not begun."""
        nothing = torch.zeros(paths, height * width, device=device)
        return History(
            torch.zeros(paths, 3, 2, device=device),
            torch.zeros(paths, 3, dtype=torch.bool, device=device),
            nothing,
            nothing,
        )

    def extend(self, history: History, xy: Tensor, height: int, width: int) -> History:
        """The history after one more fixation ``(path, 2)``."""
        spots = self.spots(xy, height, width)
        seen = torch.ones(len(xy), 1, dtype=torch.bool, device=xy.device)
        return History(
            torch.cat([xy[:, None], history.recent[:, :2]], dim=1),
            torch.cat([seen, history.known[:, :2]], dim=1),
            history.visited + spots,
            history.faded * _MEMORY + spots,
        )

    def unroll(self, xy: Tensor, height: int, width: int) -> History:
        """Histories before every step of whole paths (teacher forcing).

        Args:
            xy: ``(path, step, 2)``.

        Returns:
            History of ``path·step`` rows: row (p, n) knows fixations before n.
        """
        paths, steps, _ = xy.shape
        spots = self.spots(xy, height, width)
        state = torch.zeros_like(spots[:, 0])
        visited, faded = [], []
        total = state
        for step in range(steps):
            visited.append(total)
            faded.append(state)
            total = total + spots[:, step]
            state = state * _MEMORY + spots[:, step]
        padded = torch.cat([xy.new_zeros(paths, 3, 2), xy[:, :-1]], dim=1)
        recent = torch.stack([padded[:, 2 - k : 2 - k + steps] for k in range(3)], dim=2)
        order = torch.arange(steps, device=xy.device)
        known = order[:, None] > torch.arange(3, device=xy.device)
        return History(
            recent.reshape(paths * steps, 3, 2),
            known.expand(paths, steps, 3).reshape(paths * steps, 3),
            torch.stack(visited, 1).flatten(0, 1),
            torch.stack(faded, 1).flatten(0, 1),
        )

    def forward(self, history: History, height: int, width: int) -> Tensor:
        """The maps ``(path, COUNT, height·width)``; zero where a fixation does not exist."""
        recent, known = history.recent, history.known.to(history.recent.dtype)
        dx, dy = self._offsets(recent[:, 0], height, width)
        distance = torch.sqrt(dx * dx + dy * dy + 1e-8)
        cos, sin = dx / distance, dy / distance
        cos2, sin2 = cos * cos - sin * sin, 2 * sin * cos
        last = known[:, 0:1]
        maps: list[Tensor] = []
        for centre, spread in RINGS:
            ring = torch.exp(-0.5 * ((distance - centre) / spread) ** 2) * last
            maps += [ring, ring * cos, ring * sin, ring * cos2, ring * sin2]
        saccade = (recent[:, 0] - recent[:, 1]) * recent.new_tensor([self.aspect, 1.0])
        unit = saccade / (saccade.norm(dim=1, keepdim=True) + 1e-4)
        ahead = cos * unit[:, 0:1] + sin * unit[:, 1:2]
        for centre, spread in _TURN:
            ring = torch.exp(-0.5 * ((distance - centre) / spread) ** 2) * known[:, 1:2]
            maps += [ring * ahead, ring * (2 * ahead * ahead - 1)]
        for back in (1, 2):
            dx, dy = self._offsets(recent[:, back], height, width)
            distance = torch.sqrt(dx * dx + dy * dy + 1e-8)
            for centre, spread in _WIDE:
                bell = torch.exp(-0.5 * ((distance - centre) / spread) ** 2)
                maps.append(bell * known[:, back : back + 1])
        maps += [history.visited, history.visited.tanh(), history.faded, history.faded.tanh()]
        return torch.stack(maps, dim=1)
