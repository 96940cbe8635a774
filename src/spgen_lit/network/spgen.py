"""SPGen: scanpaths drawn fixation by fixation from learned, history-conditioned maps.

From top to bottom: the neck joins feature maps and Gaussian priors to the bottleneck; the
fixation head gives, for any number of partial paths at once, the laws of the next fixation's
place and duration and of the path's end, and takes one step; the network encodes images,
scores given paths and samples new ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.batch import VIEWING, PathBatch
from spgen_lit.network.encoders.base import Domain, Encoder
from spgen_lit.network.fixation import cell_centers, cell_of, local_soft_argmax
from spgen_lit.network.history import HistoryMaps, PathState
from spgen_lit.network.losses import end_loss, last_steps, mean_of_image, place_loss, weighted
from spgen_lit.network.noise import Noise, NoiseKind, draw_noise
from spgen_lit.network.priors import GaussianPriors
from spgen_lit.network.protocol import Encoded, LogProb
from spgen_lit.scanpath import GAP

HistoryKind = Literal["full", "gates", "none"]
_TYPICAL = -1.4  # log of a quarter of a second, a fixation's usual duration
# Times in seconds that the end decision and the durations tell apart.
_LEFT = (-0.3, 0.0, 0.15, 0.3, 0.5, 0.8, 1.2, 2.0)
_GONE = (0.7, 1.2, 1.7, 2.1, 2.6, 3.2, 4.5, 7.0)
_TASKS = 4
# Sizes of the fixation head: maps that the steps' logits are mixed from, projections of the
# history maps that the image gates, units of the joint hidden layer, keys and queries, code of
# the viewing conditions.
_RANK, _GATES, _HIDDEN, _KEYS, _CODE = 8, 8, 24, 16, 16
_FIRST = 4  # steps whose maps adaptation looks at
FIXATIONS_PER_SECOND = 5  # more than observers make


class SetValues(NamedTuple):
    """What differs between data sets beyond the viewing conditions, each ``(image, path, 1)``.

    Attributes:
        certainty: Logarithm of a factor of all logits of a place.
        history: Logarithm of a factor of what the path so far adds to them.
        center: Pull of the image's center.
        duration: Logarithm of a factor of durations.
        sigma: Logarithm of a factor of their sigma.
        end: Added to the logits that a path ends.
    """

    certainty: Tensor
    history: Tensor
    center: Tensor
    duration: Tensor
    sigma: Tensor
    end: Tensor


class SetParameters(nn.Module):
    """A few numbers for each data set; their mean for any other (as in DeepGaze MSDB, ICCV 2025).

    Args:
        datasets: Number of data sets; at least 1.
    """

    def __init__(self, datasets: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(datasets, len(SetValues._fields)))

    def forward(self, dataset: Tensor) -> SetValues:
        """Values for indices of data sets ``(image, path)``, NaN where unknown."""
        known = self.table[dataset.nan_to_num(0.0).long()]
        rows = torch.where(dataset.isnan()[..., None], self.table.mean(0), known)
        return SetValues(*rows.split(1, dim=-1))


class Neck(nn.Module):
    """Projects each tap, brings all to one grid, joins the priors, and decodes by 3x3.

    Args:
        inputs: Channels of the encoder's taps.
        channels: Channels of each projection and of the output.
        priors: Number of learnable Gaussian priors.
        dropout: Fraction of channels dropped after the projection.
        domain_priors: Give the target Gaussian priors of its own.
    """

    def __init__(
        self, inputs: Sequence[int], channels: int, priors: int, dropout: float, domain_priors: bool
    ) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Sequential(*_block(n, channels, 1)) for n in inputs)
        self.priors = GaussianPriors(priors, domains=domain_priors)
        self.dropout = nn.Dropout2d(dropout)
        joined = channels * len(inputs) + priors
        self.decode = nn.Sequential(*_block(joined, channels, 3), *_block(channels, channels, 3))

    def forward(self, taps: Sequence[Tensor], grid: tuple[int, int], domain: Domain) -> Tensor:
        """Bottleneck features ``(image, channels, height, width)``."""
        maps = [_resize(conv(tap), grid) for conv, tap in zip(self.project, taps, strict=True)]
        joined = self.dropout(torch.cat(maps, dim=1))
        priors = self.priors(*grid, domain).expand(len(joined), -1, -1, -1)
        out: Tensor = self.decode(torch.cat([joined, priors.to(joined.dtype)], dim=1))
        return out


def _block(inputs: int, outputs: int, size: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, size, padding=size // 2)
    return convolution, nn.GroupNorm(8, outputs), nn.ReLU()


def _resize(maps: Tensor, grid: tuple[int, int]) -> Tensor:
    if maps.shape[-2:] == grid:
        return maps
    if maps.shape[-2] > grid[0]:
        return F.adaptive_avg_pool2d(maps, grid)
    return F.interpolate(maps, grid, mode="bilinear", align_corners=False)


class Fixation(NamedTuple):
    """One more fixation of every path.

    Attributes:
        xy: ``(image, path, 2)`` in [0, 1] of the frame.
        seconds: ``(image, path)``.
        end: ``(image, path)``: above 0 where it is the last.
    """

    xy: Tensor
    seconds: Tensor
    end: Tensor


class Durations(NamedTuple):
    """Log-normal mixtures: log weights, means and log sigmas ``(image, path, component)``."""

    weights: Tensor
    mean: Tensor
    log_sigma: Tensor

    def log_prob(self, seconds: Tensor) -> Tensor:
        """Log density in nats per second at durations ``(image, path)``."""
        value = seconds.clamp_min(1e-3).log()
        z = (value[..., None] - self.mean) / self.log_sigma.exp()
        normal = -0.5 * z * z - self.log_sigma - 0.5 * math.log(2 * math.pi)
        return (self.weights + normal).logsumexp(-1) - value

    def sample(self, normal: Tensor, gumbel: Tensor, temperature: Tensor) -> Tensor:
        """Durations in seconds ``(image, path)``, within .02 and 5 s.

        Args:
            normal: Standard normal ``(image, path)``.
            gumbel: Gumbel noise over components ``(image, path, component)``.
            temperature: 0 gives the median of the likeliest component.
        """
        part = (self.weights + temperature * gumbel).argmax(-1, keepdim=True)
        mean, sigma = self.mean.gather(-1, part), self.log_sigma.gather(-1, part).exp()
        return (mean[..., 0] + temperature * normal * sigma[..., 0]).exp().clamp(0.02, 5.0)


class ImageTerms(NamedTuple):
    """What the fixation head needs of the images, computed once for any number of paths.

    A region is a block of cells: what depends on the path so far is smooth, and is worked
    out on a coarser grid.

    Attributes:
        features: Bottleneck ``(image, cell, channel)``.
        scene: Its mean ``(image, channel)``.
        base: Logits ``(image, cell)`` that all steps share.
        ranks: Maps ``(image, rank, cell)`` that a step's own logits are mixed from.
        gates: ``(gate, image, region)`` weight of each projected history map at each region.
        hidden: ``(unit, image, region)`` the regions' part of the joint hidden layer.
        keys: ``(image, key, region)`` what the relation to fixated things is matched with.
        queries: ``(image, cell, 2·key)`` what a fixated cell asks for, last and before.
    """

    features: Tensor
    scene: Tensor
    base: Tensor
    ranks: Tensor
    gates: Tensor
    hidden: Tensor
    keys: Tensor
    queries: Tensor


class FixationHead(nn.Module):
    """The laws of the next fixation, with the image's part factored out.

    ``logits = base + mix[step]·ranks + up(Σ gate·project(maps) + mlp(region, maps) +
    query·key)``: the convolutions run once an image; a step costs a few products over the
    grid of regions, brought up to cells bilinearly. All terms of history start at zero.
    Durations follow log-normal mixtures. The end decision is the selection of the published
    network made sequential: after each fixation it says whether observers stop here, and it
    sees the viewing time that is left. Steps beyond ``steps`` share what the last one learned.

    Args:
        channels: Channels of the bottleneck.
        grid: Height and width of the grid of cells.
        steps: Number of first fixations with parameters of their own.
        history: ``full``, ``gates`` (analytic maps with gates alone) or ``none``.
        aspect: Width of the frame over its height.
        datasets: Number of data sets with parameters of their own.

    Raises:
        ValueError: For another kind of history.
    """

    components = 2  # log-normal, of a duration
    center: Tensor

    def __init__(
        self,
        channels: int,
        grid: tuple[int, int],
        steps: int,
        history: HistoryKind,
        aspect: float,
        datasets: int,
    ) -> None:
        super().__init__()
        if history not in get_args(HistoryKind):
            raise ValueError(f"history must be one of {get_args(HistoryKind)}, found {history!r}")
        self.grid, self.coarse = grid, (grid[0] // 2, grid[1] // 2)
        self.cells = grid[0] * grid[1]
        self.steps, self.history = steps, history
        self.maps = HistoryMaps(self.coarse, aspect)
        self.static = nn.Conv2d(channels, 1 + _RANK, 1)
        self.mix = nn.Embedding(steps, _RANK)
        self.gates = nn.Conv2d(channels, _GATES, 1)
        self.project = nn.Linear(HistoryMaps.COUNT, _GATES, bias=False)
        self.hidden = nn.Conv2d(channels, _HIDDEN, 1)
        self.joint = nn.Linear(HistoryMaps.COUNT, _HIDDEN, bias=False)
        self.out = nn.Linear(_HIDDEN, 1, bias=False)
        self.key = nn.Conv2d(channels, _KEYS, 1)
        self.query = nn.Conv2d(channels, 2 * _KEYS, 1)
        self.scale = nn.Parameter(torch.zeros(2))
        self.viewing = nn.Sequential(nn.Linear(8 + _TASKS, _CODE), nn.Tanh())
        self.viewing_mix = nn.Linear(_CODE, _RANK)
        self.viewing_certainty = nn.Linear(_CODE, 1, bias=False)
        self.order = nn.Embedding(steps, 16)
        known = channels + 16 + 3 + len(_LEFT) + len(_GONE) + 1 + _CODE
        self.duration = nn.Sequential(
            nn.Linear(known, 48), nn.ReLU(), nn.Linear(48, 3 * self.components)
        )
        self.end = nn.Sequential(nn.Linear(known, 48), nn.ReLU(), nn.Linear(48, 1))
        self.datasets = SetParameters(datasets) if datasets else None
        center = (cell_centers(*grid) - 0.5) * torch.tensor([aspect, 1.0])
        self.register_buffer("center", -8 * center.square().sum(1), persistent=False)
        self._initialize()

    def _initialize(self) -> None:
        """Begin without history, with usual durations and paths of some ten fixations."""
        nn.init.normal_(self.mix.weight, std=0.1)
        zero = (self.gates, self.out, self.viewing_mix, self.viewing_certainty, self.end[2])
        for layer in zero:
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)
        nn.init.constant_(self.end.get_parameter("2.bias"), -2.0)
        with torch.no_grad():
            self.duration.get_parameter("2.weight").mul_(0.1)
            bias = self.duration.get_parameter("2.bias").view(3, self.components)
            bias[0] = 0.0
            bias[1] = _TYPICAL + 0.5 * (torch.arange(self.components) - (self.components - 1) / 2)
            bias[2] = -0.7

    def prepare(self, features: Tensor) -> ImageTerms:
        """The images' part, from bottleneck features ``(image, channel, height, width)``."""
        static = self.static(features).flatten(2)
        regions = F.avg_pool2d(features, 2)
        keys = self.key(regions).flatten(2)
        flat = features.flatten(2)
        return ImageTerms(
            flat.mT.contiguous(),
            flat.mean(2),
            static[:, 0],
            static[:, 1:],
            self.gates(regions).flatten(2).transpose(0, 1).contiguous(),
            self.hidden(regions).flatten(2).transpose(0, 1).contiguous(),
            keys * keys.shape[1] ** -0.5,
            self.query(features).flatten(2).mT,
        )

    def first_maps(self, terms: ImageTerms) -> Tensor:
        """Logits ``(image, step, height, width)`` of the first steps before any history."""
        mix = self.mix.weight[:_FIRST]
        return (terms.base[:, None] + mix @ terms.ranks).unflatten(2, self.grid)

    def place_logits(self, terms: ImageTerms, state: PathState, viewing: Tensor) -> Tensor:
        """Logits ``(image, path, cell)`` of the next fixation.

        Args:
            terms: Of the images.
            state: Of the paths so far.
            viewing: Conditions ``(image, path, 5)``, NaN where unknown.
        """
        values = self._of_dataset(viewing)
        code = self._code(viewing, state.step)
        mix = self.mix(state.step.clamp(max=self.steps - 1)) + self.viewing_mix(code)
        logits = terms.base[:, None] + mix @ terms.ranks
        if self.history != "none":
            shift = self._history_term(terms, self.maps(state))
            if self.history == "full":
                for back, query in enumerate(terms.queries.chunk(2, dim=2)):
                    match = _at(query, cell_of(state.recent[:, :, back], *self.grid))
                    match = match * (self.scale[back] * state.known[:, :, back, None])
                    shift = shift + (match @ terms.keys).mT
            coarse = shift.mT.reshape(-1, 1, *self.coarse)
            fine = F.interpolate(coarse, self.grid, mode="bilinear", align_corners=False)
            logits = logits + values.history.exp() * fine.reshape(logits.shape)
        # In full precision under autocast, too: places are drawn from these.
        logits, certainty = logits.float(), self.viewing_certainty(code).float()
        return logits * (certainty + values.certainty).exp() + values.center * self.center

    def _of_dataset(self, viewing: Tensor) -> SetValues:
        """The data set's parameters; zeros, which change nothing, where the network has none."""
        if self.datasets is None:
            return SetValues(*[viewing.new_zeros(())] * len(SetValues._fields))
        found: SetValues = self.datasets(viewing[..., 4])
        return found

    def _history_term(self, terms: ImageTerms, maps: Tensor) -> Tensor:
        """``Σ gate·project(maps) + mlp(region, maps)`` ``(image, region, path)``."""
        flat, shape = maps.flatten(1), maps.shape[1:]
        # Gates and projection make one weight a region, so that no projected map is kept.
        weight = terms.gates.permute(1, 2, 0) @ self.project.weight
        regions = maps.permute(1, 2, 0, 3).flatten(0, 1)
        gated = torch.bmm(weight.flatten(0, 1)[:, None], regions).view(shape)
        if self.history == "gates":
            return gated
        joint = (self.joint.weight @ flat).view(-1, *shape) + terms.hidden[..., None]
        return gated + (self.out.weight @ joint.relu_().flatten(1)).view(shape)

    def duration_law(
        self, terms: ImageTerms, state: PathState, viewing: Tensor, xy: Tensor
    ) -> Durations:
        """The law of the duration of the next fixation, given its place ``(image, path, 2)``."""
        here = _at(terms.features, cell_of(xy, *self.grid))
        aspect = xy.new_tensor([self.maps.aspect, 1.0])
        begun = state.known[:, :, 0]
        saccade = ((xy - state.recent[:, :, 0]) * aspect).norm(dim=2) * begun
        timing = self._time_features(state, viewing)
        rest = torch.stack([saccade, self._pace(state), begun], dim=2)
        order = self.order(state.step.clamp(max=self.steps - 1))
        code = self._code(viewing, state.step)
        out = self.duration(torch.cat([here, order, rest, timing, code], dim=2))
        weights, mean, log_sigma = out.unflatten(2, (3, self.components)).unbind(2)
        values = self._of_dataset(viewing)
        log_sigma = (log_sigma + values.sigma).clamp(-4.0, 1.0)
        return Durations(weights.log_softmax(2), mean + values.duration, log_sigma)

    def end_logits(self, terms: ImageTerms, after: PathState, viewing: Tensor) -> Tensor:
        """Logits ``(image, path)`` that the last fixation of each path so far ends it."""
        timing = self._time_features(after, viewing)
        timed_end = timing[..., -1]
        timed = (after.timed == after.step).to(timed_end.dtype)
        rest = torch.stack([timed, self._pace(after), timed_end], dim=2)
        # Where the time that is left is known, the order must not matter: a longer viewing
        # must not end as the ones seen in training did.
        order = self.order((after.step - 1).clamp(max=self.steps - 1)) * (1 - timed_end)[..., None]
        scene = terms.scene[:, None].expand(-1, after.step.shape[1], -1)
        code = self._code(viewing, after.step - 1)
        out: Tensor = self.end(torch.cat([scene, order, rest, timing, code], dim=2))
        return (out + self._of_dataset(viewing).end)[..., 0]

    def step(
        self,
        terms: ImageTerms,
        state: PathState,
        viewing: Tensor,
        noise: Noise[Tensor],
        temperature: Tensor,
    ) -> tuple[Fixation, PathState]:
        """Draw one more fixation of any number of paths on any number of images.

        At temperature 1 the cell follows the softmax of the logits and the place is uniform
        within it, so that the density of the place is the cell's probability over its area.
        Towards temperature 0 the place becomes the soft-argmax around the likeliest cell.

        Args:
            terms: Of the images.
            state: Of the paths so far.
            viewing: Conditions ``(image, path, 5)``, NaN where unknown.
            noise: Of this step.
            temperature: Scalar, at least 0.
        """
        logits = self.place_logits(terms, state, viewing)
        cell = (logits + temperature * noise.place).argmax(-1)
        height, width = self.grid
        corner = torch.stack([cell % width, cell // width], dim=-1)
        within = (corner + noise.offset) / noise.offset.new_tensor([width, height])
        peak = local_soft_argmax(logits, cell, height, width)
        xy = torch.lerp(peak, within, temperature.clamp(max=1.0))
        law = self.duration_law(terms, state, viewing, xy)
        seconds = law.sample(noise.duration, noise.component, temperature)
        after = self.maps.extend(state, xy, seconds)
        end = self.end_logits(terms, after, viewing) + temperature * noise.end
        return Fixation(xy, seconds, end), after

    def _code(self, viewing: Tensor, step: Tensor) -> Tensor:
        """Code ``(image, path, code)`` of the viewing conditions; see ``VIEWING``."""
        known = (~viewing.isnan()).to(self.viewing_certainty.weight.dtype)
        value = viewing.nan_to_num(0.0)
        first = (step == 0).to(known.dtype)[..., None]
        # Beyond what training shows a longer viewing counts as the longest.
        seconds = (value[..., :1].clamp_min(0.1) / 3).log().clamp(-2.0, 0.5) * known[..., :1]
        degrees = (value[..., 1:2].clamp_min(1.0) / 25).log().clamp(-1.5, 1.5) * known[..., 1:2]
        given = (2 * value[..., 2:3] - 1) * known[..., 2:3]
        tasks = torch.arange(_TASKS, device=step.device)
        task = (value[..., 3:4] == tasks).to(known.dtype) * known[..., 3:4]
        known = known[..., :3]
        code: Tensor = self.viewing(
            torch.cat([seconds, degrees, given, known, first, first * given, task], dim=-1)
        )
        return code

    @staticmethod
    def _time_features(state: PathState, viewing: Tensor) -> Tensor:
        """Steps of the viewing time that is left, or of the time gone by where that is unknown.

        Returns:
            ``(image, path, feature)``, smooth steps at ``_LEFT`` and at ``_GONE``, of which one
            group is 0, and last 1 where the time that is left is known.
        """
        seconds = viewing[..., :1]
        timed = (state.timed == state.step)[..., None]
        timed_end = (~seconds.isnan() & timed).to(state.elapsed.dtype)
        gone = (state.elapsed + GAP * (state.step - 1).clamp_min(0))[..., None]
        left = seconds.nan_to_num(0.0) - gone - gone.new_tensor(_LEFT)
        since = (gone - gone.new_tensor(_GONE)) * timed
        steps = [(8 * left).tanh() * timed_end, (4 * since).tanh() * (1 - timed_end), timed_end]
        return torch.cat(steps, dim=-1)

    @staticmethod
    def _pace(state: PathState) -> Tensor:
        """Mean log duration against a quarter of a second; 0 where none is known."""
        mean = state.logs / state.timed.clamp_min(1) - _TYPICAL
        return torch.where(state.timed > 0, mean, 0.0)


def _at(maps: Tensor, cells: Tensor) -> Tensor:
    """Rows ``(image, path, channel)`` of maps ``(image, cell, channel)`` at cells."""
    return maps.gather(1, cells[..., None].expand(-1, -1, maps.shape[2]))


class StepOutputs(NamedTuple):
    """What the network says of every step of given paths (teacher forcing).

    Attributes:
        logits: ``(image, path, step, cell)`` of the fixation.
        end: ``(image, path, step)`` logit that it is the last.
        duration: Log density in nats of its duration per second ``(image, path, step)``.
    """

    logits: Tensor
    end: Tensor
    duration: Tensor


class SPGen(nn.Module):
    """Encoder, bottleneck with Gaussian priors, fixation head, noise sampler.

    Args:
        encoder: Gives feature maps; see :mod:`spgen_lit.network.encoders`.
        frame: Width and height in px of the images that it is made for.
        stride: Image px per cell of the grid of places: 8, 16 or 32.
        channels: Channels of the bottleneck.
        priors: Number of learnable Gaussian priors.
        max_fixations: Longest path where the viewing time is unknown.
        steps: Number of first fixations with parameters of their own.
        history: ``full``, ``gates`` or ``none``.
        noise: ``gumbel``, ``gaussian`` or ``uniform``; one temperature means the same spread.
        dropout: Fraction of feature channels dropped in training.
        temperature: Default temperature of sampling.
        domain_priors: Give the target Gaussian priors of its own.
        sigma: In cells, of the loss's target around a fixation; see
            :func:`~spgen_lit.network.losses.place_loss`.
        end_weight: Weight of the end decision in the loss.
        duration_weight: Weight of the durations' likelihood in the loss.
        datasets: Names of the data sets that get a few parameters of their own; any other set
            gets their mean.

    Raises:
        ValueError: For a value out of range, naming it.
    """

    def __init__(
        self,
        encoder: Encoder,
        frame: tuple[int, int] = (512, 384),
        stride: int = 16,
        channels: int = 64,
        priors: int = 16,
        max_fixations: int = 20,
        steps: int = 12,
        history: HistoryKind = "full",
        noise: NoiseKind = "gumbel",
        dropout: float = 0.25,
        temperature: float = 1.0,
        domain_priors: bool = False,
        sigma: float = 0.4,
        end_weight: float = 1.0,
        duration_weight: float = 0.3,
        datasets: Sequence[str] = (),
    ) -> None:
        super().__init__()
        if len(frame) != 2 or any(side < 32 or side % 32 for side in frame):
            raise ValueError(f"network.frame must be two multiples of 32 px, found {frame}")
        if stride not in (8, 16, 32):
            raise ValueError(f"network.stride must be 8, 16 or 32, found {stride}")
        if channels < 8 or channels % 8:
            raise ValueError(f"network.channels must be a multiple of 8, found {channels}")
        if max_fixations < 1 or steps < 1:
            raise ValueError(
                f"network.max_fixations and network.steps must be at least 1, found "
                f"{max_fixations} and {steps}"
            )
        if noise not in get_args(NoiseKind):
            raise ValueError(f"network.noise must be one of {get_args(NoiseKind)}, found {noise!r}")
        if min(sigma, end_weight, duration_weight) < 0:
            raise ValueError(
                "network.sigma, end_weight and duration_weight must be at least 0, found "
                f"{sigma}, {end_weight}, {duration_weight}"
            )
        self.frame = (int(frame[0]), int(frame[1]))
        self.channels = channels
        self.max_fixations = max_fixations
        self.noise = noise
        self.temperature = checked_temperature(temperature)
        self.sigma, self.end_weight, self.duration_weight = sigma, end_weight, duration_weight
        self.datasets = tuple(datasets)
        self.encoder = encoder
        self.neck = Neck(encoder.channels, channels, priors, dropout, domain_priors)
        grid = (self.frame[1] // stride, self.frame[0] // stride)
        aspect = self.frame[0] / self.frame[1]
        self.head = FixationHead(channels, grid, steps, history, aspect, len(self.datasets))

    @property
    def has_likelihood(self) -> bool:
        """Whether the law of what is sampled at temperature 1 is known."""
        return self.noise == "gumbel"

    def encode(self, images: Tensor, domain: Domain = "source") -> Encoded:
        """Encode RGB images ``(image, 3, height, width)``, uint8 or float in [0, 1], once.

        Raises:
            ValueError: For images of another size than the frame.
        """
        width, height = self.frame
        if images.ndim != 4 or images.shape[1:] != (3, height, width):
            raise ValueError(
                f"images must be (image, 3, {height}, {width}), found {tuple(images.shape)}"
            )
        taps = self.encoder(images, domain)
        features = self.neck(taps, self.head.grid, domain)
        terms = self.head.prepare(features)
        return Encoded(taps, features, self.head.first_maps(terms), terms)

    def forward(self, encoded: Encoded, paths: PathBatch) -> StepOutputs:
        """Outputs at every step of given paths: the sampler's own step, all at once."""
        shape = paths.durations.shape
        terms, head = ImageTerms(*encoded.terms), self.head
        viewing = paths.viewing[:, :, None].expand(*shape, len(VIEWING)).flatten(1, 2)
        state, xy = head.maps.unroll(paths), paths.xy.flatten(1, 2)
        seconds = paths.durations.flatten(1, 2)
        logits = head.place_logits(terms, state, viewing)
        law = head.duration_law(terms, state, viewing, xy)
        end = head.end_logits(terms, state.pass_time(seconds), viewing)
        duration = law.log_prob(seconds.nan_to_num(0.25))
        return StepOutputs(logits.view(*shape, -1), end.view(shape), duration.view(shape))

    def loss(self, encoded: Encoded, paths: PathBatch, weights: Tensor) -> dict[str, Tensor]:
        """Negative log-likelihood of every observer's every step, given what came before.

        Args:
            encoded: The images.
            paths: What observers did on them.
            weights: Weight of each image ``(image,)``.

        Returns:
            Parts ``fixation``, ``end``, ``duration`` in nats a fixation, and ``total``.
        """
        out, head = self(encoded, paths), self.head
        timed = paths.mask & ~paths.durations.isnan()
        logs = paths.durations.nan_to_num(0.25).clamp_min(1e-3).log()
        place = place_loss(out.logits, paths, head.grid, self.sigma, head.maps.aspect)
        end = end_loss(out.end, paths)
        # Of the logarithm: a density per second would weigh short fixations more.
        duration = mean_of_image(-out.duration - logs, timed)
        total = place + self.end_weight * end + self.duration_weight * duration
        parts = {"fixation": place, "end": end, "duration": duration, "total": total}
        return weighted(parts, weights)

    def log_prob(self, encoded: Encoded, paths: PathBatch) -> LogProb:
        """Log-likelihood in bits of given paths under what is sampled at temperature 1.

        Raises:
            ValueError: Where the noise of places is not Gumbel's: its law is not known.
        """
        if not self.has_likelihood:
            raise ValueError(f"network.noise={self.noise} has no stated law; use gumbel")
        out = self(encoded, paths)
        cells = cell_of(paths.xy, *self.head.grid)[..., None]
        place = out.logits.log_softmax(-1).gather(-1, cells)[..., 0]
        place = place + math.log(out.logits.shape[-1])
        end = torch.where(last_steps(paths), F.logsigmoid(out.end), F.logsigmoid(-out.end))
        duration = torch.where(paths.durations.isnan(), float("nan"), out.duration)
        bits = (place, duration, end)
        return LogProb(*(torch.where(paths.mask, v / math.log(2), 0.0) for v in bits))

    def next_maps(self, encoded: Encoded, paths: PathBatch) -> Tensor:
        """Probability ``(image, path, step, height, width)`` of each fixation's cell."""
        return self(encoded, paths).logits.softmax(-1).unflatten(-1, self.head.grid)

    @torch.no_grad()
    def sample(
        self,
        encoded: Encoded,
        seeds: Sequence[Sequence[int]],
        temperature: float | None = None,
        viewing: Tensor | None = None,
    ) -> PathBatch:
        """Draw scanpaths; each depends on its image, seed, temperature and viewing alone.

        Args:
            encoded: Encoded images.
            seeds: For each image, one seed a scanpath (see :func:`~.noise.path_seed`); as many
                for every image.
            temperature: 0 for the likeliest path, 1 for the learned law; None for the network's
                own.
            viewing: Conditions ``(image, 5)`` by the columns of ``VIEWING``; NaN or None where
                unknown.

        Raises:
            ValueError: For a temperature below zero or not finite.
        """
        device = encoded.features.device
        chosen = self.temperature if temperature is None else checked_temperature(temperature)
        images, count = len(seeds), len(seeds[0])
        given = torch.full((images, len(VIEWING)), float("nan")) if viewing is None else viewing
        limit = self._limits(given)[:, None].expand(images, count)
        steps = int(limit.max())
        flat = [seed for row in seeds for seed in row]
        host = draw_noise(flat, steps, self.head.cells, self.head.components, self.noise)
        noise = [torch.from_numpy(v).unflatten(0, (images, count)).to(device) for v in host]
        given, limit = given.to(device)[:, None].expand(-1, count, -1), limit.to(device)
        scale = torch.tensor(chosen, device=device, dtype=torch.float32)
        state = self.head.maps.begin(images, count)
        length = torch.zeros(images, count, dtype=torch.long, device=device)
        fixations: list[Fixation] = []
        for n in range(steps):
            now = Noise(*(values[:, :, n] for values in noise))
            fixation, state = self.head.step(ImageTerms(*encoded.terms), state, given, now, scale)
            fixations.append(fixation)
            last = (fixation.end > 0) | (n + 1 >= limit)
            length = torch.where(last & (length == 0), n + 1, length)
            # Asked seldom: a GPU must be waited for.
            if n % 4 == 3 and bool((length > 0).all()):
                break
        longest = int(length.max())
        exists = torch.arange(longest, device=device) < length[..., None]
        xy = torch.stack([f.xy for f in fixations[:longest]], dim=2) * exists[..., None]
        seconds = torch.stack([f.seconds for f in fixations[:longest]], dim=2) * exists
        return PathBatch(xy, seconds, length, given)

    def _limits(self, viewing: Tensor) -> Tensor:
        """Greatest number of fixations ``(image,)``: what no observer reaches in the time."""
        seconds = viewing[:, 0].cpu()
        most = (seconds.nan_to_num(0.0) * FIXATIONS_PER_SECOND).ceil().long() + FIXATIONS_PER_SECOND
        return torch.where(seconds.isnan(), self.max_fixations, most)


def checked_temperature(temperature: float) -> float:
    """The temperature, if it is one.

    Raises:
        ValueError: For a temperature below zero or not finite.
    """
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature must be finite and at least 0, found {temperature}")
    return float(temperature)
