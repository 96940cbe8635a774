"""Model card: what a network was trained on, how well it does, and what it must not be used for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LIMITS = """\
- It predicts where viewers *in general* look in the first seconds of free viewing. It says
  nothing about one person, a diagnosis, or a task other than looking.
- Scanpaths are samples: report several seeds, and compare with people's own disagreement.
- Gaze data come from few observers in laboratories, mostly students; other ages, cultures
  and expertise look differently.
- On kinds of images that were not in training (abstract works, text, maps, faces close up)
  agreement with people is unknown until it is measured.
"""

_USE = """\
    python sample.py painting.jpg --samples 10 --temperature 1 --seed 0 > scanpaths.csv

`sample.py` needs numpy, onnxruntime, opencv-python and pillow. From Python:

    from sample import OnnxSampler
    paths = OnnxSampler(".")("painting.jpg", samples=10)   # .xy in [0, 1], .durations in s

`image.onnx` runs once an image, `step.onnx` once a fixation for any number of paths at a
time. Noise is an input, so that a seed means the same path here and in torch.
`settings.json` holds the frame, the grid and the state that paths carry.
"""


def model_card(
    info: Mapping[str, Any],
    checkpoint: Path,
    parity: Mapping[str, float] | None = None,
    domain: str = "source",
) -> str:
    """A model card in Markdown.

    Args:
        info: What the checkpoint says of its training.
        checkpoint: Its file; ``summary.json`` of the run, where it is found beside or above
            it, gives the scores.
        parity: Figures of the comparison with torch.
        domain: What images the network is exported for, ``source`` or ``target``.
    """
    network = dict(info.get("network", {}))
    name = str(network.pop("_target_", "unknown")).rpartition(".")[2]
    source = ", ".join(info.get("source", [])) or "unknown"
    target = ", ".join(info.get("target", [])) or "none"
    gaze = info.get("gaze", "unknown")
    simulated = " **The gaze is simulated, not people's.**" if gaze == "simulated" else ""
    licences = {k: v for k, v in dict(info.get("licences", {})).items() if v}
    terms = "; ".join(f"{key}: {value}" for key, value in licences.items()) or "not recorded"
    parts = [
        f"# Scanpath generator `{name}`",
        f"Exported from `{checkpoint.name}`, trained by spgen_lit {info.get('version', '?')}.",
        "## Use",
        _USE.rstrip(),
        "## Data",
        f"- Photographs with gaze it learned from: {source} (gaze: {gaze}).{simulated}\n"
        f"- Images without gaze it was adapted to: {target}.\n"
        f"- Exported for images of the {domain} domain.\n"
        f"- Initial weights of the encoder: {info.get('initial_weights', 'not recorded')} "
        f"(terms: {info.get('initial_weights_licence') or 'not recorded'}).\n"
        f"- Seed {info.get('seed', 'not recorded')}, split seed "
        f"{info.get('split_seed', 'not recorded')}.",
        "## Scores",
        _scores(checkpoint),
        "## Licence",
        "Code: MIT. Weights: bound by the terms of the data they were trained on "
        f"({terms}) and of the initial weights.",
        "## Limits",
        _LIMITS.rstrip(),
        "## Network",
        "\n".join(f"- {key}: {value}" for key, value in network.items()) or "not recorded",
    ]
    if parity is not None:
        figures = "\n".join(
            f"- {key.replace('_', ' ')}: {value:g}" for key, value in parity.items()
        )
        parts += ["## Comparison of the exported graphs with torch", figures]
    return "\n\n".join(parts) + "\n"


def _scores(checkpoint: Path) -> str:
    """The run's table of scores with its protocol, or a line that says there is none."""
    for folder in (checkpoint.parent, *checkpoint.parents[1:3]):
        summary = folder / "summary.json"
        if not summary.is_file():
            continue
        try:
            content = json.loads(summary.read_text(encoding="utf-8"))
            rows = [_row(data, metric, values) for data, metric, values in _entries(content)]
        except (ValueError, KeyError, TypeError):
            continue
        if rows:
            head = "| data | metric | model | observers | chance | normalized |\n|-|-|-|-|-|-|\n"
            temperature = content.get("temperature", "the network's own")
            return (
                f"{head}{chr(10).join(rows)}\n\nTemperature {temperature}; the protocol card of "
                "each row is `results/<data>/protocol.json` of the training run."
            )
    return "None found beside the checkpoint: score it with `python -m spgen_lit.evaluate`."


def _entries(content: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    found = []
    for data, results in content.get("results", {}).items():
        images, split = results.get("images"), results.get("split")
        label = f"{data} ({split}, {images} images)"
        found += [(label, k, v) for k, v in results.items() if isinstance(v, Mapping)]
    return found


def _row(data: str, metric: str, values: Mapping[str, Any]) -> str:
    low, high = values["interval"]
    model = f"{values['model']:.3f} [{low:.3f}, {high:.3f}]"
    given = [values[key] for key in ("observers", "chance", "normalized")]
    levels = ["-" if value is None else f"{value:.3f}" for value in given]
    return f"| {' | '.join([data, metric, model, *levels])} |"
