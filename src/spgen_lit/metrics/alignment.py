"""One dynamic programme over batches of sequence pairs, swept by anti-diagonals.

MultiMatch, ScanMatch, the edit distance, the longest common subsequence, dynamic time warping
and the discrete Fréchet distance differ only in the cost of a cell and in the step that joins
it to its three neighbors, so they share this sweep. The cells of an anti-diagonal do not depend
on each other: one tensor operation computes them for a whole block of pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from spgen_lit.metrics.pairs import Block

CellCost = Callable[[Tensor, Tensor], Tensor]
"""Features ``(feature, cell, pair)`` of both sequences to costs ``(cell, pair)``."""

DIAGONAL, UP, LEFT = 0, 1, 2


@dataclass(frozen=True)
class Rule:
    """How a cell follows from its cost and its neighbors.

    Attributes:
        step: ``step(cost, diagonal, up, left)`` gives the values ``(cell, pair)``; up is the
            cell (i-1, j), left is (i, j-1). The cost may be overwritten.
        border: What each symbol adds along the border, against the empty prefix; infinite where
            a path may not run there (warping paths).
        origin: Value of two empty prefixes.
    """

    step: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    border: float = float("inf")
    origin: float = 0.0

    def edge(self, k: int) -> float:
        """Value of the border cell k symbols from the origin."""
        return self.origin + self.border * k if k else self.origin


def euclidean(a: Tensor, b: Tensor) -> Tensor:
    """Distance of the first two features ``(feature, cell, pair)``."""
    x, y = a[0] - b[0], a[1] - b[1]
    return x.mul_(x).addcmul_(y, y).sqrt_()


def unequal(a: Tensor, b: Tensor) -> Tensor:
    """1 where the first feature differs, else 0."""
    return (a[0] != b[0]).to(a.dtype)


def _cheapest(diagonal: Tensor, up: Tensor, left: Tensor) -> Tensor:
    return torch.minimum(up, left).minimum(diagonal)


WARP = Rule(lambda cost, diagonal, up, left: cost.add_(_cheapest(diagonal, up, left)))
"""Sum of the costs along the cheapest monotone path (MultiMatch, time warping)."""

LEASH = Rule(lambda cost, diagonal, up, left: cost.maximum(_cheapest(diagonal, up, left)))
"""Largest cost along the path that keeps it smallest (discrete Fréchet)."""

EDITS = Rule(
    lambda cost, diagonal, up, left: cost.add_(diagonal).minimum(torch.minimum(up, left).add_(1)),
    border=1.0,
)
"""Levenshtein distance; the cost is 1 for unequal symbols."""


def scores(gap: float = 0.0, offset: float = 0.0) -> Rule:
    """Needleman-Wunsch: the largest sum of substitution scores and gaps (each at most 0)."""

    def step(cost: Tensor, diagonal: Tensor, up: Tensor, left: Tensor) -> Tensor:
        skipped = torch.maximum(up, left)
        return torch.maximum(cost.add_(diagonal), skipped + gap if gap else skipped, out=cost)

    return Rule(step, border=gap, origin=offset)


@dataclass(frozen=True)
class SweepResult:
    """What a sweep leaves behind.

    Attributes:
        final: Value of the last cell of each pair ``(pair,)``.
        best: Largest value anywhere in each pair's matrix, borders included; only if asked for.
        moves: Where each cell's value came from ``(anti-diagonal, i, pair)``: DIAGONAL first,
            then UP, then LEFT where equal; only if asked for.
    """

    final: Tensor
    best: Tensor | None = None
    moves: Tensor | None = None


def sweep(
    block: Block,
    cost: CellCost,
    rule: Rule,
    *,
    free_start: bool = False,
    trace: bool = False,
    track_best: bool = False,
) -> SweepResult:
    """Fill the matrices of all pairs of a block.

    Args:
        block: Pairs, ascending in the sum of their lengths.
        cost: Cost of a cell from the features of its two elements.
        rule: Border values and step.
        free_start: Whether the first cell costs nothing.
        trace: Keep the moves for `walk_back`.
        track_best: Keep the largest value seen.
    """
    a, flipped = block.a, block.b.flip(1)
    rows, columns, pairs = a.shape[1], flipped.shape[1], a.shape[2]
    dtype = a.dtype if a.is_floating_point() else torch.float64
    final = a.new_empty(pairs, dtype=dtype)
    least = max(rule.edge(0), rule.edge(1))
    best = a.new_full((pairs,), least, dtype=dtype) if track_best else None
    moves = torch.zeros((rows + columns - 1, rows, pairs), dtype=torch.uint8) if trace else None
    shape = (rows + 1, pairs)
    older, old, new = (a.new_full(shape, float("inf"), dtype=dtype) for _ in range(3))
    older[0] = rule.edge(0)
    old[:2] = rule.edge(1)
    ends = torch.bincount(block.n + block.m - 2, minlength=rows + columns - 1)
    stops = [0, *torch.cumsum(ends, 0).tolist()]
    for k in range(rows + columns - 1):
        low, high = max(0, k - columns + 1), min(rows - 1, k) + 1
        live = slice(stops[k], pairs)  # the pairs before have ended
        shift = columns - 1 - k
        cells = cost(a[:, low:high, live], flipped[:, shift + low : shift + high, live])
        diagonal = older[low:high, live]
        up, left = old[low:high, live], old[low + 1 : high + 1, live]
        if moves is not None:
            moves[k, low:high, live] = _moves(diagonal, up, left)
        values = rule.step(cells, diagonal, up, left)
        if free_start and k == 0:
            values = torch.zeros_like(values)
        new[low + 1 : high + 1, live] = values
        new[0] = rule.edge(k + 2)
        if k + 2 <= rows:
            new[k + 2] = rule.edge(k + 2)
        if best is not None:
            _raise_best(best[live], values, block, low, high, k, live)
        ended = slice(stops[k], stops[k + 1])
        final[ended] = new[:, ended].gather(0, block.n[ended][None])[0]
        older, old, new = old, new, older
    return SweepResult(final, best, moves)


def _moves(diagonal: Tensor, up: Tensor, left: Tensor) -> Tensor:
    sideways = torch.where(up <= left, UP, LEFT).to(torch.uint8)
    return sideways.masked_fill_(diagonal <= torch.minimum(up, left), DIAGONAL)


def _raise_best(
    best: Tensor, values: Tensor, block: Block, low: int, high: int, k: int, live: slice
) -> None:
    i = torch.arange(low, high)[:, None]
    inside = (i < block.n[None, live]) & (k - i < block.m[None, live])
    seen = values.masked_fill(~inside, float("-inf")).amax(0)
    best.copy_(best.maximum(seen))


def walk_back(moves: Tensor, n: Tensor, m: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Follow the moves from the last cell to the first.

    Args:
        moves: ``(anti-diagonal, i, pair)`` of `SweepResult`.
        n, m: Lengths ``(pair,)``.

    Returns:
        Rows and columns of the path's cells ``(step, pair)``, last cell first and padded with
        zeros, and the number of cells of each path ``(pair,)``.
    """
    _, rows, pairs = moves.shape
    flat = moves.view(-1)
    pair = torch.arange(pairs)
    i, j = n - 1, m - 1
    count = torch.ones_like(n)
    all_i, all_j = [i], [j]
    while bool(((i > 0) | (j > 0)).any()):
        move = flat[((i + j) * rows + i) * pairs + pair]
        inside = (i > 0) | (j > 0)
        count += inside
        i = i - ((move != LEFT) & inside).to(i.dtype)
        j = j - ((move != UP) & inside).to(j.dtype)
        all_i.append(i)
        all_j.append(j)
    return torch.stack(all_i), torch.stack(all_j), count
