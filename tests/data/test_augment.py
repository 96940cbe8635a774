"""Augmentation moves gaze with the image."""

from dataclasses import replace

import numpy as np
import pytest

from spgen_lit.data.augment import Augment, blur, color, crop, flip, texture
from spgen_lit.scanpath import Scanpath, Viewing

PLACES = np.array([[0.2, 0.3], [0.6, 0.5], [0.7, 0.8], [0.45, 0.4]])


@pytest.fixture
def sample():
    """A gray image with one marked pixel block at each fixation."""
    image = np.full((120, 160, 3), 90, np.uint8)
    for number, (x, y) in enumerate(PLACES):
        cx, cy = int(x * 160), int(y * 120)
        image[cy - 4 : cy + 4, cx - 4 : cx + 4] = 150 + 25 * number
    durations = np.array([0.1, 0.2, 0.3, 0.4])
    return image, [Scanpath("i", (320, 240), PLACES, durations, "a")]


def under(image, path):
    height, width = image.shape[:2]
    return [
        int(image[min(int(y * height), height - 1), min(int(x * width), width - 1), 0])
        for x, y in path.xy
    ]


def test_flip_mirrors_image_and_gaze_and_twice_is_nothing(sample):
    image, paths = flip(*sample)
    assert under(image, paths[0]) == under(*[sample[0], sample[1][0]]) == [150, 175, 200, 225]
    again, back = flip(image, paths)
    np.testing.assert_array_equal(again, sample[0])
    np.testing.assert_allclose(back[0].xy, PLACES)
    assert paths[0].size == (320, 240)
    assert paths[0].observer == "a"


def test_crop_keeps_places_and_the_right_durations(sample):
    rng = np.random.default_rng(3)
    lengths = set()
    for _ in range(60):
        image, paths = crop(*sample, rng, scale=(0.5, 0.9), keep=0.5)
        assert image.shape == (120, 160, 3)
        (path,) = paths
        lengths.add(len(path))
        assert len(path) >= 3
        assert (path.xy >= 0).all()
        assert (path.xy <= 1).all()
        for value, seconds in zip(under(image, path), path.durations, strict=True):
            assert abs(value - (125 + 250 * seconds)) < 13
    assert lengths == {3, 4}


def test_how_the_picture_was_shown_follows_the_change(sample):
    image, (path,) = sample
    shown = replace(path, viewing=Viewing(3.0, 40.0, "given", "search"))
    assert flip(image, [shown])[1][0].viewing == shown.viewing
    rng = np.random.default_rng(1)
    for _ in range(20):
        _, (cropped,) = crop(image, [shown], rng, (0.5, 0.5), 0.5, tries=500)
        assert cropped.viewing.seconds == 3.0 and cropped.viewing.task == "search"
        assert cropped.viewing.px_per_degree == pytest.approx(40 / 0.5)
        # The first fixation of a path that lost its beginning was chosen by the observer.
        begins = cropped.durations[0] == path.durations[0]
        assert cropped.viewing.first_fixation == ("given" if begins else None)


def test_crop_that_cannot_keep_enough_leaves_everything(sample):
    corners = Scanpath("i", (10, 10), np.array([[0, 0], [1, 1], [0, 1], [1, 0.0]]))
    image, paths = crop(sample[0], [corners], np.random.default_rng(0), scale=(0.3, 0.5))
    np.testing.assert_array_equal(image, sample[0])
    assert paths == [corners]


def test_colour_and_blur_are_slight(sample):
    for change in (color, blur):
        image = change(sample[0], np.random.default_rng(1))
        assert image.dtype == np.uint8
        difference = np.abs(image.astype(int) - sample[0].astype(int)).mean()
        assert 0 < difference < 40


def test_augment_is_reproducible_and_off_means_untouched(sample):
    both = Augment(flip=0.5, crop=0.5, color=0.5, blur=0.5)
    a = both(*sample, np.random.default_rng(5))
    b = both(*sample, np.random.default_rng(5))
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[1][0].xy, b[1][0].xy)
    image, paths = Augment(flip=0)(*sample, np.random.default_rng(5))
    np.testing.assert_array_equal(image, sample[0])
    assert paths == sample[1]
    flips = [
        Augment(flip=0.5)(*sample, np.random.default_rng(s))[1][0].xy[0, 0] for s in range(200)
    ]
    assert 60 < sum(abs(x - 0.8) < 1e-9 for x in flips) < 140
    with pytest.raises(ValueError, match="crop is a probability"):
        Augment(crop=2)


def test_texture_changes_colors_and_leaves_shapes(sample):
    gray, _ = sample
    edges = np.abs(np.diff(gray[..., 0].astype(int), axis=1)) > 0
    changed = 0
    for seed in range(20):
        image = texture(gray, np.random.default_rng(seed))
        assert image.shape == gray.shape
        assert image.dtype == np.uint8
        changed += np.abs(image.astype(int) - gray).mean() > 2
        # What is flat and far from any edge stays flat; the marks stay marks.
        assert np.ptp(image[:8, :8].reshape(-1, 3), axis=0).max() <= 1
        own = np.abs(np.diff(image.astype(int), axis=1)).max(axis=2)
        assert own[edges].mean() > 3 * own[~edges].mean()
    assert changed > 15
    again = texture(gray, np.random.default_rng(3))
    np.testing.assert_array_equal(again, texture(gray, np.random.default_rng(3)))


def test_texture_leaves_the_other_draws_as_they_are(sample):
    plain, textured = Augment(flip=0.5, crop=0.5), Augment(flip=0.5, crop=0.5, texture=1.0)
    for seed in range(10):
        _, ours = plain(*sample, np.random.default_rng(seed))
        _, theirs = textured(*sample, np.random.default_rng(seed))
        np.testing.assert_array_equal(ours[0].xy, theirs[0].xy)
