"""Resumable state of a running training: safetensors and JSON, outside the job's declared outputs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from reunlearn.base.files import read_json, write_json
from reunlearn.training.schedules import advance
from reunlearn.training.tensor_files import read_tensors, write_tensors

History = list[dict[str, Any]]


@dataclass(frozen=True)
class Running:
    """What changes while a model is trained: with the history, all that the next epoch depends on."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: LRScheduler
    generator: torch.Generator  # of batch order and augmentation
    average: AveragedModel | None = None  # of the weights, where the recipe keeps that


def save(folder: Path, key: str, history: History, running: Running) -> None:
    """Write everything that the next epoch needs; the JSON file last, so that half of it never counts."""
    facts, tensors = optimizer_state(running.optimizer)
    tensors |= {f"model.{k}": v for k, v in running.model.state_dict().items()}
    if running.average is not None:
        tensors |= {f"average.{k}": v for k, v in running.average.state_dict().items()}
    tensors["generator"] = running.generator.get_state()
    name = f"epoch{len(history)}.safetensors"
    write_tensors(folder / name, tensors)
    content = {
        "key": key,
        "history": history,
        "tensors": name,
        "optimizer": facts,
        "schedule_steps": running.schedule.last_epoch,
    }
    write_json(folder / "checkpoint.json", content)
    for old in folder.glob("epoch*.safetensors"):
        if old.name != name:
            old.unlink()


def resume(folder: Path, key: str, running: Running) -> History:
    """Restore the state of this very training; return the history of the epochs already done.

    The schedule is fresh: it steps to where it was, through the same rates, before the optimizer gets its own back.
    """
    path = folder / "checkpoint.json"
    if not path.exists():
        return []
    facts = read_json(path)
    if facts["key"] != key:
        return []
    tensors = read_tensors(folder / facts["tensors"])
    running.model.load_state_dict(_below(tensors, "model."))
    if running.average is not None:
        running.average.load_state_dict(_below(tensors, "average."))
    advance(running.schedule, facts["schedule_steps"])
    restore_optimizer(running.optimizer, facts["optimizer"], tensors)
    running.generator.set_state(tensors["generator"])
    return facts["history"]


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin so, without that."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def discard(folder: Path) -> None:
    """Remove a checkpoint that is no longer needed; its JSON first, so that half of it never counts."""
    (folder / "checkpoint.json").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return an optimizer's state as plain facts and named tensors."""
    content = optimizer.state_dict()
    tensors, scalars = {}, {}
    for number, entries in content["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{number}.{name}"] = value
            else:
                scalars[f"{number}.{name}"] = value
    return {"groups": content["param_groups"], "scalars": scalars}, tensors


def restore_optimizer(
    optimizer: torch.optim.Optimizer, facts: dict[str, Any], tensors: dict[str, Tensor]
) -> None:
    """Put back what `optimizer_state` returned: `facts`, and `tensors` among any others."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, entry = name.split(".", 2)
            state.setdefault(int(number), {})[entry] = value
    for name, value in facts["scalars"].items():
        number, entry = name.split(".", 1)
        state.setdefault(int(number), {})[entry] = value
    optimizer.load_state_dict({"state": state, "param_groups": facts["groups"]})
