"""Images in every state that users' folders hold them in."""

import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from spgen_lit.data.images import ImageError, image_size, list_images, read_image


@pytest.fixture
def scene():
    """40 x 24, red top-left quadrant, green top-right, blue bottom-left, white bottom-right."""
    rgb = np.zeros((24, 40, 3), np.uint8)
    rgb[:12, :20, 0] = 255
    rgb[:12, 20:, 1] = 255
    rgb[12:, :20, 2] = 255
    rgb[12:, 20:] = 255
    return rgb


def close(a, b, tolerance):
    return a.shape == b.shape and np.abs(a.astype(int) - b.astype(int)).mean() <= tolerance


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "gif", "ppm", "jpg", "jp2"])
def test_formats_give_the_same_rgb(tmp_path, scene, suffix):
    path = tmp_path / f"a.{suffix}"
    extra = {"quality": 95} if suffix == "jpg" else {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(scene).save(path, **extra)
    assert image_size(path) == (40, 24)
    assert read_image(path).dtype == np.uint8
    assert close(read_image(path), scene, 12)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_size_is_as_displayed(tmp_path, scene, orientation, suffix):
    # Store the picture turned so that the tag turns it back.
    stored = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.transpose(1, 0, 2),
        6: np.rot90(scene, 1),
        7: scene[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(scene, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif.tobytes(), quality=95)
    assert image_size(path) == (40, 24)
    assert close(read_image(path), scene, 12)


def test_grey_16_bit_palette_alpha_float_cmyk_and_bilevel(tmp_path, scene):
    ramp = np.linspace(0, 65535, 960).astype(np.uint16).reshape(24, 40)
    Image.fromarray(ramp).save(tmp_path / "grey16.png")
    assert close(read_image(tmp_path / "grey16.png")[..., 0], ramp // 257, 1)
    Image.fromarray(ramp).save(tmp_path / "grey16.tif")
    assert close(read_image(tmp_path / "grey16.tif")[..., 2], ramp // 257, 1)
    Image.fromarray((ramp / 65535).astype(np.float32)).save(tmp_path / "float.tif")
    assert close(read_image(tmp_path / "float.tif")[..., 1], ramp // 257, 1)
    cv2.imwrite(str(tmp_path / "rgb16.png"), scene[..., ::-1].astype(np.uint16) * 257)
    assert close(read_image(tmp_path / "rgb16.png"), scene, 1)
    Image.fromarray(scene[..., 0]).save(tmp_path / "grey.jpg")
    assert read_image(tmp_path / "grey.jpg").shape == (24, 40, 3)
    Image.fromarray(scene).quantize(8).save(tmp_path / "palette.png")
    assert close(read_image(tmp_path / "palette.png"), scene, 2)
    Image.fromarray(scene).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    assert close(read_image(tmp_path / "cmyk.jpg"), scene, 6)
    Image.fromarray(scene[..., 0]).convert("1").save(tmp_path / "one.png")
    assert close(read_image(tmp_path / "one.png")[..., 0], scene[..., 0], 1)


def test_transparency_is_laid_on_white(tmp_path, scene):
    alpha = np.full((24, 40, 1), 255, np.uint8)
    alpha[:12, :20] = 0
    Image.fromarray(np.concatenate([scene, alpha], 2)).save(tmp_path / "alpha.png")
    rgb = read_image(tmp_path / "alpha.png")
    assert (rgb[:12, :20] == 255).all()
    assert (rgb[12:, :20] == (0, 0, 255)).all()


def test_animated_gif_gives_its_first_frame(tmp_path, scene):
    frames = [Image.fromarray(scene), Image.fromarray(255 - scene)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    assert close(read_image(tmp_path / "a.gif"), scene, 3)


def test_large_jpeg_is_decoded_small_but_never_smaller_than_needed(tmp_path):
    big = cv2.resize(np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8), (1200, 800))
    Image.fromarray(big).save(tmp_path / "big.jpg")
    small = read_image(tmp_path / "big.jpg", size=(256, 192))
    assert small.shape == (200, 300, 3)
    assert read_image(tmp_path / "big.jpg", size=(900, 700)).shape == (800, 1200, 3)
    reference = cv2.resize(big, (300, 200), interpolation=cv2.INTER_AREA)
    assert close(small, reference, 4)


def test_reduced_decoding_knows_that_a_turned_image_swaps_its_sides(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (1600, 200)).save(tmp_path / "t.jpg", exif=exif.tobytes())
    assert read_image(tmp_path / "t.jpg", size=(100, 800)).shape == (800, 100, 3)


@pytest.mark.parametrize("size", [(1, 1), (30000, 20), (20, 9000)])
def test_extreme_sizes(tmp_path, size):
    Image.new("RGB", size, (1, 2, 3)).save(tmp_path / "a.png")
    assert image_size(tmp_path / "a.png") == size
    assert read_image(tmp_path / "a.png", size=(256, 192)).shape == (size[1], size[0], 3)


def test_bad_files_are_named_with_the_reason(tmp_path, scene):
    empty = tmp_path / "empty.jpg"
    empty.touch()
    text = tmp_path / "text.jpg"
    text.write_text("not a picture")
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    cut = tmp_path / "cut.jpg"
    Image.fromarray(noise).save(cut)
    cut.write_bytes(cut.read_bytes()[:3000])
    broken = tmp_path / "broken.png"
    Image.fromarray(noise).save(broken)
    data = bytearray(broken.read_bytes())
    data[2000:2100] = bytes(100)
    broken.write_bytes(data)
    head = tmp_path / "head.png"
    head.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR")
    for path, reason in [
        (empty, "empty"),
        (text, "not an image"),
        (cut, "damaged or cut-off JPEG"),
        (broken, "damaged"),
        (head, "damaged|not an image"),
        (tmp_path / "none.jpg", "No such file"),
        (tmp_path, "Is a directory"),
    ]:
        with pytest.raises(ImageError, match=reason) as caught:
            read_image(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(ImageError, match="empty"):
        image_size(empty)


def test_list_images_is_recursive_sorted_and_skips_hidden_and_other_files(tmp_path, scene):
    for name in ("b/x.JPG", "a.png", ".hidden.png", "b/.cache/y.png", "notes.txt", "b/Ä.tiff"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert names == ["a.png", "b/x.JPG", "b/Ä.tiff"]
    with pytest.raises(FileNotFoundError, match="no such folder"):
        list_images(tmp_path / "none")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a\.png: not a regular file"):
        read_image(tmp_path / "a.png")


def test_a_huge_picture_in_a_small_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "flat.png"
    Image.new("1", (3000, 1000)).save(file)
    monkeypatch.setenv("SPGEN_MAX_MEGAPIXELS", "2")
    with pytest.raises(ImageError, match=r"flat\.png: 3 megapixels .* SPGEN_MAX_MEGAPIXELS"):
        read_image(file)
    assert image_size(file) == (3000, 1000)
    monkeypatch.delenv("SPGEN_MAX_MEGAPIXELS")
    assert read_image(file).shape == (1000, 3000, 3)


def test_heic_is_read_where_its_package_is_installed(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    file = tmp_path / "telephone.heic"
    Image.new("RGB", (64, 48), (200, 40, 40)).save(file)
    assert image_size(file) == (64, 48)
    assert np.abs(read_image(file).astype(int) - [200, 40, 40]).max() < 12


def test_heic_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "telephone.heic"
    file.write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))

    def unknown(path: Path) -> None:
        raise UnidentifiedImageError(str(path))

    monkeypatch.setattr(Image, "open", unknown)
    monkeypatch.setattr(Image, "registered_extensions", lambda: {".png": "PNG"})
    with pytest.raises(ImageError, match=r"pip install 'spgen-lit\[heic\]'"):
        read_image(file)
