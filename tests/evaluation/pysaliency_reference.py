"""Make the figures of ``pysaliency.json`` again, with pysaliency alone:

    pip install pysaliency && python tests/evaluation/pysaliency_reference.py

The file holds fixations on two small images, the density that a model states for each fixation
given those before it, and the density of a baseline. What is added is
``ScanpathModel.information_gain(..., average=...)`` of pysaliency, in bits per fixation.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pysaliency

FILE = Path(__file__).with_name("pysaliency.json")


class Stored(pysaliency.ScanpathModel):
    """States the densities of the file, found by image, observer's first fixation and step."""

    def __init__(self, content: dict[str, Any], key: str) -> None:
        self.content, self.key = content, key

    def conditional_log_density(self, stimulus, x_hist, y_hist, t_hist, attributes=None, out=None):
        image = self.content["images"][int(stimulus.stimulus_data[0, 0, 0])]
        if self.key == "baseline":
            return np.log(image["baseline"])
        for path in image["paths"]:
            before = np.array(path["xy"][: len(x_hist)]).reshape(-1, 2)
            if np.array_equal(before, np.column_stack([x_hist, y_hist])):
                return np.log(path["densities"][len(x_hist)])
        raise KeyError((x_hist, y_hist))


def main() -> None:
    content = json.loads(FILE.read_text())
    width, height = content["size"]
    pictures = [np.full((height, width, 3), n, np.uint8) for n in range(len(content["images"]))]
    trains = [(n, p["xy"]) for n, image in enumerate(content["images"]) for p in image["paths"]]
    stimuli = pysaliency.Stimuli(pictures)
    fixations = pysaliency.FixationTrains.from_fixation_trains(
        [[x for x, _ in xy] for _, xy in trains],
        [[y for _, y in xy] for _, xy in trains],
        [list(range(len(xy))) for _, xy in trains],
        [n for n, _ in trains],
        list(range(len(trains))),
    )
    model, baseline = Stored(content, "model"), Stored(content, "baseline")
    content["pysaliency"] = {"version": version("pysaliency")} | {
        average: float(model.information_gain(stimuli, fixations, baseline, average=average))
        for average in ("fixation", "image")
    }
    FILE.write_text(json.dumps(content) + "\n")
    print(content["pysaliency"])


if __name__ == "__main__":
    main()
