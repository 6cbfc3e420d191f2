"""Let a method forget: one evaluated model, or each model of a pool that tells how such models answer."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.base.arrays import read_arrays
from reunlearn.stages.execution import Job
from reunlearn.stages.loading import Loader
from reunlearn.study.methods import holds, state_kinds
from reunlearn.training.randomness import seeded
from reunlearn.training.replay import read_replayed, replayed_distance
from reunlearn.training.state.registry import StateRequest, write
from reunlearn.training.state.registry import card as about
from reunlearn.unlearning.registry import card, make
from reunlearn.unlearning.task import Task

DECLARED = ("forget", "retain", "validation", "true_labels")


def kinds_of(spec: dict[str, Any]) -> list[str]:
    """Return the training-time state that a method reads under its settings."""
    return state_kinds(card(spec["name"]), spec["settings"])


def task_of(
    loader: Loader,
    spec: dict[str, Any],
    split: Path,
    scenario: dict[str, Any],
    seed: int,
    state: dict[str, Path],
    carried: dict[str, Tensor],
    log: Callable[[dict[str, Any]], None] = lambda numbers: None,
) -> Task:
    """Return what the method of a row's specification is given besides the model."""
    needs = card(spec["name"])["needs"]
    return Task(
        loader.sets(split),
        {name for name in DECLARED if holds(needs[name], spec["settings"])},
        loader.objective(),
        loader.classes,
        seed=seed,
        recipe=loader.training["recipe"],
        state=state,
        fresh=loader.random_model,
        log=log,
        true_labels=torch.from_numpy(loader.true_labels).to(loader.device),
        result=loader.result_model,
        scenario=scenario,
        carried=carried,
    )


def forget(model: nn.Module, spec: dict[str, Any], task: Task, seed: int) -> nn.Module:
    """Return what the method makes of the model; layers draw from the seed."""
    method = make(spec["name"], spec["reading"], spec["settings"])
    with seeded(seed, "unlearn", device=task.device):
        return method.unlearn(model, task)


def forget_each(job: Job, loader: Loader, models: list[nn.Module], seeds: list[int]) -> list[nn.Module]:
    """Return the models of a pool after all steps of the job's method; a model's seed also gives the method's draws."""
    with job.stopwatch.section("unlearn"):
        return [_in_steps(job, loader, model, seed) for model, seed in zip(models, seeds, strict=True)]


def _in_steps(job: Job, loader: Loader, model: nn.Module, seed: int) -> nn.Module:
    spec, carried = job["method"], dict[str, Tensor]()
    kinds = kinds_of(spec)
    original = copy.deepcopy(model) if kinds else model  # methods change the model that they are given
    for step, (split, scenario) in enumerate(zip(job["inputs"]["splits"], job["scenarios"], strict=True)):
        with tempfile.TemporaryDirectory() as place:
            state = {kind: Path(place) / kind for kind in kinds}
            for kind, folder in state.items():
                _write_state(loader, kind, folder, original, seed, Path(split))
                if step == 0 and replayed_distance(folder):
                    model = read_replayed(loader.random_model(0), folder)
            task = task_of(loader, spec, Path(split), scenario, seed, state, carried)
            model, carried = forget(model, spec, task, seed), task.carry
    return model


def _write_state(
    loader: Loader, kind: str, folder: Path, original: nn.Module, seed: int, split: Path
) -> None:
    folder.mkdir()
    recipe = loader.training["recipe"]
    indices = read_arrays(split / "indices.npz") if about(kind)["per_split"] else {}
    request = StateRequest(
        folder,
        original,
        loader.training_samples(),
        loader.objective(recipe["label_smoothing"]),
        recipe,
        seed,
        start=loader.fresh_model,
        result=loader.result_model,
        forget=indices.get("forget"),
        earlier=indices.get("earlier"),
    )
    with seeded(seed, "state", kind, device=loader.device):
        write(kind, request)
