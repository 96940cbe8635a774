"""The released network by its own names: its forward pass to float precision, and mended."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from spgen_lit.network.released import ReleasedSPGen, load_published

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    """A released state_dict whose statistics and selection are all in play."""
    torch.manual_seed(3)
    state = {name: value.clone() for name, value in ReleasedSPGen().state_dict().items()}
    for name, value in state.items():
        if name.endswith("running_mean"):
            value.normal_(0, 0.3)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2)
        elif name.startswith("ChannelGate.bn2d.") and value.is_floating_point():
            value.uniform_(0.5, 1.5)
        elif name == "gaussians":
            value.add_(torch.randn_like(value) * 0.1)
        elif name in ("scanpath_decoder.14.weight", "ChannelGate.merge.1.weight"):
            value.mul_(20)  # maps with peaks and gates far apart
    return state


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(3, 3, 96, 160, generator=torch.Generator().manual_seed(5)) * 255


def _norm(state: State, name: str, x: Tensor) -> Tensor:
    parts = (state[f"{name}.{p}"] for p in ("running_mean", "running_var", "weight", "bias"))
    mean, var, weight, bias = parts
    return F.batch_norm(x, mean, var, weight, bias, training=False, eps=1e-5)


def _features(state: State, x: Tensor) -> Tensor:
    """MobileNetV2 as torchvision names it, straight from the entries."""
    w = {name.removeprefix("encoder."): v for name, v in state.items()}
    x = F.relu6(_norm(w, "0.1", F.conv2d(x, w["0.0.weight"], stride=2, padding=1)))
    strided = {2, 4, 7, 14}
    for layer in range(1, 18):
        given, at = x, f"{layer}.conv"
        if layer > 1:
            x = F.relu6(_norm(w, f"{at}.0.1", F.conv2d(x, w[f"{at}.0.0.weight"])))
        depthwise, project = (f"{at}.1", 2) if layer > 1 else (f"{at}.0", 1)
        stride = 2 if layer in strided else 1
        kernel = w[f"{depthwise}.0.weight"]
        x = F.conv2d(x, kernel, stride=stride, padding=1, groups=len(kernel))
        x = F.relu6(_norm(w, f"{depthwise}.1", x))
        x = _norm(w, f"{at}.{project + 1}", F.conv2d(x, w[f"{at}.{project}.weight"]))
        if x.shape == given.shape:
            x = given + x
    return F.relu6(_norm(w, "18.1", F.conv2d(x, w["18.0.weight"])))


def _priors(state: State, height: int, width: int) -> Tensor:
    maps = []
    for (mean_y, log_y), (mean_x, log_x) in state["gaussians"].tolist():
        y = torch.exp(-0.5 * ((torch.linspace(0, 1, height) - mean_y) / torch.e**log_y) ** 2)
        x = torch.exp(-0.5 * ((torch.linspace(0, 1, width) - mean_x) / torch.e**log_x) ** 2)
        maps.append(6 * torch.outer(y, x))
    return torch.stack(maps)


def _mlp(state: State, name: str, x: Tensor) -> Tensor:
    for layer in (1, 3, 5):
        x = F.linear(x, state[f"{name}.{layer}.weight"], state[f"{name}.{layer}.bias"]).relu()
    return x


def released(state: State, images: Tensor, temperature: float, noise: Tensor) -> tuple[Tensor, ...]:
    """The released forward pass in evaluation mode, written out from its description."""
    features = _features(state, images)
    height, width = features.shape[-2:]
    out = torch.cat([features, _priors(state, height, width).expand(len(images), -1, -1, -1)], 1)
    for layer in range(0, 15, 2):
        entry = f"scanpath_decoder.{layer}"
        out = F.conv2d(out, state[f"{entry}.weight"], state[f"{entry}.bias"], padding=1)
        out = out.relu() if layer < 14 else out
    out = (1 - temperature) * out + temperature * noise
    scaled = _norm(
        state, "ChannelGate.bn2d", (out - out.min()) / (out.max() - out.min() + 0.0000001)
    )
    joined = [
        _mlp(state, "ChannelGate.mlp_avgp", scaled.mean((2, 3))),
        _mlp(state, "ChannelGate.mlp_maxgp", scaled.amax((2, 3))),
    ]
    merge = (state["ChannelGate.merge.1.weight"], state["ChannelGate.merge.1.bias"])
    gates = torch.sigmoid(F.linear(torch.cat(joined, 1), *merge))
    shares = (out * gates[..., None, None]).flatten(2).softmax(-1).unflatten(2, (height, width))
    x = (shares.sum(2) * torch.arange(width)).sum(-1) / height
    y = (shares.sum(3) * torch.arange(height)).sum(-1) / width
    hidden = features.mean((2, 3))
    for layer in (0, 2):
        entry = f"domain_classifier.{layer}"
        hidden = F.linear(hidden, state[f"{entry}.weight"], state[f"{entry}.bias"])
        hidden = hidden.relu() if layer == 0 else hidden
    return torch.stack([x, y], -1), gates > gates.mean(), hidden.log_softmax(1)


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0, 2.1, -5.3])
def test_faithful_module_gives_the_released_outputs(
    state: State, images: Tensor, temperature: float
) -> None:
    noise = torch.randn(3, 20, 3, 5, generator=torch.Generator().manual_seed(1))
    wanted = released(state, images, temperature, noise)
    with torch.no_grad():
        found = load_published(state)(images, temperature, noise=noise)
    torch.testing.assert_close(found.coordinates, wanted[0], rtol=1e-4, atol=1e-5)
    assert torch.equal(found.mask, wanted[1])
    assert 0 < found.mask.float().mean() < 1
    assert float(found.coordinates.std()) > 0.1
    torch.testing.assert_close(found.domain, wanted[2], rtol=1e-4, atol=1e-5)
    assert [tuple(part.shape) for part in found] == [(3, 20, 2), (3, 20), (3, 2)]


def test_noise_comes_from_the_generator_and_not_at_all_at_zero(
    state: State, images: Tensor
) -> None:
    model = load_published(state)
    with torch.no_grad():
        first, again, other = (
            model(images, 0.7, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
        )
        cold = [model(images, 0.0).coordinates for _ in range(2)]
    assert torch.equal(first.coordinates, again.coordinates)
    assert not torch.allclose(first.coordinates, other.coordinates)
    assert torch.equal(*cold)


def test_released_mode_without_eval_stays_random_at_zero(state: State, images: Tensor) -> None:
    model = load_published(state)
    assert not model.training
    model.train()
    torch.manual_seed(0)
    with torch.no_grad():
        one, two = model(images, 0.0), model(images, 0.0)
    assert not torch.equal(one.coordinates, two.coordinates)


def test_faithful_paths_depend_on_batch_mates_and_mended_ones_do_not(
    state: State, images: Tensor
) -> None:
    own = torch.randn(1, 20, 3, 5, generator=torch.Generator().manual_seed(2))
    wild = torch.cat([own, torch.full((2, 20, 3, 5), 1e3)])
    with torch.no_grad():
        kept, mended = load_published(state), load_published(state, faithful=False)
        crowd, single = kept(images, 0.5, noise=wild), kept(images[:1], 0.5, noise=own)
        together, alone = mended(images, 0.5, noise=wild), mended(images[:1], 0.5, noise=own)
    assert float((crowd.coordinates[:1] - single.coordinates).abs().max()) > 1e-2
    torch.testing.assert_close(together.coordinates[:1], alone.coordinates, rtol=0, atol=1e-5)
    assert torch.equal(together.mask[:1], alone.mask)


def _blind(state: State, row: int, column: int) -> State:
    """Entries that make every map a sharp peak at one cell of an 8x10 grid, by one prior."""
    blind = {name: value.clone() for name, value in state.items()}
    for name, value in blind.items():
        if name.startswith("scanpath_decoder."):
            value.zero_()
    blind["gaussians"][0] = torch.tensor([[row / 7, -4.0], [column / 9, -4.0]])
    for layer in range(0, 15, 2):
        blind[f"scanpath_decoder.{layer}.weight"][:, 1280 if layer == 0 else 0, 1, 1] = 10.0
    return blind


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 9), (7, 0), (7, 9)])
def test_corners_decode_as_released_and_in_their_place_when_mended(
    state: State, row: int, column: int
) -> None:
    images, blind = torch.zeros(1, 3, 256, 320), _blind(state, row, column)
    with torch.no_grad():
        as_released = load_published(blind)(images, 0.0).coordinates
        mended = load_published(blind, faithful=False)(images, 0.0).coordinates
    # The released order: columns over the height, rows over the width.
    wanted = torch.tensor([column / 8, row / 10]).expand(1, 20, 2)
    torch.testing.assert_close(as_released, wanted)
    wanted = torch.tensor([(column + 0.5) / 10, (row + 0.5) / 8]).expand(1, 20, 2)
    torch.testing.assert_close(mended, wanted)


def test_checkpoints_load_from_files_and_keep_every_name(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "weight.pt")
    loaded = load_published(tmp_path / "weight.pt").state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())
    names = {"gaussians", "rand_mul", "scanpath_decoder.14.bias", "ChannelGate.merge.1.weight"}
    names |= {"ChannelGate.bn1d.weight", "ChannelGate.mlp_avgp.5.bias", "domain_classifier.2.bias"}
    assert names | {"encoder.0.0.weight", "encoder.17.conv.3.running_var"} <= loaded.keys()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rand_mul": None}, "lacks 'rand_mul'"),
        ({"gaussians": torch.zeros(8, 2, 2)}, r"'gaussians' has shape \(8, 2, 2\), needed"),
        ({"decoder.extra": torch.zeros(1)}, "unexpected entry 'decoder.extra'"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_by_name(
    state: State, change: dict[str, Tensor | None], message: str
) -> None:
    spoiled = {k: v for k, v in {**state, **change}.items() if v is not None}
    with pytest.raises(ValueError, match=f"released SPGen checkpoint: .*{message}"):
        load_published(spoiled)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.pt"):
        load_published(tmp_path / "absent.pt")


def test_wrong_shapes_are_named(state: State, images: Tensor) -> None:
    model = load_published(state)
    with pytest.raises(ValueError, match=r"found \(3, 96, 160\)"):
        model(images[0], 0.0)
    with pytest.raises(ValueError, match=r"noise must be \(3, 20, 3, 5\), found \(3, 20, 5, 3\)"):
        model(images, 0.5, noise=torch.zeros(3, 20, 5, 3))
