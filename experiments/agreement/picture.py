"""People's paths, ours and the published design's on the same photographs.

    python experiments/agreement/picture.py OURS PUBLISHED --out picture.png [--photographs]

OURS and PUBLISHED are folders of runs on OSIE. The four validation images are those at the
20th, 40th, 60th and 80th percentile of our energy score, so that nobody chooses them. Paths
are drawn over the density of people's fixations, because the photographs may not be passed
on; with --photographs over those.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
from omegaconf import OmegaConf

from spgen_lit.data.images import read_image
from spgen_lit.data.readers.osie import Osie
from spgen_lit.pictures.density import fixation_density
from spgen_lit.pictures.figure import save_png
from spgen_lit.pictures.overlay import draw_scanpath
from spgen_lit.pictures.sheets import contact_sheet
from spgen_lit.predictor import Predictor

SHARES = (0.2, 0.4, 0.6, 0.8)


def chosen(run: Path) -> list[str]:
    """Images at fixed percentiles of a run's energy score."""
    with (run / "results" / "source-osie" / "scores.csv").open() as file:
        rows = [
            (float(row["value"]), row["image"])
            for row in csv.DictReader(file)
            if row["metric"] == "energy" and row["who"] == "model"
        ]
    rows.sort()
    return [rows[round(share * (len(rows) - 1))][1] for share in SHARES]


def main() -> None:
    """Draw one row an image."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ours", type=Path)
    parser.add_argument("published", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--photographs", action="store_true")
    options = parser.parse_args()
    gaze = Osie(OmegaConf.load(options.ours / "config.yaml").data.source.osie.root).read()
    groups = gaze.by_image()
    models = [
        Predictor.from_pretrained(run / "checkpoints" / "best.ckpt")
        for run in (options.ours, options.published)
    ]
    rows = []
    for image in chosen(options.ours):
        stimulus = gaze.stimuli[image]
        if options.photographs:
            ground = read_image(stimulus.path, stimulus.size)
        else:
            density = fixation_density(groups[image], *stimulus.size)
            grey = (225 - 150 * np.sqrt(density)).astype(np.uint8)
            ground = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        people = groups[image][:2]
        ours, published = (model(stimulus.path, samples=2, seed=0) for model in models)
        paths = [people[0], people[1], ours[0], ours[1], published[0]]
        rows.append([draw_scanpath(ground.astype(np.uint8), path) for path in paths])
    titles = ["one observer", "another", "model", "model, again", "published design"]
    sheet = contact_sheet(rows, titles, cell_width=360)
    save_png(options.out, sheet)


if __name__ == "__main__":
    main()
