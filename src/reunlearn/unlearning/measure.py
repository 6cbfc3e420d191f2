"""What methods measure of a declared set on the way, in large batches and without gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reunlearn.unlearning.task import GuardedSet, Task

MEASURE_BATCH = 1000


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
    for batch in samples.batches(MEASURE_BATCH, shuffle=False):
        losses_B = task.objective.per_sample_loss(model, batch, task.objective.draw(batch, task.generator))
        if classes is not None:
            losses_B = losses_B[torch.isin(batch.y, classes)]
        total, count = total + losses_B.sum(), count + len(losses_B)
    if not count:
        wanted = "" if classes is None else f" of the classes {classes.tolist()}"
        raise ValueError(f"the {samples.name} set has no sample{wanted}")
    return total / count


@torch.no_grad()
def accuracy(model: nn.Module, task: Task, samples: GuardedSet) -> float:
    """Return the share of samples whose largest output is the label's; the model stays in evaluation mode."""
    model.eval()
    right = torch.zeros((), dtype=torch.int64, device=task.device)
    for batch in samples.batches(MEASURE_BATCH, shuffle=False):
        right += (task.objective.outputs(model, batch).argmax(dim=1) == batch.y).sum()
    return int(right) / len(samples)
