"""Sampling from an exported network with ONNX Runtime, without torch.

Export copies this file beside the graphs as ``sample.py``, with the modules that it imports.
They need numpy, onnxruntime, opencv-python and pillow, and nothing else.

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
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from spgen_lit.data.images import Frame
from spgen_lit.network.noise import draw_noise, path_seed
from spgen_lit.scanpath import Array, Scanpath

Floats = NDArray[np.float32]


class OnnxSampler:
    """Draws scanpaths from the folder that ``spgen_lit.export`` wrote.

    Args:
        folder: Holds ``image.onnx``, ``step.onnx`` and ``settings.json``.
        threads: Threads of ONNX Runtime; 0 for its default.

    Raises:
        FileNotFoundError: If one of these files is absent.
    """

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        for name in ("settings.json", "image.onnx", "step.onnx"):
            if not Path(folder, name).is_file():
                raise FileNotFoundError(f"{folder}: no {name}; give a folder that export wrote")
        self.settings: dict[str, Any] = json.loads(Path(folder, "settings.json").read_text())
        self.frame = Frame(**self.settings["frame"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._image, self._step = (
            onnxruntime.InferenceSession(
                str(Path(folder, name)), options, providers=["CPUExecutionProvider"]
            )
            for name in ("image.onnx", "step.onnx")
        )

    def __call__(
        self,
        image: str | Path | NDArray[np.uint8],
        samples: int = 10,
        temperature: float | None = None,
        seed: int = 0,
        id: str | None = None,
        viewing_time: float | None = None,
    ) -> list[Scanpath]:
        """Draw scanpaths on a file, or on uint8 RGB ``(height, width, 3)``.

        Args:
            image: A file or an array.
            samples: How many paths.
            temperature: 0 for the likeliest path; None for the network's own.
            seed: Any integer.
            id: Identifier that the paths depend on; None for the file's name, or ``image``.
            viewing_time: Seconds that the image is looked at; None for those of training.
        """
        name = id or (Path(image).name if isinstance(image, str | Path) else "image")
        pixels, size = self.frame.read(image)
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        seeds = [path_seed(seed, name, number) for number in range(samples)]
        return [
            Scanpath(name, size, self.frame.inverse(xy, size).clip(0, 1), seconds, f"model-{k}")
            for k, (xy, seconds) in enumerate(
                self.draw(self.encode(planes), seeds, temperature, viewing_time)
            )
        ]

    def encode(self, planes: NDArray[np.uint8]) -> dict[str, Floats]:
        """All that sampling needs of one image ``(3, height, width)``, uint8, in the frame."""
        names = [output.name for output in self._image.get_outputs()]
        return dict(zip(names, self._image.run(None, {"images": planes[None]}), strict=True))

    def draw(
        self,
        terms: dict[str, Floats],
        seeds: Sequence[int],
        temperature: float | None = None,
        viewing_time: float | None = None,
    ) -> list[tuple[Array, Array]]:
        """Draw one path a seed on an encoded image.

        Args:
            terms: An encoded image.
            seeds: One a path.
            temperature: 0 or more; None for the network's own.
            viewing_time: Seconds that the image is looked at; None for those of training.

        Returns:
            For each path x, y ``(fixation, 2)`` from 0 to 1 of the frame, and seconds
            ``(fixation,)``.

        Raises:
            ValueError: For a temperature below zero or not finite.
        """
        settings = self.settings
        temperature = settings["temperature"] if temperature is None else temperature
        if not 0 <= temperature < float("inf"):
            raise ValueError(f"temperature must be finite and at least 0, found {temperature}")
        viewing = np.array(settings["viewing"], np.float32)
        if viewing_time is not None:
            viewing[0] = viewing_time
        steps = settings["max_fixations"]
        if not np.isnan(viewing[0]):
            rate = settings["per_second"]
            steps = math.ceil(np.float32(viewing[0]) * np.float32(rate)) + rate
        count = len(seeds)
        noise = draw_noise(
            seeds, steps, settings["cells"], settings["components"], settings["noise"]
        )
        inputs = {
            **terms,
            "viewing": np.tile(viewing, (1, count, 1)),
            "temperature": np.array(temperature, np.float32),
        }
        state = {
            name: np.zeros((1, count, *shape), np.dtype(kind))
            for name, (kind, shape) in settings["state"].items()
        }
        names = [output.name for output in self._step.get_outputs()]
        xy, seconds = np.zeros((count, steps, 2)), np.zeros((count, steps))
        length = np.full(count, steps)
        for step in range(steps):
            for name, values in noise._asdict().items():
                inputs[f"noise_{name}"] = np.ascontiguousarray(values[None, :, step])
            outputs = dict(zip(names, self._step.run(None, inputs | state), strict=True))
            xy[:, step], seconds[:, step] = outputs["xy"][0], outputs["seconds"][0]
            length[(outputs["end_logit"][0] > 0) & (length == steps)] = step + 1
            if (length <= step + 1).all():
                break
            state = {name: outputs[f"next_{name}"] for name in state}
        return [(xy[row, :n], seconds[row, :n]) for row, n in enumerate(length.tolist())]


def main() -> None:
    """Draw scanpaths on images and print them as CSV, in px and ms."""
    parser = argparse.ArgumentParser(description="Scanpaths for images, as CSV on the output.")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--temperature", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", default=str(Path(__file__).resolve().parent))
    options = parser.parse_args()
    sampler = OnnxSampler(options.folder)
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(("image", "width", "height", "observer", "fixation", "x", "y", "duration"))
    for image in options.images:
        paths = sampler(image, options.samples, options.temperature, options.seed)
        for number, path in enumerate(paths, start=1):
            cells = (path.array() * (1, 1, 1000)).round(3).tolist()
            for step, values in enumerate(cells, start=1):
                rows.writerow((path.image, *path.size, number, step, *values))


if __name__ == "__main__":
    main()
