"""From a tree of class names to a network: names checked, rebuilt without weights at hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.networks import encoder, tree

from spgen_lit.instantiation import build_network, instantiated

SETTINGS = {
    "spgen": {"frame": [64, 64], "channels": 8, "priors": 2},
    "published": {"frame": [64, 64], "priors": 2, "max_fixations": 4},
}


@pytest.mark.parametrize("kind", sorted(SETTINGS))
def test_the_portable_tree_rebuilds_the_network_without_weights(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    state = {k.replace("stages.", "features."): v for k, v in encoder().state_dict().items()}
    torch.save({**state, "classifier.1.weight": torch.zeros(1001, 2)}, file)
    given = tree(kind, {"weights": str(file), "padding": "auto"}, **SETTINGS[kind])
    network = instantiated(given, "network")
    assert network.encoder.origin == "weights.pth" and not network.encoder.random
    card = {**given, "encoder": network.encoder.portable(given["encoder"])}
    assert card["encoder"]["weights"] == "none" and card["encoder"]["padding"] == "tf_same"
    file.unlink()
    again = build_network(card)
    again.load_state_dict(network.state_dict())
    assert again.encoder.padding == "tf_same"
    image = torch.rand(1, 3, 64, 64)
    for ours, theirs in zip(again.encoder(image), network.encoder(image), strict=True):
        assert torch.equal(ours, theirs)


def test_a_card_neither_reads_nor_fetches_weights() -> None:
    card = tree(options={"weights": "/nowhere/evil.pth"}, **SETTINGS["spgen"])
    assert build_network(card).encoder.random


SPGEN = tree(**SETTINGS["spgen"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"frame": [64, 64]}, r"network has settings \(frame\) but no class"),
        ({**SPGEN, "_target_": None}, "names the class 'None'"),
        ({**SPGEN, "prior": 3}, r"'network.prior'; did you mean 'priors'"),
        (tree("published", channels=3), r"'network.channels'; there are .*'max_fixations'"),
        (tree(options={"tap": [6]}), r"'network.encoder.tap'; did you mean 'taps'"),
        (tree(options={"smoth": 1}), r"'network.encoder.smoth'; did you mean 'smooth'"),
        (
            {**SPGEN, "_target_": "spgen_lit.network.spgen.SPGan"},
            "network: cannot import spgen_lit.network.spgen.SPGan",
        ),
        ({**SPGEN, "_target_": "spgen_lit.batch.PathBatch"}, r"not of spgen_lit\.network"),
        ({"_target_": "spgen_lit.network.spgen.SPGen"}, "network: .*missing.*'encoder'"),
    ],
)
def test_faulty_trees_are_refused_in_one_line(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        build_network(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["encoder", "arguments"])
@pytest.mark.parametrize(
    "target",
    [
        "torch.hub.load",
        "torch.nn.Linear",
        "os.system",
        "spgen_lit_evil.Net",
        "builtins.eval",
        "lightning.pytorch.loggers.WandbLogger",
    ],
)
def test_a_card_makes_no_foreign_class(target: str, place: str) -> None:
    foreign = {"_target_": target}
    encoder = foreign if place == "encoder" else {**SPGEN["encoder"], "arguments": foreign}
    with pytest.raises(
        ValueError, match=r"not of spgen_lit.network: its code would run here.*trust="
    ):
        build_network({**SPGEN, "encoder": encoder})


def test_a_card_makes_no_function_and_no_foreign_class_through_the_package() -> None:
    with pytest.raises(ValueError, match=r"no class that may be instantiated"):
        build_network({"_target_": "spgen_lit.network.encoders.weights.read_weights"})
    with pytest.raises(ValueError, match=r"no class that may be instantiated"):
        build_network({"_target_": "spgen_lit.network.encoders.weights.Path"})


def test_a_trusted_module_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from spgen_lit.network.encoders.mobilenet import MobileNetV2 as M\nclass Mine(M): pass"
    (tmp_path / "mine_of_test.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    spec = {**SPGEN, "encoder": {**SPGEN["encoder"], "_target_": "mine_of_test.Mine"}}
    with pytest.raises(ValueError, match=r"trust=\[mine_of_test\]"):
        build_network(spec)
    assert type(build_network(spec, ["mine_of_test"]).encoder).__name__ == "Mine"
    sys.modules.pop("mine_of_test")
