"""SFR-on: saliency forgetting in the remain-preserving manifold, online.

    (S) m = 1[F(forget) / F(retain) ≥ γ],  F = squared gradients at θ₀, eval mode
    (F) L_f = Σ_i w_i ℓ_i,  w_i = ℓ_i^(−λ) / Σ_j ℓ_j^(−λ), no gradient through w
    (R-on) for t = 0 … T − 1:
        every k steps   θ ← step along  clip(m ⊙ −a_t ∇L_f(θ)),   a_t falls from a₀
        then            θ ← step along  ∇L(θ; retain batch)                                     (fast weights)
        θ ← θ_prev + β (θ − θ_prev);  θ_prev ← θ                                                (slow weights)

Huang et al. 2024, Eq. 3–6 and the algorithm. Sees: forget, retain. Uses only the loss, so any objective will
do. DIVERGENCES compares the paper, as far as its slides show it, with the released code; the fields that follow the
reading switch each point.

    components that the paper ablates               fields
    (S), (F)                                        saliency, adaptive
    (R) for (R-on): one joint Euclidean step        online: false
    no repair at all                                retain_step: false

Where the paper does not say:
- α_t, the step of its slow weights, is not given; the code has β = 1 in every configuration, which is no
  interpolation at all. That is the default in both readings; `outer_lr` changes it. Parameters are averaged,
  BatchNorm's buffers never.
- β_t, the size of its forget step, is the learning rate times a_t; the norm is clipped after the mask, as in the code.
- The coefficients of the whole forget set are computed in evaluation mode, not augmented, once per forget step.
- F squares means over batches or over the set, never single samples, so it depends on how many are averaged. With
  `fisher: batches` it depends on the batch size (gradients/fisher.py). Batches are augmented as in training.
- The joint step of (R) descends m ⊙ −a_t ∇L_f, clipped, plus ∇L(θ; retain batch) with one optimizer.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.fisher import squared_gradients
from reunlearn.gradients.flat import trainable
from reunlearn.gradients.saliency import ratio_mask, summed_gradients
from reunlearn.training.schedules import schedule_over
from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.gradient import StepMethod
from reunlearn.unlearning.measure import sample_losses
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import GuardedSet, Task

FLOOR = 1e-15  # added to ℓ^λ, as released
DIVERGENCES = (
    Divergence(
        "coefficients ε̃", "a_t = a₀ (1 − t/T)", "a_t = a₀ (1 + cos πt/T)/2; linear and power can be chosen"
    ),
    Divergence(
        "coefficients ε̃",
        "1/ℓ^λ is normalised over the whole forget set, times its size",
        "1/(ℓ^λ + 1e-15) is normalised over the batch",
    ),
    Divergence(
        "mask m",
        "F is the square of the gradient of the mean loss over the set",
        "F is the mean over batches of squared gradients of the batch's mean loss, + 1e-15",
    ),
    Divergence(
        "inner loop",
        "the forget step is a plain gradient step and changes salient weights only",
        "one optimizer takes both kinds of step: momentum, moments and weight decay change masked weights too",
    ),
    Divergence(
        "outer loop",
        "slow weights follow after the inner loop of retain steps",
        "they follow after every retain step, with β = 1, which changes nothing",
    ),
)


@method(
    paper="SFR-on (Huang et al. 2024), Eq. 3–6",
    needs=Needs(forget=True, retain=True),
    divergences=DIVERGENCES,
    logs=("losses",),
)
@dataclass(frozen=True)
class SFRon(StepMethod):
    """Weighted, masked ascent on forget, repaired by descent on retain, averaged into slow weights."""

    reading: str = "paper"
    steps: int = hyper(1500, "retain steps T (CIFAR-10 10 %: 1500; TinyImageNet: 500)", ge=0)
    schedule: str = hyper(
        "cosine", "learning rate per step: cosine to 0, or constant", choices=("cosine", "constant")
    )
    inner_period: int = hyper(
        5, "k: a forget step comes before every k-th retain step (5; TinyImageNet: 1)", ge=1
    )
    ascent: float = hyper(25.0, "a₀: first factor of the forget loss (25; TinyImageNet: 500)", ge=0)
    ascent_schedule: str = by_reading(
        "how a_t falls; power is (1 − t/T)^ascent_power",
        paper="linear",
        code="cosine",
        choices=("cosine", "linear", "power", "constant"),
    )
    ascent_power: float = hyper(2.0, "exponent of the ascent_schedule power (code 2)", gt=0)
    adaptive: bool = hyper(True, "(F): weight forget samples by ℓ^(−λ); off: all equally")
    adaptivity: float = hyper(0.5, "λ: exponent in the weights of (F) (0.5; TinyImageNet: 0.6)", ge=0)
    normalised_over: str = by_reading(
        "samples over which the weights of (F) are normalised",
        paper="set",
        code="batch",
        choices=("set", "batch"),
    )
    saliency: bool = hyper(
        True, "(S): forget steps change only weights whose ratio reaches γ; off: all weights"
    )
    saliency_ratio: float = hyper(
        1.0, "γ: smallest F(forget)/F(retain) of a weight that may change (1)", ge=0
    )
    fisher: str = by_reading(
        "F is the squared gradient of the whole set, or the mean of the batches' squared gradients",
        paper="set",
        code="batches",
        choices=("set", "batches"),
    )
    fisher_batches: int = hyper(
        0, "batches of each set whose squares F averages, with `fisher: batches` (DiT: 2000); 0: all", ge=0
    )
    mask_clip: float = hyper(0.0, "largest norm of a batch's gradient in F (generators: 1); 0: none", ge=0)
    forget_clip: float = hyper(7.0, "largest gradient norm of a forget step (7); 0 does not clip", ge=0)
    forget_step: str = by_reading(
        "plain changes salient weights only; optimizer shares momentum and decay with the retain steps",
        paper="plain",
        code="optimizer",
        choices=("plain", "optimizer"),
    )
    retain_step: bool = hyper(True, "(R): descend the retain loss; off: forget steps alone")
    online: bool = hyper(True, "(R-on): forget and retain steps in turn; off: (R), one joint step")
    outer_lr: float = hyper(
        1.0, "β: how far slow weights follow the fast ones; 1: completely (released 1)", ge=0, le=1
    )
    outer_after: str = by_reading(
        "when the slow weights follow",
        paper="inner_loop",
        code="retain_step",
        choices=("inner_loop", "retain_step"),
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `steps` retain steps and the forget steps between them."""
        masks = self.mask(model, task) if self.saliency and self.steps else None
        parameters = trainable(model)
        optimizer = self.make_optimizer(model)
        schedule = schedule_over(optimizer, self.schedule, self.steps)
        forget = task.forget.stream(self.batch_size, augmented=self.augmented)
        retain = task.retain.stream(self.batch_size, augmented=self.augmented)
        self.set_mode(model)
        slow, own = [p.detach().clone() for p in parameters], task.progress.own
        own |= {f"slow.{number}": weights for number, weights in enumerate(slow)}
        for step in task.progress.walk(self.steps, model, optimizer, schedule):
            noted = {}
            if step % self.inner_period == 0:
                own["forget_loss"] = self.forget_gradient(model, next(forget), masks, step, task)
                if self.online or not self.retain_step:
                    self.take_forget_step(optimizer, parameters)
                noted = {"forget": own["forget_loss"]}
            losses = {"forget_loss": own["forget_loss"].item()} if self.is_logged(step) else {}
            if self.retain_step:
                retain_loss = task.loss(model, next(retain))
                if self.online or step % self.inner_period:
                    optimizer.zero_grad(set_to_none=True)
                retain_loss.backward()
                optimizer.step()
                if self.online and self.slow_weights_are_due(step):
                    follow(slow, parameters, self.outer_lr)
                noted["retain"] = retain_loss
                losses |= {"retain_loss": retain_loss.item()} if losses else {}
            task.series.step(**noted)
            schedule.step()
            if losses:
                task.log(step + 1, **losses)
        return model

    def is_logged(self, step: int) -> bool:
        """Tell whether the losses of this step are logged: in about ten steps, and in the last one."""
        return (step + 1) % max(1, self.steps // 10) == 0 or step + 1 == self.steps

    def slow_weights_are_due(self, step: int) -> bool:
        """Tell whether slow weights follow after this retain step."""
        ends = (step + 1) % self.inner_period == 0 or step + 1 == self.steps
        return ends or chosen(self, "outer_after") == "retain_step"

    def mask(self, model: nn.Module, task: Task) -> list[Tensor]:
        """Return (S) at the model's current weights, one boolean tensor per trainable parameter."""
        model.eval()
        forget, retain = (self.fisher_of(model, samples, task) for samples in (task.forget, task.retain))
        return ratio_mask(forget, retain, self.saliency_ratio)

    def fisher_of(self, model: nn.Module, samples: GuardedSet, task: Task) -> list[Tensor]:
        """Return F of a set."""
        batches = samples.batches(self.batch_size, augmented=self.augmented)
        if chosen(self, "fisher") == "batches":
            batches = itertools.islice(batches, self.fisher_batches or None)
            losses = (task.mask_loss(model, batch) for batch in batches)
            return squared_gradients(losses, trainable(model), self.mask_clip)
        shares = (task.mask_loss(model, batch) * (len(batch) / len(samples)) for batch in batches)
        return [g.square() for g in summed_gradients(shares, trainable(model), self.mask_clip)]

    def forget_gradient(
        self, model: nn.Module, batch: Batch, masks: list[Tensor] | None, step: int, task: Task
    ) -> Tensor:
        """Set every parameter's gradient to clip(m ⊙ −a_t ∇L_f) of one batch; return L_f."""
        of_set = self.adaptive and chosen(self, "normalised_over") == "set"
        if of_set:
            weights_B = set_weights(model, task, batch, self.adaptivity)
            self.set_mode(model)
        parameters = trainable(model)
        for parameter in parameters:
            parameter.grad = None
        losses_B = task.objective.per_sample_loss(model, batch, task.objective.draw(batch, task.generator))
        if of_set:
            loss = (weights_B * losses_B).mean()
        else:
            loss = adaptive_loss(losses_B, self.adaptivity) if self.adaptive else losses_B.mean()
        factor = self.ascent * decay(chosen(self, "ascent_schedule"), step, self.steps, self.ascent_power)
        (-factor * loss).backward()
        if masks is not None:
            for parameter, mask in zip(parameters, masks, strict=True):
                if parameter.grad is not None:
                    parameter.grad *= mask
        # a step of the optimizer clips by itself: twice would shrink it twice
        by_optimizer = chosen(self, "forget_step") == "optimizer" and 0 < self.clip <= self.forget_clip
        if self.forget_clip and not by_optimizer:
            torch.nn.utils.clip_grad_norm_(parameters, self.forget_clip)
        return loss.detach()

    def take_forget_step(self, optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter]) -> None:
        """Take one descent step along the gradients stored in the parameters."""
        if chosen(self, "forget_step") == "optimizer":
            optimizer.step()
            return
        rate = optimizer.param_groups[0]["lr"]
        with torch.no_grad():
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.sub_(rate * parameter.grad)
        optimizer.zero_grad(set_to_none=True)
        optimizer.step()  # changes nothing; torch demands one before a schedule's first step


