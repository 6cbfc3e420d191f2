"""One run of a method of ours on small float64 networks, with all that a reference needs to repeat it.

`run` gives the model, every batch that the method was handed (in order, as it was handed over), every drawn label,
every other random draw and every fresh network. `assert_equal` compares with what a reference made of it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import reunlearn.unlearning.methods
from reunlearn.study.methods import holds
from reunlearn.study.recipes import Recipe
from reunlearn.study.scenario import read_scenario
from reunlearn.unlearning.registry import Method, card
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make

from .networks import CLASSES, fresh_network
from .recording import Drawn, RecordedClassification, draws_recorded
from .sets import SIZES, Labels, Sizes, make_sets

RECIPE: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 4,
    "learning_rate": 0.1,
}  # of the original, if a test says nothing
WITHIN = 1e-9  # of the largest change of a weight
ALL = sorted(p.stem for p in Path(str(reunlearn.unlearning.methods.__file__)).parent.glob("[a-z]*.py"))
# those of generators alone are compared in generators/
METHODS = [name for name in ALL if "samples" not in card(name).capabilities]


@dataclass
class Run:
    """A method's run and what it was given; lists are in the order of the calls."""

    method: Method
    before: nn.Module
    model: nn.Module = field(default_factory=nn.Module)  # after
    task: Task | None = None
    drawn: list[Drawn] = field(default_factory=list)
    labels: list[tuple[str, Tensor, Tensor]] = field(default_factory=list)  # rule, index [B], labels [B]
    random: list[tuple[str, Tensor]] = field(default_factory=list)  # function, what it drew
    fresh: list[nn.Module] = field(default_factory=list)  # as handed out
    logged: list[dict[str, Any]] = field(default_factory=list)

    def drawn_from(self, name: str) -> list[Drawn]:
        """Return the batches of one set, empty ones left out."""
        return [batch for batch in self.drawn if batch.set == name and len(batch.y)]

    def batches(self, name: str) -> list[tuple[Tensor, Tensor]]:
        """Return the same as (x, y)."""
        return [(batch.x, batch.y) for batch in self.drawn_from(name)]

    def whole(self, name: str) -> tuple[Tensor, Tensor]:
        """Return (x, y) of a whole set in its own order, not augmented."""
        assert self.task is not None
        samples = self.task._sets[name]._samples
        return samples.inputs(slice(None)), samples.y

    def original(self) -> nn.Module:
        """Return a copy of the network that the method was given."""
        return copy.deepcopy(self.before)

    def optimizer(self) -> dict[str, Any]:
        """Return the method's optimizer in the words of references/_optimizers.py."""
        settings: dict[str, Any] = {
            "name": self.method.optimizer,
            "weight_decay": self.method.weight_decay,
        }
        return settings | ({"momentum": self.method.momentum} if settings["name"] == "sgd" else {})

    def draws(self, function: str) -> list[Tensor]:
        """Return what torch.<function>(..., generator=...) or Tensor.<function> drew."""
        return [value for name, value in self.random if name == function]


def run(
    row: str,
    kind: str,
    settings: dict[str, Any],
    *,
    sizes: Sizes = None,
    labels: Labels = None,
    model: nn.Module | None = None,
    seed: int = 0,
    **task_fields: Any,
) -> Run:
    """Run a method.

    Args:
        row: as in tables, the method with its reading: scrub, salun@code.
        kind: one of NETS.
        settings: hyper-parameters.
        sizes, labels: see make_sets.
        model: the original; by default the network of this kind with seed 0.
        seed: of the task's randomness.
        task_fields: of the task: recipe, state, scenario, carried, result, true_labels.
    """
    name, _, reading = row.partition("@")
    method = make(name, reading or None, settings)
    original = fresh_network(kind) if model is None else model
    result = Run(method, copy.deepcopy(original))

    def fresh(number: int) -> nn.Module:
        result.fresh.append(fresh_network(kind, number))
        return copy.deepcopy(result.fresh[-1])

    task_fields = {"fresh": fresh, "log": result.logged.append} | task_fields
    task_fields["recipe"] = Recipe(**(RECIPE | dict(task_fields.get("recipe", {}))))
    if "scenario" in task_fields:
        task_fields["scenario"] = read_scenario(task_fields["scenario"])
    sets = make_sets(kind, result.drawn, sizes, labels)
    objective = RecordedClassification(result.labels)
    result.task = Task(sets, declared_needs(name, method), objective, CLASSES, seed, **task_fields)
    with draws_recorded(result.random):
        result.model = method.unlearn(copy.deepcopy(original), result.task)
    return result


def declared_needs(name: str, method: Method) -> set[str]:
    """Return the sets that a method with these hyper-parameters declares, and "true_labels" if it needs them."""
    entry = card(name)
    values = {key: getattr(method, key) for key in entry.hyperparameters}
    return {need for need in (*SIZES, "true_labels") if holds(getattr(entry.needs, need), values)}


def paired(forget: Sequence[Drawn], retain: Sequence[Drawn]) -> list[Any]:
    """Return (x_f, y_f, x_r, y_r) of each step."""
    return [(f.x, f.y, r.x, r.y) for f, r in zip(forget, retain, strict=True)]


def in_epochs(steps: Sequence[Any], per_epoch: int) -> list[list[Any]]:
    """Cut a run's steps into epochs of equal length."""
    assert steps and len(steps) % per_epoch == 0
    return [list(steps[i : i + per_epoch]) for i in range(0, len(steps), per_epoch)]


def assert_equal(ours: Run, reference: nn.Module, within: float = WITHIN) -> None:
    """Refuse weights or buffers that differ by more than `within` of the largest change.

    The largest change of a weight is the measure for weights, that of a buffer for buffers.
    """
    weights = dict(ours.model.named_parameters())
    before, states, expected = ours.before.state_dict(), ours.model.state_dict(), reference.state_dict()
    assert {n: v.shape for n, v in states.items()} == {n: v.shape for n, v in expected.items()}
    counters = [n for n, value in states.items() if not value.is_floating_point()]
    assert all(torch.equal(states[n], expected[n]) for n in counters), (
        "BatchNorm saw another number of batches"
    )
    for moved in (True, False):
        names = [n for n in states if n not in counters and (n in weights) == moved]
        change = largest(states, before, names)
        assert change > 1e-6 or not moved, "the run changed nothing"
        difference = largest(states, expected, names)
        assert difference <= within * change, (
            f"differs by {difference / max(change, 1e-30):.1e} of the change"
        )


def largest(first: dict[str, Tensor], second: dict[str, Tensor], names: list[str]) -> float:
    """Return the largest difference of an entry; tensors without a counterpart of their shape are left out."""
    differences = [0.0]
    for name in names:
        if name in second and first[name].shape == second[name].shape:
            differences.append(float((first[name].double() - second[name].double()).abs().max()))
    return max(differences)
