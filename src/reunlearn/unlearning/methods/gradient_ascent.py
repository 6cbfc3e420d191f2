"""Gradient ascent on the forget set.

    θ ← θ + η ∇CE(θ; forget)

Baseline of GDR-GMA, SFR-on and LUR (Graves et al. 2021, Thudi et al. 2022). Sees: forget. The papers give only the
update; two repositories run it with different settings, and each difference is a field:

    repository                  epochs   optimizer                            bn_mode   clip
    Unlearn-Saliency (OPTML)    5        SGD 1e-4, momentum, weight decay     train     none      the defaults
    SFR-on                      9        the same; AdamW 1e-6, TinyImageNet   network   0.1

`bn_mode: network` puts the whole network in evaluation mode, dropout too; `eval` freezes BatchNorm alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="Graves et al. 2021; baseline of GDR-GMA, SFR-on, LUR",
    needs=Needs(forget=True),
    logs=("losses", "cosines"),
)
@dataclass(frozen=True)
class GradientAscent(GradientMethod):
    """Ascend the loss of the forget set."""

    epochs: int = hyper(5, "passes over the forget set (OPTML 5, SFR-on 9)", ge=0)
    learning_rate: float = hyper(1e-4, "learning rate of the optimizer (both 1e-4 on CIFAR-10)", gt=0)
    bn_mode: str = hyper(
        "train",
        "BatchNorm uses batch statistics (train: OPTML) or frozen ones (eval); network: all in eval mode (SFR-on)",
        choices=("train", "eval", "network"),
    )
    clip: float = hyper(0.0, "largest gradient norm (SFR-on 0.1); 0 does not clip (OPTML)", ge=0)

    def set_mode(self, model: nn.Module) -> None:
        """Put the model in training mode; what `bn_mode` freezes is in evaluation mode."""
        super().set_mode(model)
        if self.bn_mode == "network":
            model.eval()

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the forget set."""
        optimizer = self.make_optimizer(model)
        step = task.steps(model, optimizer, lambda batch: -task.loss(model, batch))
        for epoch in self.passes(model, optimizer, task):
            for batch in task.forget.batches(self.batch_size, augmented=self.augmented):
                (ascended,) = step(batch)
                task.series.step(forget=-ascended)
            task.series.end_epoch(model)
            task.log(epoch + 1, forget_loss=-ascended.item())
        return model