def adaptive_loss(losses_B: Tensor, adaptivity: float) -> Tensor:
    """Return Σ_i w_i ℓ_i with w_i ∝ 1/(ℓ_i^λ + 1e-15) and Σ w = 1; no gradient flows through w."""
    weights_B = 1 / (losses_B.detach() ** adaptivity + FLOOR)
    return (weights_B / weights_B.sum() * losses_B).sum()


def set_weights(model: nn.Module, task: Task, batch: Batch, adaptivity: float) -> Tensor:
    """Return N w_i [B] of a forget batch; w is normalised over all N forget samples, at the current weights."""
    index_N, losses_N = sample_losses(model, task, task.forget)
    weights_N = 1 / (losses_N**adaptivity + FLOOR)
    places_B = torch.searchsorted(index_N, batch.index)
    return len(index_N) * weights_N[places_B] / weights_N.sum()


def decay(schedule: str, step: int, steps: int, power: float = 2.0) -> float:
    """Return a_t / a₀ at step 0 … steps − 1."""
    if schedule == "cosine":
        return (1 + math.cos(math.pi * step / steps)) / 2
    return (1 - step / steps) ** {"linear": 1.0, "power": power, "constant": 0.0}[schedule]


@torch.no_grad()
def follow(slow: list[Tensor], parameters: list[nn.Parameter], rate: float) -> None:
    """Set slow weights and parameters both to slow + rate (parameter − slow); rate 1 changes no parameter."""
    for weights, parameter in zip(slow, parameters, strict=True):
        weights.lerp_(parameter, rate)
        parameter.copy_(weights)
