"""Fine-tune on the retain set with an L1 penalty, which pulls all weights towards zero.

    θ ← θ − η ∇[CE(θ; retain batch) + α_e ‖θ‖₁]
    α_e = α (1 − e / (E − E₀))  in epoch e = 0 … E − E₀ − 1,   0 in the last E₀

Jia et al. 2023 (sparsity-aware unlearning); baseline of GDR-GMA, SFR-on and LUR. Sees: retain. The norm runs
over all parameters, biases and BatchNorm included; nothing is pruned. The paper also tries a constant and a
growing penalty (α e / (E − E₀)) and finds the decaying one best; `penalty` offers all three. Released settings of
the SalUn family for CIFAR-10: α = 1e-4, SGD at 0.01, 10 epochs, E₀ = 0; the default of the released command line,
α = 0.2, is used nowhere. The released penalty is constant if E₀ = E; here that is `penalty: constant` with E₀ = 0.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(paper="Jia et al. 2023; baseline of GDR-GMA, SFR-on, LUR", needs=Needs(retain=True), logs=("losses",))
@dataclass(frozen=True)
class L1Sparse(GradientMethod):
    """Fine-tune on the retain set with an L1 penalty."""

    epochs: int = hyper(10, "E: passes over the retain set (released 10)", ge=0)
    learning_rate: float = hyper(0.01, "learning rate of the optimizer (released 0.01)", gt=0)
    batch_size: int = hyper(256, "samples per batch (released 256)", ge=1)
    alpha: float = hyper(1e-4, "α: weight of the L1 norm (released 1e-4 to 1e-3)", ge=0)
    penalty: str = hyper(
        "decaying", "how α_e changes over the epochs", choices=("decaying", "constant", "growing")
    )
    free_epochs: int = hyper(0, "E₀: number of last epochs without penalty (released 0)", ge=0)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the retain set."""
        optimizer = self.make_optimizer(model)
        plain = task.steps(model, optimizer, lambda batch: task.loss(model, batch))
        penalised = task.steps(model, optimizer, functools.partial(penalised_loss, model, task))
        for epoch in self.passes(model, optimizer, task):
            weight = self.weight(epoch)
            for batch in task.retain.batches(self.batch_size, augmented=self.augmented):
                if weight:
                    _, retain_loss = penalised(batch, task.number(weight))
                else:
                    (retain_loss,) = plain(batch)
                task.series.step(retain=retain_loss)
            task.log(epoch + 1, retain_loss=retain_loss.item(), weight=weight)
        return model

    def weight(self, epoch: int) -> float:
        """Return α_e of an epoch."""
        penalised = self.epochs - self.free_epochs
        if epoch >= penalised:
            return 0.0
        done = epoch / penalised
        return self.alpha * {"decaying": 1 - done, "constant": 1.0, "growing": done}[self.penalty]


def penalised_loss(model: nn.Module, task: Task, batch: Batch, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of a batch and the L1 norm times a weight, and the former alone."""
    retain_loss = task.loss(model, batch)
    return retain_loss + weight.to(retain_loss) * l1_norm(model), retain_loss


def l1_norm(model: nn.Module) -> Tensor:
    """Return ‖θ‖₁ over all parameters; its derivative at 0 is 0."""
    return torch.stack([p.abs().sum() for p in model.parameters()]).sum()
