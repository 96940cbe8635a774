"""One export: graphs traced, written, compared with torch, and only then put in place."""

from __future__ import annotations

import json
import logging
import math
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx  # imported here, so that a missing extra is said before anything is traced
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig
from torch.export import Dim, ExportedProgram

from spgen_lit.batch import viewing_row
from spgen_lit.config import plain, trusted
from spgen_lit.data.images import read_image
from spgen_lit.exporting import onnx_sampler
from spgen_lit.exporting.graphs import INPUTS, OUTPUTS, TERMS, ImageGraph, StepGraph
from spgen_lit.exporting.model_card import model_card
from spgen_lit.exporting.onnx_sampler import OnnxSampler
from spgen_lit.network import noise
from spgen_lit.network.noise import path_seed
from spgen_lit.network.spgen import FIXATIONS_PER_SECOND, SPGen
from spgen_lit.predicting.outputs import find_images
from spgen_lit.predictor import Predictor

TEMPERATURES = (0.0, 1.0)


def run(config: DictConfig) -> str:
    """Export by a composed ``conf/export.yaml``; returns what to tell the user.

    Raises:
        ValueError: If the checkpoint is of another network than ``spgen``, a setting cannot
            be used, or a graph differs from torch by more than the tolerance.
        FileNotFoundError: If the checkpoint or an image is absent.
    """
    if config.samples < 1 or config.tolerance <= 0:
        raise ValueError("samples must be at least 1 and tolerance above 0")
    predictor = Predictor.from_pretrained(
        config.ckpt_path, domain=config.domain, trust=trusted(config)
    )
    target = Path(config.output)
    if target.exists() and not (target / "settings.json").is_file():
        raise ValueError(
            f"output={target} exists and is no earlier export; choose another folder, "
            "for it would be replaced as a whole"
        )
    images = plain(config.images)
    frames = _read(predictor, images) if images else made_images(predictor.frame.size)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as place:
        part = Path(place) / "export"
        part.mkdir()
        parity = export(predictor, part, frames, config.samples, config.programs)
        worst = max(value for key, value in parity.items() if key.startswith("largest"))
        if worst > config.tolerance:
            raise ValueError(
                f"the exported graphs differ from torch by {worst:.2g}, more than tolerance="
                f"{config.tolerance:g} ({json.dumps(parity)}); nothing was written"
            )
        parity["tolerance"] = config.tolerance
        card = model_card(predictor.info, Path(config.ckpt_path), parity, predictor.domain)
        (part / "README.md").write_text(card, encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        part.replace(target)
    return (
        f"{target}: image.onnx, step.onnx, sample.py, README.md; {parity['paths']} scanpaths as "
        f"torch's to {worst:.1e}"
    )


def export(
    predictor: Predictor,
    folder: Path,
    frames: Sequence[NDArray[np.uint8]],
    samples: int = 8,
    programs: bool = True,
) -> dict[str, float]:
    """Write graphs, settings and sampler into a folder and compare them with torch.

    Graphs are of the predictor's domain.

    Args:
        predictor: The trained network, on the CPU.
        folder: An empty folder.
        frames: Images in the frame ``(height, width, 3)``, uint8 RGB, to compare on.
        samples: Scanpaths an image to compare.
        programs: Whether ``image.pt2`` and ``step.pt2`` are written too.

    Returns:
        The figures of the comparison.

    Raises:
        ValueError: If the network is not an ``SPGen``.
    """
    network = predictor.network
    if not isinstance(network, SPGen):
        name = type(network).__name__
        raise ValueError(f"export takes networks of network=spgen; this checkpoint holds {name!r}")
    network.eval().requires_grad_(False)
    width, height = network.frame
    image, step = ImageGraph(network, predictor.domain).eval(), StepGraph(network.head).eval()
    traced = {"image": trace_image(image, (height, width)), "step": trace_step(step, image)}
    names = {
        "image": (["images"], list(TERMS)),
        "step": ([*INPUTS, "temperature"], list(OUTPUTS)),
    }
    for name, program in traced.items():
        if programs:
            torch.export.save(program, folder / f"{name}.pt2")
        _write_onnx(program, *names[name], folder / f"{name}.onnx")
    (folder / "settings.json").write_text(
        json.dumps(_settings(predictor, step), indent=2) + "\n", encoding="utf-8"
    )
    # Beside the graphs the package need not be installed.
    sampler = Path(onnx_sampler.__file__).read_text(encoding="utf-8")
    alone = sampler.replace("from spgen_lit.network.noise import", "from noise import")
    (folder / "sample.py").write_text(alone, encoding="utf-8")
    shutil.copyfile(noise.__file__, folder / "noise.py")
    return compare(predictor, OnnxSampler(folder, threads=1), frames, samples)


def trace_image(graph: ImageGraph, size: tuple[int, int]) -> ExportedProgram:
    """The image's graph as a program for one image of size (height, width)."""
    example = torch.zeros(1, 3, *size, dtype=torch.uint8)
    # With gradients on, the program would hold switches of them and could not be loaded.
    with torch.no_grad():
        return torch.export.export(graph, (example,))


def trace_step(graph: StepGraph, image: ImageGraph) -> ExportedProgram:
    """The step's graph as a program for any number of paths on one image."""
    width, height = image.network.frame
    with torch.no_grad():
        terms = image(torch.zeros(1, 3, height, width, dtype=torch.uint8))
    count = Dim("path", min=1, max=1 << 20)
    shapes = [None if name in TERMS else {1: count} for name in INPUTS]
    return torch.export.export(
        graph,
        graph.example(terms, 3),
        dynamic_shapes={"tensors": (*shapes, None)},
        strict=True,
    )


def _write_onnx(
    program: ExportedProgram, inputs: list[str], outputs: list[str], target: Path
) -> None:
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # The exporter warns of its own internals; nothing of it can be acted on here.
            warnings.simplefilter("ignore")
            made = torch.onnx.export(
                program, (), input_names=inputs, output_names=outputs, dynamo=True, verbose=False
            )
    finally:
        logger.setLevel(level)
    assert made is not None
    made.save(str(target))
    onnx.checker.check_model(str(target))


def _settings(predictor: Predictor, step: StepGraph) -> dict[str, Any]:
    network, frame = predictor.network, predictor.frame
    assert isinstance(network, SPGen)
    return {
        "frame": {"size": list(frame.size), "mode": frame.mode, "fill": list(frame.fill)},
        "cells": network.head.grid[0] * network.head.grid[1],
        "components": network.head.components,
        "max_fixations": network.max_fixations,
        "per_second": FIXATIONS_PER_SECOND,
        "noise": network.noise,
        "temperature": network.temperature,
        "viewing": [
            None if math.isnan(value) else value
            for value in viewing_row(predictor.viewing(frame.size), frame.size[1])
        ],
        "domain": predictor.domain,
        "state": {
            name: [str(value.numpy().dtype), list(value.shape[2:])]
            for name, value in step.begin(1).items()
        },
        "training": predictor.info,
    }


def compare(
    predictor: Predictor,
    sampler: OnnxSampler,
    frames: Sequence[NDArray[np.uint8]],
    samples: int,
) -> dict[str, float]:
    """How far the exported graphs are from torch, image by image and path by path.

    Both sides draw from the same seeds at temperatures 0 and 1. A path of another length
    counts as infinitely far.
    """
    encoded, places, seconds, paths = 0.0, 0.0, 0.0, 0
    network = predictor.network
    assert isinstance(network, SPGen)
    graph = ImageGraph(network, predictor.domain).eval()
    viewing = torch.tensor([viewing_row(predictor.viewing(network.frame), network.frame[1])])
    for number, frame in enumerate(frames):
        planes = np.ascontiguousarray(frame.transpose(2, 0, 1))
        scene = sampler.encode(planes)
        with torch.no_grad():
            expected = graph(torch.from_numpy(planes)[None])
        for name, value in zip(TERMS, expected, strict=True):
            scale = max(1.0, float(value.abs().max()))
            encoded = max(encoded, float(np.abs(scene[name] - value.numpy()).max()) / scale)
        seeds = [path_seed(0, str(number), k) for k in range(samples)]
        for temperature in TEMPERATURES:
            with torch.inference_mode():
                images = network.encode(torch.from_numpy(planes)[None], predictor.domain)
                drawn = network.sample(images, [seeds], temperature, viewing)
            expected_paths = drawn.arrays(0)
            for row, path in enumerate(sampler.draw(scene, seeds, temperature)):
                paths += 1
                xy = expected_paths[row]
                if len(path.xy) != len(xy):
                    places = float("inf")
                    continue
                places = max(places, float(np.abs(path.xy - xy).max()))
                expected_seconds = drawn.durations[0, row, : len(xy)].numpy()
                seconds = max(seconds, float(np.abs(path.durations - expected_seconds).max()))
    return {
        "images": len(frames),
        "paths": paths,
        "largest_difference_of_encoding": encoded,
        "largest_difference_of_place": places,
        "largest_difference_of_duration_s": seconds,
    }


def _read(predictor: Predictor, images: Any) -> list[NDArray[np.uint8]]:
    items, _ = find_images(images)
    return [predictor.frame.image(read_image(item.path)) for item in items]


def made_images(size: tuple[int, int], count: int = 4) -> list[NDArray[np.uint8]]:
    """Smooth coloured blots of several scales, the same every time, to compare on."""
    generator = np.random.default_rng(0)
    pictures = []
    for _ in range(count):
        picture = np.zeros((size[1], size[0], 3), np.float32)
        for cells in (3, 7, 17):
            coarse = generator.random((cells, cells, 3), dtype=np.float32)
            picture += np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))
        low, high = float(picture.min()), float(picture.max())
        pictures.append(np.rint(255 * (picture - low) / (high - low)).astype(np.uint8))
    return pictures
