"""Frames: images and gaze move together, and back, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spgen_lit.data.images import Frame

side = st.integers(1, 3000)


@given(
    side, side, st.integers(1, 600), st.integers(1, 600), st.sampled_from(["stretch", "letterbox"])
)
def test_round_trip_is_exact_for_any_sizes(width, height, w, h, mode):
    frame = Frame((w, h), mode)
    xy = np.array([[0.0, 0.0], [1.0, 1.0], [0.3, 0.7], [1.0, 0.0], [-0.2, 1.4]])
    moved = frame.xy(xy, (width, height))
    np.testing.assert_allclose(frame.inverse(moved, (width, height)), xy, atol=1e-9)
    left, top, inner_w, inner_h = frame.placement((width, height))
    assert left >= 0
    assert top >= 0
    assert left + inner_w <= w
    assert top + inner_h <= h
    assert (moved[:2] >= 0).all()
    assert (moved[:2] <= 1).all()


def test_stretch_leaves_relative_coordinates_as_they_are():
    xy = np.random.default_rng(0).random((9, 2))
    np.testing.assert_array_equal(Frame((256, 192)).xy(xy, (1024, 333)), xy)


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
@pytest.mark.parametrize("size", [(400, 300), (301, 901), (901, 127), (256, 192)])
def test_a_marked_place_is_found_where_the_coordinates_say(size, mode):
    width, height = size
    frame = Frame((256, 192), mode)
    for x, y in [(0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.85, 0.6), (0.5, 0.5)]:
        image = np.zeros((height, width, 3), np.uint8)
        cx, cy = x * width, y * height
        rows, columns = np.mgrid[:height, :width]
        blob = ((columns + 0.5 - cx) / width) ** 2 + ((rows + 0.5 - cy) / height) ** 2 < 0.003
        image[blob] = 255
        placed = frame.image(image)
        assert placed.shape == (192, 256, 3)
        left, top, w, h = frame.placement(size)
        weights = np.zeros((192, 256))
        weights[top : top + h, left : left + w] = placed[top : top + h, left : left + w, 0]
        found_x = (weights.sum(0) * (np.arange(256) + 0.5)).sum() / weights.sum() / 256
        found_y = (weights.sum(1) * (np.arange(192) + 0.5)).sum() / weights.sum() / 192
        want = frame.xy(np.array([x, y]), size)
        assert abs(found_x - want[0]) < 0.004
        assert abs(found_y - want[1]) < 0.005


def test_letterbox_keeps_the_aspect_and_fills_bars():
    frame = Frame((100, 100), "letterbox", fill=(1, 2, 3))
    assert frame.placement((200, 50)) == (0, 37, 100, 25)
    image = frame.image(np.full((50, 200, 3), 200, np.uint8))
    assert (image[:37] == (1, 2, 3)).all()
    assert (image[37:62] == 200).all()
    np.testing.assert_allclose(frame.xy([0.5, 0.5], (200, 50)), [0.5, 0.495])


def test_a_reduced_image_lands_where_the_full_one_does():
    frame = Frame((256, 192), "letterbox")
    small = frame.image(np.zeros((101, 150, 3), np.uint8), image_size=(1199, 803))
    full = frame.image(np.zeros((803, 1199, 3), np.uint8))
    np.testing.assert_array_equal(small, full)


def test_shrinking_one_side_and_growing_the_other_still_averages():
    stripes = np.tile(np.array([0, 255], np.uint8)[None, :, None], (4, 500, 3))
    image = Frame((100, 50)).image(stripes)
    assert abs(int(image.mean()) - 127) <= 1
    assert image.std() < 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"size": (0, 4)}, "size must be"),
        ({"size": (4, 4), "mode": "crop"}, "stretch or letterbox"),
    ],
)
def test_nonsense_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        Frame(**given)
