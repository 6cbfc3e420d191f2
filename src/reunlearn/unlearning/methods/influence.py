"""Influence unlearning: one Newton-like step away from the forget set, the Hessian by WoodFisher's recursion.

    v = (1/n) [ Σ_forget ∇ℓ − (|forget|/|retain|) Σ_retain ∇ℓ ],   n = |forget| + |retain|
    k ≈ H⁻¹ v:   o ← g₀;  k ← v;   for each further retain sample:   t = o·g
                 k ← k − (k·g)/(N + t) o;   o ← o − t/(N + t) o
    θ ← θ + α k

Izzo et al. 2021, Jia et al. 2023; baseline of LUR. The recursion above is the one released with the latter and in the
SalUn repository: the code reading.
Sees: forget, retain. The model is always in evaluation mode. Any objective that gives losses of single samples
will do.

- The released recursion only scales o, so that k differs from v only along the first retain sample's gradient;
  gradients/wood_fisher.py computes the same from two directional derivatives per sample.
- The paper reading, `recursion: exact`, is WoodFisher itself (Singh and Alistarh 2020), on which the papers build:
  k = (I + Σ_i g_i g_iᵀ/N)⁻¹ v over all `samples`. No released code for unlearning does this. For n samples it needs
  the larger of 3 n² · 8 bytes and n² · 8 bytes plus three gradients in float32. If that is more than `memory_mib`, it
  stops before it begins.
- N is 1000 for every set (ImageNet: 300,000), and at most N + 2 samples are used, of which the first only gives
  g₀: `recursion_size` and `samples`, in both readings. In WoodFisher, N is the number of its samples.
- α was tuned for each dataset and fraction against Retrain. The ImageNet branch of the released code computes the
  retain gradient over the forget set; it is left out.
- v and the recursion read samples in order; the released sets are augmented as in training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.data.batches import Batch
from reunlearn.gradients.directional import Losses
from reunlearn.gradients.flat import flatten, trainable, unflatten
from reunlearn.gradients.kernel import Panels, Take, kept, needed, plan
from reunlearn.gradients.saliency import summed_gradients
from reunlearn.gradients.wood_fisher import as_column, wood_fisher, wood_fisher_inverse
from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import GuardedSet, Task

MIB = 2**20
DIVERGENCES = (
    Divergence(
        "recursion of H⁻¹v",
        "WoodFisher: o is the current inverse times the sample's gradient",
        "o is only scaled: k differs from v only along the first retain sample's gradient",
    ),
    Divergence(
        "N",
        "the number of samples of the recursion",
        "1000 (ImageNet 300,000), with at most N + 2 samples; here `recursion_size` and `samples` set both",
    ),
    Divergence(
        "v on ImageNet",
        "the second gradient is that of the retain set",
        "that of the forget set, by mistake; here always that of the retain set",
    ),
)


@method(
    paper="Izzo et al. 2021, Jia et al. 2023 (WoodFisher); baseline of LUR",
    needs=Needs(forget=True, retain=True),
    capabilities=("deterministic",),  # the loss of a sample is that of the same sample at another point
    divergences=DIVERGENCES,
)
@dataclass(frozen=True)
class InfluenceUnlearning:
    """Add α times the approximate inverse Hessian times the forget gradient."""

    reading: str = "paper"
    alpha: float = hyper(10.0, "α: length of the step (CIFAR-10: 10; tuned for each dataset)", ge=0)
    recursion_size: int = hyper(1000, "N of the recursion (released: 1000 for every set but ImageNet)", ge=1)
    samples: int = hyper(1002, "largest number of retain samples in the recursion (released: N + 2)", ge=1)
    recursion: str = by_reading(
        "o is that of WoodFisher (exact), or is only scaled (released)",
        paper="exact",
        code="released",
        choices=("released", "exact"),
    )
    memory_mib: int = hyper(
        2048, "exact recursion: memory for products and panels of gradients, in MiB", ge=1
    )
    batch_size: int = hyper(256, "samples per batch; changes the speed only", ge=1)
    augmented: bool = hyper(True, "batches are augmented as in training (released)")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after the step."""
        model.eval()
        parameters = trainable(model)
        forget, retain = len(task.forget), len(task.retain)

        def losses(model: nn.Module, batch: Batch) -> Tensor:
            return task.objective.per_sample_loss(model, batch, task.objective.draw(batch, task.generator))

        few = torch.arange(min(self.samples, retain))
        panels = self.panels(model, losses, task.retain.take, len(few))
        forget_P = self.summed_gradient(model, task, task.forget)
        retain_P = self.summed_gradient(model, task, task.retain)
        v_P = (forget_P - forget / retain * retain_P) / (forget + retain)
        if panels is None:
            k_P = wood_fisher(model, losses, self.recursion_batches(task), v_P, self.recursion_size)
        else:
            k_P = wood_fisher_inverse(
                model,
                losses,
                task.retain.take(few, self.augmented),
                v_P,
                size=self.recursion_size,
                panels=panels,
                batch_size=self.batch_size,
            )
        step_P = self.alpha * k_P
        with torch.no_grad():
            for parameter, step in zip(parameters, unflatten(step_P, parameters), strict=True):
                parameter.add_(step)
        task.log(1, v_norm=float(v_P.norm()), step_norm=float(step_P.norm()))
        return model

    def summed_gradient(self, model: nn.Module, task: Task, samples: GuardedSet) -> Tensor:
        """Return Σ ∇ℓ [P] over a set."""
        batches = samples.batches(self.batch_size, shuffle=False, augmented=self.augmented)
        losses = (task.loss(model, batch) * len(batch) for batch in batches)
        return flatten(summed_gradients(losses, trainable(model)))

    def panels(self, model: nn.Module, losses: Losses, take: Take, samples: int) -> Panels | None:
        """Return how many gradients to hold at once; None if the recursion holds none.

        Raises:
            UserError: `memory_mib` is too small.
        """
        if chosen(self, "recursion") == "released":
            return None
        numbers = kept(model, as_column(losses), take, 1)
        least, limit = needed(samples, 1, numbers), self.memory_mib * MIB
        if least > limit:
            raise UserError(
                f"influence: {samples} samples with {numbers:,} numbers kept for each take {-(-least // MIB)} MiB; "
                f"memory_mib allows {self.memory_mib}: raise it, or lower samples"
            )
        return plan(samples, 1, numbers, limit)

    def recursion_batches(self, task: Task) -> Iterator[Batch]:
        """Yield the first `samples` retain samples in order."""
        for rows in torch.arange(min(self.samples, len(task.retain))).split(self.batch_size):
            yield task.retain.take(rows, self.augmented)
