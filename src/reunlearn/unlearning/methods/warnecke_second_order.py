"""Correct labels by one Newton step: towards the right labels, away from the learnt ones.

    θ ← θ − (s δ + H)⁻¹ [Σ_{z̃} ∇ℓ(z̃; θ) − Σ_z ∇ℓ(z; θ)]    last tensors only, evaluation mode
    LiSSA:  u ← v + (1 − δ) u − H_t u / s,  then u/s         H_t summed over a batch, true labels

Warnecke et al. 2023 (Machine unlearning of features and labels), second-order update; baseline of PGU for poisoned
labels. Sees: forget, retain, and the true labels of both. The samples z are those of warnecke_first_order.

As released: H_t sums over a batch of the training set with its true labels. One order is drawn per update and starts
again when the next batch would begin after its end; at most 100 passes. LiSSA ends early when for a while no step
was smaller than all before (gradients/hessian.py). If that happens at once, or u is not finite, LiSSA has diverged and
the weights do not change; the history says how it ended (`lissa`: 1 converged, 0 at the limit, −1 diverged).

`scale` must fit sums over `batch_size` samples: s must exceed half the largest eigenvalue of H_t. The default is
published for a VGG on CIFAR-10 and batches of 1024; a smaller training set or batch has a smaller H_t and needs a
smaller s.
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
    """Step along the inverse Hessian times the gradient of a label correction."""

    batch_size: int = hyper(1024, "samples per product with H (released: 1024)", ge=1)
    scale: float = hyper(2e5, "s: divisor of the Hessian in LiSSA (released: 2e5)", gt=0)
    damping: float = hyper(1e-4, "δ: damping of the Hessian (released: 1e-4)", ge=0, lt=1)
    patience: int = hyper(
        20,
        "LiSSA ends when steps stop getting smaller for so long, see gradients/hessian.py (released: 20)",
        ge=1,
    )
    passes: int = hyper(100, "largest number of passes over the training set (released: 100)", ge=1)

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
        estimate = lissa(
            product, change, scale=self.scale, damping=self.damping, limit=limit, patience=self.patience
        )
        facts = {"lissa": ENDS[estimate.reason], "lissa_steps": float(estimate.steps)}
        if estimate.reason == "diverged":
            return [torch.zeros_like(part) for part in change], facts
        return estimate.solution, facts
