"""Padded tables of scanpaths, and blocks of pairs of similar length cut from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Device = torch.device | str | None
Path = NDArray[Any]


@dataclass(frozen=True)
class Table:
    """Sequences of different lengths, padded with zeros, sequences last.

    Attributes:
        features: ``(feature, position, sequence)``, float64.
        lengths: ``(sequence,)``, int64.
    """

    features: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Pairing:
    """Distinct paths of two equally long sequences of paths, and which pairs they form.

    Attributes:
        rows: All fixations of all distinct paths ``(fixation, 3)``: x, y, duration (NaN
            where a path has none).
        lengths: Fixations of each distinct path ``(path,)``.
        timed: Whether each distinct path has durations ``(path,)``.
        first, second: Row of the table for each pair ``(pair,)``.
        device: Where tables are put.
    """

    rows: NDArray[np.float64]
    lengths: NDArray[np.int64]
    timed: NDArray[np.bool_]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    device: torch.device

    def __len__(self) -> int:
        return len(self.first)

    def table(self) -> Table:
        """All paths as a table of three features: x, y in px and duration in s."""
        return pad(self.rows, self.lengths, self.device)


def pad(rows: NDArray[Any], lengths: NDArray[np.int64], device: torch.device) -> Table:
    """Put concatenated sequences ``(position, feature)`` into a padded table."""
    count, longest = len(lengths), int(lengths.max(initial=0))
    features = np.zeros((rows.shape[1], longest, count))
    sequence = np.repeat(np.arange(count), lengths)
    starts = np.cumsum(lengths) - lengths
    features[:, np.arange(len(rows)) - starts[sequence], sequence] = rows.T
    return Table(torch.from_numpy(features).to(device), torch.from_numpy(lengths).to(device))


def pair_up(a: Sequence[Path], b: Sequence[Path], device: Device = None) -> Pairing:
    """Collect the paths of pairs ``a[i], b[i]``; the same array object is stored once.

    Args:
        a, b: Equally long sequences of arrays ``(fixation, 2)`` or ``(fixation, 3)``: x, y
            in px and duration in seconds.
        device: Where to compute; CPU by default.

    Raises:
        ValueError: For sequences of different lengths, arrays of another shape, or places
            and durations that are not finite; the message names the sequence and the index.
    """
    if len(a) != len(b):
        raise ValueError(
            f"a and b must be equally long (pair i is a[i], b[i]), found {len(a)} and {len(b)}; "
            f"use cross() for all pairs"
        )
    known: dict[int, int] = {}
    paths: list[Path] = []
    named: list[tuple[str, int]] = []
    places: list[NDArray[np.int64]] = []
    for name, given in (("a", a), ("b", b)):
        index = np.empty(len(given), dtype=np.int64)
        for i, path in enumerate(given):
            place = known.setdefault(id(path), len(paths))
            if place == len(paths):
                paths.append(path)
                named.append((name, i))
            index[i] = place
        places.append(index)
    rows, lengths, timed = _stack(paths, named)
    return Pairing(rows, lengths, timed, places[0], places[1], torch.device(device or "cpu"))


def _stack(
    paths: list[Path], named: list[tuple[str, int]]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    parts = []
    timed = np.zeros(len(paths), dtype=np.bool_)
    for i, path in enumerate(paths):
        part = np.asarray(path, dtype=np.float64)
        if part.size == 0:
            part = part.reshape(0, 3)
        if part.ndim != 2 or part.shape[1] not in (2, 3):
            name, index = named[i]
            raise ValueError(
                f"{name}[{index}]: a path must have shape (fixation, 2) or (fixation, 3) "
                f"(x, y in px, duration in s), found {part.shape}"
            )
        timed[i] = part.shape[1] == 3
        if not timed[i]:
            part = np.column_stack([part, np.full(len(part), np.nan)])
        parts.append(part)
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    rows = np.concatenate(parts) if parts else np.zeros((0, 3))
    good = np.isfinite(rows[:, :2]).all(axis=1)
    good &= np.isfinite(rows[:, 2]) | ~np.repeat(timed, lengths)
    if not good.all():
        at = int(np.flatnonzero(~good)[0])
        path_at = int(np.searchsorted(np.cumsum(lengths), at, side="right"))
        name, index = named[path_at]
        fixation = at - int(lengths[:path_at].sum())
        raise ValueError(f"{name}[{index}]: fixation {fixation} is not finite: {rows[at]}")
    return rows, lengths, timed


@dataclass(frozen=True)
class Block:
    """Pairs computed together, shortest (by sum of lengths) first.

    Attributes:
        where: Positions of these pairs in the result ``(pair,)``.
        a, b: Features ``(feature, position, pair)`` of the first and second sequences.
        n, m: Their lengths ``(pair,)``, ascending in n + m.
    """

    where: Tensor
    a: Tensor
    b: Tensor
    n: Tensor
    m: Tensor


def blocks(
    table: Table,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    *,
    square: bool = False,
    elements: int = 1 << 16,
    keep: NDArray[np.bool_] | None = None,
) -> Iterator[Block]:
    """Cut pairs into blocks of similar lengths that fit the processor's cache.

    Args:
        table: Sequences to take the pairs from.
        first, second: Places in the table for each pair ``(pair,)``.
        square: Whether the caller holds whole distance matrices (position, position, pair)
            rather than one anti-diagonal of them.
        elements: Numbers held by the largest tensor of a block.
        keep: Pairs to yield at all ``(pair,)``; the rest is left out.
    """
    lengths = table.lengths.cpu().numpy()
    n, m = lengths[first], lengths[second]
    chosen = np.arange(len(first)) if keep is None else np.flatnonzero(keep)
    chosen = chosen[(n[chosen] > 0) & (m[chosen] > 0)]
    if len(chosen) == 0:
        return
    # Strips of like n, and inside a strip runs of like m: little padding either way.
    by_n = chosen[np.argsort(n[chosen], kind="stable")]
    typical = int(np.median(n[chosen])) * (int(np.median(m[chosen])) if square else 1)
    size = max(1, elements // max(1, typical))
    strips = max(1, round((len(chosen) / size) ** 0.5))
    for strip in np.array_split(by_n, strips):
        ordered = strip[np.argsort(m[strip], kind="stable")]
        start = 0
        while start < len(ordered):
            part = ordered[start : start + size]
            long_n, long_m = int(n[part].max()), int(m[part].max())
            fits = max(1, elements // (long_n * (long_m if square else 1)))
            part = part[:fits]
            start += len(part)
            yield _block(table, part[np.argsort((n + m)[part], kind="stable")], first, second)


def _block(
    table: Table, part: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> Block:
    device = table.features.device
    ia = torch.from_numpy(first[part]).to(device)
    ib = torch.from_numpy(second[part]).to(device)
    n, m = table.lengths[ia], table.lengths[ib]
    a = table.features[:, : int(n.max())].index_select(2, ia)
    b = table.features[:, : int(m.max())].index_select(2, ib)
    return Block(torch.from_numpy(part), a, b, n, m)
