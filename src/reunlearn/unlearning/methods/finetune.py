"""Fine-tune on the retain set.

    θ ← θ − η ∇CE(θ; retain)

Baseline of all five papers (Warnecke et al. 2021, Golatkar et al. 2020). Sees: retain. The papers give only the
update; scripts differ in the settings:

    repository            epochs   optimizer                schedule         batches
    Scissorhands          10       SGD 0.01                 constant         augmented       the defaults
    SFR-on                10       SGD 0.01                 cosine           augmented
    SSD                   5        SGD 0.02                 constant         not augmented
    ∇τ (Table 6)          6        AdamW 1e-3, decay 0.01   linear to 0.1 per step; here it falls per epoch, to 0.001

GDR-GMA states no settings.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod, descend
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(paper="baseline of all five papers", needs=Needs(retain=True), logs=("losses",))
@dataclass(frozen=True)
class Finetune(GradientMethod):
    """Continue the training on the retain set only."""

    epochs: int = hyper(10, "passes over the retain set", ge=0)
    learning_rate: float = hyper(0.01, "learning rate of the optimizer", gt=0)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the retain set."""
        optimizer = self.make_optimizer(model)
        for epoch in self.passes(model, optimizer):
            for batch in task.retain.batches(self.batch_size, augmented=self.augmented):
                descend(optimizer, loss := task.loss(model, batch))
                task.series.step(retain=loss)
            task.log(epoch + 1, retain_loss=loss.item())
        return model
