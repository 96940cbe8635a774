"""Remake docs/readme.png from a finished demo run: python docs/readme_picture.py outputs/demo."""

from __future__ import annotations

import argparse
from pathlib import Path

from omegaconf import OmegaConf

from spgen_lit.data.gallery import Gallery
from spgen_lit.data.images import read_image
from spgen_lit.data.splits import split_images
from spgen_lit.pictures.overlay import save_png
from spgen_lit.pictures.poster import poster
from spgen_lit.predictor import Predictor


def main() -> None:
    """Draw the first test photograph and the first test painting of the gallery."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a demo run")
    run: Path = parser.parse_args().run
    predictor = Predictor.from_checkpoint(run / "checkpoints" / "best.ckpt")
    config = OmegaConf.load(run / "config.yaml")
    shown = []
    for domain in ("source", "target"):
        settings = OmegaConf.to_container(config.data[domain].gallery)
        settings.pop("_target_")
        gaze = Gallery(**settings).read()
        stimulus = gaze.stimuli[split_images(gaze)["test"][0]]
        image = read_image(stimulus.path, stimulus.size)
        people = gaze.by_image()[stimulus.id]
        shown.append((image, people, predictor(stimulus.path, samples=2)))
    (photograph, people, model), (painting, _, painted) = shown
    target = Path(__file__).parent / "readme.png"
    save_png(target, poster(photograph, people, model, painting, painted))
    print(target)


if __name__ == "__main__":
    main()
