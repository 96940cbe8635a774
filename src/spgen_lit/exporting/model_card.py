"""Model card in Markdown: what a network was trained on, how well it does, what it is not for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd


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
    rows = [
        {"data": f"{score['data']} ({score['split']}, {score['images']} images)", "metric": name}
        | {key: values[key] for key in ("value", "low", "high", "normalized")}
        for score in card["scores"]
        for name, values in score["metrics"].items()
    ]
    scores = pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3f")
    template = Path(__file__).with_name("model_card.md").read_text(encoding="utf-8")
    return jinja2.Template(template, finalize=_recorded).render(
        card=card, warning=warning, domain=domain, parity=parity, scores=scores
    )


def _recorded(value: Any) -> Any:
    """What the template writes for a value that may be unknown."""
    unknown = value is None or isinstance(value, jinja2.Undefined)
    return "not recorded" if unknown else value
