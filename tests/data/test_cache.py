"""The decoded cache: same pixels, shared, rebuilt when stale, dropped when damaged."""

import multiprocessing
import os
import pickle
import warnings

import numpy as np
import pytest
from PIL import Image

from spgen_lit.data import cache as cache_room
from spgen_lit.data.cache import ImageCache, decode
from spgen_lit.data.images import Frame, ImageError
from spgen_lit.data.readers.folder import Folder

FRAME = Frame((32, 24), "letterbox")


@pytest.fixture
def stimuli(tmp_path):
    generator = np.random.default_rng(0)
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(7):
        size = generator.integers(20, 90, 2)
        pixels = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return list(Folder(folder).read().stimuli.values())


def counted(monkeypatch):
    calls = []
    real = decode

    def counting(stimulus, frame):
        calls.append(stimulus.id)
        return real(stimulus, frame)

    monkeypatch.setattr(cache_room, "decode", counting)
    return calls


def test_images_come_back_as_decoded_and_are_decoded_once(tmp_path, stimuli, monkeypatch):
    calls = counted(monkeypatch)
    cache = ImageCache(tmp_path / "cache", FRAME)
    cache.build(stimuli)
    assert sorted(calls) == [s.id for s in stimuli]
    again = ImageCache(tmp_path / "cache", FRAME)
    again.build(reversed(stimuli))
    for stimulus in stimuli:
        image = again.get(stimulus)
        assert image.flags.writeable
        np.testing.assert_array_equal(image, decode(stimulus, FRAME))
    assert len(calls) == len(stimuli)


def test_without_build_or_with_another_frame_images_are_decoded(tmp_path, stimuli):
    cache = ImageCache(tmp_path / "cache", FRAME)
    np.testing.assert_array_equal(cache.get(stimuli[0]), decode(stimuli[0], FRAME))
    cache.build(stimuli)
    other = ImageCache(tmp_path / "cache", Frame((16, 16)))
    other.build(stimuli)
    assert other.get(stimuli[0]).shape == (16, 16, 3)
    assert cache.get(stimuli[0]).shape == (24, 32, 3)


def test_a_changed_image_alone_is_decoded_again(tmp_path, stimuli, monkeypatch):
    cache = ImageCache(tmp_path / "cache", FRAME)
    cache.build(stimuli)
    before = cache.get(stimuli[2])
    pixels = np.asarray(Image.open(stimuli[2].path))
    Image.fromarray(255 - pixels).save(stimuli[2].path)
    os.utime(stimuli[2].path, ns=(1, 1))
    calls = counted(monkeypatch)
    cache = ImageCache(tmp_path / "cache", FRAME)
    cache.build(stimuli)
    assert calls == [stimuli[2].id]
    assert (cache.get(stimuli[2]) != before).any()
    assert len(list((tmp_path / "cache").glob("*.npz"))) == len(stimuli)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "pixel"])
@pytest.mark.parametrize("when", ["before", "while it is used"])
def test_a_damaged_file_is_never_served(tmp_path, stimuli, damage, when):
    cache = ImageCache(tmp_path / "cache", FRAME)
    cache.build(stimuli)
    for file in (tmp_path / "cache").glob("*.npz"):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 255
        changed = {"cut": data[: len(data) // 2], "empty": b"", "text": b"no cache", "pixel": data}
        file.write_bytes(changed[damage])
    used = cache if when != "before" else ImageCache(tmp_path / "cache", FRAME)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.simplefilter("always", UserWarning)
        if when == "before":
            used.build(stimuli)
        images = [used.get(s) for s in stimuli]
    # What is found before is written again; a changed pixel shows when the image is read.
    assert bool(warned) == (when != "before" or damage == "pixel")
    for image, stimulus in zip(images, stimuli, strict=True):
        np.testing.assert_array_equal(image, decode(stimulus, FRAME))


def test_a_vanished_file_means_decoding(tmp_path, stimuli):
    cache = ImageCache(tmp_path / "cache", FRAME)
    cache.build(stimuli)
    copy = pickle.loads(pickle.dumps(cache))
    for file in (tmp_path / "cache").glob("*.npz"):
        file.unlink()
    with pytest.warns(UserWarning, match="the image is decoded again"):
        image = copy.get(stimuli[0])
    np.testing.assert_array_equal(image, decode(stimuli[0], FRAME))


def test_unreadable_images_are_all_named(tmp_path, stimuli):
    for stimulus in stimuli[1:3]:
        stimulus.path.write_bytes(stimulus.path.read_bytes()[:200])
    cache = ImageCache(tmp_path / "cache", FRAME)
    with pytest.raises(ImageError, match=r"1\.png.*2\.png"):
        cache.build(stimuli)


def test_pickles_without_pixels(tmp_path, stimuli):
    cache = ImageCache(tmp_path / "cache", FRAME)
    cache.build(stimuli)
    cache.get(stimuli[0])
    data = pickle.dumps(cache)
    assert len(data) < 3000
    np.testing.assert_array_equal(pickle.loads(data).get(stimuli[3]), cache.get(stimuli[3]))


def _build(root, stimuli, results):
    cache = ImageCache(root, FRAME)
    cache.build(stimuli)
    results.put([int(cache.get(s).astype(np.int64).sum()) for s in stimuli])


def test_two_processes_that_build_at_once_agree(tmp_path, stimuli):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    workers = [
        context.Process(target=_build, args=(tmp_path / "cache", stimuli, results))
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    sums = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    wanted = [int(decode(s, FRAME).astype(np.int64).sum()) for s in stimuli]
    assert sums == [wanted] * 3
    suffixes = sorted(p.suffix for p in (tmp_path / "cache").iterdir())
    assert suffixes == [".lock", *[".npz"] * len(stimuli)]
