"""Remake docs/readme.png: python docs/readme_picture.py [model].

The photograph is scikit-learn's ``china.jpg`` (© danielbuechele, CC BY 2.0); the painting is a
rendition of it by this package.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_sample_image

from spgen_lit.data.painting.painter import paint
from spgen_lit.pictures.density import density_overlay
from spgen_lit.pictures.figure import save_png
from spgen_lit.pictures.overlay import draw_scanpath
from spgen_lit.pictures.sheets import contact_sheet
from spgen_lit.predicting.run import typical_path
from spgen_lit.predictor import Predictor


def main() -> None:
    """Draw the typical path and the density on a photograph and on its rendition in oil."""
    predictor = Predictor.from_pretrained(sys.argv[1] if len(sys.argv) > 1 else "natural")
    photograph = np.ascontiguousarray(load_sample_image("china.jpg"))
    rows = []
    for picture in (photograph, paint(photograph, "oil", seed=3)):
        paths = predictor(picture, samples=10)
        typical = draw_scanpath(picture, paths[typical_path(paths) or 0])
        rows.append([typical, density_overlay(picture, paths)])
    target = Path(__file__).parent / "readme.png"
    save_png(
        target, contact_sheet(rows, ("the typical path", "where ten samples look"), cell_width=520)
    )
    print(target)


if __name__ == "__main__":
    main()
