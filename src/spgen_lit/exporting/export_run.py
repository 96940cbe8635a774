"""One export: graphs traced, compared with torch, put in place with their model card."""

from __future__ import annotations

import json
import logging
import math
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import onnx  # imported here, so that a missing extra is said before anything is traced
import torch
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.export import Dim
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from spgen_lit import scanpath
from spgen_lit.batch import VIEWING, viewing_row
from spgen_lit.config import plain, trusted
from spgen_lit.data import images
from spgen_lit.exporting import onnx_sampler
from spgen_lit.exporting.onnx_sampler import OnnxSampler
from spgen_lit.files import write_json, write_text
from spgen_lit.network import noise
from spgen_lit.network.history import PathState
from spgen_lit.network.spgen import FIXATIONS_PER_SECOND, ImageTerms, SPGen
from spgen_lit.predictor import Predictor
from spgen_lit.pretrained import card_of, training_warning

#: What is compared with torch: temperatures, scanpaths an image, the largest difference.
TEMPERATURES, SAMPLES, TOLERANCE = (0.0, 1.0), 8, 1e-4
#: Names of the graphs' inputs and outputs.
TERMS = ImageTerms._fields
STATE = PathState._fields
_OF_PATHS = (*STATE, "viewing", *(f"noise_{name}" for name in noise.Noise._fields))
INPUTS = (*TERMS, *_OF_PATHS, "temperature")
OUTPUTS = ("xy", "seconds", "end_logit", *(f"next_{name}" for name in STATE))


def run(config: DictConfig) -> str:
    """Export by a composed ``conf/export.yaml``; returns a line for the user.

    Raises:
        ValueError: If the checkpoint is of another network than ``spgen``, a setting cannot
            be used, or a graph differs from torch by more than ``TOLERANCE``.
        FileNotFoundError: If the checkpoint or an image is absent.
    """
    predictor = Predictor.from_pretrained(
        config.ckpt_path, domain=config.domain, trust=trusted(config)
    )
    target = Path(config.output)
    if target.exists() and not (target / "settings.json").is_file():
        raise ValueError(
            f"output={target} exists and is no earlier export; choose another folder, "
            "for it would be replaced as a whole"
        )
    card = card_of(Path(config.ckpt_path), config.name or target.name, plain(config.scores))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as place:
        part = Path(place) / "export"
        part.mkdir()
        parity = export(predictor, part)
        worst = max(value for key, value in parity.items() if key.startswith("largest"))
        if worst > TOLERANCE:
            raise ValueError(
                f"the exported graphs differ from torch by {worst:.2g}, more than "
                f"{TOLERANCE:g} ({json.dumps(parity)}); nothing was written"
            )
        write_json(part / "card.json", card)
        write_text(part / "README.md", model_card(card, predictor.domain, parity))
        if target.exists():
            shutil.rmtree(target)
        part.replace(target)
    return (
        f"{target}: image.onnx, step.onnx, sample.py, README.md; {parity['paths']} scanpaths as "
        f"torch's to {worst:.1e}"
    )


def model_card(card: Mapping[str, Any], domain: str, parity: Mapping[str, float]) -> str:
    """A model card in Markdown, beside ONNX graphs.

    Args:
        card: As :func:`~spgen_lit.pretrained.card_of` gives it.
        domain: What images the network is exported for, ``source`` or ``target``.
        parity: Figures of the comparison with torch.
    """
    template = Path(__file__).with_name("model_card.md").read_text(encoding="utf-8")
    return jinja2.Template(template, finalize=_recorded).render(
        card=card, warning=training_warning(card), domain=domain, parity=parity
    )


def _recorded(value: Any) -> Any:
    """What the template writes for a value that may be unknown."""
    unknown = value is None or isinstance(value, jinja2.Undefined)
    return "not recorded" if unknown else value


