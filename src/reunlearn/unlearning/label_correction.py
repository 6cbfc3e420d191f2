"""What Warnecke et al.'s two methods share: which points change, and the gradient of that change.

    g = Σ_{z̃} ∇ℓ(z̃) − Σ_z ∇ℓ(z)        sums, not means; the model in evaluation mode; last tensors only

z are points as they were learnt, z̃ the same points as they should have been.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, join
from reunlearn.gradients.flat import gradients, trainable
from reunlearn.unlearning.declarations import hyper
from reunlearn.unlearning.last_layers import only
from reunlearn.unlearning.measure import MEASURE_BATCH
from reunlearn.unlearning.task import Task


@dataclass(frozen=True)
class Points:
    """Points that change: each was learnt as `old` [B]; it should be `new` [B], or not be at all where `gone` [B]."""

    batch: Batch
    old: Tensor
    new: Tensor
    gone: Tensor


@dataclass(frozen=True)
class Correction(ABC):
    """Common hyper-parameters of methods that correct labels by a closed-form update."""

    points: str = hyper(
        "scenario",
        "z: training samples predicted wrong (misclassified), the forget set (forget), or misclassified where labels "
        "were flipped and forget elsewhere (scenario)",
        choices=("scenario", "misclassified", "forget"),
    )
    largest: int = hyper(
        1024, "misclassified samples per step, drawn if there are more (released: 1024)", ge=1
    )
    steps: int = hyper(1, "updates, each for points found anew (released: 1)", ge=1)
    last_tensors: int = hyper(6, "parameter tensors that move, from the output (released: 6)", ge=1)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `steps` updates of its last tensors."""
        model.eval()
        parameters = trainable(model)[-self.last_tensors :]
        with only(model, parameters):
            for step in range(self.steps):
                count, change = self.change(model, task, parameters)
                if not count:
                    task.log(step + 1, points=0)
                    continue
                update, facts = self.update(model, task, parameters, change)
                with torch.no_grad():
                    for parameter, part in zip(parameters, update, strict=True):
                        parameter.sub_(part)
                task.log(step + 1, points=count, **facts)
        return model

    @abstractmethod
    def update(
        self, model: nn.Module, task: Task, parameters: list[nn.Parameter], change: list[Tensor]
    ) -> tuple[list[Tensor], dict[str, float]]:
        """Return what is subtracted from the parameters for g = `change`, and numbers for the history."""

    def change(
        self, model: nn.Module, task: Task, parameters: list[nn.Parameter]
    ) -> tuple[int, list[Tensor]]:
        """Return the number of points and g, one tensor per parameter."""
        flipped = task.scenario["kind"] == "label_flip"
        wrong = self.points == "misclassified" or (self.points == "scenario" and flipped)
        total, count = [torch.zeros_like(p) for p in parameters], 0
        for points in misclassified(model, task, self.largest) if wrong else forgotten(task):
            count += len(points.batch)
            learnt = task.objective.per_sample_loss(model, points.batch, points.old)
            right = task.objective.per_sample_loss(model, points.batch, points.new)
            loss = (torch.where(points.gone, torch.zeros_like(right), right) - learnt).sum()
            for accumulated, part in zip(total, gradients(loss, parameters), strict=True):
                accumulated += part
        return count, total


def forgotten(task: Task) -> Iterator[Points]:
    """Yield the forget set: taught wrong, a sample gets its true label; taught right, it goes."""
    for batch in task.forget.batches(MEASURE_BATCH, shuffle=False):
        true_B = task.true_labels(batch)
        yield Points(batch, batch.y, true_B, true_B == batch.y)


def misclassified(model: nn.Module, task: Task, largest: int) -> Iterator[Points]:
    """Yield the training samples whose prediction is not the true label: learnt as predicted, to be as true.

    At most `largest` of them, drawn if there are more.
    """
    rows_M, predicted_M = wrong_rows(model, task)
    if len(rows_M) > largest:
        drawn = torch.randperm(len(rows_M), generator=task.generator)[:largest].sort().values
        rows_M, predicted_M = rows_M[drawn], predicted_M[drawn]  # in order, as take_training gives them back
    for rows_B, predicted_B in zip(
        rows_M.split(MEASURE_BATCH), predicted_M.split(MEASURE_BATCH), strict=True
    ):
        if len(rows_B):
            batch = take_training(task, rows_B)
            true_B = task.true_labels(batch)
            yield Points(
                batch, predicted_B.to(task.device), true_B, torch.zeros_like(true_B, dtype=torch.bool)
            )


@torch.no_grad()
def wrong_rows(model: nn.Module, task: Task) -> tuple[Tensor, Tensor]:
    """Return rows [M] of forget and retain together (forget first) that are predicted wrong, and as what [M]."""
    first, rows, predicted = 0, [], []
    for samples in (task.forget, task.retain):
        for batch in samples.batches(MEASURE_BATCH, shuffle=False):
            guess_B = task.objective.outputs(model, batch).argmax(dim=1)
            wrong_B = guess_B != task.true_labels(batch)
            rows.append(first + wrong_B.nonzero()[:, 0].cpu())
            predicted.append(guess_B[wrong_B].cpu())
            first += len(batch)
    return torch.cat(rows), torch.cat(predicted)


def take_training(task: Task, rows: Tensor) -> Batch:
    """Return samples of forget and retain together, by rows of wrong_rows, forget first; otherwise in this order."""
    first = len(task.forget)
    inside, outside = rows[rows < first], rows[rows >= first] - first
    if not len(outside):
        return task.forget.take(inside)
    if not len(inside):
        return task.retain.take(outside)
    return join(task.forget.take(inside), task.retain.take(outside))
