"""Renditions of source images: gaze and ids stay, draws are deterministic, faults are named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from spgen_lit.data.augment import Augment
from spgen_lit.data.module import DomainMix
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath

SIZE = (64, 48)


@dataclass
class Flat:
    """Images of one grey, so that a rendition is known by its brightness."""

    root: Path
    grey: int
    count: int = 10

    def read(self) -> GazeSet:
        self.root.mkdir(exist_ok=True)
        stimuli, paths = {}, []
        for number in range(self.count):
            file = self.root / f"{number}-{self.grey}.png"
            cv2.imwrite(str(file), np.full((SIZE[1], SIZE[0], 3), self.grey, np.uint8))
            name = f"{number}.png"
            stimuli[name] = Stimulus(name, file, SIZE)
            xy = np.array([[0.1 + number / 20, 0.3], [0.6, 0.7]])
            paths.append(Scanpath(name, SIZE, xy, np.array([0.2, 0.3]), "x"))
        return GazeSet(f"flat-{self.grey}", stimuli, paths, "eye")


def mix(tmp_path: Path, share: float, seed: int = 0, **styles: object) -> DomainMix:
    data = DomainMix(
        {"flat": Flat(tmp_path / "a", 50)},
        {},
        size=SIZE,
        styles=styles,  # type: ignore[arg-type]
        style_share=share,
        augment=Augment(flip=0.5),
        seed=seed,
        cache_dir=tmp_path / "cache",
    )
    data.setup()
    return data


def drawn(data: DomainMix, draws: int = 200) -> np.ndarray:
    source = data.source_set("train")
    return np.array([source[draw, draw % len(source)].image[0, 0, 0] for draw in range(draws)])


def test_renditions_take_their_share_of_the_draws_and_gaze_stays(tmp_path: Path) -> None:
    renditions = [Flat(tmp_path / "b", 150), Flat(tmp_path / "c", 250)]
    data = mix(tmp_path, 0.5, flat=renditions)
    shown = drawn(data)
    assert set(shown) == {50, 150, 250}
    assert 0.4 < (shown != 50).mean() < 0.6
    assert 0.3 < (shown == 150).sum() / (shown != 50).sum() < 0.7
    plain = mix(tmp_path, 0.5).source_set("train")
    styled = data.source_set("train")
    for draw in range(40):
        one, other = plain[draw, draw % 8], styled[draw, draw % 8]
        assert one.id == other.id
        np.testing.assert_array_equal(one.paths[0].xy, other.paths[0].xy)


def test_draws_depend_on_seed_and_number_alone(tmp_path: Path) -> None:
    rendition = Flat(tmp_path / "b", 150)
    first = drawn(mix(tmp_path, 0.5, flat=rendition))
    np.testing.assert_array_equal(first, drawn(mix(tmp_path, 0.5, flat=rendition)))
    assert (first != drawn(mix(tmp_path, 0.5, seed=1, flat=rendition))).any()


@pytest.mark.parametrize(("share", "grey"), [(0.0, 50), (1.0, 150)])
def test_ends_of_the_share(tmp_path: Path, share: float, grey: int) -> None:
    assert set(drawn(mix(tmp_path, share, flat=Flat(tmp_path / "b", 150)))) == {grey}


def test_validation_images_are_the_photographs(tmp_path: Path) -> None:
    data = mix(tmp_path, 1.0, flat=Flat(tmp_path / "b", 150))
    validation = data.source_set("val")
    assert all(validation[0, index].image.max() == 50 for index in range(len(validation)))
    assert set(data.style_stimuli) == set(data.parts["source", "train"].stimuli)


def test_faults_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data\.styles names \['other'\].*\['flat'\]"):
        mix(tmp_path, 0.5, other=Flat(tmp_path / "b", 150))
    short = replace(Flat(tmp_path / "b", 150), count=3)
    with pytest.raises(ValueError, match=r"data\.styles 'flat': flat-150 lacks \d of the 8"):
        mix(tmp_path, 0.5, flat=short)
    with pytest.raises(ValueError, match=r"data\.style_share must be from 0 to 1, found 2"):
        mix(tmp_path, 2.0, flat=Flat(tmp_path / "b", 150)).source_set("train")


@dataclass
class Ramp(Flat):
    """Images that grow brighter to the right, so that mirroring shows."""

    def read(self) -> GazeSet:
        gaze = super().read()
        ramp = np.linspace(0, 40, SIZE[0]).astype(np.uint8) + np.uint8(self.grey)
        for stimulus in gaze.stimuli.values():
            cv2.imwrite(str(stimulus.path), np.tile(ramp[None, :, None], (SIZE[1], 1, 3)))
        return gaze


def test_originals_are_the_photographs_mirrored_like_what_is_shown(tmp_path: Path) -> None:
    data = DomainMix(
        {"flat": Ramp(tmp_path / "a", 50)},
        {},
        size=SIZE,
        styles={"flat": Ramp(tmp_path / "b", 150)},
        style_share=0.5,
        originals=True,
        augment=Augment(flip=0.5),
        cache_dir=tmp_path / "cache",
    )
    data.setup()
    source = data.source_set("train")
    batch = source.collate([source[draw, draw % len(source)] for draw in range(60)])
    assert batch.originals is not None
    shown, originals = batch.images[:, 0, 0].int(), batch.originals[:, 0, 0].int()
    rendered = shown.float().mean(1) > 120
    assert 10 < int(rendered.sum()) < 50
    assert (originals.float().mean(1) < 120).all()
    mirrored = [rows[:, -1] < rows[:, 0] for rows in (shown, originals)]
    assert 10 < int(mirrored[0].sum()) < 50
    assert (mirrored[0] == mirrored[1]).all()
    assert data.source_set("val").collate([data.source_set("val")[0]]).originals is None
