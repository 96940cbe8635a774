"""Makes stochastic.json: KL protocol, RSS, DSS and energy scores by plain loops.

    python tests/metrics/reference/make_stochastic.py

Nothing of the package is used: longest common subsequences and dynamic time warping by recursion,
histograms by counting, on paths of a few fixations in Python's own numbers. The definitions are
those of ScanDiff (Cartella et al. 2025; released code, src/gazetools/metrics) and, for the energy
score, of Gneiting & Raftery (2007), equation 20, with the mean over pairs of distinct samples.
"""

from __future__ import annotations

import json
import math
import random
from functools import cache
from pathlib import Path

Point = tuple[float, float]
Path_ = tuple[Point, ...]


def common(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    @cache
    def best(i: int, j: int) -> int:
        if i == len(a) or j == len(b):
            return 0
        if a[i] == b[j]:
            return 1 + best(i + 1, j + 1)
        return max(best(i + 1, j), best(i, j + 1))

    return best(0, 0)


def warp(a: Path_, b: Path_) -> float:
    @cache
    def least(i: int, j: int) -> float:
        step = math.dist(a[i], b[j])
        before = [
            least(x, y) for x, y in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if x >= 0 and y >= 0
        ]
        return step + (min(before) if before else 0.0)

    return least(len(a) - 1, len(b) - 1)


def similarity(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    return common(a, b) / max(len(a), len(b))


def divergence(people: list[float], model: list[float], bins: int) -> float:
    low, high = min(people + model), max(people + model)

    def share(values: list[float]) -> list[float]:
        counts = [0] * bins
        for value in values:
            counts[min(bins - 1, math.floor((value - low) / (high - low) * bins))] += 1
        return [count / len(values) for count in counts]

    p, q = share(people), [s + 1e-10 for s in share(model)]
    total = sum(q)
    return sum(x * math.log(x / (y / total)) for x, y in zip(p, q, strict=True) if x > 0)


def main() -> None:
    rng = random.Random(0)
    images = []
    for _ in range(4):
        labels = [tuple(rng.randrange(4) for _ in range(rng.randrange(3, 9))) for _ in range(4 + 6)]
        paths = [
            tuple((rng.uniform(0, 800), rng.uniform(0, 600)) for _ in range(rng.randrange(3, 9)))
            for _ in range(4 + 6)
        ]
        images.append({"labels": labels, "paths": paths})
    people, model, rows = [], [], []
    for image in images:
        samples, observers = image["labels"][:4], image["labels"][4:]
        to = [[similarity(s, o) for o in observers] for s in samples]
        among = [similarity(o, p) for o in observers for p in observers if o is not p]
        inside = [similarity(s, t) for s in samples for t in samples if s is not t]
        people += among
        model += [value for row in to for value in row]
        rows.append((to, among, inside, image["paths"][:4], image["paths"][4:]))
    threshold = sum(sum(among) / len(among) for _, among, _, _, _ in rows) / len(rows)
    out = {"threshold": threshold, "divergence": divergence(people, model, 20), "images": []}
    for image, (to, among, inside, samples, observers) in zip(images, rows, strict=True):
        matched = [max(row[j] for row in to) > threshold for j in range(len(observers))]
        mean = [sum(v) / len(v) for v in ([x for row in to for x in row], inside, among)]
        to_people = [[warp(s, o) for o in observers] for s in samples]
        pairs = [warp(s, t) for s in samples for t in samples if s is not t]
        energies = [
            sum(row[j] for row in to_people) / len(samples) - sum(pairs) / len(pairs) / 2
            for j in range(len(observers))
        ]
        out["images"].append(
            {
                **image,
                "similarity": to,
                "samples": mean[1],
                "observers": mean[2],
                "rss": sum(matched) / len(matched),
                "dss": mean[0] / (1 + abs(mean[1] - mean[2])),
                "energy_dtw": energies,
            }
        )
    out["people"], out["model"] = people, model
    target = Path(__file__).with_name("stochastic.json")
    target.write_text(json.dumps(out) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
