"""SCRUB: move away from the original's outputs on the forget set, stay near them on the retain set, in turns.

    in each of the first `msteps` epochs, per forget batch:   θ ← θ + η ∇ T² KL(p_T(θ₀) ‖ p_T(θ))
    then in every epoch, per retain batch:                    θ ← θ − η ∇[γ CE(θ) + α T² KL(p_T(θ₀) ‖ p_T(θ))]

p_T is the softmax of logits divided by T, KL the mean over a batch. +R (`rewind`) returns one of the models after each
epoch: the one whose forget error is nearest to the last model's error on held-out samples of the forgotten classes,
so that an attacker cannot tell the two errors apart; if several are equally near, the first.

Kurmanji et al. 2023, Eq. 3, both algorithms. Sees: forget, retain; validation only with `rewind`. The paper's
distance has no temperature (T = 1). The teacher θ₀ stays in evaluation mode; the student, and its BatchNorm,
are in training mode, though the released models were trained with frozen BatchNorm (`bn_mode: eval`).
Released: no augmentation, one optimizer for both kinds of step; the settings are in the presets. `rewind` never
returns the original, epoch 0: the released search looks at it but keeps no file of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LRScheduler

from reunlearn.base.prefixes import below
from reunlearn.data.batches import Batch
from reunlearn.training.schedules import schedule_over
from reunlearn.unlearning.class_labels import labels_in
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.distillation import divergence, frozen
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.measure import accuracy
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

MILESTONES = {"steps_3_5_9": (3, 5, 9), "steps_5_8_9": (5, 8, 9)}


@method(
    paper="SCRUB (Kurmanji et al. 2023), Eq. 3",
    needs=Needs(forget=True, retain=True, validation={"rewind": [True]}),
    capabilities=("outputs",),
    logs=("losses",),
)
@dataclass(frozen=True)
class SCRUB(GradientMethod):
    """Move away from the original's outputs on forget, stay near them on retain."""

    epochs: int = hyper(3, "passes over the retain set (released 3, 5 or 10)", ge=0)
    msteps: int = hyper(
        2, "number of first epochs that begin with a pass over forget (released 2 or 3)", ge=0
    )
    learning_rate: float = hyper(5e-4, "learning rate of the optimizer (released 5e-4)", gt=0)
    batch_size: int = hyper(256, "retain samples per batch (released 256 or 32)", ge=1)
    forget_batch_size: int = hyper(512, "forget samples per batch (released 512, 64 or 16)", ge=1)
    gamma: float = hyper(0.99, "γ: weight of the cross-entropy (released 0.99 or 1)", ge=0)
    alpha: float = hyper(0.001, "α: weight of the divergence on retain (released 0.001 or 0.5)", ge=0)
    temperature: float = hyper(4.0, "T: temperature of the softmax (released 4 or 2)", gt=0)
    augmented: bool = hyper(False, "batches are augmented as in training (released: no)")
    schedule: str = hyper(
        "steps_3_5_9",
        "learning rate per epoch: constant, or divided by ten after each of these epochs (released)",
        choices=("constant", *MILESTONES),
    )
    rewind: bool = hyper(False, "+R: return the epoch whose forget error is nearest to the held-out error")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model of the last epoch, or of the one rewound to."""
        teacher = frozen(model)
        optimizer = self.make_optimizer(model)
        move_away = task.steps(model, optimizer, lambda batch: -self.distance(teacher, model, batch, task))
        stay_near = task.steps(model, optimizer, lambda batch: self.retain_loss(teacher, model, batch, task))
        for epoch in self.passes(model, optimizer, task):
            if epoch < self.msteps:
                for batch in task.forget.batches(self.forget_batch_size, augmented=self.augmented):
                    (opposite,) = move_away(batch)
                    task.series.step(forget=-opposite)
            for batch in task.retain.batches(self.batch_size, augmented=self.augmented):
                (loss,) = stay_near(batch)
                task.series.step(retain=loss)
            task.log(epoch + 1, retain_loss=loss.item())
            if self.rewind:
                keep_epoch(model, epoch, task)
        if self.rewind and self.epochs:
            rewind(model, self.epochs, task)
        return model

    def make_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """Return the schedule, stepped after each epoch."""
        if self.schedule == "constant":
            return super().make_schedule(optimizer)
        return schedule_over(optimizer, "multistep", self.epochs, milestones=MILESTONES[self.schedule])

    def distance(self, teacher: nn.Module, model: nn.Module, batch: Batch, task: Task) -> Tensor:
        """Return T² KL(teacher ‖ student), the mean over a batch."""
        return self.divergence(teacher, task.objective.outputs(model, batch), batch, task)

    def divergence(self, teacher: nn.Module, student_BK: Tensor, batch: Batch, task: Task) -> Tensor:
        """Return the same from the outputs of the student."""
        with torch.no_grad():
            teacher_BK = task.objective.outputs(teacher, batch)
        return self.temperature**2 * divergence(teacher_BK, student_BK, self.temperature).mean()

    def retain_loss(self, teacher: nn.Module, model: nn.Module, batch: Batch, task: Task) -> Tensor:
        """Return γ CE + α T² KL of a retain batch, from one pass through the student."""
        student_BK = task.objective.outputs(model, batch)
        truth_B = task.objective.draw(batch, task.generator)
        distance = self.divergence(teacher, student_BK, batch, task)
        return self.gamma * functional.cross_entropy(student_BK, truth_B) + self.alpha * distance


def keep_epoch(model: nn.Module, epoch: int, task: Task) -> None:
    """Keep the weights of an epoch, and its forget error, with the progress."""
    error = torch.tensor(1 - accuracy(model, task, task.forget), dtype=torch.float64)
    task.progress.own[f"error.{epoch}"] = error
    weights = {f"epoch{epoch}.{name}": value.clone() for name, value in model.state_dict().items()}
    task.progress.own |= weights


def rewind(model: nn.Module, epochs: int, task: Task) -> None:
    """Load the epoch whose forget error is nearest to the current held-out error of the model."""
    forgotten = labels_in(task.forget).unique()
    wanted = 1 - accuracy(model, task, task.validation, forgotten)
    own = task.progress.own
    errors = [float(own[f"error.{epoch}"]) for epoch in range(epochs)]
    distances = [abs(error - wanted) for error in errors]
    chosen = distances.index(min(distances))
    task.log(epochs, held_out_error=wanted, rewound_to=chosen + 1)
    model.load_state_dict(below(own, f"epoch{chosen}."))
