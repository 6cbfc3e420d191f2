"""What methods that teach wrong labels on the forget set share: which labels, when drawn, in which order.

Each sample comes once per epoch, so labels drawn anew for each batch and labels drawn anew for each epoch are
the same thing: `redraw` knows once and epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from reunlearn.data.batches import Batch, join
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.mixture import ORDERS, epoch_rows
from reunlearn.unlearning.needs import hyper
from reunlearn.unlearning.task import Task

RULES = ("other_label", "random_label")


@dataclass(frozen=True)
class Relabelling(GradientMethod):
    """Common hyper-parameters of methods that relabel the forget set."""

    label_rule: str = hyper(
        "other_label", "uniform over all classes but the true one, or over all (random_label)", choices=RULES
    )
    redraw: str = hyper("once", "labels are drawn once, or anew in each epoch", choices=("once", "epoch"))
    order: str = hyper(
        "shuffled", "batches mix both sets (shuffled), or an epoch begins with forget", choices=ORDERS
    )

    def epoch_batches(self, task: Task, labels: Labels) -> Iterator[tuple[Batch, Tensor]]:
        """Yield one epoch over forget and retain: each batch with the draw to learn, wrong on forget."""
        if self.redraw == "epoch":
            labels.clear()
        pairs = epoch_rows(len(task.forget), len(task.retain), self.batch_size, self.order, task.generator)
        for forget_rows, retain_rows in pairs:
            forget = task.forget.take(forget_rows, self.augmented)
            retain = task.retain.take(retain_rows, self.augmented)
            wrong = labels.of(forget_rows, forget)
            truth = task.objective.draw(retain, task.generator)
            yield join(forget, retain), torch.cat((wrong, truth))


class Labels:
    """The wrong labels of the forget set: drawn when a sample is first met, the same until cleared."""

    def __init__(self, task: Task, rule: str) -> None:
        self._task, self._rule = task, rule
        self.clear()

    def clear(self) -> None:
        """Forget all labels: the next use draws new ones."""
        self._known_N = torch.zeros(len(self._task.forget), dtype=torch.bool)
        self._labels_N: Tensor | None = None

    def of(self, rows: Tensor, batch: Batch) -> Tensor:
        """Return the labels [B] of a batch of the forget set that was taken at `rows`."""
        if self._labels_N is None or not bool(self._known_N[rows].all()):
            drawn = self._task.objective.forget_target(batch, self._rule, self._task.generator)
            if self._labels_N is None:
                self._labels_N = drawn.new_zeros(len(self._known_N))
            self._labels_N[rows.to(drawn.device)] = drawn
            self._known_N[rows] = True
        return self._labels_N[rows.to(self._labels_N.device)]
