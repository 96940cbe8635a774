"""What closes the loss on a set that was left out: the table of a sweep's trainings.

    python -m spgen_lit.train +sweep=leave_one_set_out [overrides]
    python experiments/generalisation/leave_one_set_out.py FOLDER_OF_THE_SWEEP --all CHECKPOINT

For each left-out set, its test images (validation images where it has none) are scored with the
network that never saw the set: told nothing; told the viewing conditions; with the mean of the
other sets' parameters as well; with the parameters fitted to 10 and to 50 images of the set; and
with the encoder's batch norms following 100 unlabeled images. ``--all`` names the network
trained on all sets.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.func import functional_call

from spgen_lit.batch import pad_paths
from spgen_lit.data.catalogue import build_reader
from spgen_lit.data.records import GazeSet
from spgen_lit.data.splits import split_images
from spgen_lit.evaluation.protocol import preset
from spgen_lit.evaluation.score import score
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath, Viewing

SETS = ("osie", "mit1003", "figrim", "scene")
Observers = dict[str, list[Scanpath]]


def read(name: str) -> GazeSet:
    """A data set of the data folder."""
    return build_reader(name, Path(os.environ.get("SPGEN_DATA", "data")) / name).read()


def tell(observers: Observers, viewing: Callable[[Viewing], Viewing]) -> Observers:
    """Scanpaths whose conditions are changed."""
    return {
        image: [replace(p, viewing=viewing(p.viewing)) for p in paths]
        for image, paths in observers.items()
    }


def normalized(predictor: Predictor, gaze: GazeSet, observers: Observers) -> dict[str, float]:
    """Energy, ScanMatch and bits of a network on images of a set, as fractions and bits."""
    samples, bits = predictor.observed(
        observers, lambda images: predictor.planes([gaze.stimuli[i].path for i in images])
    )
    results = score(
        samples,
        observers,
        preset("spgen_lit"),
        metrics=["energy", "scanmatch", "information_gain"],
        log_likelihood=bits,
        training=[p for p in gaze.scanpaths if p.image not in observers],
    )
    return {
        "energy": results.model.mean("energy"),
        "normalized energy": results.normalized("energy"),
        "normalized ScanMatch": results.normalized("scanmatch"),
        "bits": results.model.mean("information_gain"),
        "fixations": sum(len(p) for p in _all(samples)) / len(_all(samples)),
        "observers' fixations": sum(len(p) for p in _all(observers)) / len(_all(observers)),
    }


def _all(paths: Observers) -> list[Scanpath]:
    return [path for group in paths.values() for path in group]


def fit(predictor: Predictor, gaze: GazeSet, observers: Observers, steps: int = 60) -> None:
    """Fit the set parameters to the gaze on a few images; nothing else moves."""
    network = predictor.network
    table = network.head.datasets.table
    planes, _ = predictor.planes([gaze.stimuli[i].path for i in observers])
    with torch.no_grad():
        table[:] = table.mean(0)
        encoded = network.encode(planes)
    row = table[:1].detach().clone().requires_grad_()
    paths = pad_paths(list(observers.values()), 60, network.datasets)
    weights = torch.ones(len(planes))
    optimizer = torch.optim.Adam([row], 0.03)
    start = table.detach().clone()
    for _ in range(steps):
        state = {"head.datasets.table": row.expand_as(start)}
        loss = functional_call(
            _Loss(network), {f"network.{k}": v for k, v in state.items()}, (encoded, paths, weights)
        )
        loss = loss + 0.01 * (row - start[:1]).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        table.copy_(row.expand_as(table))


class _Loss(nn.Module):
    """A network's loss as a module, so that it can be called with other parameters."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *batch: Any) -> Tensor:
        total: Tensor = self.network.loss(*batch)["total"]
        return total


def follow(predictor: Predictor, gaze: GazeSet, images: Sequence[str]) -> None:
    """Let the encoder's batch norms take their statistics from unlabeled images."""
    norms = predictor.network.encoder.batch_norms()
    for norm in norms:
        norm.train()
        norm.momentum = None
        norm.reset_running_stats()
    with torch.no_grad():
        for start in range(0, len(images), 10):
            batch = images[start : start + 10]
            planes, _ = predictor.planes([gaze.stimuli[i].path for i in batch])
            predictor.network.encode(planes)
    for norm in norms:
        norm.eval()


def rows(name: str, checkpoint: Path, together: Path | None) -> list[dict[str, object]]:
    """All lines of the table of one set."""
    gaze = read(name)
    split = split_images(gaze, 0, val=0.1, test=0.1)
    by_image = gaze.by_image()
    test = {i: by_image[i] for i in split["test"] or split["val"] if i in by_image}
    train = [i for i in split["train"] if i in by_image]
    few = {n: {i: by_image[i] for i in train[:n]} for n in (10, 50)}

    def load(path: Path) -> Predictor:
        predictor = Predictor.from_pretrained(path)
        predictor.network.eval()
        return predictor

    unknown = tell(test, lambda viewing: Viewing())
    lines = {}
    predictor = load(checkpoint)
    table = predictor.network.head.datasets.table
    learned = table.detach().clone()
    with torch.no_grad():
        table.zero_()
    lines["told nothing"] = normalized(predictor, gaze, unknown)
    lines["(a) viewing conditions"] = normalized(predictor, gaze, test)
    with torch.no_grad():
        table.copy_(learned)
    lines["(b) and mean parameters"] = normalized(predictor, gaze, test)
    for n, images in few.items():
        predictor = load(checkpoint)
        fit(predictor, gaze, images)
        lines[f"(c) parameters fitted to {n} images"] = normalized(predictor, gaze, test)
    predictor = load(checkpoint)
    follow(predictor, gaze, train[:100])
    lines["(d) batch norms of 100 unlabeled images"] = normalized(predictor, gaze, test)
    if together is not None:
        lines["trained on all sets"] = normalized(load(together), gaze, test)
    return [{"left out": name, "network": line, **values} for line, values in lines.items()]


def main() -> None:
    """Print the table as Markdown, and write it beside the trainings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sweep", type=Path)
    parser.add_argument("--all", type=Path, default=None)
    options = parser.parse_args()
    table = []
    for name in SETS:
        found = [
            path
            for path in sorted(options.sweep.glob("*/checkpoints/best.ckpt"))
            if f"leave_out-{name}" in path.parts[-3]
        ]
        if found:
            table += rows(name, found[0], options.all)
    frame = pd.DataFrame(table).round(3)
    frame.to_csv(options.sweep / "leave_one_set_out.csv", index=False)
    print(frame.to_markdown(index=False))


if __name__ == "__main__":
    main()
