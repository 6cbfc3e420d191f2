"""Saliency unlearning: random labels, but only the weights that matter most for the forget set may change.

    s = |Σ ∇(−CE)(θ₀; forget)|          BatchNorm and dropout in evaluation mode
    m = 1[s among the largest `fraction` of all weights]
    θ ← θ − η m ⊙ ∇CE(θ; {(x, ỹ) : x ∈ forget} ∪ retain),   ỹ random

Fan et al. 2024 (SalUn), its algorithm for classification; baseline of SFR-on and LUR. Sees: forget, retain. The
code reading is the current Unlearn-Saliency repository on CIFAR-10 and SVHN; on CIFAR-100 and TinyImageNet it
mixes both sets in every batch (`order: shuffled`).

Weights outside the mask stay at θ₀ exactly: the paper defines the unlearned model so, and the current
repository puts them back after every step. Its earlier versions and the SalUn of SFR-on's repository only mask the
gradient, so that weight decay changes these weights: `hold: false`, on the paper reading, is the latter. The current
repository also clears the momentum of weights that it puts back; with `hold` momentum has no effect on them.
BatchNorm's running statistics are not weights: they follow the batches in both cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.gradients.flat import trainable
from reunlearn.gradients.saliency import summed_gradients, top_fraction
from reunlearn.training.optimizers import clip_gradients
from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.relabelling import RELABELLING, Labels, RelabellingReadings
from reunlearn.unlearning.task import Task

DIVERGENCES = (
    *RELABELLING,
    Divergence(
        "saliency s",
        "s is the gradient of the mean loss over the forget set",
        "s adds the batches' mean losses: an image of a short last batch has more weight",
    ),
)


@method(
    paper="Fan et al. 2024 (SalUn); baseline of SFR-on, LUR",
    needs=Needs(forget=True, retain=True),
    divergences=DIVERGENCES,
    capabilities=("forget_target",),
    logs=("losses",),
)
@dataclass(frozen=True)
class SalUn(RelabellingReadings):
    """Random labels on the weights that are salient for the forget set."""

    epochs: int = hyper(10, "passes over forget and retain (SalUn: 10)", ge=0)
    learning_rate: float = hyper(0.013, "learning rate of the optimizer (SalUn, CIFAR-10 10 %: 0.013)", gt=0)
    batch_size: int = hyper(256, "samples per batch (SalUn: 256)", ge=1)
    fraction: float = hyper(0.5, "share of all weights that may change (SalUn: 0.5)", ge=0, le=1)
    saliency_sum: str = by_reading(
        "s adds the losses of samples, or of batch means",
        paper="samples",
        code="batches",
        choices=("samples", "batches"),
    )
    mask_clip: float = hyper(0.0, "largest norm of a batch's gradient in s (generators: 1); 0: none", ge=0)
    hold: bool = hyper(True, "weights outside the mask stay at θ₀ exactly; off: weight decay changes them")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` masked passes over both sets."""
        masks = self.saliency(model, task)
        parameters = trainable(model)
        held = [p.detach().clone() for p in parameters] if self.hold else None
        optimizer = self.make_optimizer(model)

        def move() -> None:
            if self.clip:
                clip_gradients(optimizer, self.clip)  # before the mask, as released
            masked_step(optimizer, parameters, masks, held)

        self.teach(model, optimizer, Labels(task, chosen(self, "label_rule")), task, move)
        return model

    def saliency(self, model: nn.Module, task: Task) -> list[Tensor]:
        """Return the masks at the model's current weights, one per trainable parameter."""
        model.eval()
        batches = task.forget.batches(self.batch_size, augmented=self.augmented)
        parameters, by_batch = trainable(model), chosen(self, "saliency_sum") == "batches"
        losses = (task.mask_loss(model, batch) * (1 if by_batch else len(batch)) for batch in batches)
        total = summed_gradients(losses, parameters, self.mask_clip)
        return top_fraction([g.abs() for g in total], self.fraction)


@torch.no_grad()
def masked_step(
    optimizer: torch.optim.Optimizer,
    parameters: list[nn.Parameter],
    masks: list[Tensor],
    held: list[Tensor] | None,
) -> None:
    """Take a step with gradients 0 outside the masks; then put those weights back to `held`, if given."""
    for parameter, mask in zip(parameters, masks, strict=True):
        if parameter.grad is not None:
            parameter.grad *= mask
    optimizer.step()
    if held is not None:
        for parameter, mask, value in zip(parameters, masks, held, strict=True):
            parameter.copy_(torch.where(mask, parameter, value))
