"""What methods measure of a declared set on the way, in large batches and without gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reunlearn.unlearning.task import GuardedSet, Task


@torch.no_grad()
def mean_loss(model: nn.Module, task: Task, samples: GuardedSet, classes: Tensor | None = None) -> Tensor:
    """Return the mean loss of the samples, not augmented, the model in evaluation mode, where it stays.

    Args:
        model: is measured.
        task: gives objective and randomness.
        samples: a declared set; counted as drawn.
        classes: count only samples with these labels; None counts all.

    Raises:
        ValueError: there is no such sample.
    """
    model.eval()
    total, count = torch.zeros((), device=task.device), 0
    for batch in samples.batches(samples.large_batch, shuffle=False):
        losses_B = task.objective.per_sample_loss(model, batch, task.objective.draw(batch, task.generator))
        if classes is not None:
            losses_B = losses_B[torch.isin(batch.y, classes)]
        total, count = total + losses_B.sum(), count + len(losses_B)
    if not count:
        raise ValueError(f"the {samples.name} set has no sample{of_classes(classes)}")
    return total / count


@torch.no_grad()
def sample_losses(model: nn.Module, task: Task, samples: GuardedSet) -> tuple[Tensor, Tensor]:
    """Return index [N], ascending, and loss [N] of every sample of a declared set; see mean_loss."""
    model.eval()
    indices, losses = [], []
    for batch in samples.batches(samples.large_batch, shuffle=False):
        draw = task.objective.draw(batch, task.generator)
        losses.append(task.objective.per_sample_loss(model, batch, draw))
        indices.append(batch.index)
    index_N, order_N = torch.cat(indices).sort()
    return index_N, torch.cat(losses)[order_N]


@torch.no_grad()
def accuracy(model: nn.Module, task: Task, samples: GuardedSet, classes: Tensor | None = None) -> float:
    """Return the share of samples whose largest output is the label's; see mean_loss."""
    model.eval()
    right, count = torch.zeros((), dtype=torch.int64, device=task.device), 0
    for batch in samples.batches(samples.large_batch, shuffle=False):
        right_B = task.objective.outputs(model, batch).argmax(dim=1) == batch.y
        if classes is not None:
            right_B = right_B[torch.isin(batch.y, classes)]
        right, count = right + right_B.sum(), count + len(right_B)
    if not count:
        raise ValueError(f"the {samples.name} set has no sample{of_classes(classes)}")
    return int(right) / count


def of_classes(classes: Tensor | None) -> str:
    """Return words for a message about samples of these classes, or of any."""
    return "" if classes is None else f" of the classes {classes.tolist()}"
