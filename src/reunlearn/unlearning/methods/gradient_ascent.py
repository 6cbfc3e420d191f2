"""Gradient ascent on what goes.

    θ ← θ + η ∇CE(θ; forget)

Baseline of GDR-GMA, SFR-on and LUR (Graves et al. 2021, Thudi et al. 2022). Sees: forget. The
SalUn family runs 5 epochs of SGD at 1e-4 in training mode without clipping; SFR-on runs 9 with BatchNorm
frozen and the gradient norm clipped at 0.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.needs import Needs, hyper
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(paper="Graves et al. 2021; baseline of GDR-GMA, SFR-on, LUR", needs=Needs(forget=True))
@dataclass(frozen=True)
class GradientAscent(GradientMethod):
    """Climb the loss of the forget set."""

    epochs: int = hyper(5, "passes over the forget set", ge=0)
    learning_rate: float = hyper(1e-4, "of the optimizer", gt=0)
    clip: float = hyper(0.0, "largest gradient norm; 0 does not clip", ge=0)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the forget set."""
        optimizer = self.make_optimizer(model)
        for epoch in self.passes(model, optimizer):
            for batch in task.forget.batches(self.batch_size, augmented=self.augmented):
                optimizer.zero_grad(set_to_none=True)
                loss = task.loss(model, batch)
                (-loss).backward()
                if self.clip:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), self.clip)
                optimizer.step()
            task.log(epoch + 1, forget_loss=loss.item())
        return model
