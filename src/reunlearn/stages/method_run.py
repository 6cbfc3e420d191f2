"""Let a method forget: one evaluated model, or each model of a pool that tells how such models answer."""

from __future__ import annotations

import copy
import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.artifacts.choice import Choice
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader, read_split
from reunlearn.study.jobs import ShadowJob
from reunlearn.study.logs import PROBES, PROBES_MODULE
from reunlearn.study.methods import holds, state_kinds
from reunlearn.study.scenario import AnyScenario
from reunlearn.study.specs import MethodSpec
from reunlearn.training.precision import in_precision, in_use
from reunlearn.training.randomness import seeded
from reunlearn.training.replayed import read_replayed, replayed_distance
from reunlearn.training.state.registry import StateRequest, write
from reunlearn.training.state.registry import card as state_card
from reunlearn.unlearning.registry import card, make
from reunlearn.unlearning.series import Probe, Series
from reunlearn.unlearning.task import Task

DECLARED = ("forget", "retain", "validation", "true_labels")


def settled(method: MethodSpec, choice: str | None) -> MethodSpec:
    """Return a method with all its settings; those that are searched stand in the folder of the choice."""
    if method.search is None:
        return method
    if choice is None:
        raise ValueError(f"method '{method.name}' is searched, and no choice is given")
    return method.chosen(Choice.read(Path(choice)).chosen.settings)


def kinds_of(method: MethodSpec) -> list[str]:
    """Return the kinds of training-time state that a method reads under its settings."""
    return state_kinds(card(method.name), method.trials[0].settings)


def precision_of(loader: Loader, method: MethodSpec) -> str:
    """Return the precision that a method computes in: the recipe's, where its card says `mixed`.

    Methods that change weights by a formula (Fisher, influence, kernels, projections) and those with a network of their
    own always compute in full precision.
    """
    return in_use(loader.recipe.precision, loader.device) if card(method.name).mixed else "full"


def task_of(
    loader: Loader,
    method: MethodSpec,
    split: str,
    scenario: AnyScenario,
    seed: int,
    *,
    state: dict[str, Path],
    carried: dict[str, Tensor],
    log: Callable[[dict[str, Any]], None] = lambda numbers: None,
    series: Series | None = None,
) -> Task:
    """Return what a row's method is given besides the model."""
    needs = card(method.name).needs
    return Task(
        loader.sets(split),
        {name for name in DECLARED if holds(getattr(needs, name), method.settings)},
        in_precision(loader.objective(), precision_of(loader, method), loader.device),
        loader.classes,
        seed=seed,
        recipe=loader.recipe,
        state=state,
        fresh=loader.random_model,
        log=log,
        true_labels=torch.from_numpy(loader.true_labels).to(loader.device),
        result=loader.result_model,
        scenario=scenario,
        carried=carried,
        series=series,
    )


def series_of(loader: Loader, split: str, asked: tuple[str, ...], model: nn.Module) -> Series:
    """Return what notes the numbers that a job logs; `model`: where the method starts."""
    probe: Probe | None = None
    if any(name in PROBES for name in asked):  # by name: their code belongs to the runs that log them alone
        probes = importlib.import_module(PROBES_MODULE)
        probe = probes.GradientProbe(loader.sets(split)["forget"], loader.objective(), model, asked)
    return Series(asked, probe)


def forget(model: nn.Module, method: MethodSpec, task: Task, seed: int) -> nn.Module:
    """Return what the method makes of the model; layers draw from the seed."""
    with seeded(seed, "unlearn", device=task.device):
        return make(method).unlearn(model, task)


def forget_each(
    context: Context[ShadowJob], loader: Loader, models: list[nn.Module], seeds: list[int]
) -> list[nn.Module]:
    """Return the models of a pool after all steps of the job's method; a model's seed also gives the method's draws."""
    with context.stopwatch.section("unlearn"):
        return [
            _in_steps(context.job, loader, model, seed) for model, seed in zip(models, seeds, strict=True)
        ]


def _in_steps(job: ShadowJob, loader: Loader, model: nn.Module, seed: int) -> nn.Module:
    assert job.forgetting
    method, carried = settled(job.forgetting.method, job.inputs.choice), dict[str, Tensor]()
    kinds = kinds_of(method)
    original = copy.deepcopy(model) if kinds else model  # methods change the model that they are given
    for step, (split, scenario) in enumerate(zip(job.inputs.splits, job.forgetting.scenarios, strict=True)):
        with tempfile.TemporaryDirectory() as place:
            state = {kind: Path(place) / kind for kind in kinds}
            for kind, folder in state.items():
                _write_state(loader, kind, folder, original, seed, split=split)
                if step == 0 and replayed_distance(folder):
                    model = read_replayed(loader.random_model(0), folder)
            task = task_of(loader, method, split, scenario, seed, state=state, carried=carried)
            model, carried = forget(model, method, task, seed), task.carry
    return model


def _write_state(
    loader: Loader, kind: str, folder: Path, original: nn.Module, seed: int, *, split: str
) -> None:
    folder.mkdir()
    indices = read_split(split) if state_card(kind).per_split else {}
    request = StateRequest(
        folder,
        original,
        loader.training_samples(),
        loader.training_objective(),
        loader.recipe,
        seed,
        start=loader.fresh_model,
        result=loader.result_model,
        forget=indices.get("forget"),
        earlier=indices.get("earlier"),
    )
    with seeded(seed, "state", kind, device=loader.device):
        write(kind, request)
