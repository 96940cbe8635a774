"""Path lengths at several viewing times: observers' paths cut in time beside the model's.

python experiments/agreement/viewing_time.py MODEL [SET] [IMAGES]

MODEL is a checkpoint or a model's name; SET a reader's name (osie). Observers' paths are cut at
each time that is no longer than they were shown; the model is told the time.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from spgen_lit.data.augment import cut_path
from spgen_lit.data.catalogue import build_reader
from spgen_lit.data.splits import split_images
from spgen_lit.predictor import Predictor
from spgen_lit.scanpath import Scanpath

TIMES = (1.0, 2.0, 3.0, 5.0, 15.0)


def main(model: str, name: str = "osie", images: str = "40") -> None:
    """Print a table of median and mean lengths in fixations."""
    gaze = build_reader(name, Path(os.environ.get("SPGEN_DATA", "data")) / name).read()
    paths = gaze.by_image()
    ids = [i for i in split_images(gaze)["val"] if i in paths][: int(images)]
    predictor = Predictor.from_pretrained(model)
    rows = []
    for seconds in TIMES:
        shown = [cut_path(p, seconds) for i in ids for p in paths[i] if fits(p, seconds)]
        drawn = predictor.batch([gaze.stimuli[i].path for i in ids], viewing_time=seconds)
        lengths = {
            "observers": [len(path.on_image()) for path in shown],
            "model": [len(path) for own in drawn for path in own],
        }
        row: dict[str, float] = {"seconds": seconds}
        for who, values in lengths.items():
            row[f"{who} median"] = float(np.median(values)) if values else float("nan")
            row[f"{who} mean"] = float(np.mean(values)) if values else float("nan")
            row[f"{who} sd"] = float(np.std(values)) if values else float("nan")
        rows.append(row)
    print(pd.DataFrame(rows).round(2).to_string(index=False))


def fits(path: Scanpath, seconds: float) -> bool:
    """Whether an observer saw the picture for at least this time."""
    return path.durations is not None and (path.viewing.seconds or 0) >= seconds


if __name__ == "__main__":
    main(*sys.argv[1:])
