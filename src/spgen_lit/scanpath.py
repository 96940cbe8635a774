"""The one data type of the package: a scanpath in image-relative coordinates."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
#: Seconds between two fixations, as a rule: saccades, blinks, what detection leaves out.
GAP = 0.09
FirstFixation = Literal["free", "given"]
Task = Literal["free", "memory", "search", "question"]


@dataclass(frozen=True, slots=True)
class Viewing:
    """How a picture was shown to an observer; None for what is not known.

    Attributes:
        seconds: How long the picture was shown.
        px_per_degree: Pixels of the image, at the size that its scanpaths name, in one degree
            of visual angle.
        first_fixation: ``given`` where the first listed fixation began before the picture
            appeared or at a fixation cross, ``free`` where the observer chose it.
        task: What observers were asked to do: ``free`` viewing, ``memory``, ``search`` or
            answering a ``question``.
        dataset: Name of the data set, for networks with parameters of their own for it.

    Raises:
        ValueError: For a time or a scale that is not positive, naming it.
    """

    seconds: float | None = None
    px_per_degree: float | None = None
    first_fixation: FirstFixation | None = None
    task: Task | None = None
    dataset: str | None = None

    def __post_init__(self) -> None:
        for name in ("seconds", "px_per_degree"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"viewing.{name} must be positive, found {value}")


@dataclass(frozen=True, slots=True)
class Scanpath:
    """One observer's fixations on one image, in viewing order.

    Attributes:
        image: Identifier of the stimulus (usually its file name without the folder).
        size: Width and height of that image in px.
        xy: Fixation positions ``(fixation, 2)`` as x, y relative to width and height:
            origin at the top-left corner, x to the right, y downwards. Gaze that left
            the image stays outside [0, 1]; readers keep it, training leaves it out.
        durations: Fixation durations ``(fixation,)`` in seconds, or None if unknown.
        observer: Identifier of the person or model; empty if unknown.
        viewing: How the picture was shown.

    Raises:
        ValueError: For arrays of another shape, values that are not finite, durations
            below zero, or an image size that is not positive. The message names the
            image and the observer.
    """

    image: str
    size: tuple[int, int]
    xy: Array
    durations: Array | None = field(default=None)
    observer: str = ""
    viewing: Viewing = Viewing()

    def __post_init__(self) -> None:
        width, height = (int(side) for side in self.size)
        xy = np.asarray(self.xy, dtype=np.float64)
        object.__setattr__(self, "size", (width, height))
        object.__setattr__(self, "xy", xy.reshape(0, 2) if xy.size == 0 else xy)
        if self.durations is not None:
            object.__setattr__(self, "durations", np.asarray(self.durations, dtype=np.float64))
        fault = self._fault()
        if fault:
            by = f" by observer {self.observer!r}" if self.observer else ""
            raise ValueError(f"scanpath on image {self.image!r}{by}: {fault}")

    def _fault(self) -> str:
        """What is wrong with the values, empty if nothing is."""
        xy, durations = self.xy, self.durations
        if min(self.size) <= 0:
            return f"image size must be positive, found {self.size}"
        if xy.ndim != 2 or xy.shape[1] != 2:
            return f"xy must have shape (fixation, 2), found {xy.shape}"
        bad = np.flatnonzero(~np.isfinite(xy).all(axis=1))
        if len(bad):
            return f"xy of fixation {bad[0]} is not finite: {xy[bad[0]]}"
        if durations is None:
            return ""
        if durations.shape != (len(xy),):
            needed = f"{len(xy)} fixations need durations of shape ({len(xy)},)"
            return f"{needed}, found {durations.shape}"
        bad = np.flatnonzero(~(np.isfinite(durations) & (durations >= 0)))
        if len(bad):
            needed = f"duration of fixation {bad[0]} must be finite and at least 0 s"
            return f"{needed}, found {durations[bad[0]]}"
        return ""

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def pixels(self) -> Array:
        """Fixation positions ``(fixation, 2)`` as x, y in px of the image."""
        return self.xy * np.asarray(self.size, dtype=np.float64)

    def array(self, screen: tuple[float, float] | None = None) -> Array:
        """Rows of x, y in px and, where known, duration in s: what the metrics take.

        Args:
            screen: Width and height to express px in (the image stretched to it);
                None for the image's own size.

        Returns:
            Array ``(fixation, 3)``, or ``(fixation, 2)`` without durations.
        """
        xy = self.xy * np.asarray(screen or self.size, dtype=np.float64)
        return xy if self.durations is None else np.column_stack([xy, self.durations])

    def to_frame(self) -> pd.DataFrame:
        """One row per fixation.

        Returns:
            Columns ``image``, ``width``, ``height``, ``observer``, ``fixation`` (from 0),
            ``x``, ``y`` in px and ``duration`` in seconds (NaN if unknown).
        """
        import pandas as pd  # here: reading a scanpath needs no tables

        return pd.DataFrame(
            {
                "image": self.image,
                "width": self.size[0],
                "height": self.size[1],
                "observer": self.observer,
                "fixation": np.arange(len(self)),
                "x": self.pixels[:, 0],
                "y": self.pixels[:, 1],
                "duration": np.nan if self.durations is None else self.durations,
            }
        )

    def plot(self, image: ArrayLike | None = None, ax: Axes | None = None) -> Axes:
        """Draw the path: numbered fixations, their area by duration, over the image if given.

        Args:
            image: RGB ``(height, width, 3)``, stretched to the image's size.
            ax: Where to draw; None for a new figure.

        Returns:
            The axes, in px of the image.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.figure().add_subplot()
        width, height = self.size
        if image is not None:
            ax.imshow(np.asarray(image), extent=(0, width, height, 0))
        x, y = self.pixels.T
        seconds = np.full(len(self), 0.25) if self.durations is None else self.durations
        ax.plot(x, y, color="white", linewidth=2.5, zorder=2)
        ax.plot(x, y, color="C3", linewidth=1, zorder=2)
        ax.scatter(x, y, 900 * seconds, color="C3", edgecolor="white", alpha=0.7, zorder=3)
        for number, place in enumerate(self.pixels):
            ax.annotate(str(number + 1), place, color="white", ha="center", va="center", zorder=4)
        ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=[], yticks=[])
        return ax

    def on_image(self) -> Scanpath:
        """The same scanpath without the fixations that lie off the image."""
        keep = ((self.xy >= 0) & (self.xy <= 1)).all(axis=1)
        if keep.all():
            return self
        durations = None if self.durations is None else self.durations[keep]
        return replace(self, xy=self.xy[keep], durations=durations)
