"""Pairs of scanpaths: padded, in blocks of similar length, all pairs of two sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from spgen_lit.scanpath import Scanpath

PathLike = Scanpath | NDArray[Any] | Tensor
"""A path: a `Scanpath`, or an array or tensor ``(fixation, 2 or 3)``: x, y in px, duration in s."""
Paths = Sequence[PathLike]
Screen = tuple[float, float]
"""Width and height in px."""
Values = NDArray[np.float64]
PairMetric = Callable[..., Values]
"""``metric(a, b, **options)`` on equally long sequences: ``(pair,)`` or ``(pair, k)``."""
_ELEMENTS = 1 << 16  # numbers held by the largest tensor of a block


@dataclass(frozen=True)
class Pairs:
    """Sequences of different lengths, one behind another, and the pairs they form.

    Attributes:
        rows: Elements of all sequences ``(element, feature)``: of paths x, y in px and duration
            in s (NaN where a path has none), or int64 symbols.
        lengths: Elements of each sequence ``(sequence,)``.
        first, second: Sequence of each pair ``(pair,)``.
        timed: Whether both paths of each pair have durations ``(pair,)``.
    """

    rows: NDArray[Any]
    lengths: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    timed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def longest(self) -> Values:
        """Length of the longer sequence of each pair ``(pair,)``."""
        longer: Values = np.maximum(self.lengths[self.first], self.lengths[self.second]) * 1.0
        return longer

    def padded(self) -> Tensor:
        """The sequences padded with zeros ``(feature, position, sequence)``."""
        count, longest = len(self.lengths), int(self.lengths.max(initial=0))
        features = np.zeros((self.rows.shape[1], longest, count), self.rows.dtype)
        sequence = np.repeat(np.arange(count), self.lengths)
        starts = np.cumsum(self.lengths) - self.lengths
        features[:, np.arange(len(self.rows)) - starts[sequence], sequence] = self.rows.T
        return torch.from_numpy(features)


def pair_up(a: Paths, b: Paths, screen: Screen | None = None) -> Pairs:
    """Collect the paths of pairs ``a[i], b[i]``; the same object is stored once.

    Args:
        a: Paths, see `PathLike`.
        b: As many paths.
        screen: Width and height in px that a `Scanpath` is stretched to; None for the size of
            its image. Arrays and tensors are in px already.

    Raises:
        ValueError: For sequences of different lengths, arrays of another shape, or positions
            and durations that are not finite; the message names the sequence and the index.
    """
    if len(a) != len(b):
        raise ValueError(
            f"a and b must be equally long (pair i is a[i], b[i]), found {len(a)} and {len(b)}; "
            f"use cross() for all pairs"
        )
    both = [*a, *b]  # alive together, so that no two share an id
    identity = np.fromiter(map(id, both), dtype=np.int64, count=len(both))
    _, seen, index = np.unique(identity, return_index=True, return_inverse=True)
    order = np.argsort(seen)
    first, second = np.split(np.argsort(order)[index.reshape(-1)], 2)
    names = {i: f"a[{i}]" if i < len(a) else f"b[{i - len(a)}]" for i in seen[order].tolist()}
    arrays = [as_rows(both[i], name, screen) for i, name in names.items()]
    lengths = np.array([len(rows) for rows in arrays], dtype=np.int64)
    timed = np.array([rows.shape[1] == 3 for rows in arrays], dtype=np.bool_)
    table = np.full((int(lengths.sum()), 3), np.nan)
    for rows, end in zip(arrays, np.cumsum(lengths).tolist(), strict=True):
        table[end - len(rows) : end, : rows.shape[1]] = rows
    return Pairs(table, lengths, first, second, timed[first] & timed[second])


def as_rows(path: PathLike, name: str = "path", screen: Screen | None = None) -> Values:
    """A path as rows of x, y in px and, where known, duration in s ``(fixation, 2 or 3)``.

    Raises:
        ValueError: For another shape or values that are not finite, naming the path.
    """
    rows = as_array(path, screen)
    if rows.size == 0:
        rows = rows.reshape(0, 3)
    if rows.ndim != 2 or rows.shape[1] not in (2, 3):
        raise ValueError(
            f"{name}: a path must have shape (fixation, 2) or (fixation, 3) "
            f"(x, y in px, duration in s), found {rows.shape}"
        )
    finite = np.isfinite(rows)
    if not finite.all():
        bad = int(np.flatnonzero(~finite.all(axis=1))[0])
        raise ValueError(f"{name}: fixation {bad} is not finite: {rows[bad]}")
    return rows


def as_array(values: PathLike | ArrayLike, screen: Screen | None = None) -> Values:
    """Values of a path in px of the screen, of a tensor on any device, or of an array."""
    if isinstance(values, Scanpath):
        return values.array(screen)
    given = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    return np.asarray(given, dtype=np.float64)


@dataclass(frozen=True)
class Block:
    """Pairs computed together, shortest (by sum of lengths) first.

    Attributes:
        a, b: Features ``(feature, position, pair)`` of the first and second sequences.
        n, m: Their lengths ``(pair,)``, ascending in n + m.
    """

    a: Tensor
    b: Tensor
    n: Tensor
    m: Tensor


def fill_by_block(
    result: Values,
    compute: Callable[[Block], Tensor],
    pairs: Pairs,
    *,
    square: bool = False,
    keep: NDArray[np.bool_] | None = None,
) -> Values:
    """Compute pairs in blocks of similar lengths that fit the processor's cache.

    Args:
        result: Where values are put ``(pair[, k])``; pairs with an empty sequence stay.
        compute: Gives the values of a block.
        pairs: Sequences, and which pairs they form.
        square: Whether the caller holds whole distance matrices (position, position, pair)
            rather than one anti-diagonal of them.
        keep: Pairs to compute at all ``(pair,)``; the rest stays too.
    """
    n, m = pairs.lengths[pairs.first], pairs.lengths[pairs.second]
    usable = np.flatnonzero((n > 0) & (m > 0) & (True if keep is None else keep))
    if len(usable) == 0:
        return result
    features = pairs.padded()
    # Strips of like n, and inside a strip runs of like m: little padding either way.
    by_n = usable[np.argsort(n[usable], kind="stable")]
    typical = int(np.median(n[usable])) * (int(np.median(m[usable])) if square else 1)
    size = max(1, _ELEMENTS // typical)
    strips = max(1, round((len(usable) / size) ** 0.5))
    for strip in np.array_split(by_n, strips):
        ordered = strip[np.argsort(m[strip], kind="stable")]
        start = 0
        while start < len(ordered):
            chosen = ordered[start : start + size]
            long_n, long_m = int(n[chosen].max()), int(m[chosen].max())
            fits = max(1, _ELEMENTS // (long_n * (long_m if square else 1)))
            chosen = chosen[:fits]
            start += len(chosen)
            chosen = chosen[np.argsort((n + m)[chosen], kind="stable")]
            a, b = (
                features[:, : int(length[chosen].max())].index_select(
                    2, torch.from_numpy(side[chosen])
                )
                for length, side in ((n, pairs.first), (m, pairs.second))
            )
            block = Block(a, b, torch.from_numpy(n[chosen]), torch.from_numpy(m[chosen]))
            result[chosen] = compute(block).numpy().reshape(-1, *result.shape[1:])
    return result


def cross(metric: PairMetric, a: Paths, b: Paths, **options: Any) -> Values:
    """Every path of a against every path of b.

    Args:
        metric: Any pair metric of this package.
        a: Paths, see `PathLike`.
        b: Any number of paths.
        options: Passed to the metric (``screen=...``).

    Returns:
        ``(len(a), len(b))``, or ``(len(a), len(b), k)`` for a metric of k values.

    >>> paths = [np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])]
    >>> cross(dtw, paths, paths[:1]).tolist()
    [[0.0], [5.0]]
    """
    left = [path for path in a for _ in b]
    right = [path for _ in a for path in b]
    values = metric(left, right, **options)
    return values.reshape(len(a), len(b), *values.shape[1:])


def within(metric: PairMetric, a: Paths, *, symmetric: bool = False, **options: Any) -> Values:
    """Every path of a against every other one; NaN on the diagonal.

    Args:
        metric: Any pair metric of this package.
        a: Sequence of paths.
        symmetric: Say that f(a, b) = f(b, a), as for every metric of this package but `tde`,
            `stde` and the lag of `recurrence`: half the pairs suffice then.
        options: Passed to the metric (``screen=...``).

    Returns:
        ``(len(a), len(a))``, or ``(len(a), len(a), k)`` for a metric of k values.

    >>> within(dtw, [np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[nan, 5.0], [5.0, nan]]
    """
    i, j = np.triu_indices(len(a), k=1)
    if not symmetric:
        i, j = np.concatenate([i, j]), np.concatenate([j, i])
    values = metric([a[int(k)] for k in i], [a[int(k)] for k in j], **options)
    result = np.full((len(a), len(a), *values.shape[1:]), np.nan)
    result[i, j] = values
    if symmetric:
        result[j, i] = values
    return result
