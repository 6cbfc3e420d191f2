"""A freshly initialised network with the original's architecture and precision."""

from __future__ import annotations

import torch
from torch import nn

from reunlearn.unlearning.task import Task


def fresh_like(model: nn.Module, task: Task) -> nn.Module:
    """Return a fresh network in the precision of `model`; its seed is drawn from `task.generator`."""
    seed = int(torch.randint(2**31 - 1, (), generator=task.generator))
    return task.fresh_model(seed).to(next(model.parameters()).dtype)
