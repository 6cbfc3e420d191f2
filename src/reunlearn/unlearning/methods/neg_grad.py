"""Gradient ascent on the forget set and gradient descent on the retain set, in one step.

    θ ← θ − η [w_r ∇CE(θ; retain batch) − w_f ∇CE(θ; forget batch)]

Baseline of GDR-GMA: its Eq. 2 has w_f = w_r = 1; its Table 1 lets w_f = 0.1 … 0.9 with w_r = 1 − w_f. Sees:
forget, retain. The paper gives no other settings; the defaults are those of GDR-GMA's released loop, without its
rectification: AdamW at 1e-4 with weight decay 0.01, batches of 256, 10 epochs that end with the shorter set,
augmentation, BatchNorm in training mode for both batches, the retain batch forwarded first.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.flat import gradients, trainable
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="GDR-GMA, Eq. 2 and Table 1",
    needs=Needs(forget=True, retain=True),
    logs=("losses", "conflicts", "cosines"),
)
@dataclass(frozen=True)
class NegGrad(GradientMethod):
    """Ascend the forget loss and descend the retain loss in the same step."""

    epochs: int = hyper(10, "passes over the set that `pairing` names (not published)", ge=0)
    learning_rate: float = hyper(1e-4, "learning rate of the optimizer (not published)", gt=0)
    batch_size: int = hyper(256, "samples per batch of both sets (not published)", ge=1)
    optimizer: str = hyper(
        "adamw", "sgd (with momentum), adam or adamw (not published)", choices=("sgd", "adam", "adamw")
    )
    weight_decay: float = hyper(0.01, "weight decay of the optimizer (not published)", ge=0)
    forget_weight: float = hyper(1.0, "w_f (Eq. 2: 1; Table 1: 0.1 to 0.9)", ge=0)
    retain_weight: float = hyper(1.0, "w_r (Eq. 2: 1; Table 1: 1 − w_f)", ge=0)
    pairing: str = hyper(
        "shorter",
        "an epoch ends when this set ends; the other set is repeated until then",
        choices=("shorter", "forget", "retain"),
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over pairs of batches."""
        optimizer = self.make_optimizer(model)
        step = task.steps(model, optimizer, functools.partial(self.losses, model, task))
        for epoch in self.passes(model, optimizer, task):
            for forget, retain in task.pairs(self.batch_size, self.augmented, until=self.pairing):
                _, retain_loss, forget_loss = step(retain, forget)
                task.series.step(forget=forget_loss, retain=retain_loss)
            task.series.end_epoch(model)
            task.log(epoch + 1, forget_loss=forget_loss.item(), retain_loss=retain_loss.item())
        return model

    def losses(self, model: nn.Module, task: Task, retain: Batch, forget: Batch) -> tuple[Tensor, ...]:
        """Return the loss of a step, and those of its two batches."""
        retain_loss, forget_loss = task.loss(model, retain), task.loss(model, forget)
        task.series.directions(model, forget, functools.partial(directions, model, forget_loss, retain_loss))
        loss = self.retain_weight * retain_loss - self.forget_weight * forget_loss
        return loss, retain_loss, forget_loss


def directions(
    model: nn.Module, forget_loss: Tensor, retain_loss: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Return −∇(forget loss) and ∇(retain loss); both graphs stay."""
    parameters = trainable(model)
    pair = (-forget_loss, retain_loss)
    a, d = (gradients(loss, parameters, retain_graph=True) for loss in pair)
    return a, d
