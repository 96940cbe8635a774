"""Trained models as plain files: weights in half precision beside a card, found by name or id."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich import box
from rich.table import Table
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from spgen_lit import checkpoint
from spgen_lit.files import file_hash, first_line, write_bytes, write_json

CARD, WEIGHTS = "card.json", "weights.safetensors"
#: Model that is used where none is named.
DEFAULT = "natural"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Pretrained(NamedTuple):
    """A trained model, read.

    Attributes:
        card: Plain values: name, network, data, licences, scores.
        state: The network's tensors by name.
    """

    card: dict[str, Any]
    state: dict[str, torch.Tensor]


def shipped_models() -> dict[str, Path]:
    """Name to folder of the models inside this package, the default first.

    ``SPGEN_MODELS`` names a folder of more such folders, whose models take the place of
    shipped ones of the same name.
    """
    roots = [Path(__file__).with_name("models")]
    if more := os.environ.get("SPGEN_MODELS"):
        roots.append(Path(more))
    cards = [card for root in roots for card in sorted(root.glob(f"*/{CARD}"))]
    found = {card.parent.name: card.parent for card in cards}
    return dict(sorted(found.items(), key=lambda item: item[0] != DEFAULT))


def load_pretrained(model: str | os.PathLike[str]) -> Pretrained:
    """Read a model.

    Args:
        model: The name of a shipped model; a folder with ``card.json`` and
            ``weights.safetensors``; a training run's folder; a ``.safetensors`` file beside its
            card or a checkpoint; or the id ``owner/name`` of a Hugging Face repository that
            holds the two files.

    Raises:
        FileNotFoundError: If there is no such model; the message lists the shipped ones.
        ValueError: For a file of another form.
        ImportError: For a Hugging Face id without the package ``huggingface_hub``.
    """
    found = _locate(model)
    if found.is_dir():
        return _read_folder(found)
    content = checkpoint.read_checkpoint(found)
    card = content[checkpoint.CARD]
    name = card.get("config", {}).get("name") or found.stem
    return Pretrained({**card, "name": str(name)}, checkpoint.network_state(content))


def weights_file(model: str | os.PathLike[str]) -> Path:
    """The file that holds a model's weights; arguments as of :func:`load_pretrained`."""
    found = _locate(model)
    return found / WEIGHTS if found.is_dir() else found


def _locate(model: str | os.PathLike[str]) -> Path:
    """The folder with a card, or the checkpoint, that a name, path or id means."""
    shipped = shipped_models()
    path = shipped.get(str(model), Path(model).expanduser())
    if path.is_file():
        return path.parent if path.name == WEIGHTS else path
    if path.is_dir():
        found = path if (path / CARD).is_file() else path / "checkpoints" / "best.ckpt"
        if not found.exists():
            raise FileNotFoundError(
                f"model {path}: the folder holds neither {CARD} nor checkpoints/best.ckpt; give a "
                "folder that spgen export or spgen train wrote"
            )
        return found
    if _HUB_ID.fullmatch(str(model)) and not path.suffix:
        return _from_hub(str(model))
    raise FileNotFoundError(
        f"model {path}: no such file or folder, and no model of that name is shipped; "
        f"shipped: {', '.join(shipped) or 'none'}"
    )


def _read_folder(folder: Path) -> Pretrained:
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        state = load_file(folder / WEIGHTS)
        card["name"] = str(card["name"])
        if card["sha256"] != file_hash(folder / WEIGHTS):
            raise ValueError(f"{WEIGHTS} is not the file that {CARD} was written for")
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"model {folder}: needs both {CARD} and {WEIGHTS}; write them with spgen export "
            "format=safetensors"
        ) from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"cannot read model {folder} ({type(error).__name__}: {error}); write it again with "
            "spgen export format=safetensors"
        ) from error
    return Pretrained(card, state)


