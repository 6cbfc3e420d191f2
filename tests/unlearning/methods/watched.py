"""Runs with a recorder of every pass through a model: for methods that ask for outputs, fresh models, recipes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.study.methods import fill, holds
from reunlearn.unlearning.registry import card
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make
from tests.unlearning.methods.small import CLASSES, PLAIN, Recorder, make_sets


@dataclass(frozen=True)
class Passed:
    """One batch that went through a model."""

    batch: Batch
    model: nn.Module
    training: bool  # the mode of the model
    learning: bool  # gradients were on


class Watcher(Recorder):
    """Cross-entropy that also keeps which outputs it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[Passed] = []

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        self.passed.append(Passed(batch, model, model.training, torch.is_grad_enabled()))
        return super().outputs(model, batch)


def watch(
    name: str,
    model: nn.Module,
    settings: dict[str, Any],
    reading: str | None = None,
    sets: dict[str, Samples] | None = None,
    seed: int = 0,
    **more: Any,
) -> tuple[nn.Module, Watcher, Task]:
    """Return what a method makes of a copy of `model`, what it asked for, and its task."""
    method_card, objective = card(name), Watcher()
    chosen = {key: value for key, value in PLAIN.items() if key in method_card.hyperparameters} | settings
    filled = fill(method_card, reading, chosen)
    sets = sets or make_sets()
    declared = {s for s in sets if holds(getattr(method_card.needs, s), filled)}
    task = Task(sets, declared, objective, CLASSES, seed, **more)
    return make(name, reading, chosen).unlearn(copy.deepcopy(model), task), objective, task


def slow_divergence(teacher_BK: Tensor, student_BK: Tensor, temperature: float) -> Tensor:
    """Return the mean over samples of Σ_k t_k (log t_k − log s_k), one class at a time."""
    total = torch.zeros((), dtype=student_BK.dtype)
    for teacher, student in zip(teacher_BK, student_BK, strict=True):
        t, s = (torch.exp(row / temperature) for row in (teacher, student))
        t, s = t / t.sum(), s / s.sum()
        for k in range(len(t)):
            total = total + t[k] * (torch.log(t[k]) - torch.log(s[k]))
    return total / len(student_BK)


def perturbed(model: nn.Module, seed: int) -> nn.Module:
    """Give every parameter a value drawn from N(0, 1), in place; return the model."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=generator))
    return model
