"""Correct labels by one gradient step: towards the right labels, away from the learnt ones.

    θ ← θ − τ [Σ_{z̃} ∇ℓ(z̃; θ) − Σ_z ∇ℓ(z; θ)]              last tensors only, evaluation mode

Warnecke et al. 2023 (Machine unlearning of features and labels), first-order update; baseline of PGU for poisoned
labels. Sees: forget, retain, and the true labels of both.

As in the released code, z are training samples that the model predicts wrong, with the predicted labels, at most 1024
of them drawn at random; z̃ are the same samples with their true labels. The sums are over samples, and only the last
six tensors change: in the released network a dense layer, its BatchNorm and the output layer. Nothing is augmented.

- points: the paper changes the samples that are known to be wrong (`forget`). If a scenario flipped no labels, there
  is nothing to correct; the default `scenario` then chooses the paper's removal, z̃ = ∅: an ascent step on the
  forget set.
- tau: released 2e-5 for a VGG on CIFAR-10, a sum over up to 1024 samples. The default is ours, for small networks
  and a few dozen samples.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.label_correction import Correction
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="Warnecke et al. 2023 (features and labels), first-order update; baseline of PGU",
    needs=Needs(forget=True, retain=True, true_labels=True),
    capabilities=("outputs",),
)
@dataclass(frozen=True)
class WarneckeFirstOrder(Correction):
    """Step along the summed gradient of a label correction."""

    tau: float = hyper(1e-3, "τ: length of the step (released: 2e-5)", gt=0)

    def update(
        self, model: nn.Module, task: Task, parameters: list[nn.Parameter], change: list[Tensor]
    ) -> tuple[list[Tensor], dict[str, float]]:
        """Return τ g."""
        return [self.tau * part for part in change], {}
