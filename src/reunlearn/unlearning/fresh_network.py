"""A network that knows nothing: the original's architecture and precision, freshly initialised."""

from __future__ import annotations

import torch
from torch import nn

from reunlearn.unlearning.task import Task


def fresh_like(model: nn.Module, task: Task) -> nn.Module:
    """Return a fresh network in the precision of `model`; its seed is drawn from the task's randomness."""
    seed = int(torch.randint(2**31 - 1, (), generator=task.generator))
    return task.fresh_model(seed).to(next(model.parameters()).dtype)
