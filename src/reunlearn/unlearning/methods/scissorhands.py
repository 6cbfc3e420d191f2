"""Scissorhands: re-initialise the weights that matter most for the forget set, then repair on the retain set.

    trim      s = |θ ⊙ Σ_b |∇CE(θ; forget batch b)||;  θ ← fresh where s exceeds the `sparsity` quantile of all
    repair    g = ∇[CE(θ; retain batch) − λ CE(θ; forget batch)]
              m_j = −Σ_{i ≤ j} ∇CE(θ_epoch; forget batch i), eval mode, θ_epoch the weights at the epoch's start
              where any m_j·g < 0:  g ← g + Mᵀ v,   v = argmin ½ vᵀ(M Mᵀ + ε I)v + (M g)ᵀ v with v ≥ margin
              θ ← SGD step along g;  after the last forget batch of an epoch, g = ∇CE(θ; retain batch)

Wu and Harandi 2024, as released; baseline of LUR. Sees: forget, retain. Normalisation layers are not re-initialised.

- v with one memory: max(margin, −(m·g)/(|m|² + ε)), which equals the released quadratic program (gradients/cone.py).
  Memories add up over the batches of an epoch, because the released code never clears the gradient.
- Modules: the released code re-initialises and projects in the last stages only, chosen by name: CIFAR-10 stages 3, 4
  and the last layer for both; CIFAR-100 stage 4 and the last layer for trimming, stage 3 too for projection; CelebA
  stage 4 and the last layer. `trimmed` and `projected` name modules; empty means all, which suits small networks.
- The released code excludes BatchNorm by the name "bn", which misses the BatchNorm layers of the shortcuts. To
  re-initialise such a layer (scale uniform in ±1, shift 0), name the layer itself.
- The threshold is the k-th smallest saliency, k = int(sparsity · P), and must be exceeded. If it is the smallest or
  the largest saliency, half the distance between these two is the threshold, as released.
- The released trimming pass runs in training mode: BatchNorm normalises by the batch and updates its statistics
  (`trim_mode`).
- `project_every` = 10 counts steps from 1 in each epoch (CIFAR-10 50 %, CelebA).
- The paper does not say whether batches are augmented; the released code augments them as in training.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError, near
from reunlearn.data.batches import Batch
from reunlearn.gradients.cone import agree
from reunlearn.gradients.flat import flatten, gradients, trainable, unflatten
from reunlearn.gradients.reinitialisation import above, belongs, fresh, snip, trimmable
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="Wu and Harandi 2024 (Scissorhands); baseline of LUR",
    needs=Needs(forget=True, retain=True),
    logs=("losses",),
)
@dataclass(frozen=True)
class Scissorhands(GradientMethod):
    """Re-initialise the weights salient for forget; then descend retain loss minus λ forget loss, projected."""

    epochs: int = hyper(10, "passes over the retain set (released 10)", ge=0)
    learning_rate: float = hyper(5e-3, "learning rate of the optimizer (CIFAR-10 10 %: 5e-3)", gt=0)
    batch_size: int = hyper(256, "samples per batch of both sets (released 256)", ge=1)
    sparsity: float = hyper(
        0.97, "share of all weights that are not re-initialised (CIFAR-10 10 %: 0.97)", ge=0, le=1
    )
    forget_weight: float = hyper(0.05, "λ: weight of the forget loss (CIFAR-10 10 %: 0.05)", ge=0)
    trim_batches: int = hyper(1, "forget batches from which the saliency is computed (released 1)", ge=1)
    trim_mode: str = hyper(
        "train",
        "mode of the network while the saliency is computed (released: train)",
        choices=("train", "eval"),
    )
    trimmed: str = hyper("", "modules whose weights may be re-initialised, separated by commas; empty: all")
    project: bool = hyper(True, "project gradients that would lower the forget loss")
    projected: str = hyper("", "modules whose gradients are projected, separated by commas; empty: all")
    project_every: int = hyper(
        1, "project only in every n-th step (released 1; CIFAR-10 50 %, CelebA 10)", ge=1
    )
    memories: int = hyper(
        1, "forget batches whose gradients are the memories of an epoch (released 1)", ge=1, le=8
    )
    margin: float = hyper(0.5, "smallest weight v of a memory (released 0.5)", ge=0)
    epsilon: float = hyper(1e-3, "ε on the diagonal of M Mᵀ (released 1e-3)", gt=0)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after trimming and `epochs` passes of repair."""
        known = {name for name, _ in model.named_modules()}
        for name in (*split_names(self.trimmed), *split_names(self.projected)):
            if name not in known:
                raise UserError(f"scissorhands: the network has no module '{name}'; {near(name, known)}")
        share = self.trim(model, task)
        projected = self.projected_parameters(model)
        optimizer = self.make_optimizer(model)
        for epoch in self.passes(model, optimizer, task):
            memories = self.forget_memories(model, task, projected) if self.project else None
            for step, (retain, forget) in enumerate(self.epoch_batches(task), start=1):
                optimizer.zero_grad(set_to_none=True)
                loss = retain_loss = task.loss(model, retain)
                noted = {"retain": retain_loss}
                if forget is not None:
                    noted["forget"] = task.loss(model, forget)
                    loss = retain_loss - self.forget_weight * noted["forget"]
                loss.backward()
                if memories is not None and forget is not None and step % self.project_every == 0:
                    self.project_gradients(projected, memories)
                optimizer.step()
                task.series.step(**noted)
            task.log(epoch + 1, loss=loss.item(), trimmed_share=share)
        return model

    def epoch_batches(self, task: Task) -> Iterator[tuple[Batch, Batch | None]]:
        """Yield one pass over retain, each batch with a forget batch; with None once the forget batches are used up."""
        forget_batches = task.forget.batches(self.batch_size, augmented=self.augmented)
        for retain in task.retain.batches(self.batch_size, augmented=self.augmented):
            yield retain, next(forget_batches, None)

    def first_batches(self, task: Task, count: int) -> Iterator[Batch]:
        """Yield `count` forget batches, each the first batch of a newly drawn order."""
        for _ in range(count):
            yield next(task.forget.batches(self.batch_size, augmented=self.augmented))

    def trim(self, model: nn.Module, task: Task) -> float:
        """Re-initialise the salient weights in place; return their share of all weights."""
        model.train(self.trim_mode == "train")
        parameters = trainable(model)
        losses = (task.loss(model, batch) for batch in self.first_batches(task, self.trim_batches))
        masks = above(snip(losses, parameters), self.sparsity)
        eligible = trimmable(model, split_names(self.trimmed))
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        count = 0
        for (name, parameter), mask in zip(named, masks, strict=True):
            if name in eligible:
                with torch.no_grad():
                    parameter.copy_(torch.where(mask, fresh(name, parameter, task.generator), parameter))
                count += int(mask.sum())
        return count / sum(p.numel() for p in parameters)

    def projected_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        """Return the parameters whose gradients are projected."""
        modules = split_names(self.projected)
        return [p for n, p in model.named_parameters() if p.requires_grad and belongs(n, modules)]

    def forget_memories(self, model: nn.Module, task: Task, projected: list[nn.Parameter]) -> Tensor:
        """Return the memories [M, P]: row j is the sum of the ascent gradients of the first j forget batches."""
        still = copy.deepcopy(model).eval()
        copies = {id(p): q for p, q in zip(model.parameters(), still.parameters(), strict=True)}
        parameters = [copies[id(p)] for p in projected]
        ascents = [
            flatten(gradients(-task.loss(still, batch), parameters))
            for batch in self.first_batches(task, self.memories)
        ]
        return torch.stack(ascents).cumsum(dim=0)

    def project_gradients(self, projected: list[nn.Parameter], memories_MP: Tensor) -> None:
        """Replace the gradients stored in these parameters by their projections."""
        before = [torch.zeros_like(p) if p.grad is None else p.grad for p in projected]
        after = unflatten(agree(flatten(before), memories_MP, self.margin, self.epsilon), before)
        for parameter, gradient in zip(projected, after, strict=True):
            parameter.grad = gradient.clone()


def split_names(text: str) -> tuple[str, ...]:
    """Return the names that commas separate in a text."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
