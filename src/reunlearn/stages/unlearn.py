"""Run one unlearning method on one original model."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reunlearn.base.arrays import write_arrays
from reunlearn.base.errors import UserError
from reunlearn.stages.checkpoint_key import checkpoint_key
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader, open_loader
from reunlearn.stages.method_run import (
    forget,
    original_of,
    precision_of,
    series_of,
    settled,
    task_of,
    wait_for,
)
from reunlearn.stages.model_files import status, write_history
from reunlearn.study import paths
from reunlearn.study.jobs import UnlearnJob
from reunlearn.study.stages import followed
from reunlearn.training.replayed import read_replayed, replayed_distance
from reunlearn.training.tensor_files import read_tensors, save_model, write_tensors
from reunlearn.unlearning.progress import Place

CARRIED = "carried.safetensors"  # only of methods that leave something for the next step
STRICT = "REUNLEARN_STRICT"  # 1: only from the original's very weights


def run(context: Context[UnlearnJob]) -> None:
    """Write the unlearned model, its history, what it logs, and how many samples of each set were drawn.

    What the probes of a log take is no part of the seconds `run`, but those `log`.
    """
    job, loader = context.job, open_loader(context)
    method = settled(job.method, job.inputs.choice)
    state = {kind: Path(folder) for kind, folder in job.inputs.state.items()}
    model = starting_model(context, loader, state)
    history: list[dict[str, Any]] = []
    carried = read_carried(Path(job.inputs.original))
    original = original_of(loader, job.inputs.split)
    series = series_of(original, job.log, model)
    place = None if series.probe else place_of(context, history)
    task = task_of(
        original,
        method,
        job.scenario,
        job.seed,
        state=state,
        carried=carried,
        log=history.append,
        series=series,
        place=place,
    )
    context.facts["precision"] = precision_of(original, job.method)
    wait_for(context.device)
    with context.stopwatch.section("run"):
        model = forget(model, method, task, job.seed)
        wait_for(context.device)
    context.facts |= task.engine
    if job.log:
        write_arrays(context.folder / paths.SERIES, series.arrays())
        context.stopwatch.move("run", "log", series.seconds)
    save_model(model, context.folder / "model.safetensors")
    if task.carry:
        write_tensors(context.folder / CARRIED, task.carry)
    write_history(context.folder / "history.jsonl", history)
    context.facts["status"] = status(model, history)
    context.facts["drawn"] = task.drawn()
    if context.facts["status"] == "diverged":
        logging.warning("the method diverged: a weight or a loss is not finite; this is a result")


def place_of(context: Context[UnlearnJob], history: list[dict[str, Any]]) -> Place:
    """Return where the progress of a job is kept: for these inputs, settings and code alone."""
    job = context.job
    key = checkpoint_key(job, followed(job))
    return Place(paths.checkpoint(job.folder), key, history, context.resumed)


def starting_model(context: Context[UnlearnJob], loader: Loader, state: dict[str, Path]) -> nn.Module:
    """Return the model to unlearn: the original, or the one that a replay of its training ended in.

    State from a replay that missed the original, on another device, fits the weights that the replay itself reached:
    the run starts from them and its record says `replayed`, with their distance. Later steps of a chain go on from
    the step before, which did so.

    Raises:
        UserError: such a run is not wanted (REUNLEARN_STRICT=1).
    """
    model = loader.model(context.job.inputs.original)
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
        context.facts["replayed"] = distance
        if context.job.scenario.step in (None, 1):
            model = read_replayed(model, folder)
    return model


def read_carried(before: Path) -> dict[str, torch.Tensor]:
    """Return what the method left in the step before; nothing where the run starts from an original."""
    return read_tensors(before / CARRIED) if (before / CARRIED).exists() else {}
