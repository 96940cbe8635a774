"""Time the metrics on pairs of OSIE length, beside multimatch-gaze on the same pairs.

    python -m benchmarks.bench_metrics --data-dir data

Equality with multimatch-gaze is asserted before anything is timed. Without OSIE, paths of its
lengths are drawn at random, and the table says so. One thread throughout; prints, writes nothing.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from spgen_lit import metrics

Gaze = NDArray[np.float64]
Pairs = tuple[list[Gaze], list[Gaze]]
SCREEN = (800, 600)


def osie(folder: Path) -> list[list[Gaze]]:
    """Scanpaths by image, rows of x, y in px and duration in s."""
    cells = scipy.io.loadmat(folder / "osie/data/eye/fixations.mat", simplify_cells=True)
    names = ("fix_x", "fix_y", "fix_duration")
    unit = np.array([1.0, 1.0, 1e-3])
    return [
        [np.column_stack([np.atleast_1d(s[k]) for k in names]) * unit for s in image["subjects"]]
        for image in cells["fixations"]
    ]


def synthetic(images: int, length: int | None = None, seed: int = 0) -> list[list[Gaze]]:
    """Random walks by 15 observers: OSIE's lengths, or all of one length."""
    random = np.random.default_rng(seed)

    def path() -> Gaze:
        n = length or int(np.clip(random.normal(9.4, 2.2), 1, 22))
        xy = np.array([400, 300]) + np.cumsum(random.normal(0, 120, (n, 2)), axis=0)
        duration = np.round(np.clip(random.lognormal(-1.4, 0.45, n), 0.05, 1.5), 3)
        folded = np.abs(np.mod(xy, [1600, 1200]) - [800, 600])  # mirrored at the borders: no ties
        return np.column_stack([folded, duration])

    return [[path() for _ in range(15)] for _ in range(images)]


def pairs_of(people: Sequence[Sequence[Gaze]], count: int) -> tuple[Pairs, list[int]]:
    """Every pair of observers of an image, images in turn, begun again until there are enough."""
    a: list[Gaze] = []
    b: list[Gaze] = []
    image: list[int] = []
    for i in itertools.cycle(range(len(people))):
        for one, two in itertools.combinations(people[i], 2):
            a.append(one)
            b.append(two)
            image.append(i)
        if len(a) >= count:
            return (a[:count], b[:count]), image[:count]
    raise AssertionError("unreachable")


