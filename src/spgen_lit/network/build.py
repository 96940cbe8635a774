"""Networks by name: the one place where a configuration becomes a network."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spgen_lit.network.published_paths import PublishedPaths
from spgen_lit.network.spgen import SPGen
from spgen_lit.network.weights import Weights, find_weights

NETWORKS: dict[str, type[SPGen] | type[PublishedPaths]] = {
    "spgen": SPGen,
    "published": PublishedPaths,
}


def build_network(spec: Mapping[str, Any]) -> SPGen | PublishedPaths:
    """Build a network from its name and arguments.

    Args:
        spec: ``name`` from ``NETWORKS`` and arguments of that class; ``weights`` is left
            to :func:`initialise`.

    Raises:
        ValueError: For an unknown name or argument, with the nearest valid one.
    """
    arguments = {key: value for key, value in spec.items() if key not in ("name", "weights")}
    name = spec.get("name")
    if name not in NETWORKS:
        raise ValueError(f"network.name must be one of {sorted(NETWORKS)}, found {name!r}")
    valid = list(inspect.signature(NETWORKS[name]).parameters)
    for key in arguments:
        if key not in valid:
            near = difflib.get_close_matches(key, valid, 1)
            hint = f"did you mean {near[0]!r}" if near else f"valid: {', '.join(valid)}"
            raise ValueError(f"network.{key}: {name!r} has no such argument; {hint}")
    return NETWORKS[name](**arguments)


def initialise(
    spec: Mapping[str, Any], folders: Sequence[str | Path] = ()
) -> tuple[SPGen | PublishedPaths, dict[str, Any], Weights]:
    """Build a network and load ImageNet weights into its encoder.

    Args:
        spec: As in :func:`build_network`; ``weights`` as in
            :func:`~spgen_lit.network.weights.find_weights`, ``padding: auto`` for the
            padding that the weights were trained with.
        folders: Where weights are looked for.

    Returns:
        The network; the arguments that rebuild it without any weights at hand; the weights.
    """
    weights = find_weights(str(spec.get("weights", "auto")), folders)
    final = {key: value for key, value in spec.items() if key != "weights"}
    if final.get("padding", "auto") == "auto":
        final["padding"] = weights.padding
    network = build_network(final)
    if weights.state is not None:
        network.encoder.load_imagenet(weights.state)
    return network, final, weights
