"""What methods that teach wrong labels on the forget set share: which labels, when drawn, in which order.

Each sample comes once per epoch, so labels drawn anew for each batch and labels drawn anew for each epoch are
the same thing: `redraw` knows once and epoch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, join
from reunlearn.unlearning.declarations import Divergence, hyper
from reunlearn.unlearning.epoch_order import ORDERS, epoch_rows
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.task import Task

RULES = ("other_label", "random_label", "next_label", "hundredth_next_label")
RULE = (
    "uniform over all classes but the true one, or over all (random_label), or the class after it (next_label), or the "
    "hundredth after it"
)
LABELS = "labels"  # where the method's progress has them
ORDER = "batches mix both sets (shuffled); an epoch begins with forget; batches hold as many of both (paired)"
RELABELLING = (
    Divergence("label rule", "ỹ ≠ y, uniform over the other classes", "uniform over all classes, y included"),
    Divergence("relabelled set", "ỹ is drawn once", "ỹ is drawn anew in each epoch"),
    Divergence(
        "order of an epoch",
        "both sets are one, in a random order",
        "forget, then retain (CIFAR-10, SVHN); as one (CIFAR-100, TinyImageNet)",
    ),
)


@dataclass(frozen=True)
class Relabelling(GradientMethod):
    """Common hyper-parameters of methods that relabel the forget set."""

    label_rule: str = hyper("other_label", RULE, choices=RULES)
    redraw: str = hyper("once", "labels are drawn once, or anew in each epoch", choices=("once", "epoch"))
    order: str = hyper("shuffled", ORDER, choices=ORDERS)
    retain_weight: float = hyper(
        1.0, "paired batches: weight of the retain samples' mean loss beside that of the forget samples", ge=0
    )

    def epoch_batches(self, task: Task, labels: Labels) -> Iterator[tuple[Batch, Any, int]]:
        """Yield one epoch over forget and retain: each batch with the draw to learn, wrong on its first samples, those
        of forget; and the number of these."""
        if chosen(self, "redraw") == "epoch":
            labels.clear()
        sizes, order = (len(task.forget), len(task.retain)), chosen(self, "order")
        for forget_rows, retain_rows in epoch_rows(*sizes, self.batch_size, order, task.generator):
            forget = task.forget.take(forget_rows, self.augmented)
            retain = task.retain.take(retain_rows, self.augmented)
            wrong = labels.of(forget)
            batch = join(forget, retain)
            draw = task.objective.draw(batch, task.generator, torch.cat((wrong, retain.y)))
            yield batch, draw, len(forget)

    def teach(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        labels: Labels,
        task: Task,
        move: Callable[[], Any] | None = None,
    ) -> None:
        """Take `epochs` passes over both sets; `move`: see Task.steps."""
        step = task.steps(model, optimizer, functools.partial(self.losses, model, task), move)
        for epoch in self.passes(model, optimizer, task):
            for batch, draw, forget in self.epoch_batches(task, labels):
                loss, losses_B = step(batch, draw)
                task.series.step(wrong_label=losses_B[:forget], retain=losses_B[forget:])
            task.log(epoch + 1, loss=loss.item())

    def losses(self, model: nn.Module, task: Task, batch: Batch, draw: Any) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch of both sets, and that of each sample [B]."""
        losses_B = task.objective.per_sample_loss(model, batch, draw)
        if chosen(self, "order") == "paired":
            forget, retain = losses_B.chunk(2)
            return forget.mean() + self.retain_weight * retain.mean(), losses_B
        return losses_B.mean(), losses_B


@dataclass(frozen=True)
class RelabellingReadings(Relabelling):
    """The same, for methods whose papers and released code differ in it (RELABELLING)."""

    reading: str = "paper"
    label_rule: str = by_reading(
        RULE,
        paper="other_label",
        code="random_label",
        choices=RULES,
    )
    redraw: str = by_reading(
        "labels are drawn once, or anew in each epoch", paper="once", code="epoch", choices=("once", "epoch")
    )
    order: str = by_reading(
        ORDER,
        paper="shuffled",
        code="forget_first",
        choices=ORDERS,
    )


class Labels:
    """The wrong labels of the forget set: drawn when a sample is first met, the same until cleared.

    They are kept with the method's progress, by index into the training set; −1 is not drawn yet.
    """

    def __init__(self, task: Task, rule: str) -> None:
        self._task, self._rule = task, rule
        self.clear()

    def clear(self) -> None:
        """Forget all labels: the next use draws new ones."""
        self._task.progress.own[LABELS] = torch.empty(0, dtype=torch.int64)

    def of(self, batch: Batch) -> Tensor:
        """Return the labels [B] of a batch of the forget set."""
        if not len(batch):
            return batch.y
        index_B, held_I = batch.index, self._task.progress.own[LABELS].to(batch.y.device)
        more = max(0, int(index_B.max()) + 1 - len(held_I))
        labels_I = torch.nn.functional.pad(held_I, (0, more), value=-1)
        new_B = labels_I[index_B] < 0
        if bool(new_B.any()):
            drawn_B = self._task.objective.forget_target(batch, self._rule, self._task.generator)
            labels_I[index_B[new_B]] = drawn_B[new_B]
        self._task.progress.own[LABELS] = labels_I
        return labels_I[index_B]