def timed(run: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds by the clock, seconds of this process alone, and the result."""
    start, own = time.perf_counter(), time.process_time()
    result = run()
    return time.perf_counter() - start, time.process_time() - own, result


def peer_scores(a: Sequence[Gaze], b: Sequence[Gaze]) -> NDArray[np.float64]:
    """The five scores by multimatch-gaze, ``(pair, 5)``."""
    import multimatch_gaze

    def record(path: Gaze) -> Any:
        return np.rec.fromarrays(path.T, names="start_x,start_y,duration")

    return np.array(
        [
            np.ravel(multimatch_gaze.docomparison(record(one), record(two), SCREEN))
            for one, two in zip(a, b, strict=True)
        ],
        dtype=np.float64,
    )


def cheapest(one: Gaze, two: Gaze) -> float:
    """Least path cost by plain loops: the judge where two cheapest paths score differently."""
    u, v = np.diff(one[:, :2], axis=0), np.diff(two[:, :2], axis=0)
    cost = np.linalg.norm(u[:, None] - v[None], axis=-1)
    cost[0, 0] = 0.0
    for i, j in itertools.product(range(len(u)), range(len(v))):
        before = [cost[x, y] for x, y in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if min(x, y) >= 0]
        cost[i, j] += min(before, default=0.0)
    return float(cost[-1, -1])


def assert_equal(ours: NDArray[np.float64], theirs: NDArray[np.float64], given: Pairs) -> int:
    """Scores agree to 1e-6 or, where the cheapest path is tied, path costs do: number of ties."""
    same = np.isclose(ours, theirs, rtol=0, atol=1e-6, equal_nan=True).all(axis=1)
    tied = np.flatnonzero(~same)
    costs = metrics.multimatch_cost([given[0][i] for i in tied], [given[1][i] for i in tied])
    for i, cost in zip(tied, costs, strict=True):
        least = cheapest(given[0][i], given[1][i])
        assert math.isclose(cost, least, rel_tol=1e-9), f"pair {i}: cost {cost}, least {least}"
    assert len(tied) <= 0.001 * len(ours) + 1, f"{len(tied)} of {len(ours)} pairs differ"
    return len(tied)


def suite(
    a: list[Gaze], b: list[Gaze], people: Sequence[Sequence[Gaze]], image: list[int]
) -> list[tuple[str, Callable[[], Any]]]:
    """Every pair metric by name; fitting the clusters is timed on its own."""
    fitted: list[metrics.FixationClusters] = []

    def fit() -> None:
        fitted.extend(metrics.FixationClusters.fit(people[i]) for i in sorted(set(image)))

    def each() -> list[metrics.FixationClusters]:
        return [fitted[i] for i in image]

    simple = metrics.Simplification(amplitude=100.0, direction=45.0, duration=0.3)
    return [
        ("MultiMatch", lambda: metrics.multimatch(a, b, SCREEN)),
        ("MultiMatch, simplified", lambda: metrics.multimatch(a, b, SCREEN, simple)),
        ("ScanMatch", lambda: metrics.scanmatch(a, b, SCREEN)),
        ("ScanMatch, durations", lambda: metrics.scanmatch(a, b, SCREEN, temp_bin=0.05)),
        ("string edit distance", lambda: metrics.string_edit_distance(a, b, SCREEN)),
        ("clusters, once per image", fit),
        ("sequence score", lambda: metrics.sequence_score(a, b, each())),
        ("FED", lambda: metrics.fed(a, b, each())),
        ("TDE", lambda: metrics.tde(a, b)),
        ("STDE, chen2021", lambda: metrics.stde(a, b, SCREEN)),
        ("STDE, vame", lambda: metrics.stde(a, b, SCREEN, "vame")),
        ("DTW", lambda: metrics.dtw(a, b)),
        ("Hausdorff", lambda: metrics.hausdorff(a, b)),
        ("Fréchet", lambda: metrics.frechet(a, b)),
        ("Eyenalysis", lambda: metrics.eyenalysis(a, b)),
        ("recurrence", lambda: metrics.recurrence(a, b, 24.0)),
        ("disc IoU", lambda: metrics.disc_iou(a, b, 24.0)),
    ]


def growth(console: Console, pairs: int) -> None:
    """Microseconds a pair for paths of 5 to 80 fixations."""
    lengths = (5, 10, 20, 40, 80)
    table = Table("µs CPU a pair, fixations:", title=f"Growth, {pairs:,} random pairs each")
    rows: dict[str, list[str]] = {}
    for n in lengths:
        table.add_column(str(n), justify="right")
        people = synthetic(20, n)
        (a, b), image = pairs_of(people, pairs)
        for name, run in suite(a, b, people, image):
            rows.setdefault(name, []).append(f"{timed(run)[1] / pairs * 1e6:,.1f}")
    for name, cells in rows.items():
        if not name.startswith("clusters"):
            table.add_row(name, *cells)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("SPGEN_DATA", "data")))
    parser.add_argument("--pairs", type=int, default=105_000)
    parser.add_argument("--peer-pairs", type=int, help="pairs for multimatch-gaze; all by default")
    parser.add_argument("--growth-pairs", type=int, default=2000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console()
    real = (options.data_dir / "osie").is_dir()
    people = osie(options.data_dir) if real else synthetic(630)
    if not real:
        console.print(f"No folder osie in {options.data_dir}: random paths of OSIE's lengths.")
    (a, b), image = pairs_of(people, options.pairs)
    shown = min(options.peer_pairs or len(a), len(a))
    theirs_s, theirs_cpu, theirs = timed(lambda: peer_scores(a[:shown], b[:shown]))
    ours = metrics.multimatch(a[:shown], b[:shown], SCREEN)
    ties = assert_equal(ours, theirs, (a, b))
    console.print(
        f"Equal to multimatch-gaze on {shown:,} pairs to 1e-6 ({ties} tied: equal by path cost)."
    )
    table = Table("metric", title=f"{len(a):,} pairs of {'OSIE' if real else 'random'} paths")
    for heading in ("seconds", "of them CPU", "pairs a second"):
        table.add_column(heading, justify="right")
    total = total_cpu = 0.0
    for name, run in suite(a, b, people, image):
        seconds, cpu, _ = timed(run)
        total, total_cpu = total + seconds, total_cpu + cpu
        table.add_row(name, f"{seconds:.2f}", f"{cpu:.2f}", f"{len(a) / seconds:,.0f}")
    table.add_section()
    table.add_row("whole suite", f"{total:.2f}", f"{total_cpu:.2f}", "")
    peer = f"multimatch-gaze on {shown:,} pairs"
    table.add_row(peer, f"{theirs_s:.2f}", f"{theirs_cpu:.2f}", f"{shown / theirs_s:,.0f}")
    console.print(table)
    growth(console, options.growth_pairs)


if __name__ == "__main__":
    main()
