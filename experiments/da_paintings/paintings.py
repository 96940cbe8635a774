"""Ten real paintings: the source-only model's paths, the adapted one's, and what differs.

    python experiments/da_paintings/paintings.py SOURCE_ONLY ADAPTED PAINTINGS --out picture.png

SOURCE_ONLY and ADAPTED are folders of runs, PAINTINGS a folder of images. The ten are evenly
spaced in the order of file names, so that nobody chooses them. A path is the first of forty,
drawn over the density of all of them, because the paintings are not passed on here; with --show
over the paintings themselves. Beside them is the difference of the two densities: red where the
adapted model looks more, blue where it looks less; full color is half of the greatest density.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from matplotlib import colormaps

from spgen_lit.data.images import Pixels, list_images, read_image
from spgen_lit.pictures.density import fixation_density
from spgen_lit.pictures.figure import save_png
from spgen_lit.pictures.overlay import draw_scanpath
from spgen_lit.pictures.sheets import contact_sheet
from spgen_lit.predictor import Predictor

COUNT, SAMPLES = 10, 40
WIDTH = 640


def cells(models: list[Predictor], file: Path, show: bool) -> list[Pixels]:
    """A path of each model over the painting, or over its density; then the difference."""
    drawn, densities = [], []
    for model in models:
        paths = model(file, samples=SAMPLES, seed=0)
        width, height = paths[0].size
        size = (WIDTH, round(WIDTH * height / width))
        density = fixation_density(paths, *size)
        densities.append(density / density.sum())
        if show:
            ground = cv2.resize(read_image(file), size, interpolation=cv2.INTER_AREA)
        else:
            grey = (235 - 150 * np.sqrt(density)).astype(np.uint8)
            ground = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB).astype(np.uint8)
        drawn.append(draw_scanpath(ground, paths[0]))
    before, after = densities
    change = 0.5 + (after - before) / max(before.max(), after.max())
    return [*drawn, (255 * colormaps["bwr"](change.clip(0, 1))[..., :3]).astype(np.uint8)]


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
    each = [cells(models, file, options.show) for file in chosen]
    rows = [[*each[k], *each[k + 1]] for k in range(0, COUNT, 2)]
    save_png(
        options.out, contact_sheet(rows, 2 * ["source-only", "adapted", "change"], cell_width=240)
    )
    print("\n".join(file.name for file in chosen))


if __name__ == "__main__":
    main()
