"""Put back what the forget set's gradients took, as if all were taken at one point of the training.

    θ ← θ + E η Σ_b ∇CE(θ*; forget batch b)                 one pass, one step

Thudi et al. 2022 (Unrolling SGD), single-gradient unlearning; baseline of GDR-GMA. Sees: forget, and for `at: initial`
the weights that training started from.

Unrolled, E epochs of SGD at rate η from θ_0 end in θ_0 − η Σ_t ∇CE(θ_0; batch t) to first order: each batch of
forget samples counts E times. That holds for short trainings, such as a few epochs of fine-tuning from a
pretrained checkpoint; after a long training from scratch E η is large and the step is no longer small.

- θ*: the expansion is about the initial weights, the paper reading; the released code takes the gradient at the
  final ones (`at`).
- The released code forgets one batch of 32 to 256. How GDR-GMA scales the sum over 20–50 % of the training set is
  stated nowhere. `scaling: sum`, the paper reading, adds the batch means, with batches as in training, as the formula
  has it; a short last batch weighs its images more. `mean`, the code reading, divides by the number of batches: one
  batch, whatever its size. For a forget set of one batch the two are the same.
- E, η and the batch size are the original's, from its recipe, unless given. η is the first rate: a schedule and
  momentum are left out, as in the released code.
- The forward pass is in training mode and on augmented images, as released (`bn_mode`, `augmented`).
- The paper also adds the spread of the logits to the loss while the original is trained. That is the original's
  matter, not offered here.
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
    Divergence("θ*, the weights of the gradient", "the initial ones", "the final ones"),
    Divergence(
        "the forget set",
        "each of its batches was a step: the gradients of their means are added",
        "is one batch of 32 to 256, the gradient of its mean; here a larger set is averaged as if it were one",
    ),
)


@method(
    paper="Thudi et al. 2022 (Unrolling SGD), single-gradient unlearning; baseline of GDR-GMA",
    needs=Needs(forget=True, state={"initial_weights": {"at": ["initial"]}}),
    divergences=DIVERGENCES,
)
@dataclass(frozen=True)
class UnrollingSGD:
    """One ascent step on the forget set, as long as its share of the training was."""

    reading: str = "paper"
    at: str = by_reading(
        "weights of the gradient", paper="initial", code="final", choices=("final", "initial")
    )
    scaling: str = by_reading(
        "batch means are added, or averaged: as one batch", paper="sum", code="mean", choices=("sum", "mean")
    )
    learning_rate: float = hyper(0.0, "η; 0: the first rate of the original's training", ge=0)
    epochs: int = hyper(0, "E; 0: the epochs of the original's training", ge=0)
    batch_size: int = hyper(0, "samples per batch; 0: as in the original's training", ge=0)
    bn_mode: str = hyper(
        "train", "BatchNorm uses batch statistics (train) or frozen ones (eval)", choices=("train", "eval")
    )
    augmented: bool = hyper(True, "forget batches are augmented as in training")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after the step; with `at: final, bn_mode: train` its running statistics moved, too."""
        recipe = task.recipe
        size = self.batch_size or recipe["batch_size"]
        seen = model
        if chosen(self, "at") == "initial":
            seen = read_into(copy.deepcopy(model), task.state["initial_weights"])
        seen.train()
        if self.bn_mode == "eval":
            freeze_batchnorm(seen)
        batches = task.forget.batches(size, shuffle=False, augmented=self.augmented)
        total = summed_gradients((task.loss(seen, batch) for batch in batches), trainable(seen))
        length = (self.epochs or recipe["epochs"]) * (self.learning_rate or recipe["learning_rate"])
        if chosen(self, "scaling") == "mean":
            length /= task.forget.steps(size)
        with torch.no_grad():
            for parameter, gradient in zip(trainable(model), total, strict=True):
                parameter.add_(gradient, alpha=length)
        norm = sum(float(gradient.square().sum()) for gradient in total) ** 0.5
        task.log(1, length=length, gradient_norm=norm)
        return model
