"""Ten real paintings with the source-only model's paths and the adapted one's, side by side.

    python experiments/da_paintings/paintings.py SOURCE_ONLY ADAPTED PAINTINGS --out picture.png

SOURCE_ONLY and ADAPTED are folders of runs, PAINTINGS a folder of images. The ten are evenly
spaced in the order of file names, so that nobody chooses them. Each cell is the first of
twenty paths. It is drawn over the density of all twenty, because the paintings are not passed
on here; with --show over the paintings themselves.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from spgen_lit.data.images import Pixels, list_images, read_image
from spgen_lit.pictures.density import fixation_density
from spgen_lit.pictures.overlay import contact_sheet, draw_scanpath, save_png
from spgen_lit.predictor import Predictor

COUNT, SAMPLES = 10, 20
WIDTH = 640


def cell(model: Predictor, file: Path, show: bool) -> Pixels:
    """One path over the painting, or over the density of all paths."""
    paths = model(file, samples=SAMPLES, seed=0)
    width, height = paths[0].size
    size = (WIDTH, round(WIDTH * height / width))
    if show:
        ground = read_image(file, size)
    else:
        density = fixation_density(paths, *size)
        grey = (235 - 150 * np.sqrt(density)).astype(np.uint8)
        ground = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB).astype(np.uint8)
    return draw_scanpath(ground, paths[0])


def main() -> None:
    """Draw two paintings a row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source_only", type=Path)
    parser.add_argument("adapted", type=Path)
    parser.add_argument("paintings", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--show", action="store_true", help="draw over the paintings")
    options = parser.parse_args()
    files = sorted(list_images(options.paintings))
    chosen = [files[round(k * (len(files) - 1) / (COUNT - 1))] for k in range(COUNT)]
    models = [
        Predictor.from_pretrained(run / "checkpoints" / "best.ckpt")
        for run in (options.source_only, options.adapted)
    ]
    cells = [[cell(model, file, options.show) for model in models] for file in chosen]
    rows = [[*cells[k], *cells[k + 1]] for k in range(0, COUNT, 2)]
    titles = ["source-only", "adapted", "source-only", "adapted"]
    save_png(options.out, contact_sheet(rows, titles, [], cell_width=300))
    print("\n".join(file.name for file in chosen))


if __name__ == "__main__":
    main()
