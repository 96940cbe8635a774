"""Augmentation: images with the gaze on them, paths cut in time, conditions left unsaid.

Every function of images takes an image, uint8 ``(height, width, 3)``, the scanpaths on it if it
moves them, and a numpy generator or explicit amounts, and returns new ones; inputs are not changed.

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

from spgen_lit.data.images import Pixels, resize
from spgen_lit.scanpath import GAP, Array, Scanpath, Viewing

Sample = tuple[Pixels, list[Scanpath]]

GAPS = (0.03, 0.2)  # seconds between two fixations, at least and at most
_SIGMA = 0.45  # of the logarithm of an observer's durations
CONDITIONS = tuple(field.name for field in fields(Viewing))


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
    filtered = np.zeros_like(pixels)
    for shown, channel in np.ndindex(3, 3):
        values, kernel = pixels[..., channel], kernels[shown, channel]
        filtered[..., shown] += cv2.filter2D(values, -1, kernel, borderType=cv2.BORDER_REFLECT)
    mixed = weight * pixels + (1 - weight) * filtered
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
        for name, value in vars(self).items():
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


def cut_path(path: Scanpath, seconds: float, gap: float | None = None) -> Scanpath:
    """The path as it would be had the picture been shown for a shorter time.

    The fixation in progress at the end is cut short. A path without durations, or whose
    viewing time is unknown and needed, is given back as it is.

    Args:
        path: With durations.
        seconds: The shorter time.
        gap: Seconds between two fixations; None: such that fixations and the gaps between
            them fill the recorded viewing time.
    """
    shown = path.viewing.seconds
    if path.durations is None or (gap is None and shown is None):
        return path
    if gap is None:
        gap = np.clip((shown - path.durations.sum()) / len(path), *GAPS)
    begins = np.cumsum(path.durations) - path.durations + gap * np.arange(len(path))
    keep = begins < seconds
    durations = np.minimum(path.durations, seconds - begins)[keep]
    viewing = replace(path.viewing, seconds=seconds)
    return replace(path, xy=path.xy[keep], durations=durations, viewing=viewing)


def fill_durations(path: Scanpath, rng: np.random.Generator) -> Scanpath:
    """The path with durations drawn at random that fill its viewing time, where it has none.

    A set without durations still says how many fixations were made in how many seconds. A
    network that is shown untimed paths never learns it, and times them as other sets do.

    Args:
        path: Given back as it is if it has durations or its viewing time is unknown.
        rng: Random generator; durations are log-normal before they are scaled.
    """
    if path.durations is not None or path.viewing.seconds is None:
        return path
    looking = path.viewing.seconds - GAP * len(path)
    weights = rng.lognormal(sigma=_SIGMA, size=len(path))
    shortest = 0.05 * len(path)
    return replace(path, durations=weights / weights.sum() * max(looking, shortest))


@dataclass(frozen=True)
class ViewingAugment:
    """Shows a network other viewing times than were recorded, and unknown conditions.

    Cutting observers' paths at a random time keeps them true, and teaches how long a path is
    for a time. Conditions are hidden at random, so that the network also works without them.

    Attributes:
        cut: Probability that a draw's paths are cut, each at a time of its own.
        shortest: Seconds of the shortest cut.
        hide: Probability that a condition of a draw is hidden, for each condition.
        fill: Draw durations where a set has none; see :func:`fill_durations`.

    Raises:
        ValueError: For a probability outside [0, 1] or a time that is not positive.
    """

    cut: float = 0.3
    shortest: float = 0.7
    hide: float = 0.15
    fill: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.cut <= 1 and 0 <= self.hide <= 1 and self.shortest > 0):
            raise ValueError(
                f"data.viewing needs cut and hide in [0, 1] and shortest above 0, found {self}"
            )

    def __call__(self, paths: Sequence[Scanpath], rng: np.random.Generator) -> list[Scanpath]:
        """The scanpaths of one draw on one image, some cut, some of their conditions hidden."""
        hidden = [name for name in CONDITIONS if rng.random() < self.hide]
        out = [fill_durations(path, rng) for path in paths] if self.fill else list(paths)
        if rng.random() < self.cut:
            out = [self._cut(path, rng) for path in out]
        if not hidden:
            return out
        unknown = dict.fromkeys(hidden)
        return [replace(path, viewing=replace(path.viewing, **unknown)) for path in out]

    def _cut(self, path: Scanpath, rng: np.random.Generator) -> Scanpath:
        longest = path.viewing.seconds
        if path.durations is None or longest is None or longest <= self.shortest:
            return path
        cut = cut_path(path, float(rng.uniform(self.shortest, longest)))
        return cut if len(cut.on_image()) else path
