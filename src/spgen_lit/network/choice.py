"""Where to look next: logits over places, given the image and the path so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spgen_lit.network.history import History, HistoryMaps

HistoryKind = Literal["full", "gates", "none"]


@dataclass(frozen=True)
class Places:
    """What the choice needs of an image, computed once for any number of paths.

    Attributes:
        static: ``(image, step, place)`` logits that depend on the image and the step alone.
        gates: ``(image, maps, region)`` weight of each history map at each region.
        hidden: ``(image, units, region)`` the regions' share of the joint hidden layer.
        keys: ``(image, keys, region)`` what the relation to fixated things is matched with.
        queries: ``(image, 2·keys, place)`` what a fixated place asks for, last and before.

    A region is a block of places: what depends on the path so far is smooth, and is worked
    out on a coarser grid.
    """

    static: Tensor
    gates: Tensor
    hidden: Tensor
    keys: Tensor
    queries: Tensor

    def of(self, image: int) -> Places:
        """The same of one image, without the image axis."""
        return Places(
            self.static[image],
            self.gates[image],
            self.hidden[image],
            self.keys[image],
            self.queries[image],
        )


class NextFixation(nn.Module):
    """History-conditioned fixation maps, with the image's part factored out.

    ``logits = static[step] + up(Σ gate·map + mlp(region, maps) + query(fixated)·key)``: the
    convolutions run once an image; a step costs a few products over the grid of regions,
    brought up to places bilinearly. All terms of history start at zero.

    Args:
        channels: Channels of the bottleneck.
        steps: Greatest number of fixations.
        history: ``full``, ``gates`` (analytic maps with gates alone) or ``none``.
        aspect: Width of the frame over its height.
        rank: Number of maps that the steps' static maps are mixed from.
        hidden: Units of the joint hidden layer.
        keys: Size of keys and queries.
        region: Side in places of the regions that history works on.

    Raises:
        ValueError: For another kind of history.
    """

    def __init__(
        self,
        channels: int,
        steps: int,
        history: HistoryKind = "full",
        aspect: float = 4 / 3,
        rank: int = 8,
        hidden: int = 24,
        keys: int = 16,
        region: int = 2,
    ) -> None:
        super().__init__()
        if history not in get_args(HistoryKind):
            raise ValueError(f"history must be one of {get_args(HistoryKind)}, found {history!r}")
        self.history = history
        self.region = region
        self.maps = HistoryMaps(aspect)
        self.static = nn.Conv2d(channels, 1 + rank, 1)
        self.mix = nn.Parameter(torch.randn(steps, rank) * 0.1)
        self.gates = nn.Conv2d(channels, HistoryMaps.COUNT, 1)
        self.hidden = nn.Conv2d(channels, hidden, 1)
        self.joint = nn.Linear(HistoryMaps.COUNT, hidden, bias=False)
        self.out = nn.Linear(hidden, 1, bias=False)
        self.key = nn.Conv2d(channels, keys, 1)
        self.query = nn.Conv2d(channels, 2 * keys, 1)
        self.scale = nn.Parameter(torch.zeros(2))
        for layer in (self.gates, self.out):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)

    def prepare(self, features: Tensor) -> Places:
        """The image's part, from bottleneck features ``(image, channels, height, width)``."""
        maps = self.static(features).flatten(2)
        static = maps[:, :1] + torch.einsum("tr,brp->btp", self.mix, maps[:, 1:])
        regions = F.avg_pool2d(features, self.region)
        keys = self.key(regions).flatten(2)
        return Places(
            static,
            self.gates(regions).flatten(2),
            self.hidden(regions).flatten(2),
            keys * keys.shape[1] ** -0.5,
            self.query(features).flatten(2),
        )

    def regions(self, grid: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the grid of regions on a grid of places."""
        return grid[0] // self.region, grid[1] // self.region

    def forward(
        self,
        places: Places,
        step: Tensor,
        history: History,
        cells: Tensor,
        grid: tuple[int, int],
    ) -> Tensor:
        """Logits ``(row, place)`` of each row's next fixation, all rows on one image.

        Args:
            places: Of that image.
            step: Index of the fixation to choose ``(row,)``.
            history: The path so far of every row.
            cells: Cells ``(row, 2)`` of the last two fixations; any value where none exists.
            grid: Height and width of the grid of places.
        """
        logits = places.static[step]
        if self.history == "none":
            return logits
        coarse = self.regions(grid)
        maps = self.maps(history, *coarse)
        moved = torch.einsum("rmp,mp->rp", maps, places.gates)
        if self.history == "full":
            joint = torch.einsum("rmp,hm->rhp", maps, self.joint.weight) + places.hidden
            moved = moved + torch.einsum("rhp,h->rp", joint.relu(), self.out.weight[0])
            size = places.keys.shape[0]
            for back in range(2):
                asked = places.queries[back * size : (back + 1) * size].t()[cells[:, back]]
                asked = asked * (self.scale[back] * history.known[:, back : back + 1])
                moved = moved + asked @ places.keys
        fine = F.interpolate(moved.view(-1, 1, *coarse), grid, mode="bilinear", align_corners=False)
        return logits + fine.flatten(1)
