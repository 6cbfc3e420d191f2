"""Put back what the forget set's gradients took, as if all were taken at one point of the training.

    θ ← θ + E η Σ_b ∇CE(θ*; forget batch b)                 one pass, one step

Thudi et al. 2022 (Unrolling SGD), single-gradient unlearning; baseline of GDR-GMA. Sees: forget, and for `at: initial`
the weights that training started from.

Unrolled, E epochs of SGD at rate η from θ_0 end in θ_0 − η Σ_t ∇CE(θ_0; batch t) to first order: each batch of
forget samples counts E times. That holds for short trainings, such as a few epochs of fine-tuning from a
pretrained checkpoint; after a long training from scratch E η is large and the step is no longer small.

- θ*: the released code takes the gradient at the final weights (the default), the expansion is about the initial
  ones.
- The released code forgets one batch of 32 to 256. How GDR-GMA scales the sum over 20–50 % of the training set is
  stated nowhere. `scaling: sum` adds the batch means, with batches as in training, as the formula has it; a short
  last batch weighs its images more. `mean` divides by the number of batches: one batch, whatever its size.
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
from reunlearn.unlearning.gradient import freeze_batchnorm
from reunlearn.unlearning.needs import Needs, hyper
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="Thudi et al. 2022 (Unrolling SGD), single-gradient unlearning; baseline of GDR-GMA",
    needs=Needs(forget=True, state={"initial_weights": {"at": ["initial"]}}),
)
@dataclass(frozen=True)
class UnrollingSGD:
    """One ascent step on the forget set, as long as its share of the training was."""

    at: str = hyper("final", "weights of the gradient", choices=("final", "initial"))
    scaling: str = hyper(
        "sum", "batch means are added (formula), or averaged: as one batch", choices=("sum", "mean")
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
        if self.at == "initial":
            seen = read_into(copy.deepcopy(model), task.state["initial_weights"])
        seen.train()
        if self.bn_mode == "eval":
            freeze_batchnorm(seen)
        batches = task.forget.batches(size, shuffle=False, augmented=self.augmented)
        total = summed_gradients((task.loss(seen, batch) for batch in batches), trainable(seen))
        length = (self.epochs or recipe["epochs"]) * (self.learning_rate or recipe["learning_rate"])
        if self.scaling == "mean":
            length /= task.forget.steps(size)
        with torch.no_grad():
            for parameter, gradient in zip(trainable(model), total, strict=True):
                parameter.add_(gradient, alpha=length)
        norm = sum(float(gradient.square().sum()) for gradient in total) ** 0.5
        task.log(1, length=length, gradient_norm=norm)
        return model
