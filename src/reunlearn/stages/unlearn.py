"""Run one unlearning method on one original model."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.stages.execution import Job
from reunlearn.stages.loading import Loader
from reunlearn.stages.method_run import forget, kinds_of, task_of
from reunlearn.stages.training import open_loader, status, write_history
from reunlearn.training.checkpoint import save_model
from reunlearn.training.replay import read_replayed, replayed_distance

CARRIED = "carried.safetensors"  # only of methods that leave something for the next step
STRICT = "REUNLEARN_STRICT"  # 1: only from the original's very weights


def run(job: Job) -> None:
    """Write the unlearned model, its history, and how many samples of each set were drawn."""
    spec = job["method"]
    loader = open_loader(job)
    state = {kind: job.input(kind) for kind in kinds_of(spec)}
    model = starting_model(job, loader, state)
    history: list[dict[str, Any]] = []
    carried = read_carried(job.input("original"))
    task = task_of(
        loader, spec, job.input("split"), job["scenario"], job["seed"], state, carried, history.append
    )
    _synchronise(job.device)
    with job.stopwatch.section("run"):
        model = forget(model, spec, task, job["seed"])
        _synchronise(job.device)
    save_model(model, job.folder / "model.safetensors")
    if task.carry:
        tensors = {name: t.detach().cpu().contiguous() for name, t in task.carry.items()}
        save_file(tensors, job.folder / CARRIED)
    write_history(job.folder / "history.jsonl", history)
    job.facts["status"] = status(model, history)
    job.facts["drawn"] = task.drawn()
    if job.facts["status"] == "diverged":
        logging.warning("the method diverged: a weight or a loss is not finite; this is a result")


def starting_model(job: Job, loader: Loader, state: dict[str, Path]) -> nn.Module:
    """Return the model to unlearn: the original, or the one that a replay of its training ended in.

    State from a replay that missed the original, on another device, fits the weights that the replay itself reached:
    the run starts from them and its record says `replayed`, with their distance. Later steps of a chain go on from
    the step before, which did so.

    Raises:
        UserError: such a run is not wanted (REUNLEARN_STRICT=1).
    """
    model = loader.model(job.input("original"))
    for kind, folder in state.items():
        distance = replayed_distance(folder)
        if distance == 0:
            continue
        if os.environ.get(STRICT) == "1":
            raise UserError(
                f"{folder}: the replay of the training ended {distance:.3g} from the original; {STRICT}=1 refuses "
                "that, so train and replay on the same kind of device"
            )
        logging.warning(
            "%s was replayed and ended %.3g from the original: that model is unlearned", kind, distance
        )
        job.facts["replayed"] = distance
        if job["scenario"].get("step") in (None, 1):
            model = read_replayed(model, folder)
    return model


def read_carried(before: Path) -> dict[str, torch.Tensor]:
    """Return what the method left in the step before; nothing where the run starts from an original."""
    return load_file(before / CARRIED) if (before / CARRIED).exists() else {}


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
