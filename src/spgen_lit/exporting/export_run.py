"""One export: graphs traced, written, compared with torch, and only then put in place."""

from __future__ import annotations

import json
import logging
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

from spgen_lit.config import plain
from spgen_lit.data.images import read_image
from spgen_lit.exporting import onnx_sampler
from spgen_lit.exporting.graphs import INPUTS, OUTPUTS, SCENE, STATE, ImageGraph, StepGraph
from spgen_lit.exporting.model_card import model_card
from spgen_lit.exporting.onnx_sampler import OnnxSampler
from spgen_lit.network.noise import path_seed
from spgen_lit.network.spgen import SPGen
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
        config.ckpt_path, domain=config.domain, trust=plain(config.trust)
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
    grid = (height // network.stride, width // network.stride)
    image = ImageGraph(network, predictor.domain).eval()
    step = StepGraph(network, grid).eval()
    traced = {"image": trace_image(image, (height, width)), "step": trace_step(step, image)}
    names = {"image": (["images"], list(SCENE)), "step": (list(INPUTS), list(OUTPUTS))}
    for name, program in traced.items():
        if programs:
            torch.export.save(program, folder / f"{name}.pt2")
        _write_onnx(program, *names[name], folder / f"{name}.onnx")
    (folder / "settings.json").write_text(
        json.dumps(_settings(predictor, step, grid), indent=2) + "\n", encoding="utf-8"
    )
    shutil.copyfile(onnx_sampler.__file__, folder / "sample.py")
    return compare(predictor, OnnxSampler(folder, threads=1), frames, samples)


def trace_image(graph: ImageGraph, size: tuple[int, int]) -> ExportedProgram:
    """The image's graph as a program for one image of size (height, width)."""
    example = torch.zeros(1, 3, *size, dtype=torch.uint8)
    return torch.export.export(graph, (example,))


def trace_step(graph: StepGraph, image: ImageGraph) -> ExportedProgram:
    """The step's graph as a program for any number of paths."""
    paths = 3
    width, height = image.network.frame
    with torch.no_grad():
        scene = image(torch.zeros(1, 3, height, width, dtype=torch.uint8))
    state = graph.begin(paths)
    places = graph.grid[0] * graph.grid[1]
    example = (
        *(value[0] for value in scene),
        # One tensor given for two inputs would be traced as one input.
        *(state[name].clone() for name in STATE),
        torch.zeros(paths, dtype=torch.long),
        torch.randn(paths, places),
        torch.randn(paths, 4 + graph.timing.components),
        torch.tensor(1.0),
    )
    count = Dim("path", min=1, max=1 << 20)
    fixed = {*SCENE, "temperature"}
    shapes = {name: None if name in fixed else {0: count} for name in INPUTS}
    # Strict tracing keeps len(tensor), which the history uses, free.
    return torch.export.export(graph, example, dynamic_shapes=shapes, strict=True)


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


def _settings(predictor: Predictor, step: StepGraph, grid: tuple[int, int]) -> dict[str, Any]:
    network, frame = predictor.network, predictor.frame
    return {
        "frame": {"size": list(frame.size), "mode": frame.mode, "fill": list(frame.fill)},
        "grid": list(grid),
        "max_fixations": network.max_fixations,
        "noise": network.noise.kind,
        "timing_noise": 4 + network.timing.components,
        "temperature": float(network.temperature),
        "domain": predictor.domain,
        "state": {
            name: [str(value.numpy().dtype), list(value.shape[1:])]
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
    graph = ImageGraph(predictor.network, predictor.domain).eval()
    for number, frame in enumerate(frames):
        planes = np.ascontiguousarray(frame.transpose(2, 0, 1))
        scene = sampler.encode(planes)
        with torch.no_grad():
            expected = graph(torch.from_numpy(planes)[None])
        for name, value in zip(SCENE, expected, strict=True):
            scale = max(1.0, float(value.abs().max()))
            encoded = max(encoded, float(np.abs(scene[name] - value[0].numpy()).max()) / scale)
        seeds = [path_seed(0, str(number), k) for k in range(samples)]
        for temperature in TEMPERATURES:
            with torch.inference_mode():
                scenes = graph.network.encode(torch.from_numpy(planes)[None], graph.domain)
                theirs = predictor.network.sample(scenes, [seeds], temperature)[0]
            for own, path in zip(sampler.draw(scene, seeds, temperature), theirs, strict=True):
                paths += 1
                if len(own.xy) != len(path.xy) or path.durations is None:
                    places = float("inf")
                    continue
                places = max(places, float(np.abs(own.xy - path.xy.numpy()).max()))
                difference = np.abs(own.durations - path.durations.numpy())
                seconds = max(seconds, float(difference.max()))
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
