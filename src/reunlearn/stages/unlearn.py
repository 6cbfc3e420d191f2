"""Run one unlearning method on one original model."""

from __future__ import annotations

import logging
from typing import Any

import torch

from reunlearn.stages.execution import Job
from reunlearn.stages.training import open_loader, status, write_history
from reunlearn.study.methods import holds, state_kinds
from reunlearn.training.checkpoint import save_model
from reunlearn.training.randomness import seeded
from reunlearn.unlearning.registry import card, make
from reunlearn.unlearning.task import Task

DECLARED = ("forget", "retain", "validation", "true_labels")


def run(job: Job) -> None:
    """Write the unlearned model, its history, and how many samples of each set were drawn."""
    spec = job["method"]
    about = card(spec["name"])
    method = make(spec["name"], spec["fidelity"], spec["settings"])
    loader = open_loader(job)
    model = loader.model(job.input("original"))
    history: list[dict[str, Any]] = []
    declared = {name for name in DECLARED if holds(about["needs"][name], spec["settings"])}
    task = Task(
        loader.sets(job.input("split")),
        declared,
        loader.objective(),
        loader.classes,
        seed=job["seed"],
        recipe=job["training"]["recipe"],
        state={kind: job.input(kind) for kind in state_kinds(about, spec["settings"])},
        fresh=loader.random_model,
        log=history.append,
        true_labels=torch.from_numpy(loader.true_labels).to(job.device),
    )
    _synchronise(job.device)
    with job.stopwatch.section("run"), seeded(job["seed"], "unlearn", device=job.device):
        model = method.unlearn(model, task)
        _synchronise(job.device)
    save_model(model, job.folder / "model.safetensors")
    write_history(job.folder / "history.jsonl", history)
    job.facts["status"] = status(model, history)
    job.facts["drawn"] = task.drawn()
    if job.facts["status"] == "diverged":
        logging.warning("the method diverged: a weight or a loss is not finite; this is a result")


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
