"""From a configuration to a network: names checked, rebuilt without weights at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from spgen_lit.network.build import NETWORKS, build_network, initialise
from spgen_lit.network.encoder import Encoder

SPECS = {
    "spgen": {"name": "spgen", "frame": [64, 64], "channels": 8, "priors": 2},
    "published": {"name": "published", "frame": [64, 64], "priors": 2, "fixations": 4},
}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_final_arguments_rebuild_the_network_without_weights(name: str, tmp_path: Path) -> None:
    state = {
        f"{k}": torch.randn_like(v.float()).to(v.dtype) for k, v in Encoder().state_dict().items()
    }
    torch.save(state, tmp_path / "mobilenet_v2_tfsame.pth")
    network, final, weights = initialise(
        {**SPECS[name], "weights": "auto", "padding": "auto"}, [tmp_path]
    )
    assert not weights.random and final["padding"] == "tf_same" and "weights" not in final
    loaded = network.encoder.state_dict()["features.0.0.weight"]
    assert torch.equal(loaded, state["features.0.0.weight"])
    again = build_network(final)
    again.load_state_dict(network.state_dict())
    assert again.encoder.padding == "tf_same"


def test_given_padding_is_kept(tmp_path: Path) -> None:
    _, final, weights = initialise({**SPECS["spgen"], "weights": "none", "padding": "tf_same"})
    assert weights.random and final["padding"] == "tf_same"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "sgpen"}, r"network.name must be one of.*'published', 'spgen'.*'sgpen'"),
        ({"name": "spgen", "prior": 3}, r"network.prior: .*did you mean 'priors'"),
        ({"name": "published", "channels": 3}, r"network.channels: 'published' has no such"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_valid_one(spec: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_network(spec)
