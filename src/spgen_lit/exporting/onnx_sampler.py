"""Sampling from an exported network with ONNX Runtime, without torch.

Export copies this file beside the graphs as ``sample.py``, with ``noise.py``, which draws the
random numbers. Both need numpy, onnxruntime, opencv-python and pillow, and nothing else.

    python sample.py painting.jpg --samples 10 --temperature 1 --seed 0 > scanpaths.csv

For a given image, identifier, seed and temperature it draws the paths that torch draws.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image, ImageOps

from spgen_lit.network.noise import Noise, draw_noise, path_seed

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Path2D:
    """One scanpath.

    Attributes:
        xy: ``(fixation, 2)`` x, y in shares of the image's width and height.
        durations: ``(fixation,)`` in seconds.
    """

    xy: NDArray[np.float64]
    durations: Floats


class OnnxSampler:
    """Draws scanpaths from the folder that ``spgen_lit.export`` wrote.

    Args:
        folder: Holds ``image.onnx``, ``step.onnx`` and ``settings.json``.
        threads: Threads of ONNX Runtime; 0 for its own choice.

    Raises:
        FileNotFoundError: If one of these files is absent.
    """

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        for name in ("settings.json", "image.onnx", "step.onnx"):
            if not Path(folder, name).is_file():
                raise FileNotFoundError(f"{folder}: no {name}; give a folder that export wrote")
        self.settings: dict[str, Any] = json.loads(Path(folder, "settings.json").read_text())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._image, self._step = (
            onnxruntime.InferenceSession(
                str(Path(folder, name)), options, providers=["CPUExecutionProvider"]
            )
            for name in ("image.onnx", "step.onnx")
        )
        self._outputs = [output.name for output in self._step.get_outputs()]

    def __call__(
        self,
        image: str | Path | NDArray[np.uint8],
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
        id: str | None = None,
        viewing_time: float | None = None,
    ) -> list[Path2D]:
        """Draw scanpaths on a file, or on uint8 RGB ``(height, width, 3)``.

        Args:
            image: What to look at.
            samples: How many paths.
            temperature: 0 for the likeliest path; None for the network's own.
            seed: Any integer.
            id: Identifier that the paths depend on; None for the file's name, or ``image``.
            viewing_time: Seconds that the image is looked at; None for those of training.
        """
        if isinstance(image, str | Path):
            name = Path(image).name if id is None else id
            rgb, size = read_rgb(image, self.settings["frame"]["size"])
        else:
            name = "image" if id is None else id
            rgb, size = image, (image.shape[1], image.shape[0])
        planes = np.ascontiguousarray(self.fit(rgb, size).transpose(2, 0, 1))
        seeds = [path_seed(seed, name, number) for number in range(samples)]
        paths = self.draw(self.encode(planes), seeds, temperature, viewing_time)
        left, top, wide, high = self._placement(size)
        canvas = np.asarray(self.settings["frame"]["size"], np.float64)
        offset, scale = np.array([left, top]) / canvas, np.array([wide, high]) / canvas
        return [Path2D(((path.xy - offset) / scale).clip(0, 1), path.durations) for path in paths]

    def encode(self, planes: NDArray[np.uint8]) -> dict[str, Floats]:
        """All that sampling needs of one image ``(3, height, width)``, uint8, in the frame."""
        names = [output.name for output in self._image.get_outputs()]
        values = self._image.run(None, {"images": planes[None]})
        return dict(zip(names, values, strict=True))

    def draw(
        self,
        terms: dict[str, Floats],
        seeds: Sequence[int],
        temperature: float | None = None,
        viewing_time: float | None = None,
    ) -> list[Path2D]:
        """Draw one path a seed on an encoded image, from 0 to 1 of the frame.

        Args:
            terms: An encoded image.
            seeds: One a path.
            temperature: 0 or more; None for the network's own.
            viewing_time: Seconds that the image is looked at; None for those of training.

        Raises:
            ValueError: For a temperature below zero or not finite.
        """
        settings = self.settings
        chosen = settings["temperature"] if temperature is None else temperature
        if not 0 <= chosen < float("inf"):
            raise ValueError(f"temperature must be finite and at least 0, found {temperature}")
        viewing = np.array(settings["viewing"], np.float32)
        if viewing_time is not None:
            viewing[0] = viewing_time
        steps = settings["max_fixations"]
        if not np.isnan(viewing[0]):
            rate = settings["per_second"]
            steps = math.ceil(np.float32(viewing[0]) * np.float32(rate)) + rate
        noise = draw_noise(
            seeds, steps, settings["cells"], settings["components"], settings["noise"]
        )
        return self._steps(
            terms, noise, np.broadcast_to(viewing, (1, len(seeds), viewing.shape[-1])), chosen
        )

    def _steps(
        self, terms: dict[str, Floats], noise: Noise, viewing: Floats, temperature: float
    ) -> list[Path2D]:
        count, steps = noise.end.shape
        state = {
            name: np.zeros((1, count, *shape), np.dtype(kind))
            for name, (kind, shape) in self.settings["state"].items()
        }
        fixed = {
            **terms,
            "viewing": np.ascontiguousarray(viewing),
            "temperature": np.array(temperature, np.float32),
        }
        xy = np.zeros((count, steps, 2), np.float32)
        seconds = np.zeros((count, steps), np.float32)
        length = np.full(count, steps)
        for step in range(steps):
            now = {
                f"noise_{name}": np.ascontiguousarray(values[None, :, step])
                for name, values in noise._asdict().items()
            }
            found = self._step.run(None, {**fixed, **state, **now})
            out = dict(zip(self._outputs, found, strict=True))
            xy[:, step], seconds[:, step] = out["xy"][0], out["seconds"][0]
            length[(out["end_logit"][0] > 0) & (length == steps)] = step + 1
            if (length <= step + 1).all():
                break
            state = {name: out[f"next_{name}"] for name in state}
        return [
            Path2D(xy[row, :n].astype(np.float64), seconds[row, :n])
            for row, n in enumerate(length.tolist())
        ]

    def fit(self, rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        """An image of that full size in the frame: stretched, or letterboxed on a colour."""
        frame = self.settings["frame"]
        left, top, width, height = self._placement(size)
        small = min(rgb.shape[1], width), min(rgb.shape[0], height)
        inner: Any = rgb
        if small != (rgb.shape[1], rgb.shape[0]):
            inner = cv2.resize(inner, small, interpolation=cv2.INTER_AREA)
        if small != (width, height):
            inner = cv2.resize(inner, (width, height), interpolation=cv2.INTER_LINEAR)
        canvas = np.empty((frame["size"][1], frame["size"][0], 3), np.uint8)
        canvas[:] = frame["fill"]
        canvas[top : top + height, left : left + width] = inner
        return canvas

    def _placement(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, width and height in px of the frame that the image covers."""
        width, height = self.settings["frame"]["size"]
        if self.settings["frame"]["mode"] == "stretch":
            return 0, 0, width, height
        scale = min(width / size[0], height / size[1])
        inner = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
        return (width - inner[0]) // 2, (height - inner[1]) // 2, *inner


