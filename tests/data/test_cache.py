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
from spgen_lit.data.frame import Frame
from spgen_lit.data.images import ImageError
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


@pytest.mark.parametrize("key", ["stat", "content"])
def test_a_changed_image_alone_is_decoded_again(tmp_path, stimuli, monkeypatch, key):
    cache = ImageCache(tmp_path / "cache", FRAME, key=key)
    cache.build(stimuli)
    before = cache.get(stimuli[2])
    pixels = np.asarray(Image.open(stimuli[2].path))
    Image.fromarray(255 - pixels).save(stimuli[2].path)
    os.utime(stimuli[2].path, ns=(1, 1))
    calls = counted(monkeypatch)
    cache = ImageCache(tmp_path / "cache", FRAME, key=key)
    cache.build(stimuli)
    assert calls == [stimuli[2].id]
    assert (cache.get(stimuli[2]) != before).any()
    assert len(list((tmp_path / "cache").glob("*.bin"))) == 1


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "pixel"])
def test_a_damaged_file_is_dropped_and_never_served(tmp_path, stimuli, damage):
    cache = ImageCache(tmp_path / "cache", FRAME)
    cache.build(stimuli)
    (file,) = (tmp_path / "cache").glob("*.bin")
    data = bytearray(file.read_bytes())
    data[5] ^= 255
    file.write_bytes(
        {"cut": data[: len(data) // 2], "empty": b"", "text": b"no cache", "pixel": data}[damage]
    )
    fresh = ImageCache(tmp_path / "cache", FRAME)
    with pytest.warns(UserWarning, match="image cache dropped"):
        fresh.build(stimuli)
        images = [fresh.get(s) for s in stimuli]
    for image, stimulus in zip(images, stimuli, strict=True):
        np.testing.assert_array_equal(image, decode(stimulus, FRAME))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh = ImageCache(tmp_path / "cache", FRAME)
        fresh.build(stimuli)
        np.testing.assert_array_equal(fresh.get(stimuli[0]), decode(stimuli[0], FRAME))


def test_a_vanished_file_means_decoding(tmp_path, stimuli):
    cache = ImageCache(tmp_path / "cache", FRAME)
    cache.build(stimuli)
    copy = pickle.loads(pickle.dumps(cache))
    next((tmp_path / "cache").glob("*.bin")).unlink()
    with pytest.warns(UserWarning, match="image cache dropped"):
        image = copy.get(stimuli[0])
    np.testing.assert_array_equal(image, decode(stimuli[0], FRAME))


def test_unreadable_images_are_all_named_and_nothing_is_kept(tmp_path, stimuli):
    for stimulus in stimuli[1:3]:
        stimulus.path.write_bytes(stimulus.path.read_bytes()[:200])
    cache = ImageCache(tmp_path / "cache", FRAME)
    with pytest.raises(ImageError, match=r"1\.png.*2\.png"):
        cache.build(stimuli)
    assert [p.suffix for p in (tmp_path / "cache").iterdir()] == [".lock"]


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
    assert sorted(p.suffix for p in (tmp_path / "cache").iterdir()) == [".bin", ".lock"]


def test_a_file_cut_short_while_it_is_used_means_decoding(tmp_path, stimuli):
    cache = ImageCache(tmp_path / "cache", FRAME)
    cache.build(stimuli)
    cache.get(stimuli[6])
    (file,) = (tmp_path / "cache").glob("*.bin")
    os.truncate(file, 1000)
    with pytest.warns(UserWarning, match="image cache dropped"):
        image = cache.get(stimuli[6])
    np.testing.assert_array_equal(image, decode(stimuli[6], FRAME))
