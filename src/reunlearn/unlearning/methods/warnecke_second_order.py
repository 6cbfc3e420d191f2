"""Correct labels by one Newton step: the influence of the points as they were learnt, and as they should be.

    θ ← θ − (s δ + H)⁻¹ [Σ_{z̃} ∇ℓ(z̃; θ) − Σ_z ∇ℓ(z; θ)]    last tensors only, evaluation mode
    LiSSA:  u ← v + (1 − δ) u − H_t u / s,  then u/s         H_t summed over a batch, true labels

Warnecke et al. 2023 (Machine unlearning of features and labels), second-order update; PGU's comparison for poisoned
labels. Sees: forget, retain, and the true labels of both. The points are those of warnecke_first_order.

As released: H_t sums over a batch of the training set with its true labels, in one order drawn per update, begun anew
where a batch would begin beyond the end; at most 100 passes; it ends early when the step has not been the smallest
for a while (gradients/hessian.py). Where that happens at once, or u is not finite, it has diverged and the weights
stay as they are; the history says which (`lissa`: 1 converged, 0 at the limit, −1 diverged).

`scale` belongs to sums over `batch_size` samples: s must exceed half the largest eigenvalue of H_t. Published for a
VGG on CIFAR-10 and batches of 1024; a smaller training set or batch has a smaller H_t and needs a smaller s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.gradients.hessian import hessian_product, lissa
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.label_correction import Correction, take_training
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

ENDS = {"converged": 1.0, "limit": 0.0, "diverged": -1.0}


@method(
    paper="Warnecke et al. 2023 (features and labels), second-order update; baseline of PGU",
    needs=Needs(forget=True, retain=True, true_labels=True),
    capabilities=("outputs",),
)
@dataclass(frozen=True)
class WarneckeSecondOrder(Correction):
    """Step along the inverse Hessian of a label correction."""

    batch_size: int = hyper(1024, "samples per product with H (released: 1024)", ge=1)
    scale: float = hyper(2e5, "s (released: 2e5)", gt=0)
    damping: float = hyper(1e-4, "δ (released: 1e-4)", ge=0, lt=1)
    patience: int = hyper(20, "steps without a smaller one before it ends (released: 20)", ge=1)
    passes: int = hyper(100, "over the training set, at most (released: 100)", ge=1)

    def update(
        self, model: nn.Module, task: Task, parameters: list[nn.Parameter], change: list[Tensor]
    ) -> tuple[list[Tensor], dict[str, float]]:
        """Return (s δ + H)⁻¹ g, and how LiSSA ended; zeros where it diverged."""
        count, size = len(task.forget) + len(task.retain), self.batch_size
        order_N = torch.randperm(count, generator=task.generator)

        def product(step: int, u: list[Tensor]) -> list[Tensor]:
            first = step * size % count // size * size
            batch = take_training(task, order_N[first : first + size])
            with torch.enable_grad():
                losses_B = task.objective.per_sample_loss(model, batch, task.true_labels(batch))
                return hessian_product(losses_B.sum(), parameters, u)

        limit = self.passes * math.ceil(count / size)
        found = lissa(product, change, self.scale, self.damping, limit, self.patience)
        facts = {"lissa": ENDS[found.reason], "lissa_steps": float(found.steps)}
        if found.reason == "diverged":
            return [torch.zeros_like(part) for part in change], facts
        return found.solution, facts
