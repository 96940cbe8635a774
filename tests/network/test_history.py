"""Maps of the path so far: whole paths and step by step agree, and say where gaze was."""

from __future__ import annotations

import torch

from spgen_lit.batch import VIEWING, PathBatch
from spgen_lit.network.fixation import cell_centers
from spgen_lit.network.history import HistoryMaps

GRID = (6, 8)
XY = torch.tensor(
    [
        [[0.2, 0.3], [0.8, 0.4], [0.5, 0.9], [0.1, 0.1]],
        [[0.5, 0.5], [0.6, 0.5], [0.6, 0.6], [0.9, 0.2]],
    ]
)[None]
SECONDS = torch.tensor([[0.2, float("nan"), 0.3, 0.1], [0.25, 0.4, 0.2, 0.3]])[None]
GIVEN = PathBatch(XY, SECONDS, torch.full((1, 2), 4), torch.full((1, 2, len(VIEWING)), torch.nan))


def test_unrolled_histories_are_the_extended_ones() -> None:
    maps = HistoryMaps(GRID)
    whole = maps.unroll(GIVEN)
    state = maps.begin(1, 2)
    for step in range(4):
        rows = torch.arange(2) * 4 + step
        known = state.known[..., None]
        assert torch.equal(whole.known[:, rows], state.known)
        assert torch.equal(whole.recent[:, rows] * known, state.recent * known)
        assert torch.allclose(whole.visited[:, rows], state.visited)
        assert torch.allclose(whole.faded[:, rows], state.faded)
        for name in ("elapsed", "logs", "timed", "step"):
            assert torch.allclose(getattr(whole, name)[:, rows], getattr(state, name)), name
        state = maps.extend(state, XY[:, :, step], SECONDS[:, :, step])


def test_nothing_is_known_before_the_first_fixation() -> None:
    maps = HistoryMaps(GRID)
    out = maps(maps.begin(2, 3))
    assert out.shape == (HistoryMaps.COUNT, 2, 48, 3)
    assert not out.any()


def test_rings_peak_at_their_distance_and_harmonics_in_their_direction() -> None:
    maps = HistoryMaps((20, 40), aspect=2.0)
    last = torch.tensor([[[0.3, 0.6]]])
    out = maps(maps.extend(maps.begin(1, 1), last, torch.ones(1, 1)))[:, 0, :, 0]
    centers = cell_centers(20, 40)
    distance = ((centers - last[0]) * torch.tensor([2.0, 1.0])).norm(dim=1)
    for number, radius in enumerate(maps.rings[0].flatten().tolist()[:5]):
        assert abs(distance[out[5 * number].argmax()] - radius) < 0.05
    right = out[5 * 3 + 1]  # fourth ring times the cosine of direction
    assert centers[right.argmax(), 0] > 0.3 > centers[right.argmin(), 0]
    below = out[5 * 3 + 2]
    assert centers[below.argmax(), 1] > 0.6 > centers[below.argmin(), 1]


def test_no_map_holds_denormal_numbers() -> None:
    maps = HistoryMaps((24, 32))
    values = maps(maps.unroll(GIVEN)).abs()
    assert not ((values > 0) & (values < torch.finfo(torch.float32).tiny)).any()


def test_faded_visits_pale_while_visited_stay() -> None:
    maps = HistoryMaps(GRID)
    state = maps.begin(1, 1)
    first = maps.extend(state, XY[:, :1, 0], SECONDS[:, :1, 0]).visited[0, 0]
    for step in range(4):
        state = maps.extend(state, XY[:, :1, step], SECONDS[:, :1, step])
    cell = first.argmax()
    assert state.visited[0, 0, cell] >= first[cell]
    assert state.faded[0, 0, cell] < 0.5 * first[cell]