class Graph(nn.Module):
    """A step of the network with its tensors in a row, as graphs take and give them.

    Args:
        owner: Holds the weights that it needs, and no others.
        run: Takes and gives tensors and tuples of them.
        inputs: What it is traced with.

    Attributes:
        example: The tensors of the inputs, one after the other.
    """

    def __init__(self, owner: nn.Module, run: Callable[..., Any], *inputs: Any) -> None:
        super().__init__()
        self.owner, self.run = owner, run
        tensors, self.form = tree_flatten(inputs)
        # One tensor given for two inputs would be traced as one input.
        self.example = tuple(value.clone() for value in tensors)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Tensors of the outputs from those of the inputs."""
        return tuple(tree_leaves(self.run(*tree_unflatten(tensors, self.form))))


def export(predictor: Predictor, folder: Path) -> dict[str, float]:
    """Write graphs, settings and sampler into a folder and compare them with torch.

    Graphs are of the predictor's domain.

    Args:
        predictor: The trained network, on the CPU.
        folder: An empty folder.

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
    blank = torch.zeros(1, 3, height, width, dtype=torch.uint8)
    image = Graph(network, lambda frames: network.encode(frames, predictor.domain).terms, blank)
    head, paths = network.head, 3
    drawn = noise.draw_noise(range(paths), 1, head.cells, head.components)
    step = Graph(
        head,
        head.step,
        image.run(blank),
        head.maps.begin(1, paths),
        torch.full((1, paths, len(VIEWING)), math.nan),
        noise.Noise(*(torch.from_numpy(values[None, :, 0]) for values in drawn)),
        torch.tensor(1.0),
    )
    _write(image, ("images",), TERMS, folder / "image")
    _write(step, INPUTS, OUTPUTS, folder / "step")
    write_json(folder / "settings.json", _settings(predictor, network, step))
    # Beside the graphs the package need not be installed.
    for module in (onnx_sampler, noise, images, scanpath):
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        alone = re.sub(r"from spgen_lit(?:\.\w+)*\.(\w+) import", r"from \1 import", source)
        name = "sample" if module is onnx_sampler else module.__name__.rpartition(".")[2]
        write_text(folder / f"{name}.py", alone)
    return compare(predictor, OnnxSampler(folder, threads=1))


def _write(graph: Graph, inputs: Sequence[str], outputs: Sequence[str], target: Path) -> None:
    """Trace a graph, and write it as a program of torch and as ONNX."""
    paths = {1: Dim("path", min=1, max=1 << 20)}
    shapes = tuple(paths if name in _OF_PATHS else None for name in inputs)
    # With gradients on, the program would hold switches of them and could not be loaded.
    with torch.no_grad():
        program = torch.export.export(
            graph.eval(), graph.example, dynamic_shapes={"tensors": shapes}
        )
    torch.export.save(program, target.with_suffix(".pt2"))
    # The exporter tells of its own internals; nothing of it can be acted on here.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.onnx.export(
            program, (), input_names=inputs, output_names=outputs, dynamo=True, verbose=False
        )
    assert made is not None
    made.save(str(target.with_suffix(".onnx")))
    onnx.checker.check_model(str(target.with_suffix(".onnx")))


def _settings(predictor: Predictor, network: SPGen, step: Graph) -> dict[str, Any]:
    """What the sampler must know beside the graphs."""
    fitted = predictor.frame
    viewing = viewing_row(predictor.viewing(fitted.size), fitted.size[1], network.datasets)
    example = dict(zip(INPUTS, step.example, strict=True))
    return {
        "frame": asdict(fitted),
        "cells": network.head.cells,
        "components": network.head.components,
        "max_fixations": network.max_fixations,
        "per_second": FIXATIONS_PER_SECOND,
        "noise": network.noise,
        "temperature": network.temperature,
        "viewing": [None if math.isnan(value) else value for value in viewing],
        "domain": predictor.domain,
        "state": {
            name: [str(example[name].numpy().dtype), list(example[name].shape[2:])]
            for name in STATE
        },
    }


def compare(predictor: Predictor, sampler: OnnxSampler) -> dict[str, float]:
    """How far the exported graphs are from torch, path by path on four images of noise.

    Both sides draw from the same seeds at temperatures 0 and 1. A path of another length
    counts as infinitely far.
    """
    width, height = predictor.frame.size
    frames = np.random.default_rng(0).integers(0, 256, (4, height, width, 3), np.uint8)
    paths, worst = 0, np.zeros(3)
    for (number, pixels), temperature in product(enumerate(frames), TEMPERATURES):
        sides = (
            draw(pixels, SAMPLES, temperature, id=str(number)) for draw in (sampler, predictor)
        )
        for path, expected in zip(*sides, strict=True):
            found, true = path.array((1, 1)), expected.array((1, 1))
            same = found.shape == true.shape
            worst = np.maximum(worst, np.abs(found - true).max(axis=0) if same else math.inf)
            paths += 1
    return {
        "images": len(frames),
        "paths": paths,
        "largest_difference_of_place": float(worst[:2].max()),
        "largest_difference_of_duration_s": float(worst[2]),
    }
