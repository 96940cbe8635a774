"""Maps of the path so far: whole paths and step by step agree, and say where gaze was."""

from __future__ import annotations

import torch

from spgen_lit.network.fixation import cell_centres
from spgen_lit.network.history import RINGS, HistoryMaps

GRID = (6, 8)
XY = torch.tensor(
    [
        [[0.2, 0.3], [0.8, 0.4], [0.5, 0.9], [0.1, 0.1]],
        [[0.5, 0.5], [0.6, 0.5], [0.6, 0.6], [0.9, 0.2]],
    ]
)


def test_unrolled_histories_are_the_extended_ones() -> None:
    maps = HistoryMaps(4 / 3)
    whole = maps.unroll(XY, *GRID)
    state = maps.empty(2, *GRID, XY.device)
    for step in range(4):
        rows = torch.arange(2) * 4 + step
        assert torch.equal(whole.known[rows], state.known)
        assert torch.equal(
            whole.recent[rows] * whole.known[rows, :, None], state.recent * state.known[:, :, None]
        )
        assert torch.allclose(whole.visited[rows], state.visited)
        assert torch.allclose(whole.faded[rows], state.faded)
        state = maps.extend(state, XY[:, step], *GRID)


def test_nothing_is_said_before_the_first_fixation() -> None:
    maps = HistoryMaps()
    out = maps(maps.empty(3, *GRID, XY.device), *GRID)
    assert out.shape == (3, HistoryMaps.COUNT, 48)
    assert not out.any()


def test_the_first_ring_peaks_at_the_last_fixation_and_the_next_around_it() -> None:
    maps, grid = HistoryMaps(aspect=2.0), (20, 40)
    last = torch.tensor([[0.3, 0.6]])
    out = maps(maps.extend(maps.empty(1, *grid, last.device), last, *grid), *grid)[0]
    centres = cell_centres(*grid)
    offset = (centres - last) * torch.tensor([2.0, 1.0])
    distance = offset.norm(dim=1)
    for number, (radius, _) in enumerate(RINGS[:5]):
        ring = out[5 * number]
        assert abs(distance[ring.argmax()] - radius) < 0.05
    right = out[5 * 3 + 1]  # third ring times the cosine of direction
    assert centres[right.argmax(), 0] > 0.3 > centres[right.argmin(), 0]
    below = out[5 * 3 + 2]
    assert centres[below.argmax(), 1] > 0.6 > centres[below.argmin(), 1]


def test_faded_visits_pale_while_visited_stay() -> None:
    maps = HistoryMaps()
    state = maps.empty(1, *GRID, XY.device)
    for step in range(4):
        state = maps.extend(state, XY[:1, step], *GRID)
    spots = maps.spots(XY[0, 0], *GRID)
    cell = spots.argmax()
    assert state.visited[0, cell] >= spots[cell]
    assert state.faded[0, cell] < 0.5 * spots[cell]
