"""What Warnecke et al.'s two methods share: which samples change, and the gradient of that change.

    g = Σ_{z̃} ∇ℓ(z̃) − Σ_z ∇ℓ(z)        sums, not means; the model in evaluation mode; last tensors only

z are training samples with the labels that were learnt, z̃ the same samples with the labels that they should have.
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
from reunlearn.unlearning.last_layers import gradients_only_for
from reunlearn.unlearning.task import Task


@dataclass(frozen=True)
class Points:
    """Samples whose labels change from `old` [B] to `new` [B]; where `gone` [B], the sample is removed instead."""

    batch: Batch
    old: Tensor
    new: Tensor
    gone: Tensor


@dataclass(frozen=True)
class Correction(ABC):
    """Common hyper-parameters of methods that correct labels by a closed-form update."""

    points: str = hyper(
        "scenario",
        "the samples z: all training samples that are predicted wrong (misclassified), the forget set (forget), or "
        "misclassified in scenarios with flipped labels and forget in the others (scenario)",
        choices=("scenario", "misclassified", "forget"),
    )
    largest: int = hyper(
        1024, "most misclassified samples per step, drawn at random if there are more (released: 1024)", ge=1
    )
    steps: int = hyper(1, "number of updates; the samples z are searched again for each (released: 1)", ge=1)
    last_tensors: int = hyper(6, "parameter tensors that change, counted from the output (released: 6)", ge=1)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `steps` updates of its last tensors."""
        model.eval()
        parameters = trainable(model)[-self.last_tensors :]
        with gradients_only_for(model, parameters):
            for step in task.progress.walk(self.steps, model):
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
        """Return what to subtract from the parameters, given g as `change`, and numbers for the history."""

    def change(
        self, model: nn.Module, task: Task, parameters: list[nn.Parameter]
    ) -> tuple[int, list[Tensor]]:
        """Return the number of points and g, one tensor per parameter."""
        poisoned = self.points == "scenario" and task.scenario.POISONS
        wrong = self.points == "misclassified" or poisoned
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
    """Yield the forget set: a sample with a wrong label gets its true label, one with the right label is removed."""
    for batch in task.forget.batches(task.forget.large_batch, shuffle=False):
        true_B = task.true_labels(batch)
        yield Points(batch, batch.y, true_B, true_B == batch.y)


def misclassified(model: nn.Module, task: Task, largest: int) -> Iterator[Points]:
    """Yield the training samples with a wrong prediction: `old` is the prediction, `new` the true label.

    At most `largest` samples; they are drawn at random if there are more.
    """
    rows_M, predicted_M = wrong_rows(model, task)
    if len(rows_M) > largest:
        drawn = torch.randperm(len(rows_M), generator=task.generator)[:largest].sort().values
        # in ascending order: take_training returns forget rows first
        rows_M, predicted_M = rows_M[drawn], predicted_M[drawn]
    size = task.retain.large_batch
    for rows_B, predicted_B in zip(rows_M.split(size), predicted_M.split(size), strict=True):
        if len(rows_B):
            batch = take_training(task, rows_B)
            true_B = task.true_labels(batch)
            yield Points(
                batch, predicted_B.to(task.device), true_B, torch.zeros_like(true_B, dtype=torch.bool)
            )


@torch.no_grad()
def wrong_rows(model: nn.Module, task: Task) -> tuple[Tensor, Tensor]:
    """Return the rows [M] of wrongly predicted samples, counted over forget, then retain; and the predictions [M]."""
    first, rows, predicted = 0, [], []
    for samples in (task.forget, task.retain):
        for batch in samples.batches(samples.large_batch, shuffle=False):
            guess_B = task.objective.outputs(model, batch).argmax(dim=1)
            wrong_B = guess_B != task.true_labels(batch)
            rows.append(first + wrong_B.nonzero()[:, 0].cpu())
            predicted.append(guess_B[wrong_B].cpu())
            first += len(batch)
    return torch.cat(rows), torch.cat(predicted)


def take_training(task: Task, rows: Tensor) -> Batch:
    """Return the samples of these rows (see wrong_rows) as one batch: those of forget first, then those of retain."""
    first = len(task.forget)
    inside, outside = rows[rows < first], rows[rows >= first] - first
    if not len(outside):
        return task.forget.take(inside)
    if not len(inside):
        return task.retain.take(outside)
    return join(task.forget.take(inside), task.retain.take(outside))