def _from_hub(repository: str) -> Path:
    """The local copy of a repository's two files; fetched once."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ImportError(
            f"model {repository}: no such file or folder here; a model of the Hugging Face hub "
            "needs one more package: pip install 'spgen-lit[hub]'"
        ) from error
    try:
        return Path(snapshot_download(repository, allow_patterns=[CARD, WEIGHTS]))
    except OSError as error:
        raise FileNotFoundError(
            f"model {repository}: neither a file or folder here nor a repository with {CARD} and "
            f"{WEIGHTS} on the Hugging Face hub ({first_line(error)})"
        ) from error


def write_pretrained(
    checkpoint: Path,
    output: Path,
    *,
    name: str | None = None,
    scores: Sequence[str | os.PathLike[str]] = (),
    failures: Sequence[str] = (),
) -> Path:
    """Turn a checkpoint into a folder of half-precision weights and a card.

    Matrices and filters are rounded to 16 bits; vectors (biases, statistics) stay as they are.

    Args:
        checkpoint: A checkpoint, or a folder of such files to write again with other scores.
        output: The folder to write.
        name: What the model is called; the output folder's name if None.
        scores: Folders that ``spgen evaluate`` wrote: their scores and protocol go on the card.
        failures: Sentences on what the model is known to get wrong.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: If checkpoint or scores are absent.
        ValueError: If one cannot be read, or a weight does not fit into half precision.
    """
    model = load_pretrained(checkpoint)
    state = {}
    for key, value in model.state.items():
        small = value.half() if value.is_floating_point() and value.ndim > 1 else value
        if small.is_floating_point() and not torch.isfinite(small).all():
            raise ValueError(f"{checkpoint}: weight {key} is not finite in half precision")
        state[key] = small.contiguous().clone()
    card = {
        **card_of(checkpoint, name or output.name, scores),
        "known_failures": list(failures),
        "parameters": sum(value.numel() for value in state.values()),
    }
    write_bytes(output / WEIGHTS, save(state, metadata={"format": "pt"}))
    write_json(output / CARD, {**card, "sha256": file_hash(output / WEIGHTS)})
    return output


def card_of(
    checkpoint: Path, name: str, scores: Sequence[str | os.PathLike[str]] = ()
) -> dict[str, Any]:
    """What is known of a model, as plain values without folders of the machine it was made on.

    Args:
        checkpoint: See :func:`load_pretrained`.
        name: What the model is called.
        scores: Folders that ``spgen evaluate`` wrote; if none, those that the run itself wrote.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If the model or scores cannot be read.
    """
    card = load_pretrained(checkpoint).card
    run = checkpoint.parent.parent if checkpoint.is_file() else checkpoint
    file = run / "summary.json"
    summary = json.loads(file.read_bytes()) if file.is_file() else {}
    folders = scores or [
        folder for kind in ("source", "target") for folder in (run / "results").glob(f"{kind}-*")
    ]
    figures = [_score(Path(folder)) for folder in sorted(folders, key=str)]
    config = card.get("config", {})
    return {
        **{key: value for key, value in card.items() if key not in ("config", "sha256")},
        "name": name,
        "recipe": card.get("recipe", config.get("name")),
        "commit": card.get("commit", summary.get("commit")),
        "date": card.get("date", datetime.now(UTC).date().isoformat()),
        # Evaluation refuses a split that would hold training images by these three.
        "config": {
            "data": {key: config.get("data", {}).get(key) for key in ("split_seed", "val", "test")}
        },
        "scores": figures or card.get("scores", []),
    }


def _score(folder: Path) -> dict[str, Any]:
    """The headline figures of one folder that ``spgen evaluate`` wrote."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        metrics = summary["metrics"]
        return {
            **{key: summary["meta"].get(key) for key in ("data", "split", "gaze", "seed")},
            "images": summary["images"],
            "protocol": json.loads((folder / "protocol.json").read_text(encoding="utf-8")),
            "metrics": {key: metrics[key] for key in ("energy", "scanmatch") if key in metrics},
        }
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"scores {folder}: cannot read what spgen evaluate writes ({error}); give its output "
            "folder"
        ) from error


def training_warning(card: Mapping[str, Any]) -> str:
    """What must be said of a model that people's gaze did not teach well; empty for all others."""
    if card.get("gaze") == "simulated":
        return "trained on SIMULATED gaze: these scanpaths say nothing about people"
    if not card.get("source"):
        return "RANDOM weights or unknown training: these scanpaths mean nothing"
    if str(card.get("initial_weights", "")).startswith("random"):
        return "training began from RANDOM weights: expect far less likeness to people"
    return ""


def model_table() -> Table:
    """The shipped models: what taught them, how well they do, how large they are."""
    headings = ("model", "learned from", "normalized energy", "terms of the data", "size")
    table = Table(*headings, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name, folder in shipped_models().items():
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        warning = training_warning(card)
        learned = ", ".join(card.get("source", [])) + (f"\n[red]{warning}[/]" if warning else "")
        terms = "; ".join(f"{key}: {value or '?'}" for key, value in card["licences"].items())
        size = f"{(folder / WEIGHTS).stat().st_size / 1e6:.1f} MB"
        table.add_row(name, learned, "\n".join(map(_headline, card["scores"])), terms, size)
    if not table.row_count:
        table.caption = "No trained model comes with this version: give --model a checkpoint."
    return table


def _headline(score: Mapping[str, Any]) -> str:
    value = score["metrics"].get("energy", {}).get("normalized")
    figure = "-" if value is None else f"{value:.2f}"
    return f"{score['data']} ({score['split']}, {score['images']} images): {figure}"
