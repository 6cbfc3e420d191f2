"""What changes while models are trained, kept in a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from reunlearn.base.prefixes import below
from reunlearn.training import checkpoint
from reunlearn.training.engines.engine import Engine
from reunlearn.training.schedules import advance

History = list[dict[str, Any]]


@dataclass(frozen=True)
class Running:
    """What changes while models are trained: with the histories, all that the next epoch depends on."""

    engine: Engine
    schedule: LRScheduler
    generators: list[torch.Generator]  # of each model's batch order and augmentation
    average: AveragedModel | None = None  # of the weights, where the recipe keeps that


def save(folder: Path, key: str, histories: list[History], running: Running, seconds: float) -> None:
    """Write everything that the next epoch needs, and the seconds that were spent."""
    engine = running.engine
    facts, tensors = checkpoint.optimizer_state(engine.optimizer)
    tensors |= {f"network.{k}": v for k, v in engine.network.state_dict().items()}
    if running.average is not None:
        tensors |= {f"average.{k}": v for k, v in running.average.state_dict().items()}
    tensors |= {f"generator.{n}": each.get_state() for n, each in enumerate(running.generators)}
    content = {
        "histories": histories,
        "optimizer": facts,
        "schedule_steps": running.schedule.last_epoch,
        "seconds": seconds,
    }
    checkpoint.keep(folder, key, f"epoch{len(histories[0])}", content, tensors)


def resume(folder: Path, key: str, running: Running) -> tuple[list[History], float]:
    """Restore the state of this very training; return the histories of the epochs already done, and their seconds.

    The schedule is fresh: it steps to where it was, through the same rates, before the optimizer gets its own back.
    """
    found = checkpoint.read_kept(folder, key)
    if found is None:
        return [[] for _ in running.generators], 0.0
    facts, tensors = found.facts, found.tensors
    running.engine.network.load_state_dict(below(tensors, "network."))
    if running.average is not None:
        running.average.load_state_dict(below(tensors, "average."))
    advance(running.schedule, facts["schedule_steps"])
    checkpoint.restore_optimizer(running.engine.optimizer, facts["optimizer"], tensors)
    for number, generator in enumerate(running.generators):
        generator.set_state(tensors[f"generator.{number}"])
    return facts["histories"], facts["seconds"]
