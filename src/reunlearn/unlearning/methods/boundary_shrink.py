"""Teach each forget sample the class that lies nearest across the decision boundary.

    x′ = x + ε sign ∇_x CE(θ₀; x, y)  in pixels, clipped to [0, 1], rounded to 1/255         FGSM
    ỹ = argmax f(θ₀; x′)
    θ ← θ − η ∇CE(θ; x, ỹ)                                                                  forget only

Chen et al. 2023 (Boundary unlearning); baseline of GDR-GMA and of SalUn. Sees: forget, and how its images were
normalised. θ₀ is a frozen copy in evaluation mode. Where the step does not reach the boundary, ỹ is the true class.
Pixels are computed in the model's precision and in the order of the formula, as in both codes.

`paper` is the authors' repository, `code` the port in SalUn's; they differ in what they take for pixels
(`pixel_space`), and in settings, which the presets hold: rate 1e-5, no weight decay, batches of 64, no augmentation
in the repository; 1e-6 to 1e-5, 5e-4, 256 and training augmentation in the port. The repository's extras, which are
off there (curvature, weights per sample), are left out. Labels are found anew for each batch of each epoch; without
augmentation that gives the same ones each time.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.adversarial import fast_gradient_sign
from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

REPOSITORY_MEAN = (0.4914, 0.4822, 0.2265)  # the third is not CIFAR-10's
REPOSITORY_STD = (0.2023, 0.1994, 0.2010)

DIVERGENCES = (
    Divergence(
        "FGSM, pixel space",
        "normalised images are taken back to pixels by constants of its own, (.4914, .4822, .2265) and (.2023, .1994, "
        ".2010), although its data are normalised by .5 and .5: a bound of 0.1 is 0.25 of the true pixel range",
        "the port's networks normalise inside, so that pixels are those of the images, in [0, 1]",
    ),
)


@method(
    paper="Chen et al. 2023 (Boundary unlearning), shrink; baseline of GDR-GMA",
    needs=Needs(forget=True),
    divergences=DIVERGENCES,
    capabilities=("outputs", "pixels"),
    logs=("losses",),
)
@dataclass(frozen=True)
class BoundaryShrink(GradientMethod):
    """Descend on the forget set towards the labels of its adversarial neighbours."""

    reading: str = "paper"
    learning_rate: float = hyper(5e-3, "of the optimizer (released 1e-5; port 1e-6 to 1e-5; ours)", gt=0)
    epochs: int = hyper(10, "passes over forget (released 10)", ge=0)
    batch_size: int = hyper(64, "samples per batch (released 64; port 256)", ge=1)
    weight_decay: float = hyper(0.0, "of the optimizer (released 0; port 5e-4)", ge=0)
    bound: float = hyper(0.1, "ε, of the pixel range (0.1)", ge=0, le=1)
    pixel_space: str = by_reading(
        "pixels by the data's own normalisation (own), or by the repository's constants (repository); the latter are "
        "for three channels, images of another number keep their own",
        paper="repository",
        code="own",
        choices=("own", "repository"),
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the forget set."""
        frozen = copy.deepcopy(model).eval().requires_grad_(False)
        optimizer = self.make_optimizer(model)
        step = task.steps(model, optimizer, functools.partial(task.objective.loss, model))
        for epoch in self.passes(model, optimizer, task):
            crossed = 0
            for batch in task.forget.batches(self.batch_size, augmented=self.augmented):
                labels_B = self.nearest_labels(frozen, task, batch)
                crossed += int((labels_B != batch.y).sum())
                (loss,) = step(batch, labels_B)
                task.series.step(wrong_label=loss)
            task.log(epoch + 1, loss=loss.item(), crossed=crossed / len(task.forget))
        return model

    def nearest_labels(self, frozen: nn.Module, task: Task, batch: Batch) -> Tensor:
        """Return ỹ [B]."""
        mean, std = task.forget.pixel_scale
        own = chosen(self, "pixel_space") == "own" or len(mean) != len(REPOSITORY_MEAN)
        if not own:
            mean, std = mean.new_tensor(REPOSITORY_MEAN), std.new_tensor(REPOSITORY_STD)
        x = batch.x.detach().clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(task.loss(frozen, dataclasses.replace(batch, x=x)), x)
        moved = fast_gradient_sign(batch.x, slope, mean, std, self.bound, whole=own)
        with torch.no_grad():
            return task.objective.outputs(frozen, dataclasses.replace(batch, x=moved)).argmax(dim=1)
