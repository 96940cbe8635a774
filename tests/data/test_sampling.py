"""Streams of batches: whole passes, shares of ranks, and going on where a run stopped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import Dataset

from spgen_lit.data.sampling import ShuffledStream, StreamLoader


def _epochs(stream: ShuffledStream, count: int) -> list[tuple[int, int]]:
    out = []
    for epoch in range(count):
        stream.set_epoch(epoch)
        out += list(stream)
    return out


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 8), st.integers(0, 3))
def test_every_pass_shows_every_image_once(size, steps, batch, seed) -> None:
    drawn = _epochs(ShuffledStream(size, steps, batch, seed), 5)
    assert len(drawn) == 5 * steps * batch
    assert [draw for draw, _ in drawn] == list(range(len(drawn)))
    for first in range(0, len(drawn) - size + 1, size):
        assert sorted(i for _, i in drawn[first : first + size]) == list(range(size))


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))
def test_ranks_share_what_one_process_would_see(size, steps, batch, world) -> None:
    whole = _epochs(ShuffledStream(size, steps, batch * world, 3), 2)
    shares = [_epochs(ShuffledStream(size, steps, batch, 3, r, world), 2) for r in range(world)]
    for step in range(2 * steps):
        together = [d for s in shares for d in s[step * batch : (step + 1) * batch]]
        assert together == whole[step * batch * world : (step + 1) * batch * world]


def test_passes_differ_and_seeds_differ() -> None:
    order = [i for _, i in _epochs(ShuffledStream(20, 5, 4), 2)]
    assert order[:20] != order[20:]
    assert order != [i for _, i in _epochs(ShuffledStream(20, 5, 4, seed=1), 2)]


class _Numbers(Dataset[int]):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, key: tuple[int, int]) -> int:
        return key[0]


def _loader(workers: int = 0) -> StreamLoader:
    stream = ShuffledStream(6, 4, 2)
    return StreamLoader(_Numbers(), 2, sampler=stream, num_workers=workers)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_goes_on_after_the_batches_that_were_handed_out(workers: int) -> None:
    loader = _loader(workers)
    batches = iter(loader)
    seen = [next(batches).tolist() for _ in range(3)]
    state = loader.state_dict()
    other = _loader(workers)
    other.load_state_dict(state)
    assert seen + [b.tolist() for b in other] == [b.tolist() for b in _loader()]
    assert other.state_dict() == {"used": 4, "epoch": 0}
    assert len([*other]) == 4  # the next epoch is whole


def test_a_state_of_the_end_of_an_epoch_begins_the_next() -> None:
    loader = _loader()
    loader.load_state_dict({"used": 4, "epoch": 2})
    assert next(b.tolist() for b in loader) == [24, 25]


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(ValueError, match="empty set"):
        ShuffledStream(0, 1, 1)
