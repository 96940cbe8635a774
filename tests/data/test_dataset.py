"""From files to batches to pictures: x stays x, y stays y, at the very pixel."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io
from PIL import Image

from spgen_lit.data.augment import Augment, ViewingAugment
from spgen_lit.data.cache import ImageCache
from spgen_lit.data.dataset import SourceSet, TargetSet
from spgen_lit.data.images import Frame, read_image
from spgen_lit.data.readers.osie import Osie
from spgen_lit.data.records import Stimulus
from spgen_lit.pictures.overlay import draw_scanpath
from spgen_lit.scanpath import Scanpath

# Known pixels, off the diagonal, in an image that is no square.
PLACES = [(40, 150), (300, 20), (220, 90)]
SIZE = (320, 180)
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


@pytest.fixture
def osie(tmp_path: Path) -> Path:
    """A set in OSIE's format: coloured squares, and a path from one to the next."""
    stimuli, eye = tmp_path / "osie" / "data" / "stimuli", tmp_path / "osie" / "data" / "eye"
    stimuli.mkdir(parents=True)
    eye.mkdir(parents=True)
    pixels = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    for (x, y), colour in zip(PLACES, COLOURS, strict=True):
        pixels[y - 8 : y + 8, x - 8 : x + 8] = colour
    Image.fromarray(pixels).save(stimuli / "1001.jpg", quality=100, subsampling=0)
    xs, ys = np.array(PLACES, float).T
    subjects = np.empty((1, 1), object)
    subjects[0, 0] = {"fix_x": xs[None], "fix_y": ys[None], "fix_duration": np.full((1, 3), 200.0)}
    cell = np.empty((1, 1), object)
    cell[0, 0] = {"img": "1001.jpg", "subjects": subjects}
    scipy.io.savemat(eye / "fixations.mat", {"fixations": cell})
    return tmp_path / "osie"


def _colour_at(planes: np.ndarray, xy: np.ndarray) -> np.ndarray:
    height, width = planes.shape[1:]
    return planes[:, int(xy[1] * height), int(xy[0] * width)]


@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize(
    "frame", [Frame((128, 96)), Frame((96, 128)), Frame((128, 128), "letterbox")]
)
def test_gaze_lies_on_what_was_looked_at_from_file_to_batch(
    osie: Path, tmp_path: Path, frame: Frame, flip: float
) -> None:
    gaze = Osie(osie).read()
    cache = ImageCache(tmp_path / "cache", frame)
    cache.build(gaze.stimuli.values())
    source = SourceSet(gaze.stimuli, gaze.by_image(), cache, Augment(flip=flip))
    batch = source.collate([source[0, 0]])
    assert batch.paths.length.tolist() == [[3]]
    for xy, colour in zip(batch.paths.xy[0, 0].numpy(), COLOURS, strict=True):
        found = _colour_at(batch.images[0].numpy(), xy)
        assert np.abs(found.astype(int) - colour).max() < 60, (xy, found)
    if frame.mode == "stretch" and not flip:
        expected = np.array(PLACES) / SIZE
        assert np.allclose(batch.paths.xy[0, 0].numpy(), expected, atol=1e-6)


def test_a_path_drawn_on_the_image_is_found_at_its_pixels(osie: Path) -> None:
    gaze = Osie(osie).read()
    (path,) = gaze.scanpaths
    stimulus = gaze.stimuli["1001.jpg"]
    image = read_image(stimulus.path)
    drawn = draw_scanpath(image, path)
    changed = np.abs(drawn.astype(int) - image.astype(int)).sum(2) > 60
    scale = drawn.shape[1] / image.shape[1]
    for x, y in PLACES:
        around = changed[
            int(y * scale) - 6 : int(y * scale) + 7, int(x * scale) - 6 : int(x * scale) + 7
        ]
        assert around.mean() > 0.3, (x, y)
    swapped = Scanpath(path.image, path.size, path.xy[:, ::-1], path.durations)
    assert cv2.absdiff(drawn, draw_scanpath(image, swapped)).max() > 60


def test_gaze_off_the_image_is_not_trained_on_but_the_image_is(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.new("RGB", (10, 10)).save(file)
    stimuli = {name: Stimulus(name, file, (10, 10)) for name in ("a", "b", "c")}
    on, off = np.array([[0.5, 0.5], [1.5, 0.5]]), np.array([[-0.5, 0.5]])
    paths = {"a": [Scanpath("a", (10, 10), on)], "b": [Scanpath("b", (10, 10), off)]}
    source = SourceSet(stimuli, paths, ImageCache(tmp_path / "c", Frame((10, 10))))
    assert source.ids == ["a"]
    batch = source.collate([source[0, 0]])
    assert batch.paths.length.tolist() == [[1]]
    assert batch.paths.durations.isnan().all()


def test_augmentation_depends_on_seed_and_draw_alone(osie: Path, tmp_path: Path) -> None:
    gaze = Osie(osie).read()
    cache = ImageCache(tmp_path / "cache", Frame((64, 64)))

    def seen(seed: int) -> list[float]:
        source = SourceSet(gaze.stimuli, gaze.by_image(), cache, Augment(flip=0.5), seed=seed)
        return [float(source[draw, 0].paths[0].xy[0, 0]) for draw in range(30)]

    assert seen(0) == seen(0) != seen(1)
    assert len(set(seen(0))) == 2  # as it is, and mirrored
    target = TargetSet(gaze.stimuli, cache, Augment(flip=0.5))
    assert np.array_equal(target[3, 0].image, target[3, 0].image)
    assert not target[3, 0].paths


def test_viewing_times_and_conditions_change_with_the_draw_alone(
    osie: Path, tmp_path: Path
) -> None:
    gaze = Osie(osie).read()
    cache = ImageCache(tmp_path / "cache", Frame((64, 64)))

    def seen(seed: int) -> list[tuple[float, float]]:
        viewing = ViewingAugment(cut=0.5, shortest=0.1, hide=0.5)
        source = SourceSet(gaze.stimuli, gaze.by_image(), cache, seed=seed, viewing=viewing)
        rows = [source.collate([source[draw, 0]]).paths for draw in range(20)]
        return [(float(p.viewing[0, 0, 0].nan_to_num(-1)), float(p.durations.sum())) for p in rows]

    assert seen(0) == seen(0) != seen(1)
    times = {time for time, _ in seen(0)}
    assert -1 in times and 3.0 in times and len(times) > 4  # hidden, as recorded, cut