def read_rgb(
    path: str | Path, wanted: tuple[int, int] = (1 << 20, 1 << 20)
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """An image file, upright, as uint8 RGB ``(height, width, 3)``, and its full size.

    A JPEG at least twice as large as ``wanted`` (width, height) is decoded at a reduced scale,
    as in training. Transparency is laid on white.
    """
    with Image.open(path) as file:
        turned = file.getexif().get(0x0112, 1) > 4
        width, height = file.size
        if file.format in ("JPEG", "MPO"):
            file.draft(None, (wanted[1], wanted[0]) if turned else (wanted[0], wanted[1]))
        image = ImageOps.exif_transpose(file)
        if "A" in image.getbands() or "transparency" in image.info:
            layer = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        rgb = np.asarray(image.convert("RGB"), np.uint8)
    return rgb, (height, width) if turned else (width, height)


def main() -> None:
    """Draw scanpaths on images and print them as CSV, in px and ms."""
    parser = argparse.ArgumentParser(description="Scanpaths for images, as CSV on the output.")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--temperature", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", default=str(Path(__file__).resolve().parent))
    given = parser.parse_args()
    sampler = OnnxSampler(given.folder)
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(("image", "width", "height", "observer", "fixation", "x", "y", "duration"))
    for image in given.images:
        _, size = read_rgb(image, (1, 1))
        paths = sampler(image, given.samples, given.temperature, given.seed)
        for number, path in enumerate(paths, start=1):
            cells = np.column_stack([path.xy * size, 1000 * path.durations]).round(3)
            for step, place in enumerate(cells.tolist(), start=1):
                rows.writerow((Path(image).name, *size, number, step, *place))


if __name__ == "__main__":
    main()
