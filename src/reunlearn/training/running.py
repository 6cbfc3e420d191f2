"""What changes while a model is trained, kept in a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from reunlearn.base.prefixes import below
from reunlearn.training import checkpoint
from reunlearn.training.schedules import advance

History = list[dict[str, Any]]


@dataclass(frozen=True)
class Running:
    """What changes while a model is trained: with the history, all that the next epoch depends on."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: LRScheduler
    generator: torch.Generator  # of batch order and augmentation
    average: AveragedModel | None = None  # of the weights, where the recipe keeps that


def save(folder: Path, key: str, history: History, running: Running, seconds: float) -> None:
    """Write everything that the next epoch needs, and the seconds that were spent."""
    facts, tensors = checkpoint.optimizer_state(running.optimizer)
    tensors |= {f"model.{k}": v for k, v in running.model.state_dict().items()}
    if running.average is not None:
        tensors |= {f"average.{k}": v for k, v in running.average.state_dict().items()}
    tensors["generator"] = running.generator.get_state()
    content = {
        "history": history,
        "optimizer": facts,
        "schedule_steps": running.schedule.last_epoch,
        "seconds": seconds,
    }
    checkpoint.keep(folder, key, f"epoch{len(history)}", content, tensors)


def resume(folder: Path, key: str, running: Running) -> tuple[History, float]:
    """Restore the state of this very training; return the history of the epochs already done, and their seconds.

    The schedule is fresh: it steps to where it was, through the same rates, before the optimizer gets its own back.
    """
    found = checkpoint.read_kept(folder, key)
    if found is None:
        return [], 0.0
    facts, tensors = found.facts, found.tensors
    running.model.load_state_dict(below(tensors, "model."))
    if running.average is not None:
        running.average.load_state_dict(below(tensors, "average."))
    advance(running.schedule, facts["schedule_steps"])
    checkpoint.restore_optimizer(running.optimizer, facts["optimizer"], tensors)
    running.generator.set_state(tensors["generator"])
    return facts["history"], facts["seconds"]
