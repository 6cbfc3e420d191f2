"""Raise the forget loss to the loss of unseen samples, and not further, while fine-tuning on the retain set.

    L = α max(0, L_v − CE(θ; forget batch))² + (1 − α) CE(θ; retain batch)
    L_v = mean loss of held-out samples, a constant         α falls linearly from α₀ to 0 over the steps

∇τ, Eq. 2 and 3, Algorithm 1, Table 6. Sees: forget, retain, validation (one mean only). No code was released, so
there is one reading. Where the paper contradicts itself, a field offers both values; the default is the first:

    field                 values                                    where
    square                outside (of the ReLU) | inside            Eq. 2 | Algorithm 1: also pulls L_f down to L_v
    alpha_per             step | forget_epoch                       text and Table 6 | Algorithm 1
    duration              epochs (6 on retain) | tenth              appendix | Sec. 5.3: of the steps of retraining

Where the paper does not say:
- L_v is computed once, at θ₀; `recompute_every` is Algorithm 1's c, in passes over forget.
- L_v is computed over the classes of the forget set. In random removal these are all classes; in class removal L_v
  over the other classes would be near zero and nothing would be forgotten. `validation_classes: all` reads
  Eq. 2 literally.
- Both decays reach their end in the last step, or the last forget epoch. BatchNorm in training mode, augmented
  batches. α₀ above 1 is set to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.training.schedules import schedule_over
from reunlearn.unlearning.class_labels import labels_in
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.measure import mean_loss
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="∇τ, Eq. 2, Algorithm 1",
    needs=Needs(forget=True, retain=True, validation=True, recipe={"duration": ["tenth"]}),
    logs=("losses", "lambda"),
)
@dataclass(frozen=True)
class NablaTau(GradientMethod):
    """Raise the forget loss to that of held-out samples while fine-tuning on the retain set."""

    epochs: int = hyper(6, "passes over the retain set (paper 6)", ge=0)
    learning_rate: float = hyper(
        1e-3, "learning rate of the optimizer at the first step (paper 1e-3; GoEmotions 3e-4)", gt=0
    )
    batch_size: int = hyper(256, "samples per batch of both sets (paper 256; GoEmotions 128)", ge=1)
    optimizer: str = hyper(
        "adamw", "sgd (with momentum), adam or adamw (paper)", choices=("sgd", "adam", "adamw")
    )
    weight_decay: float = hyper(0.01, "weight decay of the optimizer (paper 0.01)", ge=0)
    schedule: str = hyper(
        "linear",
        "schedule of the learning rate, per step; linear falls to a tenth (paper)",
        choices=("constant", "cosine", "linear"),
    )
    alpha: float = hyper(5 / 3, "first weight α₀ of the forget term; see alpha_scaled (paper 5/3)", ge=0)
    alpha_scaled: bool = hyper(
        True, "α₀ is alpha · |forget|/|train| (paper); off: α₀ is alpha (GoEmotions: 0.5)"
    )
    validation_classes: str = hyper(
        "forget",
        "L_v is the mean over held-out samples of the forget set's classes, or of all",
        choices=("forget", "all"),
    )
    square: str = hyper(
        "outside", "max(0, L_v − L_f)² (Eq. 2), or max(0, (L_v − L_f)²)", choices=("outside", "inside")
    )
    alpha_per: str = hyper(
        "step",
        "α falls in every step (text of the paper), or after each pass over forget",
        choices=("step", "forget_epoch"),
    )
    duration: str = hyper(
        "epochs",
        "as long as `epochs` says, or for a tenth of the steps of retraining (Sec. 5.3)",
        choices=("epochs", "tenth"),
    )
    recompute_every: int = hyper(
        0, "passes over forget after which L_v is computed again; 0: computed only once", ge=0
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the retain set, with a forget batch in each step."""
        optimizer = self.make_optimizer(model)
        steps_per_epoch, pass_steps = (s.steps(self.batch_size) for s in (task.retain, task.forget))
        steps = self.steps(task)
        schedule = schedule_over(optimizer, self.schedule, steps, end=0.1)
        first_weight = self.first_weight(len(task.forget), len(task.retain))
        classes = labels_in(task.forget).unique() if self.validation_classes == "forget" else None
        forget = task.forget.stream(self.batch_size, augmented=self.augmented)
        retain = task.retain.stream(self.batch_size, augmented=self.augmented)

        def losses(
            of_forget: Batch, of_retain: Batch, target: Tensor, weight: Tensor, rest: Tensor
        ) -> tuple[Tensor, ...]:
            forget_loss, retain_loss = task.loss(model, of_forget), task.loss(model, of_retain)
            term = self.term(forget_loss, target)
            loss = weight.to(term) * term + rest.to(retain_loss) * retain_loss
            return loss, forget_loss, retain_loss

        take = task.steps(model, optimizer, losses)
        for step in task.progress.walk(steps, model, optimizer, schedule):
            if self.target_is_due(step, pass_steps):
                task.progress.own["target"] = mean_loss(model, task, task.validation, classes)
                self.set_mode(model)
            target = task.progress.own["target"]
            weight = first_weight * self.remaining(step, steps, pass_steps)
            weights = task.number(weight), task.number(1 - weight)
            _, forget_loss, retain_loss = take(next(forget), next(retain), target, *weights)
            schedule.step()
            task.series.step(forget=forget_loss, retain=retain_loss, weight=weight)
            if (step + 1) % steps_per_epoch == 0 or step + 1 == steps:
                ended = {"forget_loss": forget_loss.item(), "retain_loss": retain_loss.item()}
                task.log(-(-(step + 1) // steps_per_epoch), **ended, target=target.item(), weight=weight)
        return model

    def term(self, forget_loss: Tensor, target: Tensor) -> Tensor:
        """Return the forget term of L, without its weight."""
        return shortfall(forget_loss, target) if self.square == "outside" else distance(forget_loss, target)

    def steps(self, task: Task) -> int:
        """Return the number of optimizer steps."""
        if self.duration == "epochs":
            return self.epochs * task.retain.steps(self.batch_size)
        retraining = task.recipe.retrain_epochs or task.recipe.epochs
        return retraining * task.retain.steps(task.recipe.batch_size) // 10

    def remaining(self, step: int, steps: int, pass_steps: int) -> float:
        """Return α / α₀ at step 0 … steps − 1: it falls from 1 to 0; if α has one value only, it is 1."""
        if self.alpha_per == "step":
            return 1 - step / max(1, steps - 1)
        return 1 - (step // pass_steps) / max(1, (steps - 1) // pass_steps)

    def first_weight(self, forget: int, retain: int) -> float:
        """Return α₀ for sets of these sizes."""
        return min(1.0, self.alpha * (forget / (forget + retain) if self.alpha_scaled else 1.0))

    def target_is_due(self, step: int, forget_steps: int) -> bool:
        """Tell whether L_v is computed before this step."""
        if not self.recompute_every:
            return step == 0
        return step % (self.recompute_every * forget_steps) == 0


def shortfall(forget_loss: Tensor, target: Tensor) -> Tensor:
    """Return max(0, L_v − L_f)²; its gradient is zero once the forget loss has reached the target."""
    return torch.relu(target - forget_loss).square()


def distance(forget_loss: Tensor, target: Tensor) -> Tensor:
    """Return (L_v − L_f)², as Algorithm 1 is printed: its ReLU comes after the square and has no effect."""
    return (target - forget_loss).square()
