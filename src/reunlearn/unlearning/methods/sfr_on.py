"""SFR-on: saliency forgetting in the remain-preserving manifold, online.

    (S) m = 1[F(forget) / F(retain) ≥ γ],  F = mean over batches of (∇ of the batch mean)² at θ₀, eval mode
    (F) L_f = Σ_i w_i ℓ_i,  w_i = ℓ_i^(−λ) / Σ_j ℓ_j^(−λ) over the batch, no gradient through w
    (R-on) for t = 0 … T − 1:
        every k steps   θ ← step along  clip(m ⊙ −a_t ∇L_f(θ)),   a_t = a₀ (1 + cos πt/T)/2
        then            θ ← step along  ∇L(θ; retain batch)                                     (fast weights)
        θ ← θ_prev + β (θ − θ_prev);  θ_prev ← θ                                                (slow weights)

Huang et al. 2024, Eq. 3–6 and the algorithm. Sees: forget, retain. Uses the loss alone: any objective will
do.

Where the released code settles or changes what the paper says:
- Slow weights (outer loop, α_t of the paper): the code has β = 1 in every configuration, which is no
  interpolation at all. That is the default; `outer_lr` opens it. Parameters are averaged, BatchNorm's buffers
  never.
- The factor 1 − t/T of the adaptive coefficients is a cosine in the code (`ascent_schedule: linear` is the
  paper's).
- The paper normalises w over the whole forget set, the code over the batch. The code computes 1/(ℓ^λ +
  1e-15).
- F squares batch means: it depends on the batch size (gradients/fisher.py). Training augmentation stays on.
- One optimizer takes both kinds of step: momentum and weight decay move masked weights too.
- The gradient norm is clipped after the mask; torch divides by norm + 1e-6.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.fisher import squared_gradients
from reunlearn.gradients.flat import trainable
from reunlearn.gradients.saliency import ratio_mask
from reunlearn.training.schedules import make_schedule
from reunlearn.unlearning.gradient import StepMethod, descend
from reunlearn.unlearning.needs import Needs, hyper
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

FLOOR = 1e-15  # of ℓ^λ, as released


@method(paper="SFR-on (Huang et al. 2024), Eq. 3–6", needs=Needs(forget=True, retain=True))
@dataclass(frozen=True)
class SFRon(StepMethod):
    """Weighted, masked ascent on forget, repaired by descent on retain, averaged into slow weights."""

    steps: int = hyper(1500, "retain steps T (CIFAR-10 10 %: 1500; TinyImageNet: 500)", ge=0)
    schedule: str = hyper(
        "cosine", "learning rate per step: cosine to 0, or constant", choices=("cosine", "constant")
    )
    inner_period: int = hyper(
        5, "k: a forget step comes before every k-th retain step (5; TinyImageNet: 1)", ge=1
    )
    ascent: float = hyper(25.0, "a₀: multiplier of the forget loss (25; TinyImageNet: 500)", ge=0)
    ascent_schedule: str = hyper(
        "cosine",
        "a_t: cosine (released), linear 1 − t/T (paper) or constant",
        choices=("cosine", "linear", "constant"),
    )
    adaptive: bool = hyper(True, "(F): weigh forget samples by ℓ^(−λ); off: all alike")
    adaptivity: float = hyper(0.5, "λ (0.5; TinyImageNet: 0.6)", ge=0)
    saliency: bool = hyper(
        True, "(S): forget steps move only weights whose ratio reaches γ; off: all weights"
    )
    saliency_ratio: float = hyper(1.0, "γ: least F(forget)/F(retain) of a weight that may move (1)", ge=0)
    clip: float = hyper(7.0, "largest gradient norm of a forget step (7); 0 does not clip", ge=0)
    outer_lr: float = hyper(
        1.0, "β: how far slow weights follow the fast ones (released: 1, all the way)", ge=0, le=1
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `steps` retain steps and the forget steps between them."""
        masks = self.mask(model, task) if self.saliency and self.steps else None
        parameters = trainable(model)
        optimizer = self.make_optimizer(model)
        schedule = make_schedule(optimizer, self.schedule, self.steps)
        forget = task.forget.stream(self.batch_size, augmented=self.augmented)
        retain = task.retain.stream(self.batch_size, augmented=self.augmented)
        self.set_mode(model)
        slow = [p.detach().clone() for p in parameters]
        for step in range(self.steps):
            if step % self.inner_period == 0:
                forget_loss = self.forget_step(model, optimizer, next(forget), masks, step, task)
            descend(optimizer, retain_loss := task.loss(model, next(retain)))
            follow(slow, parameters, self.outer_lr)
            schedule.step()
            if (step + 1) % max(1, self.steps // 10) == 0 or step + 1 == self.steps:
                task.log(step + 1, forget_loss=forget_loss.item(), retain_loss=retain_loss.item())
        return model

    def mask(self, model: nn.Module, task: Task) -> list[Tensor]:
        """Return (S) at the model's present weights, one boolean tensor per trainable parameter."""
        model.eval()
        parameters = trainable(model)

        def losses(batches: Iterator[Batch]) -> Iterator[Tensor]:
            return (task.loss(model, batch) for batch in batches)

        forget = squared_gradients(
            losses(task.forget.batches(self.batch_size, augmented=self.augmented)), parameters
        )
        retain = squared_gradients(
            losses(task.retain.batches(self.batch_size, augmented=self.augmented)), parameters
        )
        return ratio_mask(forget, retain, self.saliency_ratio)

    def forget_step(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        batch: Batch,
        masks: list[Tensor] | None,
        step: int,
        task: Task,
    ) -> Tensor:
        """Climb L_f of one batch; return L_f."""
        optimizer.zero_grad(set_to_none=True)
        losses_B = task.objective.per_sample_loss(model, batch, task.objective.draw(batch, task.generator))
        loss = adaptive_loss(losses_B, self.adaptivity) if self.adaptive else losses_B.mean()
        multiplier = self.ascent * decay(self.ascent_schedule, step, self.steps)
        (-multiplier * loss).backward()
        parameters = trainable(model)
        if masks is not None:
            for parameter, mask in zip(parameters, masks, strict=True):
                if parameter.grad is not None:
                    parameter.grad *= mask
        if self.clip:
            torch.nn.utils.clip_grad_norm_(parameters, self.clip)
        optimizer.step()
        return loss.detach()


def adaptive_loss(losses_B: Tensor, adaptivity: float) -> Tensor:
    """Return Σ_i w_i ℓ_i with w_i ∝ 1/(ℓ_i^λ + 1e-15), Σ w = 1, constant under differentiation."""
    weights_B = 1 / (losses_B.detach() ** adaptivity + FLOOR)
    return (weights_B / weights_B.sum() * losses_B).sum()


def decay(schedule: str, step: int, steps: int) -> float:
    """Return a_t / a₀ at step 0 … steps − 1."""
    if schedule == "cosine":
        return (1 + math.cos(math.pi * step / steps)) / 2
    return 1 - step / steps if schedule == "linear" else 1.0


@torch.no_grad()
def follow(slow: list[Tensor], parameters: list[nn.Parameter], rate: float) -> None:
    """Set slow weights and parameters both to slow + rate (parameter − slow); rate 1 changes no parameter."""
    for weights, parameter in zip(slow, parameters, strict=True):
        weights.lerp_(parameter, rate)
        parameter.copy_(weights)
