"""The LightningModule: scanpath loss plus domain loss, and validation against observers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn
from torchmetrics import MeanMetric

from spgen_lit.batch import PathBatch, SourceBatch, TargetBatch
from spgen_lit.learning.adaptation import Adaptation, second_view
from spgen_lit.learning.distillation import Distillation
from spgen_lit.learning.optimizer import ScheduledAdamW
from spgen_lit.metrics.collection import ImageScores, image_scores
from spgen_lit.network.noise import path_seed
from spgen_lit.network.protocol import Encoded, Loss, Network


class DivergedError(FloatingPointError):
    """Training whose loss is not finite; the message says what to change."""


_Loss = Callable[[Network, Encoded, PathBatch, Tensor], dict[str, Tensor]]
#: Spread of the model's fixations, in that of the observers', below which it has collapsed.
COLLAPSED = 0.3


def collapse_warning(spread: float) -> str:
    """What must be known of a model that looks at nearly the same place on every image."""
    return (
        f"the network's fixations spread {spread:.2f} times as far as the observers', below "
        f"{COLLAPSED}: it may have collapsed; lower optimizer.lr or adaptation.schedule.ceiling"
    )


class ScanpathModule(L.LightningModule):
    """Trains a network on source gaze while its features are adapted to the target.

    Total = scanpath loss + domain loss behind gradient reversal with coefficient λ, where λ
    follows its schedule on the optimizer's steps. λ = 0 is training on the source alone:
    the same code, with one number changed.

    Args:
        network: Draws scanpaths.
        adaptation: The domain loss.
        loss: The scanpath loss; None for the network's own.
        optimizer: Optimizer and schedule.
        distillation: Features that hold under other styles, for batches with ``originals``;
            None leaves it out.
        samples: Scanpaths an image in validation.
        card: What rebuilds the network and says how it was trained; plain values only. It
            travels in the checkpoint.
    """

    def __init__(
        self,
        network: Network,
        adaptation: Adaptation,
        loss: Loss | None = None,
        optimizer: ScheduledAdamW | None = None,
        distillation: Distillation | None = None,
        samples: int = 10,
        card: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.adaptation = adaptation
        self.loss: _Loss = loss or type(network).loss
        self.optimizer = optimizer or ScheduledAdamW()
        self.distillation = distillation
        self.samples = samples
        self.card = card or {}
        self.likelihood = MeanMetric()
        self.scores = ImageScores()
        self._random: dict[str, Any] = {}

    @property
    def progress(self) -> float:
        """Fraction of training that is done, by optimizer steps."""
        return self.global_step / max(int(self.trainer.estimated_stepping_batches), 1)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """One step on a source batch and, where there is a target, a target batch."""
        source: SourceBatch = batch["source"]
        encoded = self.network.encode(source.images)
        parts = self.loss(self.network, encoded, source.paths, source.weights)
        total = parts["total"]
        logs = {f"train/{name}_loss": value for name, value in parts.items()}
        if source.originals is not None and self.distillation is not None:
            distill_loss = self.distillation(encoded.taps, source.originals)
            total = total + self.distillation.weight * distill_loss
            logs["train/distillation"] = distill_loss
        if "target" in batch:
            domain = self._domain_loss(encoded, batch["target"], batch_idx)
            self._log_balance(parts["total"], domain["loss"])
            total = total + domain["loss"]
            logs |= {f"adaptation/{name}": value for name, value in domain.items()}
        size = len(source.ids)
        for name, value in logs.items():
            self.log(name, value.detach(), batch_size=size, sync_dist=True)
        self.log("train/loss", total.detach(), batch_size=size, prog_bar=True, sync_dist=True)
        self._refuse_nonsense("training", total, parts, source.ids)
        return total

    def _refuse_nonsense(
        self, stage: str, total: Tensor, parts: dict[str, Tensor], ids: list[str]
    ) -> None:
        """Stop at the first loss that is not finite: all that follows would be worthless."""
        if bool(total.isfinite()):
            return
        found = ", ".join(f"{name} {value.item():.3g}" for name, value in parts.items())
        rates = f"{self.optimizer.lr:g} and {self.optimizer.encoder_lr:g}"
        raise DivergedError(
            f"training diverged: the {stage} loss is {total.item()} after {self.global_step} "
            f"steps ({found}) on images {', '.join(ids)}; lower optimizer.lr and encoder_lr (now "
            f"{rates}) or adaptation.schedule.ceiling (now {self.adaptation.schedule.ceiling:g}), "
            "or raise optimizer.warmup"
        )

    def _domain_loss(
        self, source: Encoded, batch: TargetBatch, batch_idx: int
    ) -> dict[str, Tensor]:
        # Where the target cannot change the network its gradient is not worth computing;
        # the discriminator still learns, so that domain accuracy is known for λ = 0 too.
        view = None
        with torch.set_grad_enabled(not self.adaptation.source_only):
            target = self.network.encode(batch.images, "target")
            if self.adaptation.needs_view:
                # Of step, batch and rank, so that a resumed run sees the same views.
                seed = (self.global_step << 24) + (batch_idx << 8) + self.global_rank
                view = self.network.encode(second_view(batch.images / 255, seed), "target")
        out: dict[str, Tensor] = self.adaptation(source, target, self.progress, view)
        return out

    def _log_balance(self, scanpath_loss: Tensor, domain_loss: Tensor) -> None:
        """Log the norms of both losses' gradients on the encoder, seldom: each costs a pass."""
        every = 4 * max(int(getattr(self.trainer, "log_every_n_steps", 1)), 1)
        if self.adaptation.source_only or self.global_step % every:
            return
        parameters = list(self.network.encoder.parameters())
        losses = {"scanpath": scanpath_loss, "domain": domain_loss}
        norms = {
            f"gradient/encoder_{k}": float(gradient_norm(v, parameters)) for k, v in losses.items()
        }
        # Not by self.log, which repeats a value in later rows, unless the run was resumed between.
        for logger in self.loggers:
            logger.log_metrics(norms, self.global_step)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Log the gradient norms of the encoder and of everything, before clipping."""
        every = int(getattr(self.trainer, "log_every_n_steps", 1))
        if (self.global_step + 1) % max(every, 1):  # the steps that the trainer logs
            return
        groups = {"encoder": self.network.encoder.parameters(), "all": self.parameters()}
        for name, parameters in groups.items():
            gradients = [p.grad for p in parameters if p.grad is not None]
            self.log(f"gradient/{name}", nn.utils.get_total_norm(gradients))

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the network and the domain discriminators separately.

        Under one common norm the discriminators' gradient would shorten the network's, so that
        the target had a say in training even with λ = 0.
        """
        if not gradient_clip_val:
            return
        for part in (self.network, self.adaptation):
            if gradient_clip_algorithm == "value":
                nn.utils.clip_grad_value_(part.parameters(), gradient_clip_val)
            else:
                nn.utils.clip_grad_norm_(part.parameters(), gradient_clip_val)

    def validation_step(self, batch: SourceBatch, batch_idx: int) -> dict[str, Tensor]:
        """Likelihood, energy score, ScanMatch and NSS on source images, beside the observers'.

        Returns:
            ``features`` ``(image, channel)``, pooled, and ``energy`` ``(image,)``: what
            validators need to weigh source images by their likeness to the target.
        """
        encoded = self.network.encode(batch.images)
        weights = torch.ones_like(batch.weights)
        parts = self.loss(self.network, encoded, batch.paths, weights)
        self._refuse_nonsense("validation", parts["total"], parts, batch.ids)
        size = len(batch.ids)
        # A metric, since the trainer's own mean over devices rounds the number of images.
        self.likelihood.update(parts["total"], weight=size)
        found = self.scores_of(encoded, batch, self.samples)
        for values in found:
            self.scores.update(values)
        energy = torch.tensor([values["energy"] for values in found])
        return {"features": encoded.features.mean((2, 3)), "energy": energy}

    def scores_of(
        self, encoded: Encoded, batch: SourceBatch, samples: int
    ) -> list[dict[str, float]]:
        """Scores of so many paths drawn on each image of a batch, against its observers'."""
        seeds = [[path_seed(0, i, k) for k in range(samples)] for i in batch.ids]
        drawn = self.network.sample(encoded, seeds, viewing=batch.paths.viewing[:, 0])
        return [
            image_scores(drawn.arrays(index), batch.paths.arrays(index), self.network.frame)
            for index in range(len(batch.ids))
        ]

    def on_validation_epoch_end(self) -> None:
        """Log the means over all images of all ranks."""
        self.log("val/loss", self.likelihood)
        means = self.scores.compute()
        for name, value in means.items():
            self.log(f"val/{name}", value.float(), prog_bar=name in ("energy", "scanmatch"))
        self.scores.reset()
        spread = float(means["spread"])
        if spread < COLLAPSED:
            rank_zero_warn(collapse_warning(spread))

    def configure_optimizers(self) -> Any:
        """AdamW and its schedule, by step."""
        steps = int(self.trainer.estimated_stepping_batches)
        optimizer, schedule = self.optimizer.build(self, steps)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what rebuilds the network, and the random state that dropout depends on."""
        checkpoint["spgen_lit"] = self.card
        checkpoint["random"] = {"torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            checkpoint["random"]["cuda"] = torch.cuda.get_rng_state(self.device)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the random state for the start of training."""
        self._random = checkpoint.get("random", {})

    def on_train_start(self) -> None:
        """Go on with the random numbers where a resumed run was left."""
        if self._random:
            torch.set_rng_state(self._random["torch"].cpu())
            if self.device.type == "cuda" and "cuda" in self._random:
                torch.cuda.set_rng_state(self._random["cuda"].cpu(), self.device)
            self._random = {}


def gradient_norm(loss: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
    """Norm of the loss's gradient on these parameters; 0 where it reaches none of them.

    The parameters' own gradients stay as they are, and the loss can still be used.
    """
    trained = [p for p in parameters if p.requires_grad]
    if not trained or not loss.requires_grad:
        return torch.zeros(())
    gradients = torch.autograd.grad(loss, trained, retain_graph=True, allow_unused=True)
    return nn.utils.get_total_norm([g for g in gradients if g is not None])
