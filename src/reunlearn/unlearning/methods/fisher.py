"""Fisher forgetting: add noise to every weight, the more noise the less the retain set depends on the weight.

    F = (1/N) Σ_retain Σ_y p_y(x) (∂ −log p_y(x) / ∂θ)²          diagonal, sample by sample, evaluation mode
    σ² = α min(1/(F + 10⁻⁸), 10³),   cap 10² where a tensor has one row per class
    σ² ← its mean over dim 1 (input channels; kernel positions stay separate), for tensors of two dimensions or more
    σ² ← 10 σ² where a tensor has one row per class, or one dimension (BatchNorm, biases)
    θ ← θ + ξ,   ξ ~ N(0, σ²)

Golatkar et al. 2020a, as in their notebook; baseline of GDR-GMA. Sees: retain. In class removal only, the rows of the
forgotten classes in tensors with one row per class are set to 0 first, and have σ² = 10⁻⁴ · 10: `class_rows`.

    estimator     F                                                     noise
    notebook      above                                                 above
    batch_means   squares of batch means, p_y averaged over the batch   above            (SalUn's `fisher_new`: 32)
    empirical     the true label alone, 10⁻⁸ added before squaring      min(√(α/F), 10⁻³) ξ, ten-fold where the last
                                                                        dimension is the number of classes

- "One row per class" and "BatchNorm" are decided by shape: any tensor whose first dimension is the number of classes
  counts as last layer. Likewise the empirical estimator's ten-fold noise misses the last weight matrix but is added
  to its bias.
- The SSD repository's version has the cap for the last layer, but not its ten-fold noise for random removal.
- α: 10⁻⁶ in the notebook, which tried 10⁻⁹ … 10⁻⁵. No source states α for the empirical estimator.
- As in the notebook, batches come in order and are not augmented. BatchNorm's statistics do not change.
- `notebook` takes one backward pass of whole batches fewer than there are classes: gradients/label_fisher.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.gradients.fisher import mean_label_fisher
from reunlearn.gradients.flat import trainable
from reunlearn.gradients.label_fisher import empirical_fisher, label_fisher
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

FLOOR, CAP, LAST_CAP = 1e-8, 1e3, 1e2
FORGOTTEN_VARIANCE = 1e-4
EMPIRICAL_CAP = 1e-3


@method(
    paper="Golatkar et al. 2020a (Fisher forgetting); baseline of GDR-GMA",
    needs=Needs(retain=True),
    capabilities=("outputs",),
)
@dataclass(frozen=True)
class FisherForgetting:
    """Add noise to the weights that the retain set does not depend on."""

    alpha: float = hyper(1e-6, "α: scale of the noise's variance (notebook 1e-6; tried 1e-9 … 1e-5)", ge=0)
    estimator: str = hyper(
        "notebook",
        "notebook: all labels, sample by sample; batch_means: SalUn's fisher_new; empirical: Unlearn-Sparse's fisher",
        choices=("notebook", "batch_means", "empirical"),
    )
    class_rows: bool = hyper(
        True, "class removal sets the forgotten classes' rows of the last layer to 0 (notebook)"
    )
    batch_size: int = hyper(
        32, "samples per batch; changes the result only with batch_means (SalUn 32)", ge=1
    )
    augmented: bool = hyper(False, "batches are augmented as in training (notebook: no)")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model with noise on its weights."""
        model.eval()
        parameters = trainable(model)
        information = self.information(model, task)
        forgotten = self.forgotten(task)
        squares, count = 0.0, 0
        for parameter, fisher in zip(parameters, information, strict=True):
            if self.estimator == "empirical":
                spread = empirical_spread(fisher, self.alpha, task.classes)
            else:
                spread = variance(fisher, self.alpha, task.classes, forgotten).sqrt()
            noise = torch.randn(parameter.shape, generator=task.generator, dtype=parameter.dtype)
            with torch.no_grad():
                if self.estimator != "empirical" and has_class_rows(parameter, task.classes):
                    parameter[forgotten] = 0
                parameter.add_(spread * noise.to(parameter.device))
            squares, count = squares + float((spread**2).sum()), count + spread.numel()
        task.log(1, noise=(squares / count) ** 0.5)
        return model

    def information(self, model: nn.Module, task: Task) -> list[Tensor]:
        """Return F, one tensor per trainable parameter."""
        batches = task.retain.batches(self.batch_size, shuffle=False, augmented=self.augmented)
        if self.estimator == "notebook":
            return label_fisher(model, task.objective.outputs, batches)
        if self.estimator == "empirical":
            return empirical_fisher(model, task.objective.outputs, batches, FLOOR)
        logits: Iterator[Tensor] = (task.objective.outputs(model, batch) for batch in batches)
        return mean_label_fisher(logits, trainable(model))

    def forgotten(self, task: Task) -> list[int]:
        """Return the classes whose rows are set to 0: those of class removal with `class_rows`, else none."""
        return list(task.scenario.whole_classes) if self.class_rows else []


def has_class_rows(tensor: Tensor, classes: int) -> bool:
    """Tell whether a tensor's first dimension is the number of classes."""
    return tensor.dim() > 0 and tensor.shape[0] == classes


def variance(fisher: Tensor, alpha: float, classes: int, forgotten: list[int]) -> Tensor:
    """Return σ² of one tensor.

    Args:
        fisher: F of the tensor.
        alpha: α.
        classes: number of classes; a tensor with that many rows belongs to the last layer.
        forgotten: classes whose rows in the last layer have σ² = 10⁻⁴, before its factor 10.
    """
    last = has_class_rows(fisher, classes)
    variances = alpha * (1 / (fisher + FLOOR)).clamp(max=LAST_CAP if last else CAP)
    if fisher.dim() > 1:
        variances = variances.mean(dim=1, keepdim=True).expand_as(fisher).clone()
    if last:
        variances[forgotten] = FORGOTTEN_VARIANCE
    return 10 * variances if last or fisher.dim() == 1 else variances


def empirical_spread(fisher: Tensor, alpha: float, classes: int) -> Tensor:
    """Return the standard deviation of one tensor's noise under the empirical estimator."""
    spread = (alpha / fisher).sqrt().clamp(max=EMPIRICAL_CAP)
    return 10 * spread if fisher.dim() > 0 and fisher.shape[-1] == classes else spread
