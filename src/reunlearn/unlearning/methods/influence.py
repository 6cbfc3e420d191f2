"""Influence unlearning: one Newton-like step away from the forget set, the Hessian by WoodFisher's recursion.

    v = (1/n) [ Σ_forget ∇ℓ − (|forget|/|retain|) Σ_retain ∇ℓ ],   n = |forget| + |retain|
    k ≈ H⁻¹ v:   o ← g₀;  k ← v;   for each further retain sample:   t = o·g
                 k ← k − (k·g)/(N + t) o;   o ← o − t/(N + t) o
    θ ← θ + α k

Izzo et al. 2021, Jia et al. 2023 (the recursion as released there and in the SalUn repository); baseline of LUR.
Sees: forget, retain. The model is in evaluation mode throughout. Any objective that gives losses of single samples
will do.

- The released recursion only ever scales o, so that k is v moved along the first retain sample's gradient, and
  nothing else; gradients/wood_fisher.py computes the same from two directional derivatives per sample. WoodFisher
  (Singh and Alistarh 2020) would bring in every sample's gradient; no released code for unlearning does.
- N is 1000 whatever the set (ImageNet: 300,000), and at most N + 2 samples are used, of which the first only gives
  g₀: `recursion_size` and `samples`.
- α was tuned for each dataset and fraction against Retrain. The ImageNet branch of the released code takes the
  retain gradient over the forget set; it is left out.
- v and the recursion run in order; the released sets are augmented as in training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.flat import flatten, trainable, unflatten
from reunlearn.gradients.saliency import summed_gradients
from reunlearn.gradients.wood_fisher import wood_fisher
from reunlearn.unlearning.needs import Needs, hyper
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import GuardedSet, Task


@method(
    paper="Izzo et al. 2021, Jia et al. 2023 (WoodFisher); baseline of LUR",
    needs=Needs(forget=True, retain=True),
)
@dataclass(frozen=True)
class InfluenceUnlearning:
    """Add α times the approximate inverse Hessian times the forget gradient."""

    alpha: float = hyper(10.0, "α: length of the step (CIFAR-10: 10; tuned for each dataset)", ge=0)
    recursion_size: int = hyper(1000, "N of the recursion (released: 1000, whatever the set)", ge=1)
    samples: int = hyper(1002, "at most so many retain samples enter the recursion (released: N + 2)", ge=1)
    batch_size: int = hyper(256, "samples per batch; changes the speed only", ge=1)
    augmented: bool = hyper(True, "batches are augmented as in training (released)")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after the step."""
        model.eval()
        parameters = trainable(model)
        forget, retain = len(task.forget), len(task.retain)
        forget_P = self.summed(model, task, task.forget)
        retain_P = self.summed(model, task, task.retain)
        v_P = (forget_P - forget / retain * retain_P) / (forget + retain)

        def losses(model: nn.Module, batch: Batch) -> Tensor:
            return task.objective.per_sample_loss(model, batch, task.objective.draw(batch, task.generator))

        step_P = self.alpha * wood_fisher(model, losses, self.few(task), v_P, self.recursion_size)
        with torch.no_grad():
            for parameter, step in zip(parameters, unflatten(step_P, parameters), strict=True):
                parameter.add_(step)
        task.log(1, v_norm=float(v_P.norm()), step_norm=float(step_P.norm()))
        return model

    def summed(self, model: nn.Module, task: Task, samples: GuardedSet) -> Tensor:
        """Return Σ ∇ℓ [P] over a set."""
        batches = samples.batches(self.batch_size, shuffle=False, augmented=self.augmented)
        losses = (task.loss(model, batch) * len(batch) for batch in batches)
        return flatten(summed_gradients(losses, trainable(model)))

    def few(self, task: Task) -> Iterator[Batch]:
        """Yield the first `samples` retain samples in order."""
        for rows in torch.arange(min(self.samples, len(task.retain))).split(self.batch_size):
            yield task.retain.take(rows, self.augmented)
