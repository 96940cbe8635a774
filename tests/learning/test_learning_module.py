"""One training step: what the target may change, what is logged, and when to stop."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from spgen_lit.batch import TargetBatch
from spgen_lit.learning.adaptation import Adaptation, DomainDiscriminator, domain_loss
from spgen_lit.learning.module import DivergedError, ScanpathModule

Make = Callable[..., Any]


def _batch(make_data: Make) -> dict[str, Any]:
    data = make_data()
    data.setup()
    return next(iter(data.train_dataloader()))[0]


def _prepare(module: ScanpathModule, seed: int = 5) -> ScanpathModule:
    """Training mode, with a stand-in for the trainer and the log kept in ``logged``."""
    stub = SimpleNamespace(estimated_stepping_batches=10, log_every_n_steps=1)
    shell: Any = module
    shell.logged = {}
    shell.log = lambda name, value, **_: shell.logged.update({name: float(value)})
    type(shell).global_step = property(lambda self: 1)
    type(shell).global_rank = property(lambda self: 0)
    type(shell).trainer = property(lambda self: stub)
    torch.manual_seed(seed)
    return module.train()


def _step(module: ScanpathModule, batch: dict[str, Any]) -> ScanpathModule:
    """Backward of one step in training mode, without a trainer."""
    _prepare(module).training_step(batch, 0).backward()
    return module


@pytest.fixture(autouse=True)
def _without_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps here run without a trainer; what `_prepare` puts into the class is taken back."""
    for name in ("global_step", "global_rank", "trainer"):
        monkeypatch.setattr(ScanpathModule, name, getattr(ScanpathModule, name), raising=False)


def _gradients(module: ScanpathModule) -> dict[str, torch.Tensor | None]:
    return {name: parameter.grad for name, parameter in module.network.named_parameters()}


def test_domain_gradient_on_features_is_turned_and_scaled_by_lambda() -> None:
    torch.manual_seed(0)
    head = DomainDiscriminator(6)
    source, target = torch.randn(3, 6, 2, 2), torch.randn(2, 6, 2, 2)

    def gradients(coefficient: float | None) -> list[torch.Tensor]:
        pair = [maps.clone().requires_grad_() for maps in (source, target)]
        if coefficient is None:
            out = [head(maps) for maps in pair]
            losses = [
                torch.nn.functional.cross_entropy(o, torch.full((len(o),), k))
                for k, o in enumerate(out)
            ]
            torch.stack(losses).mean().backward()
        else:
            domain_loss(head, *pair, coefficient)[0].backward()
        return [maps.grad for maps in pair]

    for plain, turned in zip(gradients(None), gradients(0.7), strict=True):
        assert torch.allclose(turned, -0.7 * plain, atol=1e-8)


def _domain_gradients(module: ScanpathModule, batch: dict[str, Any]) -> dict[str, Any]:
    """Gradients on the network of the domain loss alone."""
    _prepare(module)
    encoded = module.network.encode(batch["source"].images)
    module._domain_loss(encoded, batch["target"], 0)["loss"].backward()
    return _gradients(module)


def test_the_reversed_gradient_reaches_the_first_trained_layer(
    make_data: Make, make_module: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = _batch(make_data)
    half, whole = (_domain_gradients(make_module(c), batch) for c in (0.5, 1.0))
    monkeypatch.setattr("spgen_lit.learning.adaptation.reverse", lambda maps, _: maps)
    plain = _domain_gradients(make_module(1.0), batch)
    reached = {n for n, g in whole.items() if n.startswith("encoder.") and g is not None}
    first = "encoder.stages.4.conv.0.0.weight"
    assert first in reached and not any(n.startswith("encoder.stages.3.") for n in reached)
    for name in (first, "encoder.stages.18.0.weight"):
        scale = float(plain[name].norm())
        assert scale > 0
        assert torch.allclose(whole[name], -plain[name], rtol=1e-3, atol=1e-4 * scale)
        assert torch.allclose(half[name], -0.5 * plain[name], rtol=1e-3, atol=1e-4 * scale)


def test_with_lambda_zero_the_target_leaves_the_network_untouched(
    make_data: Make, make_module: Make
) -> None:
    batch = _batch(make_data)
    other = TargetBatch(255 - batch["target"].images, batch["target"].ids)
    alone = _gradients(_step(make_module(0.0), {"source": batch["source"]}))
    beside = _step(make_module(0.0), batch)
    inverted = _gradients(_step(make_module(0.0), {**batch, "target": other}))
    for name, gradient in _gradients(beside).items():
        if gradient is None:
            assert alone[name] is None
        else:
            assert torch.equal(gradient, alone[name]) and torch.equal(gradient, inverted[name])
    # The classifier still learns, so that its accuracy is known.
    assert beside.adaptation.heads[0].first.weight.grad.abs().max() > 0
    assert beside.logged["adaptation/coefficient"] == 0


def test_with_lambda_zero_clipping_does_not_let_the_target_in(
    make_data: Make, make_module: Make
) -> None:
    batch = _batch(make_data)
    clipped = []
    for own in ({"source": batch["source"]}, batch):
        module = _step(make_module(0.0), own)
        module.configure_gradient_clipping(None, 0.01, "norm")
        clipped.append(_gradients(module))
        norm = torch.nn.utils.get_total_norm([g for g in clipped[-1].values() if g is not None])
        assert norm.item() == pytest.approx(0.01, rel=1e-3)
    assert all(g is None or torch.equal(g, clipped[1][name]) for name, g in clipped[0].items())


def test_what_a_step_logs(make_data: Make, make_module: Make) -> None:
    logged = _step(make_module(0.5), _batch(make_data)).logged
    assert logged["adaptation/coefficient"] == 0.5
    assert 0 <= logged["adaptation/source_accuracy"] <= 1
    assert 0 <= logged["adaptation/target_accuracy"] <= 1
    total = logged["train/total_loss"] + logged["adaptation/loss"]
    assert logged["train/loss"] == pytest.approx(total, rel=1e-5)


def test_both_domains_weigh_the_same_whatever_their_batch_sizes() -> None:
    torch.manual_seed(0)
    head = DomainDiscriminator(4)
    a, b = torch.randn(1, 4, 1, 1), torch.randn(6, 4, 1, 1)
    once = domain_loss(head, a, b, 1.0)[0]
    again = domain_loss(head, a.repeat(5, 1, 1, 1), b, 1.0)[0]
    assert torch.allclose(once, again)


@pytest.mark.parametrize("broken", ["nan", "inf"])
def test_a_loss_that_is_no_number_stops_training_and_names_what_to_change(
    make_data: Make, make_module: Make, broken: str
) -> None:
    module = make_module()
    with torch.no_grad():
        module.network.head.static.bias[0] = float(broken)
    with pytest.raises(DivergedError, match=r"training loss is nan .*lower optimizer.lr"):
        _step(module, _batch(make_data))


def test_levels_that_a_network_lacks_are_refused(make_module: Make) -> None:
    with pytest.raises(ValueError, match=r"adaptation.levels.*'depth'"):
        Adaptation(make_module().network, levels=["depth"])
    with pytest.raises(ValueError, match="empty"):
        Adaptation(make_module().network, levels=[])
