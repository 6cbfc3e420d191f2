"""Add the forget set's gradients back, as if all had been subtracted at one point of the training.

    θ ← θ + E η Σ_b ∇CE(θ*; forget batch b)                 one pass, one step

Thudi et al. 2022 (Unrolling SGD), single-gradient unlearning; baseline of GDR-GMA. Sees: forget, and for `at: initial`
the weights that training started from.

To first order, E epochs of SGD at rate η from θ_0 end in θ_0 − η Σ_t ∇CE(θ_0; batch t): each batch of
forget samples counts E times. That holds for short trainings, such as a few epochs of fine-tuning from a
pretrained checkpoint; after a long training from scratch E η is large and the step is no longer small.

- θ*: the paper expands about the initial weights; the released code computes the gradient at the final ones (`at`).
- The released code forgets one batch of 32 to 256. No source states how GDR-GMA scales the sum over 20–50 % of the
  training set. `scaling: sum`, the paper reading, adds the batch means, as in the formula, with batches as in
  training; a short last batch gives its images more weight. `mean`, the code reading, divides by the number of
  batches, as for one batch of any size. For a forget set of one batch the two are the same.
- E, η and the batch size are the original's, from its recipe, unless given. η is the first rate: a schedule and
  momentum are ignored, as in the released code.
- The forward pass is in training mode and on augmented images, as released (`bn_mode`, `augmented`).
- The paper also adds the spread of the logits to the loss while the original is trained. That is another original: a
  study gives the row a `recipe` with `logit_std`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn

from reunlearn.gradients.flat import trainable
from reunlearn.gradients.saliency import summed_gradients
from reunlearn.training.state.initial_weights import read_into
from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.gradient import freeze_batchnorm
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

DIVERGENCES = (
    Divergence("θ*, where the gradient is computed", "the initial weights", "the final weights"),
    Divergence(
        "the forget set",
        "each of its batches was a step: the gradients of the batch means are added",
        "it is one batch of 32 to 256: the gradient of its mean; here a larger set is averaged like one batch",
    ),
)


@method(
    paper="Thudi et al. 2022 (Unrolling SGD), single-gradient unlearning; baseline of GDR-GMA",
    needs=Needs(forget=True, state={"initial_weights": {"at": ["initial"]}}, recipe=True),
    divergences=DIVERGENCES,
)
@dataclass(frozen=True)
class UnrollingSGD:
    """One ascent step on the forget set, as long as all its steps in training together."""

    reading: str = "paper"
    at: str = by_reading(
        "weights at which the gradient is computed",
        paper="initial",
        code="final",
        choices=("final", "initial"),
    )
    scaling: str = by_reading(
        "batch means are added, or averaged like one batch", paper="sum", code="mean", choices=("sum", "mean")
    )
    learning_rate: float = hyper(0.0, "η: learning rate; 0: the first rate of the original's training", ge=0)
    epochs: int = hyper(0, "E: number of epochs; 0: as in the original's training", ge=0)
    batch_size: int = hyper(0, "samples per batch; 0: as in the original's training", ge=0)
    bn_mode: str = hyper(
        "train", "BatchNorm uses batch statistics (train) or frozen ones (eval)", choices=("train", "eval")
    )
    augmented: bool = hyper(True, "forget batches are augmented as in training")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after the step; with `at: final, bn_mode: train` its running statistics change, too."""
        recipe = task.recipe
        size = self.batch_size or recipe.batch_size
        expanded = model
        if chosen(self, "at") == "initial":
            expanded = read_into(copy.deepcopy(model), task.state["initial_weights"])
        expanded.train()
        if self.bn_mode == "eval":
            freeze_batchnorm(expanded)
        batches = task.forget.batches(size, shuffle=False, augmented=self.augmented)
        total = summed_gradients((task.loss(expanded, batch) for batch in batches), trainable(expanded))
        length = (self.epochs or recipe.epochs) * (self.learning_rate or recipe.learning_rate)
        if chosen(self, "scaling") == "mean":
            length /= task.forget.steps(size)
        with torch.no_grad():
            for parameter, gradient in zip(trainable(model), total, strict=True):
                parameter.add_(gradient, alpha=length)
        norm = sum(float(gradient.square().sum()) for gradient in total) ** 0.5
        task.log(1, length=length, gradient_norm=norm)
        return model
