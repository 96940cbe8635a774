"""Model card in Markdown: what a network was trained on, how well it does, what it is not for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

_USE = """\
    python sample.py painting.jpg --samples 10 --temperature 1 --seed 0 > scanpaths.csv

`sample.py` needs numpy, onnxruntime, opencv-python and pillow. From Python:

    from sample import OnnxSampler
    paths = OnnxSampler(".")("painting.jpg", samples=10)   # .xy in [0, 1], .durations in s

`image.onnx` runs once an image, `step.onnx` once a fixation for any number of paths at a
time. Noise is an input, so that a seed means the same path here and in torch.
`settings.json` holds the frame, the grid and the state that paths carry; `card.json` holds all
that is known of the training."""
_LIMITS = """\
- It predicts where viewers *in general* look in the first seconds of free viewing. It says
  nothing about one person, a diagnosis, or a task other than looking.
- Scanpaths are samples: report several seeds, and compare with how far people differ.
- Gaze data come from few observers in laboratories, mostly students; other ages, cultures
  and expertise look differently.
- How well it does on kinds of images that were not in training (abstract works, text, maps,
  faces close up) is unknown until it is measured."""


def model_card(
    card: Mapping[str, Any], warning: str, domain: str, parity: Mapping[str, float]
) -> str:
    """A model card in Markdown, beside ONNX graphs.

    Args:
        card: As :func:`~spgen_lit.pretrained.card_of` gives it.
        warning: What must be known of the model; may be empty.
        domain: What images the network is exported for, ``source`` or ``target``.
        parity: Figures of the comparison with torch.
    """
    known = {
        "photographs with gaze it learned from": ", ".join(card.get("source", [])),
        "gaze": card.get("gaze"),
        "images without gaze it was adapted to": ", ".join(card.get("target", [])) or "none",
        "exported for images of the domain": domain,
        "initial weights of the encoder": card.get("initial_weights"),
        "their terms": card.get("initial_weights_licence"),
        "seed": card.get("seed"),
        "recipe": card.get("recipe"),
        "date": card.get("date"),
        "commit": card.get("commit"),
    }
    terms = "; ".join(f"{name}: {value}" for name, value in card.get("licences", {}).items())
    rows = [
        {"data": f"{score['data']} ({score['split']}, {score['images']} images)", "metric": name}
        | {key: values[key] for key in ("value", "low", "high", "normalized")}
        for score in card["scores"]
        for name, values in score["metrics"].items()
    ]
    scores = "None are known: score it with `spgen evaluate`."
    if rows:
        scores = pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3f")
    sections = {
        "Use": _USE,
        "Data": _items(known),
        "Scores": scores,
        "License": "Code: MIT. Weights: bound by the terms of the data they were trained on "
        f"({terms or 'not recorded'}) and of the initial weights.",
        "Limits": _LIMITS,
        "Network": _items(card.get("network", {})),
        "Comparison of the exported graphs with torch": _items(parity),
    }
    heading = f"# Scanpath generator `{card['name']}`\n\n" + (
        f"**{warning}**\n\n" if warning else ""
    )
    return heading + "".join(f"## {title}\n\n{text}\n\n" for title, text in sections.items())


def _items(values: Mapping[str, Any]) -> str:
    """A list, one line a value."""
    return "\n".join(f"- {key}: {value or 'not recorded'}" for key, value in values.items())
