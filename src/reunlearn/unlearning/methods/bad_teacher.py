"""Learn from an incompetent teacher on the forget set, and from the original on the retain set.

    θ ← θ − η ∇ mean over a batch of KL(softmax(t(x)/T) ‖ softmax(f_θ(x)/T))
    t = a randomly initialised network where x ∈ forget,   the original where x ∈ a part of retain

Chundawat et al. 2023 (Bad Teaching, also "blindspot"), Eq. 3–5; baseline of GDR-GMA. Sees: forget, and `share`
of retain, drawn once per run. Released: T = 1, Adam at 1e-4, 1 epoch, batches of 256, both parts shuffled
together, no augmentation; the result is not multiplied by T². A random network in evaluation mode with
untouched BatchNorm statistics has almost uniform outputs. The released code never sets the mode of the student; a
newly built network is in training mode (`student_mode`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, join
from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.distillation import divergence, frozen
from reunlearn.unlearning.epoch_order import epoch_rows
from reunlearn.unlearning.fresh_network import fresh_like
from reunlearn.unlearning.gradient import GradientMethod, descend
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

DIVERGENCES = (
    Divergence(
        "Eq. 5",
        "the divergence of a sample is the sum over classes",
        "the sum is divided by the number of classes (the default reduction), which for SGD makes the rate smaller",
    ),
)


@method(
    paper="Chundawat et al. 2023 (Bad Teaching), Eq. 3–5; baseline of GDR-GMA",
    needs=Needs(forget=True, retain=True),
    divergences=DIVERGENCES,
    capabilities=("outputs",),
    logs=("losses",),
)
@dataclass(frozen=True)
class BadTeacher(GradientMethod):
    """Imitate a random network on the forget set and the original on part of the retain set."""

    reading: str = "paper"
    epochs: int = hyper(1, "passes over forget and the part of retain (released 1)", ge=0)
    learning_rate: float = hyper(1e-4, "learning rate of the optimizer (released 1e-4)", gt=0)
    batch_size: int = hyper(256, "samples per batch (released 256)", ge=1)
    optimizer: str = hyper(
        "adam", "sgd (with momentum), adam (released) or adamw", choices=("sgd", "adam", "adamw")
    )
    weight_decay: float = hyper(0.0, "weight decay of the optimizer (released 0)", ge=0)
    augmented: bool = hyper(False, "batches are augmented as in training (released: no)")
    share: float = hyper(0.3, "share of the retain set that is used (released 0.3)", ge=0, le=1)
    redraw: str = hyper(
        "once", "draw that share once (released), or again in each epoch", choices=("once", "epoch")
    )
    temperature: float = hyper(1.0, "T: temperature of the softmax (released 1)", gt=0)
    student_mode: str = hyper(
        "train", "training mode, BatchNorm as `bn_mode` says (released), or eval", choices=("train", "eval")
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the student after `epochs` passes."""
        good, bad = frozen(model), frozen(fresh_like(model, task))
        optimizer = self.make_optimizer(model)
        used_M = self.part(task)
        for epoch in self.passes(model, optimizer, task):
            if epoch and self.redraw == "epoch":
                used_M = self.part(task)
            for forget, retain in self.batches(task, used_M):
                with torch.no_grad():
                    taught = ((bad, forget), (good, retain))
                    logits = [task.objective.outputs(t, batch) for t, batch in taught if len(batch)]
                student_BK = task.objective.outputs(model, join(forget, retain))
                distances_B = divergence(torch.cat(logits), student_BK, self.temperature)
                descend(optimizer, loss := self.loss(distances_B, task.classes))
                at = len(forget)
                task.series.step(wrong_label=distances_B[:at], retain=distances_B[at:])
            task.log(epoch + 1, loss=loss.item())
        return model

    def set_mode(self, model: nn.Module) -> None:
        """Put the student in its mode."""
        if self.student_mode == "eval":
            model.eval()
        else:
            super().set_mode(model)

    def part(self, task: Task) -> Tensor:
        """Return the rows [M] of the retain samples to be used, M = ⌊share · |retain|⌋."""
        count = len(task.retain)
        return torch.randperm(count, generator=task.generator)[: int(self.share * count)]

    def batches(self, task: Task, used_M: Tensor) -> Iterator[tuple[Batch, Batch]]:
        """Yield one epoch: each batch as its forget samples and its retain samples; one of them may be empty."""
        pairs = epoch_rows(len(task.forget), len(used_M), self.batch_size, "shuffled", task.generator)
        for forget_rows, rows in pairs:
            forget = task.forget.take(forget_rows, self.augmented)
            yield forget, task.retain.take(used_M[rows], self.augmented)

    def loss(self, distances_B: Tensor, classes: int) -> Tensor:
        """Return the mean divergence of a batch, in the code reading divided by the number of classes."""
        mean = distances_B.mean()
        return mean / classes if self.reading == "code" else mean
