"""Scanpath losses: functions of tensors, one value an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from spgen_lit.batch import PathBatch
from spgen_lit.network.fixation import soft_targets
from spgen_lit.network.published_paths import RegressionOutputs
from spgen_lit.network.spgen import StepOutputs


@dataclass(frozen=True)
class ScanpathLoss:
    """Weights of the parts of the scanpath loss.

    Attributes:
        spread: Deviation in cells of the target around a fixation (tracker error and
            observers who land beside the same thing); 0 for the fixation's cell alone.
        end: Weight of the end-of-scanpath decision.
        duration: Weight of the durations' likelihood.

    Raises:
        ValueError: For a negative value.
    """

    spread: float = 0.7
    end: float = 1.0
    duration: float = 0.3

    def __post_init__(self) -> None:
        if min(self.spread, self.end, self.duration) < 0:
            raise ValueError(f"losses must not be negative, found {self}")

    def __call__(
        self,
        outputs: Sequence[StepOutputs | RegressionOutputs],
        paths: PathBatch,
        weights: Tensor,
        aspect: float,
    ) -> dict[str, Tensor]:
        """Parts and ``total``, each averaged over an image's fixations, then over images.

        Averaging within the image first makes a batch's loss the mean of its images', so
        that the same images give the same gradient however they lie on devices.

        Args:
            outputs: One for each image of the batch.
            paths: Everything people did on them.
            weights: Weight of each image ``(batch,)``.
            aspect: Width of the frame over its height.
        """
        rows: list[dict[str, Tensor]] = []
        for index, output in enumerate(outputs):
            own = paths.of_image(index)
            if isinstance(output, StepOutputs):
                rows.append(self._likelihood(output, own, aspect))
            else:
                rows.append(_regression(output, own))
        parts = {
            name: (torch.stack([row[name] for row in rows]) * weights).sum() / len(rows)
            for name in rows[0]
        }
        return parts

    def _likelihood(self, out: StepOutputs, paths: PathBatch, aspect: float) -> dict[str, Tensor]:
        """Negative log-likelihood of every observer's every step, given what came before."""
        height, width = out.grid
        target = soft_targets(paths.xy, height, width, self.spread, aspect * height / width)
        fixation = -(target * out.logits.log_softmax(-1)).sum(-1)
        mask = paths.mask
        # A path cut at the greatest length did not end there, but nothing follows either.
        last = F.one_hot(paths.length - 1, mask.shape[1]).to(out.end.dtype)
        end = F.binary_cross_entropy_with_logits(out.end, last, reduction="none")
        timed = mask & ~paths.durations.isnan()
        duration = torch.where(timed, -out.duration, 0.0).sum() / timed.sum().clamp_min(1)
        parts = {"fixation": _mean(fixation, mask), "end": _mean(end, mask), "duration": duration}
        parts["total"] = parts["fixation"] + self.end * parts["end"] + self.duration * duration
        return parts


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, values, 0.0).sum() / mask.sum().clamp_min(1)


def _regression(out: RegressionOutputs, paths: PathBatch) -> dict[str, Tensor]:
    """Squared error of the k-th place against every observer's k-th, as in the first paper."""
    steps = min(paths.xy.shape[1], len(out.xy))
    mask = paths.mask[:, :steps]
    error = (out.xy[:steps] - paths.xy[:, :steps]).pow(2).sum(-1)
    fixation = _mean(error, mask)
    exists = paths.mask.float().mean(0)
    present = torch.zeros_like(out.keep)
    present[:steps] = exists[:steps]
    keep = F.binary_cross_entropy(out.keep.clamp(1e-6, 1 - 1e-6), present)
    return {"fixation": fixation, "end": keep, "total": fixation + 0.1 * keep}
