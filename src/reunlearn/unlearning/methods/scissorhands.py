"""Scissorhands: re-initialise the weights that the forget set hangs on, then repair without learning it again.

    trim      s = |θ ⊙ Σ_b |∇CE(θ; forget batch b)||;  θ ← fresh where s exceeds the `sparsity` quantile of all
    repair    g = ∇[CE(θ; retain batch) − λ CE(θ; forget batch)]
              m_j = −Σ_{i ≤ j} ∇CE(θ_epoch; forget batch i), eval mode, θ_epoch the weights at the epoch's start
              where any m_j·g < 0:  g ← g + Mᵀ v,   v = argmin ½ vᵀ(M Mᵀ + ε I)v + (M g)ᵀ v with v ≥ margin
              θ ← SGD step along g;  once the forget set is through, g = ∇CE(θ; retain batch) for the rest

Wu and Harandi 2024, as released; baseline of LUR. Sees: forget, retain. Normalisation layers are not re-initialised.

- v with one memory: max(margin, −(m·g)/(|m|² + ε)), which equals the released quadratic program (gradients/cone.py).
  Memories add up over the batches of an epoch, since the released code never clears the gradient.
- Modules: the released code re-initialises and projects only in the last stages, by name: CIFAR-10 stages 3, 4 and
  the last layer for both; CIFAR-100 stage 4 and the last for trimming, 3 as well for projection; CelebA 4 and the
  last. `trimmed` and `projected` name modules; empty means all, which is what a small network needs.
- Released names leave out BatchNorm by "bn", which misses those of the shortcuts: name such a layer itself to
  re-initialise it (scale uniform in ±1, shift 0).
- The threshold is the k-th smallest saliency, k = int(sparsity · P), strictly exceeded; the fallback where it is an
  extreme one is the released code's.
- The trimming pass never sets a mode: BatchNorm normalises by the batch, and its statistics move (`trim_mode`).
- A rule `project_every` = 10 counts steps from 1 in each epoch (CIFAR-10 50 %, CelebA).
- Whether batches are augmented nobody says; the released sets are, as in training.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

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


@method(paper="Wu and Harandi 2024 (Scissorhands); baseline of LUR", needs=Needs(forget=True, retain=True))
@dataclass(frozen=True)
class Scissorhands(GradientMethod):
    """Re-initialise the weights salient for forget; descend on retain minus λ forget, projected."""

    epochs: int = hyper(10, "passes over the retain set (released 10)", ge=0)
    learning_rate: float = hyper(5e-3, "of the optimizer (CIFAR-10 10 %: 5e-3)", gt=0)
    batch_size: int = hyper(256, "samples per batch of both sets (released 256)", ge=1)
    sparsity: float = hyper(0.97, "share of all weights that stay (CIFAR-10 10 %: 0.97)", ge=0, le=1)
    forget_weight: float = hyper(0.05, "λ of the forget loss (CIFAR-10 10 %: 0.05)", ge=0)
    trim_batches: int = hyper(1, "forget batches that saliency is taken over (released 1)", ge=1)
    trim_mode: str = hyper(
        "train", "BatchNorm while saliency is taken (released: train)", choices=("train", "eval")
    )
    trimmed: str = hyper("", "modules where weights are re-initialised, by comma; empty: everywhere")
    project: bool = hyper(True, "turn gradients that would lower the forget loss")
    projected: str = hyper("", "modules whose gradient is projected, by comma; empty: everywhere")
    project_every: int = hyper(1, "only every so many steps (released 1; CIFAR-10 50 %, CelebA 10)", ge=1)
    memories: int = hyper(1, "forget batches remembered in each epoch (released 1)", ge=1, le=8)
    margin: float = hyper(0.5, "least weight v of a memory (released 0.5)", ge=0)
    epsilon: float = hyper(1e-3, "ε on the diagonal of M Mᵀ (released 1e-3)", gt=0)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after trimming and `epochs` passes of repair."""
        known = {name for name, _ in model.named_modules()}
        for part in (*parts(self.trimmed), *parts(self.projected)):
            if part not in known:
                raise UserError(f"scissorhands: the network has no module '{part}'; {near(part, known)}")
        share = self.trim(model, task)
        inside = self.inside(model)
        optimizer = self.make_optimizer(model)
        for epoch in self.passes(model, optimizer):
            memories = self.remember(model, task, inside) if self.project else None
            for step, (retain, forget) in enumerate(self.epoch_batches(task), start=1):
                optimizer.zero_grad(set_to_none=True)
                loss = task.loss(model, retain)
                if forget is not None:
                    loss = loss - self.forget_weight * task.loss(model, forget)
                loss.backward()
                if memories is not None and forget is not None and step % self.project_every == 0:
                    self.turn(inside, memories)
                optimizer.step()
            task.log(epoch + 1, loss=loss.item(), trimmed_share=share)
        return model

    def epoch_batches(self, task: Task) -> Iterator[tuple[Batch, Batch | None]]:
        """Yield one pass over retain, each batch with one of forget while there are any."""
        retain = task.retain.batches(self.batch_size, augmented=self.augmented)
        forget = task.forget.batches(self.batch_size, augmented=self.augmented)
        for stays, goes in zip_longest(retain, forget):
            if stays is None:
                return
            yield stays, goes

    def first_batches(self, task: Task, count: int) -> Iterator[Batch]:
        """Yield forget batches, each the first of a new order."""
        for _ in range(count):
            yield next(task.forget.batches(self.batch_size, augmented=self.augmented))

    def trim(self, model: nn.Module, task: Task) -> float:
        """Re-initialise the salient weights in place; return their share of all."""
        model.train(self.trim_mode == "train")
        parameters = trainable(model)
        losses = (task.loss(model, batch) for batch in self.first_batches(task, self.trim_batches))
        masks = above(snip(losses, parameters), self.sparsity)
        eligible = trimmable(model, parts(self.trimmed))
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        count = 0
        for (name, parameter), mask in zip(named, masks, strict=True):
            if name in eligible:
                with torch.no_grad():
                    parameter.copy_(torch.where(mask, fresh(name, parameter, task.generator), parameter))
                count += int(mask.sum())
        return count / sum(p.numel() for p in parameters)

    def inside(self, model: nn.Module) -> list[nn.Parameter]:
        """Return the parameters whose gradient is projected."""
        where = parts(self.projected)
        return [p for n, p in model.named_parameters() if p.requires_grad and belongs(n, where)]

    def remember(self, model: nn.Module, task: Task, inside: list[nn.Parameter]) -> Tensor:
        """Return the memories [M, P]: ascent gradients of forget batches, each added to those before it."""
        still = copy.deepcopy(model).eval()
        places = {id(p): q for p, q in zip(model.parameters(), still.parameters(), strict=True)}
        own = [places[id(p)] for p in inside]
        found = [
            flatten(gradients(-task.loss(still, batch), own))
            for batch in self.first_batches(task, self.memories)
        ]
        return torch.stack(found).cumsum(dim=0)

    def turn(self, inside: list[nn.Parameter], memories_MP: Tensor) -> None:
        """Project the gradients that lie on the parameters."""
        before = [torch.zeros_like(p) if p.grad is None else p.grad for p in inside]
        after = unflatten(agree(flatten(before), memories_MP, self.margin, self.epsilon), before)
        for parameter, gradient in zip(inside, after, strict=True):
            parameter.grad = gradient.clone()


def parts(names: str) -> tuple[str, ...]:
    """Return the names of a list with commas."""
    return tuple(part.strip() for part in names.split(",") if part.strip())
