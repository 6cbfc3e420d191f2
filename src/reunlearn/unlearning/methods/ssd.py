"""Selective synaptic dampening: shrink the weights that matter far more for the forget set than for all data.

    F_S = mean over batches of (∇ of the batch's mean loss)² at θ₀, eval mode;   S = D (forget and retain) or D_f
    where F_f > α F_D:    θ ← min(λ F_D / F_f, 1) θ

Foster et al. 2024, as released; baseline of GDR-GMA and ∇τ. Sees: forget, retain. No gradient step; BatchNorm's
statistics do not change, its scale and shift are weights like any other. Uses only the loss, so any objective will do.

- F squares batch means, so it depends on the batch size: 128 in the released script for random removal, 64 for
  classes.
- F_D is computed over retain, then forget, in order and not augmented; one batch can hold samples of both (released).
  `shuffle` shuffles both sets together, and the forget set for F_f. The paper does not state order or augmentation.
- On random sets of 20 % and more F_f ≈ F_D, and almost nothing is selected: the method then returns the original.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, join
from reunlearn.gradients.fisher import squared_gradients
from reunlearn.gradients.flat import trainable
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.epoch_order import epoch_rows
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="Foster et al. 2024 (SSD), Eq. 3–5; baseline of GDR-GMA, ∇τ", needs=Needs(forget=True, retain=True)
)
@dataclass(frozen=True)
class SelectiveSynapticDampening:
    """Dampen the weights whose importance for the forget set exceeds α times that for all data."""

    selection: float = hyper(10.0, "α: a weight is selected where F_f > α F_D (paper 10)", ge=0)
    dampening: float = hyper(1.0, "λ: a selected weight is multiplied by min(λ F_D/F_f, 1) (paper 1)", ge=0)
    batch_size: int = hyper(
        128, "samples whose mean gradient is squared (released: 128; class removal 64)", ge=1
    )
    shuffle: bool = hyper(False, "batches mix both sets; off: first retain, then forget, in order (released)")
    augmented: bool = hyper(False, "batches are augmented as in training (released: no)")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model with the selected weights dampened."""
        model.eval()
        parameters = trainable(model)
        forget = squared_gradients((task.loss(model, b) for b in self.forget_batches(task)), parameters)
        everything = squared_gradients((task.loss(model, b) for b in self.all_batches(task)), parameters)
        factors = damping(forget, everything, self.selection, self.dampening)
        selected = sum(int((f > self.selection * d).sum()) for f, d in zip(forget, everything, strict=True))
        with torch.no_grad():
            for parameter, factor in zip(parameters, factors, strict=True):
                parameter.mul_(factor)
        task.log(1, selected_share=selected / sum(p.numel() for p in parameters))
        return model

    def forget_batches(self, task: Task) -> Iterator[Batch]:
        """Yield one pass over the forget set."""
        return task.forget.batches(self.batch_size, self.shuffle, self.augmented)

    def all_batches(self, task: Task) -> Iterator[Batch]:
        """Yield one pass over both sets together."""
        forget, retain = len(task.forget), len(task.retain)
        if self.shuffle:
            rows = epoch_rows(forget, retain, self.batch_size, "shuffled", task.generator)
        else:
            rows = retain_first(forget, retain, self.batch_size)
        for forget_rows, retain_rows in rows:
            retain_batch = task.retain.take(retain_rows, self.augmented)
            yield join(retain_batch, task.forget.take(forget_rows, self.augmented))


def retain_first(forget: int, retain: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (rows of forget, rows of retain) of batches that run through retain, then forget, in order."""
    for rows in torch.arange(retain + forget).split(size):
        yield rows[rows >= retain] - retain, rows[rows < retain]


def damping(
    forget: list[Tensor], everything: list[Tensor], selection: float, dampening: float
) -> list[Tensor]:
    """Return min(λ F_D/F_f, 1) where F_f > α F_D, else 1."""
    pairs = zip(forget, everything, strict=True)
    return [
        torch.where(f > selection * d, (dampening * d / f).clamp(max=1), torch.ones_like(f)) for f, d in pairs
    ]
