"""One run of a method of ours on small float64 networks, with all that a reference needs to repeat it.

`run` gives the model, every batch that the method was handed (in order, as it was handed over), every drawn
label, every other random draw and every fresh network. `assert_equal` compares with what a reference made of it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.batches import Batch, Samples
from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import Classification
from reunlearn.study.methods import holds
from reunlearn.unlearning.registry import Method, card, make
from reunlearn.unlearning.task import Task

from .references_b_nets import CLASSES, NETS, built

IMAGES = {"two_layer": (3, 1, 1), "small_conv": (2, 4, 4)}  # [C, H, W]
SIZES = {"forget": 6, "retain": 11, "validation": 9}
WITHIN = 1e-9  # of the largest change of a weight


@dataclass(frozen=True)
class Drawn:
    """A batch that a method was handed."""

    set: str
    x: Tensor
    y: Tensor
    index: Tensor  # unique over all sets: 0 ... of forget, then retain, then validation
    augmented: bool


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

    def of(self, name: str) -> list[Drawn]:
        """Return the batches of one set, empty ones left out."""
        return [d for d in self.drawn if d.set == name and len(d.y)]

    def all(self, name: str) -> tuple[Tensor, Tensor]:
        """Return (x, y) of a whole set in its own order, not augmented."""
        assert self.task is not None
        samples = self.task._sets[name]._samples
        return samples.inputs(slice(None)), samples.y

    def optimizer(self) -> dict[str, Any]:
        """Return the method's optimizer in the words of references/optimizers.py."""
        about: dict[str, Any] = {"name": self.method.optimizer, "weight_decay": self.method.weight_decay}
        return about | ({"momentum": self.method.momentum} if about["name"] == "sgd" else {})

    def randoms(self, function: str) -> list[Tensor]:
        """Return what torch.<function>(..., generator=...) or Tensor.<function> drew."""
        return [value for name, value in self.random if name == function]


class Noted(ImageSamples):
    """Float64 images that note each batch handed out."""

    name = ""
    notes: list[Drawn]

    def inputs(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Tensor:
        return super().inputs(rows, generator).double().contiguous()

    def take(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Batch:
        batch = super().take(rows, generator)
        kept = (batch.x.clone(), batch.y.clone(), batch.index.clone())
        self.notes.append(Drawn(self.name, *kept, generator is not None))
        return batch


class NotedClassification(Classification):
    """Cross-entropy that notes the wrong labels it draws."""

    def __init__(self, notes: list[tuple[str, Tensor, Tensor]]) -> None:
        super().__init__(CLASSES)
        self.notes = notes

    def forget_target(self, batch: Batch, kind: str, generator: torch.Generator) -> Tensor:
        labels = super().forget_target(batch, kind, generator)
        self.notes.append((kind, batch.index.clone(), labels.clone()))
        return labels


def make_sets(
    kind: str, notes: list[Drawn], sizes: dict[str, int] | None = None, labels: dict[str, Any] | None = None
) -> dict[str, Samples]:
    """Return forget, retain and validation: random images whose brightness tells a little of their class.

    Args:
        kind: network that they are for.
        notes: takes note of every batch.
        sizes: other sizes than SIZES, by set.
        labels: the labels of a set; without them every class occurs.
    """
    rng, sets, first = np.random.default_rng(3), {}, 0
    for name, usual in SIZES.items():
        size = (sizes or {}).get(name, usual)
        y = np.asarray((labels or {}).get(name, rng.permutation(np.arange(size) % CLASSES)))
        x = rng.integers(0, 180, (len(y), *IMAGES[kind])) + 30 * y[:, None, None, None]
        index = np.arange(first, first + len(y))
        channels = IMAGES[kind][0]
        flips = Augmentation(("flip",))
        noted = Noted(x.astype(np.uint8), y, index, (0.4,) * channels, (0.3,) * channels, flips)
        noted.name, noted.notes = name, notes
        sets[name], first = noted, first + len(y)
    return sets


def fresh_network(kind: str, seed: int) -> nn.Module:
    """Return a network with weights drawn from the seed; the global generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        return built(kind, seed)


@contextmanager
def noting(random: list[tuple[str, Tensor]]) -> Iterator[None]:
    """Note what torch draws from an explicit generator."""
    places: list[tuple[Any, str]] = [(torch, n) for n in ("randn", "rand", "randint", "randperm")]
    places += [(torch.Tensor, n) for n in ("normal_", "uniform_")]
    originals = [(place, name, getattr(place, name)) for place, name in places]

    def wrapped(name: str, function: Any) -> Any:
        def call(*args: Any, **options: Any) -> Tensor:
            result = function(*args, **options)
            if options.get("generator") is not None:
                random.append((name, result.detach().clone()))
            return result

        return call

    try:
        for place, name, function in originals:
            setattr(place, name, wrapped(name, function))
        yield
    finally:
        for place, name, function in originals:
            setattr(place, name, function)


def run(
    name: str,
    kind: str,
    settings: dict[str, Any],
    sizes: dict[str, int] | None = None,
    labels: dict[str, Any] | None = None,
    model: nn.Module | None = None,
    seed: int = 0,
    **more: Any,
) -> Run:
    """Run a method.

    Args:
        name: as in tables, with its reading: scrub, salun@code.
        kind: one of NETS.
        settings: hyper-parameters.
        sizes, labels: see make_sets.
        model: the original; by default the network of this kind with seed 0.
        seed: of the task's randomness.
        more: of the task: recipe, state, scenario, carried, result, true_labels.
    """
    method_name, _, reading = name.partition("@")
    method = make(method_name, reading or None, settings)
    original = fresh_network(kind, 0) if model is None else model
    result = Run(method, copy.deepcopy(original))
    about = card(method_name)
    filled = {key: getattr(method, key) for key in about["hyperparameters"]}
    declared = {s for s in SIZES if holds(about["needs"][s], filled)}
    if holds(about["needs"]["true_labels"], filled):
        declared.add("true_labels")

    def fresh(number: int) -> nn.Module:
        result.fresh.append(fresh_network(kind, number))
        return copy.deepcopy(result.fresh[-1])

    more = {"recipe": {"epochs": 2}, "fresh": fresh, "log": result.logged.append} | more
    sets = make_sets(kind, result.drawn, sizes, labels)
    result.task = Task(sets, declared, NotedClassification(result.labels), CLASSES, seed, **more)
    with noting(result.random):
        result.model = method.unlearn(copy.deepcopy(original), result.task)
    return result


def epochs(steps: Sequence[Any], per_epoch: int) -> list[list[Any]]:
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
    found = [0.0]
    for name in names:
        if name in second and first[name].shape == second[name].shape:
            found.append(float((first[name].double() - second[name].double()).abs().max()))
    return max(found)


__all__ = ["CLASSES", "NETS", "Drawn", "Run", "assert_equal", "epochs", "fresh_network", "make_sets", "run"]
