"""Augmentation that moves gaze with the image, and says where it changes how people look.

Every function takes an image, uint8 ``(height, width, 3)``, the scanpaths on it if it moves them,
and a numpy generator or explicit amounts, and returns new ones; inputs are not changed.

What each does to gaze, besides moving it:

- `flip` mirrors observers' left-right habits: first saccades go left more often than right
  (pseudoneglect; Nuthmann & Matthias 2014, Cortex), and where half of the images are flipped
  a model learns no such bias.
- `crop` removes surroundings that observers saw, keeps only the fixations inside, and moves
  their center bias off the center of the picture.
- `color` and `blur` leave gaze where it was recorded. They are kept slight, since strong
  changes of contrast would have changed where people look.
- `texture` changes how everything is rendered and nothing of what is shown. People would look
  a little elsewhere on such an image; it is for learning what does not depend on style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np

from spgen_lit.data.frame import resize
from spgen_lit.data.images import Pixels
from spgen_lit.scanpath import Array, Scanpath

Sample = tuple[Pixels, list[Scanpath]]


def flip(image: Pixels, paths: Sequence[Scanpath]) -> Sample:
    """Mirror left and right; x becomes 1 - x. Changes the left bias of gaze."""
    mirrored = np.ascontiguousarray(image[:, ::-1])
    return mirrored, [replace(p, xy=p.xy * (-1.0, 1.0) + (1.0, 0.0)) for p in paths]


def crop(
    image: Pixels,
    paths: Sequence[Scanpath],
    rng: np.random.Generator,
    scale: tuple[float, float] = (0.7, 1.0),
    keep: float = 0.8,
    shortest: int = 3,
    tries: int = 10,
) -> Sample:
    """Cut a random window of the same aspect and bring it back to the image's size.

    A window is taken only if it holds enough fixations; fixations outside it are left out,
    and paths that keep fewer than `shortest` are left out. After `tries` windows that hold
    too few, image and paths come back as they were.

    Args:
        image: uint8 ``(height, width, 3)``.
        paths: Scanpaths on it; their recorded image size stays as it is.
        rng: Random generator of the window.
        scale: Least and greatest size of the window relative to the image.
        keep: Least fraction of all fixations that the window must hold.
        shortest: Fewest fixations of a path worth keeping.
        tries: Windows drawn before giving up.
    """
    height, width = image.shape[:2]
    for _ in range(tries):
        zoom = rng.uniform(*scale)
        w, h = max(1, round(width * zoom)), max(1, round(height * zoom))
        left, top = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
        corner = np.array([left / width, top / height])
        extent = np.array([w / width, h / height])
        inside = [_window(p, corner, extent) for p in paths]
        kept = [p for p in inside if len(p) >= shortest]
        if sum(map(len, kept)) >= keep * sum(map(len, paths)):
            return resize(image[top : top + h, left : left + w], (width, height)), kept
    return image.copy(), list(paths)


def color(image: Pixels, rng: np.random.Generator, strength: float = 0.15) -> Pixels:
    """Change brightness, contrast and saturation by up to `strength` of their value each."""
    brightness, contrast, saturation = 1 + rng.uniform(-strength, strength, 3)
    pixels = image.astype(np.float32) * np.float32(brightness)
    pixels = (pixels - pixels.mean()) * np.float32(contrast) + pixels.mean()
    gray = pixels @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 luma
    pixels = (pixels - gray[..., None]) * np.float32(saturation) + gray[..., None]
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def blur(image: Pixels, rng: np.random.Generator, widest: float = 1.0) -> Pixels:
    """Gaussian blur of a standard deviation drawn from 0.1 to `widest` px."""
    sigma = float(rng.uniform(0.1, max(0.1, widest)))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def texture(image: Pixels, rng: np.random.Generator, sizes: Sequence[int] = (1, 3, 5, 7)) -> Pixels:
    """Filter by a random kernel across positions and colors, mixed with the image itself.

    Shapes stay, local texture and colors change: random convolution (Xu et al. 2021, ICLR).

    Args:
        image: uint8 ``(height, width, 3)``.
        rng: Random generator of kernel and mixture.
        sizes: Odd widths of the kernel in px, one of which is drawn.
    """
    size = int(rng.choice(np.asarray(sizes)))
    kernels = rng.normal(0, (3 * size * size) ** -0.5, (3, 3, size, size))
    weight = float(rng.random())
    pixels = (image.astype(np.float32) - 127.5) / 64  # about the scale that networks see
    channels = [np.ascontiguousarray(pixels[..., channel]) for channel in range(3)]
    filtered = [
        sum(
            cv2.filter2D(c, -1, k, borderType=cv2.BORDER_REFLECT)
            for c, k in zip(channels, row, strict=True)
        )
        for row in kernels
    ]
    mixed = weight * pixels + (1 - weight) * np.stack(filtered, axis=2)
    return np.clip(np.rint(mixed * 64 + 127.5), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Augment:
    """Apply each change with its own probability.

    Attributes:
        flip: Probability of mirroring; changes the left bias (see this file's head).
        crop: Probability of a window; leaves fixations out.
        color: Probability of a change of brightness, contrast and saturation.
        blur: Probability of a slight blur.
        texture: Probability of a random kernel; see `texture`.

    Raises:
        ValueError: For a probability outside [0, 1].
    """

    flip: float = 0.5
    crop: float = 0.0
    color: float = 0.0
    blur: float = 0.0
    texture: float = 0.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is a probability from 0 to 1, found {value}")

    def __call__(
        self, image: Pixels, paths: Sequence[Scanpath], rng: np.random.Generator
    ) -> Sample:
        """Image and scanpaths after the drawn changes; the same draws for any content."""
        chance = rng.random(4)
        result = list(paths)
        if chance[0] < self.flip:
            image, result = flip(image, result)
        if chance[1] < self.crop:
            image, result = crop(image, result, rng)
        if chance[2] < self.color:
            image = color(image, rng)
        if chance[3] < self.blur:
            image = blur(image, rng)
        # Drawn last, so that the other changes are the same without it.
        if self.texture and rng.random() < self.texture:
            image = texture(image, rng)
        return image, result


def _window(path: Scanpath, corner: Array, extent: Array) -> Scanpath:
    """What a window shows of a path, which now fills the image's size."""
    xy = (path.xy - corner) / extent
    inside = np.all((xy >= 0) & (xy <= 1), axis=1)
    durations = None if path.durations is None else path.durations[inside]
    viewing = path.viewing
    if viewing.px_per_degree is not None:
        viewing = replace(viewing, px_per_degree=viewing.px_per_degree / float(extent[0]))
    if not inside[:1].all():
        viewing = replace(viewing, first_fixation=None)
    return replace(path, xy=xy[inside], durations=durations, viewing=viewing)
