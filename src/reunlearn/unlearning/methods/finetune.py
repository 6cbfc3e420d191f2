"""Fine-tune on the retain set.

    θ ← θ − η ∇CE(θ; retain)

Baseline of all five papers (Warnecke et al. 2021, Golatkar et al. 2020). Sees: retain. The papers give only the
update; scripts differ in the settings:

    repository            epochs   optimizer                schedule         batches
    Scissorhands          10       SGD 0.01                 constant         augmented       the defaults
    SFR-on                10       SGD 0.01                 cosine           augmented
    SSD                   5        SGD 0.02                 constant         not augmented
    ∇τ (Table 6)          6        AdamW 1e-3, decay 0.01   linear_tenth

GDR-GMA states no settings.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from reunlearn.training.schedules import schedule_over
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

TENTH = "linear_tenth"


@method(paper="baseline of all five papers", needs=Needs(retain=True), logs=("losses",))
@dataclass(frozen=True)
class Finetune(GradientMethod):
    """Continue the training on the retain set only."""

    epochs: int = hyper(10, "passes over the retain set", ge=0)
    learning_rate: float = hyper(0.01, "learning rate of the optimizer", gt=0)
    schedule: str = hyper(
        "constant",
        "per epoch: constant, cosine or linear; linear_tenth: per step, to a tenth in the last one (∇τ, Table 6)",
        choices=("constant", "cosine", "linear", TENTH),
    )

    def make_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """Return the schedule per epoch: nothing falls there where it falls per step."""
        per_epoch = "constant" if self.schedule == TENTH else self.schedule
        return schedule_over(optimizer, per_epoch, self.epochs)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the retain set."""
        optimizer = self.make_optimizer(model)
        steps = self.epochs * task.retain.steps(self.batch_size)
        falling = schedule_over(optimizer, "linear", steps, end=0.1) if self.schedule == TENTH else None
        step = task.steps(model, optimizer, lambda batch: task.loss(model, batch))
        for epoch in self.passes(model, optimizer, task):
            for batch in task.retain.batches(self.batch_size, augmented=self.augmented):
                (loss,) = step(batch)
                task.series.step(retain=loss)
                if falling:
                    falling.step()
            task.log(epoch + 1, retain_loss=loss.item())
        return model
