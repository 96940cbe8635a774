"""Scanpaths of several trained models on pictures without gaze, written as a set to train on.

    python experiments/generalisation/self_training.py MODEL … --images FOLDER --out FOLDER
    python -m spgen_lit.train … 'data/source=[osie,converted]' data.source.converted.root=FOLDER

Paths of all models lie beside one another, so that what is learned from them is the mean of
the models' laws: an ensemble distilled into one network. No gaze is read.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from spgen_lit.data.exports import export
from spgen_lit.data.images import list_images
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath


def main() -> None:
    """Write the set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=5, help="of each model on each picture")
    options = parser.parse_args()
    files = {file.name: file for file in list_images(options.images)}
    names = list(files)
    stimuli: dict[str, Stimulus] = {}
    paths: list[Scanpath] = []
    for number, model in enumerate(options.models):
        predictor = Predictor.from_pretrained(model)
        for start in range(0, len(names), 8):
            some = names[start : start + 8]
            drawn = predictor.batch(
                [files[name] for name in some], options.samples, seed=number, ids=some
            )
            for name, samples in zip(some, drawn, strict=True):
                stimuli[name] = Stimulus(name, files[name].resolve(), samples[0].size)
                paths += [replace(p, observer=f"{number}-{p.observer}") for p in samples]
    paths.sort(key=lambda path: (path.image, path.observer))
    gaze = GazeSet("self", stimuli, paths, "simulated", {"train": tuple(names)})
    print(*export(gaze, options.out, "json"), sep="\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
