"""Which images a finished run is scored on: each set's own test images, or its validation ones."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from spgen_lit.data.module import DomainMix
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath
from spgen_lit.training.scoring import Scoring, _shown_part


class _Set:
    def __init__(self, folder, name: str, official: dict[str, tuple[str, ...]]) -> None:
        self.folder, self.name, self.official = folder / name, name, official

    def read(self) -> GazeSet:
        self.folder.mkdir(exist_ok=True)
        stimuli, paths = {}, []
        for number in range(12):
            file = self.folder / f"{number}.png"
            Image.new("RGB", (32, 32)).save(file)
            stimuli[file.name] = Stimulus(file.name, file, (32, 32))
            paths.append(Scanpath(file.name, (32, 32), np.array([[0.5, 0.5]]), None, "a"))
        return GazeSet(self.name, stimuli, paths, "eye", splits=self.official)


@pytest.mark.parametrize("asked", ["test", "val"])
def test_a_set_without_test_images_is_scored_on_its_validation_images(tmp_path, asked) -> None:
    held: dict[str, tuple[str, ...]] = {"test": ()}  # official test images kept elsewhere
    readers = {"held": _Set(tmp_path, "held", held), "whole": _Set(tmp_path, "whole", {})}
    data = DomainMix(readers, {}, size=(32, 32), val=0.2, test=0.2, cache_dir=tmp_path / "cache")
    data.setup()
    scoring = Scoring(split=asked, pictures=2)
    for name, expected in (("held", "val"), ("whole", asked)):
        part, split = _shown_part(data, "source", name, scoring)
        assert split == expected
        # By the set's own ids: a run of one set and `spgen evaluate` name the same images so.
        assert {f"{name}/{i}" for i in part.stimuli} == {*data.parts["source", split].of_set(name)}
        assert set(part.paths) == set(part.stimuli)
        assert part.stimuli
        assert {part.sets[key] for key in part.stimuli} == {name}
