"""The same photograph looked at for 1, 3 and 5 seconds: paths and density of each.

python experiments/generalisation/viewing_times.py MODEL --out viewing_times.png [IMAGE …]

Without images: the two photographs that scikit-learn carries.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
from sklearn.datasets import load_sample_images

from spgen_lit.data.images import read_image
from spgen_lit.predictor import Predictor

matplotlib.use("Agg")
from matplotlib import pyplot as plt

SECONDS = (1.0, 3.0, 5.0)


def main() -> None:
    """Draw one row an image, one column a viewing time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    pictures = [read_image(path) for path in options.images] or load_sample_images().images
    predictor = Predictor.from_pretrained(options.model)
    figure, axes = plt.subplots(
        len(pictures), len(SECONDS), figsize=(12, 3.2 * len(pictures)), layout="constrained"
    )
    for row, picture in zip(axes, pictures, strict=True):
        for axis, seconds in zip(row, SECONDS, strict=True):
            paths = predictor(picture, samples=10, viewing_time=seconds)
            axis.imshow(picture)
            for path in paths:
                x, y = (path.xy * path.size).T
                axis.plot(x, y, "-", color="white", lw=0.6, alpha=0.6)
                axis.scatter(
                    x, y, s=60 * path.durations, c=range(len(path)), cmap="plasma", vmax=15
                )
            mean = sum(map(len, paths)) / len(paths)
            axis.set_title(f"{seconds:g} s: {mean:.1f} fixations", fontsize=10)
            axis.axis("off")
    figure.savefig(options.out, dpi=110)


if __name__ == "__main__":
    main()
