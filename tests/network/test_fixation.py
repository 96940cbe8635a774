"""From maps to fixations: exact places on any grid and aspect, x before y."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spgen_lit.network.fixation import (
    cell_centers,
    cell_of,
    local_soft_argmax,
    soft_argmax,
    soft_targets,
)

GRIDS = st.tuples(st.integers(1, 40), st.integers(1, 40))


def _delta(height: int, width: int, row: int, column: int) -> torch.Tensor:
    logits = torch.zeros(height, width)
    logits[row, column] = 200.0
    return logits


@st.composite
def _grid_and_cell(draw):
    height, width = draw(GRIDS)
    return height, width, draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))


@settings(deadline=None, max_examples=60)
@given(_grid_and_cell())
def test_a_delta_decodes_to_its_own_place_on_any_grid(case: tuple[int, int, int, int]) -> None:
    height, width, row, column = case
    logits = _delta(height, width, row, column)
    place = torch.tensor([(column + 0.5) / width, (row + 0.5) / height])
    assert torch.allclose(soft_argmax(logits), place, atol=1e-6)
    index = torch.tensor([row * width + column])
    local = local_soft_argmax(logits.view(1, -1), index, height, width)[0]
    assert torch.allclose(local, place, atol=1e-6)
    assert cell_of(place, height, width) == index


@pytest.mark.parametrize("grid", [(3, 9), (9, 3), (24, 32), (1, 5), (5, 1)])
def test_all_four_corners_decode_to_themselves(grid: tuple[int, int]) -> None:
    height, width = grid
    for row in (0, height - 1):
        for column in (0, width - 1):
            logits = _delta(height, width, row, column)
            x, y = soft_argmax(logits).tolist()
            assert (int(x * width), int(y * height)) == (column, row)
            index = torch.tensor([row * width + column])
            near = local_soft_argmax(logits.view(1, -1), index, height, width)[0]
            assert near.tolist() == pytest.approx([(column + 0.5) / width, (row + 0.5) / height])


def test_cells_run_row_by_row_and_places_hold_x_first() -> None:
    centers = cell_centers(2, 4)
    assert centers[1].tolist() == [0.375, 0.25]  # second cell: to the right
    assert torch.equal(cell_of(centers, 2, 4), torch.arange(8))
    outside = torch.tensor([[-0.2, 0.5], [1.0, 1.0], [1.7, -3.0]])
    assert cell_of(outside, 2, 4).tolist() == [4, 7, 3]


@settings(deadline=None, max_examples=60)
@given(GRIDS, st.integers(0, 2**31))
def test_local_place_lies_within_a_cell_and_a_half_and_on_the_image(grid, seed: int) -> None:
    height, width = grid
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(4, height * width, generator=generator)
    index = torch.randint(0, height * width, (4,), generator=generator)
    place = local_soft_argmax(logits, index, height, width)
    away = (place - cell_centers(height, width)[index]).abs() * torch.tensor([width, height])
    assert (away <= 1 + 1e-4).all()
    assert ((place > 0) & (place < 1)).all()


def test_local_place_is_not_drawn_by_distant_modes_and_has_a_gradient() -> None:
    logits = torch.zeros(1, 100)
    logits[0, 11], logits[0, 88] = 50.0, 50.0
    logits.requires_grad_()
    place = local_soft_argmax(logits, torch.tensor([11]), 10, 10)
    assert place[0].tolist() == pytest.approx([0.15, 0.15], abs=1e-5)
    flat = torch.zeros(1, 100, requires_grad=True)
    local_soft_argmax(flat, torch.tensor([11]), 10, 10)[0, 0].backward()
    assert flat.grad is not None and flat.grad[0, 12] > 0 > flat.grad[0, 10]
    assert flat.grad[0, 88] == 0


SPREADS = st.just(0.0) | st.floats(0.01, 3)


@settings(deadline=None, max_examples=40)
@given(GRIDS, SPREADS, st.floats(0, 1), st.floats(0, 1), st.floats(0.5, 2))
def test_soft_targets_are_distributions_that_peak_at_the_fixation(grid, spread, x, y, aspect):
    height, width = grid
    xy = torch.tensor([[x, y]])
    target = soft_targets(xy, height, width, spread, aspect)
    assert target.shape == (1, height * width)
    assert target.sum().item() == pytest.approx(1.0, abs=1e-4)
    peak = target[0].argmax()
    away = (cell_centers(height, width)[peak] - xy[0]).abs() * torch.tensor([width, height])
    assert (away <= 0.5 + 1e-3).all()
