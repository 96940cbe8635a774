"""The choice of the next fixation: what it depends on, and what it must not."""

from __future__ import annotations

import pytest
import torch
from spgen_lit.network.choice import NextFixation

GRID = (4, 8)


def _choice(history: str, stirred: bool = True) -> NextFixation:
    torch.manual_seed(0)
    choice = NextFixation(8, 5, history, aspect=2.0)  # type: ignore[arg-type]
    if stirred:
        with torch.no_grad():
            for parameter in choice.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.3)
    return choice.eval()


def _logits(choice: NextFixation, xy: torch.Tensor, cells: torch.Tensor, step: int = 2):
    features = torch.randn(1, 8, *GRID, generator=torch.Generator().manual_seed(1))
    regions = choice.regions(GRID)
    history = choice.maps.empty(len(xy), *regions, xy.device)
    for place in xy.unbind(1):
        history = choice.maps.extend(history, place, *regions)
    places = choice.prepare(features).of(0)
    return choice(places, torch.full((len(xy),), step), history, cells, GRID)


A, B = torch.tensor([[[0.2, 0.2], [0.7, 0.6]]]), torch.tensor([[[0.9, 0.1], [0.1, 0.9]]])
CELLS_A, CELLS_B = torch.tensor([[21, 1]]), torch.tensor([[24, 7]])


@pytest.mark.parametrize("kind", ["full", "gates"])
def test_the_path_so_far_changes_the_choice(kind: str) -> None:
    choice = _choice(kind)
    assert not torch.allclose(_logits(choice, A, CELLS_A), _logits(choice, B, CELLS_B))


def test_without_history_only_image_and_step_count() -> None:
    choice = _choice("none")
    assert torch.equal(_logits(choice, A, CELLS_A), _logits(choice, B, CELLS_B))
    assert not torch.equal(_logits(choice, A, CELLS_A, 1), _logits(choice, A, CELLS_A, 2))


def test_history_starts_without_a_say() -> None:
    fresh = _choice("full", stirred=False)
    assert torch.allclose(_logits(fresh, A, CELLS_A), _logits(fresh, B, CELLS_B))


def test_rows_do_not_see_each_other() -> None:
    choice = _choice("full")
    both = _logits(choice, torch.cat([A, B]), torch.cat([CELLS_A, CELLS_B]))
    assert torch.allclose(both[:1], _logits(choice, A, CELLS_A), atol=1e-5)
    assert torch.allclose(both[1:], _logits(choice, B, CELLS_B), atol=1e-5)


def test_last_and_last_but_one_are_told_apart() -> None:
    choice = _choice("full")
    assert not torch.allclose(_logits(choice, A, CELLS_A), _logits(choice, A, CELLS_A.flip(1)))


def test_unknown_history_is_refused() -> None:
    with pytest.raises(ValueError, match=r"full.*'all'"):
        NextFixation(8, 5, "all")  # type: ignore[arg-type]
