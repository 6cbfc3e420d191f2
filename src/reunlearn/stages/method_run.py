"""Let a method forget: what it is given, and how it is called. Jobs and the library call methods here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from reunlearn.artifacts.choice import Choice
from reunlearn.data.batches import Samples
from reunlearn.objectives.registry import Objective
from reunlearn.study.logs import PROBES, PROBES_MODULE
from reunlearn.study.methods import holds, state_kinds
from reunlearn.study.recipes import Recipe
from reunlearn.study.scenario import Scenario
from reunlearn.study.specs import MethodSpec
from reunlearn.training.precision import in_precision, in_use
from reunlearn.training.randomness import seeded
from reunlearn.unlearning.progress import Place
from reunlearn.unlearning.registry import card, make
from reunlearn.unlearning.series import Probe, Series
from reunlearn.unlearning.task import Task

if TYPE_CHECKING:
    from reunlearn.stages.loading import Loader

DECLARED = ("forget", "retain", "validation", "true_labels")


@dataclass(frozen=True)
class Original:
    """What is known of the model to unlearn, besides its weights.

    Attributes:
        sets: gives forget and, where there are such, retain, validation and earlier; on the device.
        objective: gives the one of the task, in full precision.
        classes: number of classes, 0 where there are none.
        device: where models and batches live.
        fresh: gives an untrained network, by seed.
        result: the same of the architecture that the method returns.
        true_labels: of training samples by their index [N].
        recipe: how the model was trained; None where nobody knows.
        precision: that was asked for: full or mixed.
    """

    sets: Callable[[], dict[str, Samples]]
    objective: Callable[[], Objective]
    classes: int
    device: str
    fresh: Callable[[int], nn.Module]
    result: Callable[[int], nn.Module]
    true_labels: Tensor
    recipe: Recipe | None
    precision: str


def original_of(loader: Loader, split: str) -> Original:
    """Return what the folders of a study say of an original; `split`: the folder that says what to forget."""
    return Original(
        lambda: loader.sets(split),
        loader.objective,
        loader.classes,
        loader.device,
        fresh=loader.random_model,
        result=loader.result_model,
        true_labels=torch.from_numpy(loader.true_labels).to(loader.device),
        recipe=loader.recipe,
        precision=loader.recipe.precision,
    )


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


def declared(method: MethodSpec) -> set[str]:
    """Return which of DECLARED a method may read under its settings."""
    needs = card(method.name).needs
    return {name for name in DECLARED if holds(getattr(needs, name), method.settings)}


def precision_of(original: Original, method: MethodSpec) -> str:
    """Return the precision that a method computes in: what was asked for, where its card says `mixed`.

    Methods that change weights by a formula (Fisher, influence, kernels, projections) and those with a network of their
    own always compute in full precision.
    """
    return in_use(original.precision, original.device) if card(method.name).mixed else "full"


def task_of(
    original: Original,
    method: MethodSpec,
    scenario: Scenario,
    seed: int,
    *,
    state: dict[str, Path],
    carried: dict[str, Tensor],
    log: Callable[[dict[str, Any]], None] = lambda numbers: None,
    series: Series | None = None,
    place: Place | None = None,
) -> Task:
    """Return what a method is given besides the model; see Task."""
    return Task(
        original.sets(),
        declared(method),
        in_precision(original.objective(), precision_of(original, method), original.device),
        original.classes,
        seed=seed,
        recipe=original.recipe,
        state=state,
        fresh=original.fresh,
        log=log,
        true_labels=original.true_labels,
        result=original.result,
        scenario=scenario,
        carried=carried,
        series=series,
        place=place,
    )


def series_of(original: Original, asked: Sequence[str], model: nn.Module) -> Series:
    """Return what notes the numbers that are asked for; `model`: where the method starts."""
    probe: Probe | None = None
    if any(name in PROBES for name in asked):  # by name: their code belongs to the runs that log them alone
        probes = importlib.import_module(PROBES_MODULE)
        probe = probes.GradientProbe(original.sets()["forget"], original.objective(), model, asked)
    return Series(asked, probe)


def forget(model: nn.Module, method: MethodSpec, task: Task, seed: int) -> nn.Module:
    """Return what the method makes of the model, which it may change; layers draw from the seed."""
    with seeded(seed, "unlearn", device=task.device):
        return make(method).unlearn(model, task)


def wait_for(device: str) -> None:
    """Wait until a GPU has done all that it was given: only then are seconds true."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
