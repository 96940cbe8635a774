"""Information gain is what pysaliency computes, on an example that holds its figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spgen_lit.evaluation.maps import Maps
from spgen_lit.evaluation.protocol import Protocol
from spgen_lit.evaluation.score import score
from spgen_lit.scanpath import Scanpath

CONTENT = json.loads(Path(__file__).with_name("pysaliency.json").read_text())
SIZE = tuple(CONTENT["size"])
PROTOCOL = Protocol(map_side=max(SIZE), map_sigma=0.15)


def test_information_gain_is_pysaliencys() -> None:
    observers, bits = {}, {}
    for number, image in enumerate(CONTENT["images"]):
        places = [np.array(path["xy"]) for path in image["paths"]]
        # pysaliency's fixations fall into the px whose index their coordinates round down to.
        paths = [Scanpath(str(number), SIZE, np.divide(xy + 0.5, SIZE)) for xy in places]
        observers[str(number)] = paths
        cells = SIZE[0] * SIZE[1]
        bits[str(number)] = [
            np.log2(
                [cells * np.array(d)[y, x] for d, (x, y) in zip(p["densities"], xy, strict=True)]
            )
            for p, xy in zip(image["paths"], places, strict=True)
        ]
    maps = Maps(observers, PROTOCOL)
    for number, image in enumerate(CONTENT["images"]):
        found = maps.center_bias(str(number), SIZE)
        assert found == pytest.approx(np.array(image["baseline"]), abs=1e-9)
    results = score(
        observers,
        observers,
        PROTOCOL,
        metrics=["information_gain"],
        baselines=(),
        log_likelihood=bits,
    )
    assert results.model.mean("information_gain") == pytest.approx(
        CONTENT["pysaliency"]["image"], abs=1e-9
    )
