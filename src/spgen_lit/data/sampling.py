"""Which images make up each step: shuffled streams, divided between ranks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Sampler


class ShuffledStream(Sampler[tuple[int, int]]):
    """An endless stream of shuffled passes over a set, cut into epochs.

    Each pass shows every image once, in an order of its own; an epoch that is no multiple
    of the set goes on in the middle of a pass. So any two set sizes and batch sizes mix, the
    shorter set is reshuffled whenever it has been used up, and the global batch k holds the
    same images however many ranks share it.

    Args:
        size: Images in the set.
        steps: Batches an epoch.
        batch_size: Images a batch and rank.
        seed: Seed of the shuffles.
        rank: This process.
        world: Number of processes.

    Raises:
        ValueError: For an empty set.
    """

    def __init__(
        self, size: int, steps: int, batch_size: int, seed: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        if size < 1:
            raise ValueError("cannot draw batches from an empty set")
        self.size, self.steps, self.batch_size = size, steps, batch_size
        self.seed, self.rank, self.world = seed, rank, world
        self.epoch = 0
        self.skip = 0  # batches of the next pass over the epoch that were used before

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.steps * self.batch_size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Pairs of a draw's number in the whole stream and an image's index."""
        together = self.batch_size * self.world
        begin = self.epoch * self.steps * together
        orders: dict[int, np.ndarray] = {}
        skip, self.skip = self.skip, 0
        for step in range(skip, self.steps):
            first = begin + step * together + self.rank * self.batch_size
            for draw in range(first, first + self.batch_size):
                turn = draw // self.size
                if turn not in orders:
                    rng = np.random.default_rng([self.seed, turn])
                    orders = {turn: rng.permutation(self.size)}
                yield draw, int(orders[turn][draw % self.size])


class StreamLoader(DataLoader[Any]):
    """A loader that goes on in the middle of an epoch when a run is resumed.

    Its state is the number of batches of the epoch that were handed out; batches that
    workers have prepared ahead do not count.
    """

    used = 0

    def __iter__(self) -> Any:
        """Batches of the epoch, those that a resumed run has seen left out."""
        self.used = self.sampler.skip if isinstance(self.sampler, ShuffledStream) else 0
        for batch in super().__iter__():
            self.used += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Called when a checkpoint is saved."""
        return {"used": self.used, "epoch": getattr(self.sampler, "epoch", 0)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Called when a run is resumed."""
        sampler = self.sampler
        if isinstance(sampler, ShuffledStream):
            # Workers begin before the trainer has set the epoch, so it is set here too.
            whole, sampler.skip = divmod(state["used"], sampler.steps)
            sampler.epoch = state["epoch"] + whole
