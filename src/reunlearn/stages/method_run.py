"""Let a method forget: what it is given, and how it is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.artifacts.choice import Choice
from reunlearn.stages.loading import Loader
from reunlearn.study.logs import PROBES, PROBES_MODULE
from reunlearn.study.methods import holds, state_kinds
from reunlearn.study.scenario import AnyScenario
from reunlearn.study.specs import MethodSpec
from reunlearn.training.precision import in_precision, in_use
from reunlearn.training.randomness import seeded
from reunlearn.unlearning.progress import Place
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
    place: Place | None = None,
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
        place=place,
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
